"""Score, decision and reason of payments, for batch and request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.gold_fraud import DEGRADED
from models.answers import Factor, value_text
from models.fraud.features import CATEGORY, NUMERIC, features, rows_of, words
from models.fraud.payments import NIGHT_ENDS, Floats, Payments
from models.portable import PortableModel
from models.top_factors import top_factors

APPROVE, REVIEW, BLOCK = "approve", "review", "block"
MODEL, ANOMALY = "model", "anomaly"
TOP = 5
# A reason in gold.fraud_scores names so many factors.
MOST_REASONS = 3


@dataclass(frozen=True)
class FraudScore:
    """What is decided about one payment. score: None if basis is degraded."""

    score: float | None
    decision: str
    reason: str | None
    basis: str
    factors: tuple[Factor, ...] = ()

    @property
    def is_alert(self) -> bool:
        """Whether the payment is reviewed or blocked."""
        return self.decision != APPROVE


def decided(score: float, review_from: float, block_from: float | None) -> str:
    """The decision of a score.

    >>> [decided(s, 0.3, 0.9) for s in (0.29, 0.3, 0.9)], decided(0.99, 0.3, None)
    (['approve', 'review', 'block'], 'review')
    """
    if block_from is not None and score >= block_from:
        return BLOCK
    return REVIEW if score >= review_from else APPROVE


def fraud_scores(
    model: PortableModel, payments: Payments, states: Floats, *, degraded_amount: float
) -> list[FraudScore]:
    """The score of each payment. A late one, which has no windows, is degraded."""
    known = ~np.isnan(states[:, 0])
    rows = rows_of(features(payments, states))
    usable = [row for row, is_known in zip(rows, known, strict=True) if is_known]
    scores = iter(_scored(model, usable) if usable else ())
    return [
        next(scores) if is_known else degraded(payments, k, degraded_amount)
        for k, is_known in enumerate(known)
    ]


def degraded(payments: Payments, position: int, degraded_amount: float) -> FraudScore:
    """The answer without windows: a person must look. The rules name what is unusual."""
    amount = payments.cents[position] / 100
    rules = [
        (amount >= degraded_amount, f"amount {amount:,.2f} is at least {degraded_amount:,.2f}"),
        (payments.country[position] is None, "country unknown"),
        (payments.device_id[position] is None, "device unknown"),
        (bool(payments.is_night[position]), f"local hour before {NIGHT_ENDS}"),
    ]
    texts = [text for is_so, text in rules if is_so]
    return FraudScore(None, REVIEW, "; ".join(texts) or None, DEGRADED)


def _scored(model: PortableModel, rows: Sequence[dict[str, Any]]) -> list[FraudScore]:
    names, facts = model.encoder.feature_names, model.metadata
    own = frozenset(names)
    if own != {*NUMERIC, CATEGORY}:
        rows = [{n: row[n] for n in names} for row in rows]
    probabilities, contributions = model.explained_rows(rows)
    places, impacts = top_factors(contributions, TOP)
    scores = []
    for row, p, place, impact in zip(
        rows, probabilities.tolist(), places.tolist(), impacts.tolist(), strict=True
    ):
        factors = tuple(
            Factor(names[k], value_text(row[names[k]]), size)
            for k, size in zip(place, impact, strict=True)
        )
        raised = [words(f.feature, row[f.feature]) for f in factors if f.impact > 0]
        scores.append(
            FraudScore(
                p,
                decided(p, facts["review_from"], facts["block_from"]),
                "; ".join(raised[:MOST_REASONS]) or None,
                facts["basis"],
                factors,
            )
        )
    return scores
