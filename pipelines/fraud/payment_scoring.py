"""gold.fraud_scores: the decision about each payment, as /fraud/score gives it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from contracts.gold_fraud import FRAUD_SCORES
from models.fraud.payments import DAY, Payments
from models.fraud.scoring import FraudScore, fraud_scores
from models.fraud.windows import HISTORY, LATE, states
from models.portable import PortableModel
from pipelines.fraud.payment_rows import micros, payments_between
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHAMPION, Registry
from runtime.wording import plural
from transforms.payments import with_answered
from udfs.micros import moment_of

# Days before the first scored one that its windows and the order of arrival reach.
REACH_DAYS = (HISTORY + 2 * LATE) // DAY


def run(context: Context) -> None:
    """Score the payments of the last score_days days before as_of, and replace these days.

    What /fraud/score has answered stays: that is what was decided about the payment.
    """
    settings = context.settings.fraud
    registered = Registry(context.settings, settings.model_name).by_alias(CHAMPION)
    if registered is None:
        raise ModelGateError(
            f"{settings.model_name}: no version has the alias {CHAMPION}. Run `holdfast "
            f"train_fraud --env {context.settings.env}` first."
        )
    model = PortableModel.from_json(registered.portable)
    days = [context.as_of - dt.timedelta(n) for n in range(settings.score_days, 0, -1)]
    begin = days[0] - dt.timedelta(REACH_DAYS)
    payments = payments_between(context, begin, context.as_of)
    rows = score_rows(
        model,
        payments,
        since=micros(days[0]),
        version=registered.version,
        degraded_amount=settings.degraded_amount,
    )
    alerts = sum(row["is_alert"] for row in rows)
    context.progress.say(
        f"      {plural(len(rows), 'payment')} of {plural(settings.score_days, 'day')}, "
        f"{plural(alerts, 'alert')}"
    )
    table = context.table(FRAUD_SCORES.name)
    answered = context.read(table.name).where(
        f"answered_at IS NOT NULL AND paid_on BETWEEN DATE'{days[0]}' AND DATE'{days[-1]}'"
    )
    scored = context.lake.frame(table, rows)
    context.write([Write(table, with_answered(scored, context.lake.keep(answered)), days)])


def score_rows(
    model: PortableModel, payments: Payments, *, since: int, version: str, degraded_amount: float
) -> list[dict[str, Any]]:
    """Rows of gold.fraud_scores of the payments from `since` on."""
    known = states(payments)
    asked = np.flatnonzero(payments.paid_at >= since)
    chosen = payments.take(asked)
    scores = fraud_scores(model, chosen, known[asked], degraded_amount=degraded_amount)
    return table_rows(chosen, scores, version)


def table_rows(
    payments: Payments, scores: Sequence[FraudScore], version: str
) -> list[dict[str, Any]]:
    """One row per payment."""
    return [
        {
            "payment_id": payments.payment_id[k],
            "customer_id": payments.customer_id[k],
            "paid_on": moment_of(int(payments.paid_at[k])).date(),
            "score": score.score,
            "decision": score.decision,
            "is_alert": score.is_alert,
            "reason": score.reason,
            "basis": score.basis,
            "model_version": None if score.score is None else version,
            "answered_at": None,
        }
        for k, score in enumerate(scores)
    ]
