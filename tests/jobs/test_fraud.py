"""train_fraud and score_payments on a small lake: run twice, point in time, the same as a request."""

from __future__ import annotations

import datetime as dt

import mlflow
import numpy as np
import pytest

from models.fraud.scoring import fraud_scores
from models.fraud.windows import states
from models.portable import PortableModel
from pipelines.fraud import fraud_training, payment_scoring
from runtime import settings
from runtime.context import Context
from runtime.errors import ModelGateError, UsageError
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHAMPION, Registry
from runtime.progress import Progress
from runtime.run_info import RunInfo
from service.log_rows import ScoredPayment
from service.log_writer import LogWriter
from service.spool import Segments
from tests.unit.models.fraud.recount import START, in_arrival
from tests.unit.models.fraud.small_model import history

AS_OF = dt.date(2025, 3, 21)  # 20 days after START
LINEAGE = {"source": "s", "batch_id": "b", "content_hash": 0, "warnings": None}
FRAUD = {"label_days": 5, "validation_days": 7, "training_days": 30, "fewest_frauds": 20}


def context_at(root, job, **fraud):
    given = {
        "as_of": AS_OF,
        "lakehouse": {"root": str(root), "catalog": None},
        "fraud": {**FRAUD, "score_days": 10, "reviews_per_day": 4, **fraud},
    }
    context = Context(settings.load("demo", **given), RunInfo(job), Progress())
    context._day = AS_OF  # the lake has no purchases, which end the data
    return context


def when(micros):
    return dt.datetime.fromtimestamp(micros / 10**6, dt.UTC)


@pytest.fixture(scope="module")
def past():
    return history()


@pytest.fixture
def lake(spark, tmp_path, past):
    """Payments, and chargebacks three days after each fraud."""
    context, (rows, label) = context_at(tmp_path, "ingest"), past
    payments, labels = context.table("silver.payments"), context.table("silver.fraud_labels")
    paid, known = [], []
    for row, is_fraud in zip(rows, label, strict=True):
        moment = when(row["paid_at"])
        facts = {**row, "amount": None, "paid_at": moment, "known_at": moment, **LINEAGE}
        paid.append(
            tuple(facts[c] if c != "amount" else row["cents"] for c in payments.column_names)
        )
        if is_fraud:
            facts = {"payment_id": row["payment_id"], "is_fraud": True, **LINEAGE}
            facts |= {"label_source": "chargeback", "labelled_at": moment + dt.timedelta(3)}
            known.append(tuple({**facts, "known_at": moment}[c] for c in labels.column_names))
    ddl = payments.ddl.replace("amount decimal(18,2)", "amount bigint")
    frame = spark.createDataFrame(paid, ddl).selectExpr(
        *(
            c if c != "amount" else "cast(amount / 100 AS decimal(18,2)) AS amount"
            for c in payments.column_names
        )
    )
    marks = spark.createDataFrame(known, labels.ddl)
    context.lake.commit([Write(payments, frame, ["b"]), Write(labels, marks, ["b"])])
    return tmp_path


def rows_of(root):
    context = context_at(root, "score_payments")
    return sorted(tuple(r) for r in context.read("gold.fraud_scores").collect())


def test_train_and_score(lake, past, capsys):
    with pytest.raises(ModelGateError) as caught:
        payment_scoring.run(context_at(lake, "score_payments"))
    assert str(caught.value) == (
        "fraud: no version has the alias champion. Run `holdfast train_fraud --env demo` first."
    )
    fraud_training.run(context_at(lake, "train_fraud"))
    payment_scoring.run(context_at(lake, "score_payments"))
    first = rows_of(lake)
    fraud_training.run(context_at(lake, "train_fraud"))
    payment_scoring.run(context_at(lake, "score_payments"))

    assert "trained on the same inputs" in capsys.readouterr().out
    assert rows_of(lake) == first
    # The table equals what one process computes from the same payments, and so /fraud/score.
    context = context_at(lake, "score_payments")
    registered = Registry(context.settings, "fraud").by_alias(CHAMPION)
    assert registered is not None and registered.version == "1"
    model = PortableModel.from_json(registered.portable)
    payments = in_arrival(past[0])
    expected = {}
    known = fraud_scores(model, payments, states(payments), degraded_amount=1000)
    for name, t, score in zip(payments.payment_id, payments.paid_at, known, strict=True):
        if t >= START + 10 * 86_400 * 10**6:
            expected[name] = (score.score, score.decision, score.is_alert, score.reason, "model")
    assert {r[0]: r[3:8] for r in first} == expected
    served = mlflow.pyfunc.load_model("models:/fraud@champion")
    assert np.isfinite(served.predict(fraud_training.example_of(model))["score"]).all()


def test_what_requests_have_answered_stays(lake):
    """One payment of silver with another decision, and one that is not in silver yet."""
    fraud_training.run(context_at(lake, "train_fraud"))
    payment_scoring.run(context_at(lake, "score_payments"))
    before = {row[0]: row for row in rows_of(lake)}
    asked = next(row for row in before.values() if row[4] == "approve")
    facts = (*asked[1:2], str(asked[2]), None, "review", True, "night", "degraded", None, 1.5)
    segments = Segments(lake / "spool", "a")
    for name in (asked[0], "waiting"):
        segments.write(ScoredPayment(name, *facts).line())
    segments.complete()
    LogWriter(lake, lake / "spool", "a").write_own()
    segments.close()
    answered = {row[0]: row for row in rows_of(lake)}
    payment_scoring.run(context_at(lake, "score_payments"))
    after = {row[0]: row for row in rows_of(lake)}

    assert answered.keys() - before.keys() == {"waiting"}
    assert answered[asked[0]][3:9] == (None, "review", True, "night", "degraded", None)
    assert after == answered
    others = before.keys() - {asked[0]}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    assert {after[name][9] for name in others} == {None}


def test_without_labels_an_anomaly_score(lake):
    context = context_at(lake, "train_fraud", fewest_frauds=10_000)
    fraud_training.run(context)
    payment_scoring.run(context_at(lake, "score_payments"))

    assert {r[7] for r in rows_of(lake)} == {"anomaly"}
    assert {r[4] for r in rows_of(lake)} == {"approve", "review"}


def test_more_payments_than_one_process_may_hold_are_refused(lake, past):
    with pytest.raises(UsageError) as caught:
        fraud_training.run(context_at(lake, "train_fraud", most_payments=10))

    assert str(caught.value) == (
        f"silver.payments: has {len(past[0]):,} payments from 2025-02-19 to 2025-03-21, more than "
        "fraud.most_payments, 10, which one process holds. Lower fraud.training_days or "
        "fraud.score_days, or raise fraud.most_payments: a payment takes about 300 bytes."
    )
    assert not context_at(lake, "train_fraud").has("gold.fraud_scores")
