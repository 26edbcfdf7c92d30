"""Scoring of summary rows in batches: the function that Spark runs with mapInPandas."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from models.btyd.worth import MONEY, LifetimeModel

SUMMARY = ("customer_id", "as_of", "frequency", "recency_days", "T_days", "monetary_value")
NUMBERS = (
    "p_alive",
    "p_alive_30d",
    "p_alive_90d",
    "p_no_purchase",
    "expected_purchases_30d",
    "expected_purchases_90d",
    *MONEY,
)
PREDICTED_DDL = (
    "customer_id string, as_of date, frequency bigint, recency_days bigint, T_days bigint, "
    "monetary_value double, "
    + ", ".join(f"{name} double" for name in NUMBERS)
    + ", p_alive_basis string, clv_basis string"
)
NOT_FITTED = "not_fitted"
# Decimals to round to: 6 for money, 9 for probabilities and counts.
DECIMALS = {name: 6 if name.startswith(("clv", "value")) else 9 for name in NUMBERS}


def batch_predictor(
    portable_json: str | None,
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: one row of PREDICTED_DDL per SUMMARY row, in the same order.

    portable_json: text of a LifetimeModel. None where no model could be fitted: then all
    predictions are null, and both basis columns are not_fitted.
    """

    def predict(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        model = LifetimeModel.from_json(portable_json) if portable_json else None
        for batch in batches:
            yield predict_batch(model, batch)

    return predict


def predict_batch(model: LifetimeModel | None, batch: pd.DataFrame) -> pd.DataFrame:
    """One row per summary row, with its predictions; see `batch_predictor`."""
    summary = batch[list(SUMMARY)]
    if model is None:
        bases = {"p_alive_basis": NOT_FITTED, "clv_basis": NOT_FITTED}
        return summary.assign(**dict.fromkeys(NUMBERS, float("nan")), **bases)
    # The last digits of vectorised functions depend on the other rows of the batch: round them off.
    predicted = model.predict(batch).round(DECIMALS)
    order = [*NUMBERS, "p_alive_basis", "clv_basis"]
    return pd.concat([summary, predicted[order]], axis=1)
