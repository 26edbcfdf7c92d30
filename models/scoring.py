"""Score batches of feature rows with a portable model, for mapInPandas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.silver import REASONS
from models.portable import PortableModel
from models.reasons import reasons_from_contributions
from models.top_factors import top_factors

TOP = 5
# Metadata key of a conditional model: the shorter horizon (days) whose outcome is given.
GIVEN = "given_horizon_days"
SCORED_DDL = (
    "as_of date, customer_id string, recency_days bigint, engagement_score double, "
    "churn_probability double, score_basis string, factors array<string>, impacts array<double>, "
    "factor_values array<string>, top_risk_factor string, reasons array<double>"
)


def horizon_columns(horizons: Collection[str]) -> str:
    """DDL of the columns added to SCORED_DDL: the probability p_<days> of each other horizon."""
    return "".join(f", p_{days} double" for days in sorted(horizons, key=int))


def batch_scorer(
    portable_json: str,
    horizons: Mapping[str, str] | None = None,
    reasons: Mapping[str, str] | None = None,
    *,
    members: Mapping[str, Sequence[str]] | None = None,
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: one row of SCORED_DDL per feature row, in the same order.

    horizons: portable models of other horizons (days). Each adds one column (`horizon_columns`). A
        model with the metadata GIVEN is a conditional step from a shorter horizon (`combined`).
    reasons: portable models of reasons that leavers named. The column `reasons` then has one
        probability for each of contracts.silver.REASONS. Without these models the reasons come from
        SHAP values, and a last value is the share of the strongest family without a reason.
    members: features of each reason and family, for reasons from SHAP values. None: those of the
        model.

    Customers known for less than the model's cold_start_days get the cold-start base rate. They get
    no factors and null reasons, because the model does not determine their score.
    """

    def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        model = model_of(portable_json)
        others = {
            days: model_of(text)
            for days, text in sorted((horizons or {}).items(), key=lambda item: int(item[0]))
        }
        for batch in batches:
            named = {reason: model_of(text) for reason, text in (reasons or {}).items()}
            scored = score_batch(model, batch, named, members=members)
            for days, other in others.items():
                p, given = probabilities(other, batch), other.metadata.get(GIVEN)
                if given is not None:
                    column = f"p_{given}" if str(given) in others else "churn_probability"
                    p = combined(scored[column].to_numpy(), p, other.metadata["definition"])
                scored[f"p_{days}"] = p
            yield scored

    return score


def combined(
    shorter: NDArray[np.float64], step: NDArray[np.float64], definition: str
) -> NDArray[np.float64]:
    """The probability of churn within a longer horizon.

    shorter: that within the shorter horizon. step: that within the longer one among the customers
    who are still undecided: for inactivity those without a purchase so far (p * step), for a
    termination those whose contract still runs (p + (1 - p) * step).
    """
    return shorter * step if definition == "inactivity" else shorter + (1 - shorter) * step


@lru_cache(maxsize=16)
def model_of(portable_json: str) -> PortableModel:
    """Load a model, cached per worker process: its SHAP tables take a second to build."""
    return PortableModel.from_json(portable_json)


def score_batch(
    model: PortableModel,
    batch: pd.DataFrame,
    reasons: Mapping[str, PortableModel] | None = None,
    *,
    members: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """One row per row of the batch: probability, score_basis, top factors and reasons.

    top_risk_factor is the feature with the largest SHAP value above 0 among all features. It may
    lie beyond the TOP factors, which have the largest |SHAP value|. None: nothing raises the risk.
    """
    features = batch[list(model.encoder.feature_names)]
    probability, is_cold = probabilities(model, batch), cold_rows(model.metadata, batch)
    contributions, base = model.contributions(features)
    factors, impacts, values = top_of(model, features, contributions)
    if reasons:
        why = named_probabilities(reasons, batch)
    else:
        why = reasons_from_contributions(
            contributions,
            base,
            model.encoder.feature_names,
            members=model.metadata.get("reason_features", {}) if members is None else members,
            in_probability_units=model.is_in_probability_units,
        )
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
            "top_risk_factor": [
                None if cold else name
                for name, cold in zip(top_raising(model, contributions), is_cold, strict=True)
            ],
            "reasons": [None if cold else r for r, cold in zip(why.tolist(), is_cold, strict=True)],
        }
    )


