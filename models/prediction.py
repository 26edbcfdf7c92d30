"""One callable for a customer as a dict, a pandas frame or a Spark frame: the same answer."""

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
    """Churn probability of feature rows: a float of a dict, an array of a pandas frame, a Spark
    frame with `churn_probability` added of a Spark frame, whose other columns stay.

    A dict or pandas frame must hold the model's features and no others. FeatureMismatch names what
    is missing or too much. A Spark frame is a table, with its key and what else stands there: it
    may hold more.

    This is the model's own answer. Tables give customers known for less than its metadata's
    `cold_start_days` its `cold_start_rate` instead (`models.scoring.probabilities`), which needs
    their tenure_days, and so does the comparison of models.
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
