"""Settings of fraud scoring."""

from __future__ import annotations

from pydantic import Field

from runtime.settings.core import Section


class FraudSettings(Section):
    """label_days: a payment older than this without a label counts as no fraud.

    reviews_per_day: alerts that people can look at. block_precision: share of fraud among the
    payments that are blocked, at least. score_days: days that score_payments writes.
    fewest_frauds: with fewer labelled ones an anomaly score is trained. degraded_amount: an amount
    that the rules without windows name. training_days: days of payments that train_fraud reads.
    """

    model_name: str = Field(min_length=1)
    label_days: int = Field(ge=1)
    training_days: int = Field(ge=30)
    validation_days: int = Field(ge=7)
    fewest_frauds: int = Field(ge=10)
    reviews_per_day: float = Field(gt=0)
    block_precision: float = Field(gt=0, le=1)
    score_days: int = Field(ge=1)
    most_payments: int = Field(ge=1)
    degraded_amount: float = Field(gt=0)
    seed: int = Field(ge=0)
