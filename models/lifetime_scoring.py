"""Lifetime predictions per batch, for mapInPandas: BTYD, survival, and the next purchase."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from models.btyd.scoring import PREDICTED_DDL as BTYD_DDL, predict_batch
from models.btyd.shifted_beta_geometric import FORMAT as RENEWALS, ShiftedBetaGeometric
from models.btyd.worth import LifetimeModel
from models.next_purchase import DAYS as NEXT_DATES, OVERDUE, NextPurchase
from models.portable_text import complete_parts
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
    + ", "
    + ", ".join(f"{name} date" for name in NEXT_DATES)
    + ", "
    + ", ".join(f"{name} double" for name in OVERDUE)
)


def model_of(portable_json: str) -> LifetimeModel | SurvivalWorth | ShiftedBetaGeometric:
    """Load the model from the text of `to_json`: BTYD, survival, or contract renewals.

    PortableModelError or LifetimeModelError for any other text.
    """
    with complete_parts():
        parts = dict(json.loads(portable_json))
    if parts.get("format") == RENEWALS:
        return ShiftedBetaGeometric.from_json(portable_json)
    return (SurvivalWorth if "life" in parts else LifetimeModel).from_json(portable_json)


def batch_predictor(
    btyd: str | None, survival: str | None, next_purchase: str | None
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: one row of PREDICTED_DDL per input row, in the same order.

    Input: the purchase summary with entry_days, features and past sums. btyd, survival,
    next_purchase: portable models as JSON text. If a model is None (it could not be fitted), its
    columns are null. If entry_days is null, the customer has already left and the survival columns
    are null, except the money of a lost customer with a return rate.
    """

    def predict(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        purchases = LifetimeModel.from_json(btyd) if btyd else None
        staying = SurvivalWorth.from_json(survival) if survival else None
        following = NextPurchase.from_json(next_purchase) if next_purchase else None
        for batch in batches:
            parts = [
                predict_batch(purchases, batch),
                survival_batch(staying, batch),
                next_purchase_batch(following, batch),
            ]
            yield pd.concat(parts, axis=1)

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


def next_purchase_batch(model: NextPurchase | None, batch: pd.DataFrame) -> pd.DataFrame:
    """The dates of the next purchase and how overdue it is, one row per row of the batch."""
    names = [*NEXT_DATES.values(), *OVERDUE]
    numbers = pd.DataFrame(np.nan, index=batch.index, columns=names)
    if model is not None and len(batch):
        numbers = model.predict(batch)
    dates = {name: dates_ahead(batch["as_of"], numbers[days]) for name, days in NEXT_DATES.items()}
    return pd.concat([pd.DataFrame(dates, index=batch.index), numbers[list(OVERDUE)]], axis=1)
