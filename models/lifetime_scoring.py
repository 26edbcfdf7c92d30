"""Lifetime predictions of both approaches (BTYD and survival) per batch, for mapInPandas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from models.btyd.scoring import PREDICTED_DDL as BTYD_DDL, predict_batch
from models.btyd.shifted_beta_geometric import FORMAT as RENEWALS, ShiftedBetaGeometric
from models.btyd.worth import LifetimeModel
from models.survival.portable import dates_ahead
from models.survival.worth import LEAVES, LIFE, MONEY, RETURN_RATE, STAYS, SurvivalWorth

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
    + ", survival_clv_basis string"
)


def model_of(portable_json: str) -> LifetimeModel | SurvivalWorth | ShiftedBetaGeometric:
    """Load the model from the text of `to_json`: BTYD, survival, or contract renewals."""
    parts = json.loads(portable_json)
    if parts.get("format") == RENEWALS:
        return ShiftedBetaGeometric.from_json(portable_json)
    return (SurvivalWorth if "life" in parts else LifetimeModel).from_json(portable_json)


def batch_predictor(
    btyd: str | None, survival: str | None
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: one row of PREDICTED_DDL per input row, in the same order.

    Input: the purchase summary with entry_days, features and past sums. btyd, survival: portable
    models as JSON text. If a model is None (it could not be fitted), its columns are null. If
    entry_days is null, the customer has already left and the survival columns are null, except the
    money of a lost customer with a return rate.
    """

    def predict(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        purchases = LifetimeModel.from_json(btyd) if btyd else None
        staying = SurvivalWorth.from_json(survival) if survival else None
        for batch in batches:
            expected = predict_batch(purchases, batch)
            yield pd.concat([expected, survival_batch(staying, batch)], axis=1)

    return predict


def survival_batch(model: SurvivalWorth | None, batch: pd.DataFrame) -> pd.DataFrame:
    """The columns of the survival approach, one row per row of the batch."""
    names = [*LIFE, *CHANCES, *MONEY]
    numbers = pd.DataFrame(np.nan, index=batch.index, columns=names)
    nothing = [None] * len(batch)
    basis = pd.Series(nothing, index=batch.index, dtype=object, name="survival_clv_basis")
    if model is not None:
        here = batch[batch["entry_days"].notna()]
        if len(here):
            # Rounded: the last digits of a vectorised exp() depend on the other rows of the batch.
            numbers.loc[here.index] = model.predict(here)[names].round(6)
            basis.loc[here.index] = model.clv_basis
        lost = batch[model.is_lost(batch)]
        if len(lost):
            numbers.loc[lost.index, list(MONEY)] = model.predict_lost(lost)[list(MONEY)].round(6)
            basis.loc[lost.index] = RETURN_RATE
    dates = {name: dates_ahead(batch["as_of"], numbers[days]) for name, days in DATES.items()}
    money = numbers[list(MONEY)].add_prefix("survival_")
    days = pd.DataFrame(dates, index=batch.index)
    chances = numbers[list(CHANCES)]
    return pd.concat([numbers[["remaining_lifetime_days"]], days, chances, money, basis], axis=1)
