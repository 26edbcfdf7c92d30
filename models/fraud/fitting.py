"""Which payments train a fraud model, and which set its thresholds.

Chargebacks come weeks after the payment, and reviews look at suspicious payments only: their share
of fraud is not that of all payments. So a payment trains only once label_days have passed. By then
fraud has been disputed, whether or not anybody reviewed it, and a payment without a label counts as
no fraud. Younger payments do not train, reviewed ones neither. Weights by the probability of a
review (inverse propensity) are not needed, and could not help where it is 0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.fraud.features import features
from models.fraud.payments import DAY, Payments, Whole
from models.fraud.scoring import ANOMALY
from models.fraud.training import (
    Capacity,
    anomaly,
    average_precision,
    frame_of,
    recall_at,
    supervised,
    with_thresholds,
)
from models.fraud.windows import late, states
from models.portable import PortableModel


@dataclass(frozen=True)
class Plan:
    """as_of: microseconds since 1970; everything before is known. The rest as in section fraud."""

    as_of: int
    label_days: int
    validation_days: int
    fewest_frauds: int
    capacity: Capacity
    seed: int


@dataclass(frozen=True)
class Fitted:
    """A model with thresholds, and how it ranks the payments of the validation days.

    frauds: labelled frauds that trained. label: None for an anomaly score.
    """

    model: PortableModel
    frauds: int
    validation: pd.DataFrame
    label: NDArray[np.int64] | None

    @property
    def metrics(self) -> dict[str, float]:
        """Figures on the validation days, and those of the amount alone."""
        if self.label is None or not 0 < self.label.sum() < len(self.label):
            return {}
        score = self.model.predict_proba(self.validation)
        amount = self.validation["amount"].to_numpy()
        return {
            "validation.average_precision": average_precision(self.label, score),
            "validation.roc_auc": float(roc_auc_score(self.label, score)),
            "validation.recall_at_1_percent": recall_at(self.label, score, 0.01),
            "validation.average_precision.amount_only": average_precision(self.label, amount),
        }


def split(paid_at: Whole, plan: Plan, *, is_labelled: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """(train, validation) as masks. Without labels the newest payments count too."""
    end = plan.as_of - (plan.label_days * DAY if is_labelled else 0)
    start = end - plan.validation_days * DAY
    return paid_at < start, (paid_at >= start) & (paid_at < end)


def fitted(payments: Payments, frauds: Collection[str], plan: Plan) -> Fitted:
    """The model of payments before as_of. frauds: ids of payments that are labelled as fraud.

    ValueError if there are no payments to train on or to set the thresholds on.
    """
    made = features(payments, states(payments))
    usable = ~late(payments)
    is_fraud = pd.Series(payments.payment_id).isin([*frauds]).to_numpy().astype(np.int64)
    train, validation = (m & usable for m in split(payments.paid_at, plan, is_labelled=True))
    count = int(is_fraud[train].sum())
    is_labelled = count >= plan.fewest_frauds
    if not is_labelled:
        train, validation = (m & usable for m in split(payments.paid_at, plan, is_labelled=False))
    if not train.any() or not validation.any():
        raise ValueError(
            f"payments: {int(train.sum())} to train on and {int(validation.sum())} of the "
            f"{plan.validation_days} validation days; both must be at least 1"
        )
    rows = {n: values[train] for n, values in made.items()}
    held = frame_of({n: values[validation] for n, values in made.items()})
    model = (
        supervised(rows, is_fraud[train], seed=plan.seed)
        if is_labelled
        else anomaly(rows, seed=plan.seed)
    )
    label = is_fraud[validation] if is_labelled else None
    # How many alerts there are needs no labels, so the newest payments tell it.
    newest = split(payments.paid_at, plan, is_labelled=False)[1] & usable
    recent = frame_of({n: values[newest] for n, values in made.items()})
    model = with_thresholds(
        model,
        model.predict_proba(recent),
        plan.capacity,
        held=model.predict_proba(held),
        label=label,
    )
    return Fitted(model, count, held, label)


def is_better(new: Fitted, champion: PortableModel | None) -> bool:
    """Whether a model becomes champion, by average precision on its validation days.

    The first one must rank better than the amount alone. A later one must rank at least as well as
    the champion. Without labels an anomaly score replaces none or another one, never a model.
    """
    if new.label is None:
        return champion is None or champion.metadata["basis"] == ANOMALY
    metrics = new.metrics
    if not metrics:
        return False
    own = metrics["validation.average_precision"]
    if champion is None:
        return own > metrics["validation.average_precision.amount_only"]
    return own >= average_precision(new.label, champion.predict_proba(new.validation))
