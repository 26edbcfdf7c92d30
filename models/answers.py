"""Answers about single customers from dicts, equal to the scored tables, without pandas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.portable import PortableModel
from models.scoring import TOP, number_text
from models.top_factors import top_factors
from udfs.risk_bands import decision_threshold

# Facts of a customer that are no features of every model: they decide actions and the cold start.
FACTS = ("recency_days", "engagement_score", "tenure_days")


@dataclass(frozen=True)
class Factor:
    """One of the features with the largest |SHAP value|. `value`: as text; None: unknown."""

    feature: str
    value: str | None
    impact: float

    @property
    def direction(self) -> str:
        """increase or decrease: the effect on the risk."""
        return "increase" if self.impact > 0 else "decrease"


@dataclass(frozen=True)
class Score:
    """One customer's probability, its basis (model or cold_start) and the factors behind it."""

    churn_probability: float
    score_basis: str
    factors: tuple[Factor, ...]


def thresholds(model: PortableModel) -> dict[str, float]:
    """The decision threshold that was logged with a model, by score_basis.

    A model that was trained before cold_start_threshold was logged uses its own for all customers.
    """
    cold = model.metadata.get("cold_start_threshold", model.threshold)
    return {"model": decision_threshold(model.threshold), "cold_start": decision_threshold(cold)}


def is_cold(facts: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """`models.scoring.cold_rows` for one dict: null tenure_days counts as 0.

    Without the key nothing is known about the tenure, and the customer is no new one.
    """
    if "tenure_days" not in row:
        return False
    days = row["tenure_days"]
    is_unknown = days is None or math.isnan(days)
    return bool((0 if is_unknown else days) < facts["cold_start_days"])


def scores(model: PortableModel, rows: Sequence[Mapping[str, Any]]) -> list[Score]:
    """One score per row, as `models.scoring.score_batch` gives it.

    A row has the model's features and may have more keys. FeatureMismatch, FeatureValueError: as
    for `PortableModel.predict_one`.
    """
    if not rows:
        return []
    names, facts = model.encoder.feature_names, model.metadata
    known = frozenset(names)
    own, contributions = model.explained_rows(
        [row if row.keys() == known else {n: row[n] for n in names if n in row} for row in rows]
    )
    places, impacts = top_factors(contributions, TOP)
    answers = []
    for row, p, place, impact in zip(
        rows, own.tolist(), places.tolist(), impacts.tolist(), strict=True
    ):
        if is_cold(facts, row):
            answers.append(Score(float(facts["cold_start_rate"]), "cold_start", ()))
            continue
        factors = [
            Factor(names[k], value_text(row[names[k]]), size)
            for k, size in zip(place, impact, strict=True)
        ]
        answers.append(Score(p, "model", tuple(factors)))
    return answers


def value_text(value: Any) -> str | None:
    """The value of a feature as gold.risk_factors has it.

    >>> [value_text(v) for v in (None, 3, 0.123456, True, "gold")]
    [None, '3', '0.1235', '1', 'gold']
    """
    if value is None or isinstance(value, str):
        return value
    return number_text(float(value))