def named_probabilities(
    models: Mapping[str, PortableModel], batch: pd.DataFrame
) -> NDArray[np.float64]:
    """(rows, REASONS): the probability that a leaver names the reason; 0 without a model of it."""
    named = np.zeros((len(batch), len(REASONS)))
    for reason, model in models.items():
        rows = batch[list(model.encoder.feature_names)]
        named[:, REASONS.index(reason)] = model.predict_proba(rows)
    return named


def cold_rows(facts: Mapping[str, Any], batch: pd.DataFrame) -> NDArray[np.bool_]:
    """True for customers known for less than cold_start_days. Null tenure_days counts as 0.

    `facts`: the model's metadata.
    """
    return batch["tenure_days"].fillna(0).to_numpy() < facts["cold_start_days"]


def probabilities(model: PortableModel, batch: pd.DataFrame) -> NDArray[np.float64]:
    """The model's probability of each row, or the cold-start base rate for cold rows."""
    own = model.predict_proba(batch[list(model.encoder.feature_names)])
    return as_served(model.metadata, batch, own)


def as_served(
    facts: Mapping[str, Any], batch: pd.DataFrame, own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Replace a model's own probabilities of cold rows by the cold-start base rate.

    `facts`: the model's metadata.
    """
    return np.where(cold_rows(facts, batch), facts["cold_start_rate"], own)


def explain(
    model: PortableModel, features: pd.DataFrame
) -> tuple[list[list[str]], list[list[float]], list[list[str | None]]]:
    """Names, SHAP values and values as text of the TOP features with the largest |SHAP value| per
    row."""
    return top_of(model, features, model.contributions(features)[0])


def unit_of_impact(model: PortableModel) -> str:
    """The unit of the model's SHAP values, for display."""
    return "probability" if model.is_in_probability_units else "log-odds"


def top_of(
    model: PortableModel, features: pd.DataFrame, contributions: NDArray[np.float64]
) -> tuple[list[list[str]], list[list[float]], list[list[str | None]]]:
    """As `explain`, for contributions that are already computed."""
    if not len(features):
        return [], [], []
    index, impact = top_factors(contributions, TOP)
    names = np.asarray(model.encoder.feature_names, dtype=object)
    texts = _picked_texts(features, model.encoder.feature_names, index)
    return names[index].tolist(), impact.astype(float).tolist(), texts.tolist()


def top_raising(model: PortableModel, contributions: NDArray[np.float64]) -> NDArray[np.object_]:
    """The feature that raises the risk most per row; None where none does. Ties: the first one."""
    names = np.asarray(model.encoder.feature_names, dtype=object)
    if not len(contributions):
        return np.empty(0, dtype=object)
    highest = contributions.argmax(axis=1)
    raising = names[highest]
    raising[contributions[np.arange(len(contributions)), highest] <= 0] = None
    return raising


def _picked_texts(
    features: pd.DataFrame, names: Sequence[str], index: NDArray[np.int64]
) -> NDArray[np.object_]:
    """The values of the picked features as texts, in the shape of `index`."""
    texts = np.empty(index.shape, dtype=object)
    order = np.argsort(index, axis=None, kind="stable")
    ends = np.searchsorted(index.ravel()[order], np.arange(len(names) + 1))
    for feature, name in enumerate(names):
        picked = order[ends[feature] : ends[feature + 1]]
        if len(picked):
            texts.flat[picked] = _texts(features[name].iloc[picked // index.shape[1]])
    return texts


def _texts(column: pd.Series) -> np.ndarray:
    """The values as text: whole numbers without decimals, other numbers to 4 significant digits."""
    if column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object).where(column.notna(), None).map(_text).to_numpy(dtype=object)
    # Python floats: formatting numpy floats takes ten times as long.
    out = np.empty(len(column), dtype=object)
    out[:] = [number_text(n) for n in column.astype(float).tolist()]
    return out


def number_text(number: float) -> str | None:
    """A whole number without decimals, another one to 4 significant digits; NaN: None."""
    if number != number:
        return None
    return f"{number:.10g}" if number.is_integer() else f"{number:.4g}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
