"""One function that predicts for a dict, a pandas frame or a Spark frame, with equal results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.portable import PortableModel
from models.scoring import model_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def predict(
    model: PortableModel, rows: Mapping[str, object] | pd.DataFrame | DataFrame
) -> float | NDArray[np.float64] | DataFrame:
    """Churn probability of each feature row.

    A dict returns a float, a pandas frame an array, and a Spark frame the same frame with the
    column `churn_probability` added.

    A dict or pandas frame must have exactly the model's features. A Spark frame may have further
    columns, such as its key. Raises FeatureMismatch with the missing and the unexpected features.

    This is the model's own probability. The scored tables and the comparison of models use the
    base rate `cold_start_rate` of the model's metadata for customers known for less than
    `cold_start_days`. That needs tenure_days; see `models.scoring.probabilities`.
    """
    if isinstance(rows, Mapping):
        return model.predict_one(rows)
    if isinstance(rows, pd.DataFrame):
        return model.predict_proba(rows)
    return _on_spark(model, rows)


def _on_spark(model: PortableModel, rows: DataFrame) -> DataFrame:
    text, names = model.to_json(), list(model.encoder.feature_names)
    model.encoder.refuse_missing(rows.columns)

    def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        ready = model_of(text)
        for batch in batches:
            yield batch.assign(churn_probability=ready.predict_proba(batch[names]))

    schema: Any = rows.schema
    return rows.mapInPandas(
        score, type(schema)(list(schema.fields)).add("churn_probability", "double")
    )
