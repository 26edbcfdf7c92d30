"""Both approaches to a customer's worth over batches of rows: the body of what Spark maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from models.btyd.scoring import PREDICTED_DDL as BTYD_DDL, predict_batch
from models.btyd.shifted_beta_geometric import FORMAT as RENEWALS, ShiftedBetaGeometric
from models.btyd.worth import LifetimeModel
from models.survival.portable import dates_ahead
from models.survival.worth import LEAVES, LIFE, MONEY, STAYS, SurvivalWorth

DATES = {
    "likely_churn_date": "likely_churn_days",
    "earliest_churn_date": "likely_churn_from_days",
    "latest_churn_date": "likely_churn_to_days",
}
CHANCES = (*LEAVES, *STAYS)
SURVIVAL = (*CHANCES, *(f"survival_{name}" for name in MONEY))
PREDICTED_DDL = (
    BTYD_DDL
    + ", remaining_lifetime_days double, "
    + ", ".join(f"{name} date" for name in DATES)
    + ", "
    + ", ".join(f"{name} double" for name in SURVIVAL)
)


def model_of(portable_json: str) -> LifetimeModel | SurvivalWorth | ShiftedBetaGeometric:
    """The model of either approach, or of renewals, that a text of `to_json` holds."""
    parts = json.loads(portable_json)
    if parts.get("format") == RENEWALS:
        return ShiftedBetaGeometric.from_json(portable_json)
    return (SurvivalWorth if "life" in parts else LifetimeModel).from_json(portable_json)


def batch_predictor(
    btyd: str | None, survival: str | None
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: the purchase summary with entry_days, features and past sums in,
    PREDICTED_DDL out, the same rows in order. None: that model could not be fitted.

    entry_days null: the customer has left already, and what survival says is null.
    """

    def predict(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        purchases = LifetimeModel.from_json(btyd) if btyd else None
        staying = SurvivalWorth.from_json(survival) if survival else None
        for batch in batches:
            found = predict_batch(purchases, batch)
            yield pd.concat([found, survival_batch(staying, batch)], axis=1)

    return predict


def survival_batch(model: SurvivalWorth | None, batch: pd.DataFrame) -> pd.DataFrame:
    """The columns of approach 2 for each row of the batch."""
    names = [*LIFE, *CHANCES, *MONEY]
    numbers = pd.DataFrame(np.nan, index=batch.index, columns=names)
    if model is not None:
        here = batch[batch["entry_days"].notna()]
        if len(here):
            # The last digits of a vectorised exp() depend on the rows beside it: cut off.
            numbers.loc[here.index] = model.predict(here)[names].round(6)
    dates = {name: dates_ahead(batch["as_of"], numbers[days]) for name, days in DATES.items()}
    money = numbers[list(MONEY)].add_prefix("survival_")
    days = pd.DataFrame(dates, index=batch.index)
    chances = numbers[list(CHANCES)]
    return pd.concat([numbers[["remaining_lifetime_days"]], days, chances, money], axis=1)
