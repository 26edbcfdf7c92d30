"""A portable model over batches of feature rows: the body of the function that Spark maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.portable import PortableModel
from models.tree_shap import top_factors

TOP = 5
SCORED_DDL = (
    "as_of date, customer_id string, recency_days bigint, engagement_score double, "
    "churn_probability double, score_basis string, factors array<string>, impacts array<double>, "
    "factor_values array<string>"
)


def batch_scorer(portable_json: str) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: feature rows in, SCORED_DDL out, the same rows in order.

    Customers known for less than the model's cold_start_days get the rate of their like, and no
    factors: the model has next to nothing to explain.
    """

    def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        model = model_of(portable_json)
        for batch in batches:
            yield score_batch(model, batch)

    return score


@lru_cache(maxsize=2)
def model_of(portable_json: str) -> PortableModel:
    """The model of a text, read once a worker process: its SHAP tables take a second to build."""
    return PortableModel.from_json(portable_json)


def score_batch(model: PortableModel, batch: pd.DataFrame) -> pd.DataFrame:
    """One row a row of the batch: probability, basis and the top factors."""
    names = list(model.encoder.feature_names)
    features = batch[names]
    probability = model.predict_proba(features)
    is_cold = batch["tenure_days"].fillna(0).to_numpy() < model.metadata["cold_start_days"]
    probability = np.where(is_cold, model.metadata["cold_start_rate"], probability)
    factors, impacts, values = explain(model, features)
    return pd.DataFrame(
        {
            "as_of": batch["as_of"],
            "customer_id": batch["customer_id"],
            "recency_days": batch["recency_days"],
            "engagement_score": batch["engagement_score"].astype(float),
            "churn_probability": probability,
            "score_basis": np.where(is_cold, "cold_start", "model"),
            "factors": [[] if cold else f for f, cold in zip(factors, is_cold, strict=True)],
            "impacts": [[] if cold else i for i, cold in zip(impacts, is_cold, strict=True)],
            "factor_values": [[] if cold else v for v, cold in zip(values, is_cold, strict=True)],
        }
    )


def explain(
    model: PortableModel, features: pd.DataFrame
) -> tuple[list[list[str]], list[list[float]], list[list[str | None]]]:
    """Names, SHAP values and texts of the five features that move each row most."""
    if not len(features):
        return [], [], []
    contributions, _ = model.contributions(features)
    index, impact = top_factors(contributions, TOP)
    names = np.asarray(model.encoder.feature_names, dtype=object)
    texts = _picked_texts(features, model.encoder.feature_names, index)
    return names[index].tolist(), impact.astype(float).tolist(), texts.tolist()


def _picked_texts(
    features: pd.DataFrame, names: Sequence[str], index: NDArray[np.int64]
) -> NDArray[np.object_]:
    """The values of the picked features as texts, shaped as `index`; no other value is written."""
    texts = np.empty(index.shape, dtype=object)
    order = np.argsort(index, axis=None, kind="stable")
    ends = np.searchsorted(index.ravel()[order], np.arange(len(names) + 1))
    for feature, name in enumerate(names):
        picked = order[ends[feature] : ends[feature + 1]]
        if len(picked):
            texts.flat[picked] = _texts(features[name].iloc[picked // index.shape[1]])
    return texts


def _texts(column: pd.Series) -> np.ndarray:
    """The values as a person writes them: whole numbers without a point, the rest to 4 digits."""
    if column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object).where(column.notna(), None).map(_text).to_numpy(dtype=object)
    numbers = column.astype(float).to_numpy()
    out = np.array(
        [None if np.isnan(n) else f"{n:.10g}" if n == round(n) else f"{n:.4g}" for n in numbers]
    )
    return out.astype(object)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
