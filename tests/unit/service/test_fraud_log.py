"""gold.fraud_scores from requests: each payment once, as it was answered, whatever is killed."""

from __future__ import annotations

import datetime as dt
import signal

import httpx2
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from contracts.gold_fraud import FRAUD_SCORES
from contracts.writers import may_write
from models.fraud.payments import Payments
from models.fraud.windows import LATE
from pipelines.fraud.payment_scoring import score_rows
from runtime.lakehouse.delta_tables import opened
from service.fraud_filling import fill_fraud
from service.log_rows import ScoredPayment, payment_rows
from service.log_writer import LogWriter
from service.spool import Segments
from tests.unit.models.fraud.recount import START, payment
from tests.unit.models.fraud.small_model import small_model
from tests.unit.service import company, servers
from tests.unit.service.test_fraud_score import ask, body_of, burst, micros, scored

DECIDED = ("score", "decision", "is_alert", "reason", "basis", "model_version")


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture
def frauds(model):
    known = company.FakeRegistry()
    known.set("champion", "7", model)
    return known


def stored(root):
    """The rows of the table by payment_id. AssertionError if it has a payment twice."""
    path = root / "gold" / "fraud_scores"
    if not DeltaTable.is_deltatable(str(path)):
        return {}
    rows = DeltaTable(path).to_pyarrow_table().to_pylist()
    by_id = {row["payment_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def decided(row):
    return tuple(row[name] for name in DECIDED)


def test_the_table_has_each_answer_once_and_equals_the_batch(
    own_lake, redis, registry, frauds, model
):
    settings = company.settings_of(own_lake.root, redis.url)
    fill_fraud(settings, redis.client)
    rows = burst()
    with servers.running(settings, registry, fraud=frauds) as service:
        answers = [scored(service, row) for row in rows]
        servers.until(lambda: redis.client.hexists("holdfast:demo:fraud:payment:p1", "answer"))
        assert scored(service, payment(1, minute=90, customer_id="c1", card_id="k1")) is not None
        assert ask(service, rows[1], amount=11.0).status_code == 409
        service.predict(customer_id="c002")  # both tables, by one process
    table = stored(own_lake.root)

    assert table.keys() == {row["payment_id"] for row in rows}
    for row, answer in zip(rows, answers, strict=True):
        kept = table[row["payment_id"]]
        assert decided(kept) == decided(answer)
        assert kept["customer_id"] == row["customer_id"]
        assert kept["paid_on"] == dt.date(1970, 1, 1) + dt.timedelta(
            days=row["paid_at"] // 86_400e6
        )
        assert abs(kept["answered_at"] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=10)
    # score_payments of the same payments, in another order, with received_at of the answers.
    delivered = [
        {**row, "received_at": micros(a["received_at"])}
        for row, a in zip(rows, answers, strict=True)
    ]
    payments = Payments.from_frame(pd.DataFrame(delivered).sample(frac=1, random_state=2))
    since = START - LATE
    batch = score_rows(model, payments, since=since, version="7", degraded_amount=1000)
    assert {r["payment_id"]: decided(r) for r in batch} == {i: decided(r) for i, r in table.items()}
    assert DeltaTable(own_lake.root / "gold" / "inference_log").to_pyarrow_table().num_rows == 1
    assert may_write("serve", FRAUD_SCORES.name, {})


def test_answers_without_redis_and_of_impossible_dates_are_stored(own_lake, registry, frauds):
    settings = company.settings_of(own_lake.root, None)
    with servers.running(settings, registry, fraud=frauds) as service:
        answers = [
            ask(service, payment(n), paid_at=at).json()
            for n, at in enumerate(
                ("2025-03-01T10:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
            )
        ]
    table = stored(own_lake.root)

    assert [a["basis"] for a in answers] == ["degraded"] * 3
    days = [str(table[f"p{n}"]["paid_on"]) for n in range(3)]
    assert days == ["2025-03-01", "0001-01-01", "9999-12-31"]
    assert all(decided(table[a["payment_id"]]) == decided(a) for a in answers)


def test_sigterm_loses_no_payment(own_lake):
    """A process of its own, without Redis and without a fraud model."""
    with servers.process(own_lake.folder, None) as (service, url):
        for n in range(30):
            assert httpx2.post(f"{url}/fraud/score", json=body_of(payment(n))).status_code == 200
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == -signal.SIGTERM

    assert len(stored(own_lake.root)) == 30
    assert list((own_lake.root / "spool" / "inference_log").iterdir()) == []


# The writer alone


def line(number, decision="approve", basis="model", **values):
    given = {"payment_id": f"p{number}", "customer_id": "c1", "paid_on": "2025-03-01"}
    given |= {"score": None if basis == "degraded" else 0.25, "decision": decision}
    given |= {"is_alert": decision != "approve", "reason": None, "basis": basis}
    given |= {"model_version": None if basis == "degraded" else "1", "answered_at": 1_740_800_000.5}
    return ScoredPayment(**{**given, **values}).line()


@pytest.fixture
def writer(tmp_path):
    """A function that writes lines as one segment. It returns the table."""
    segments = Segments(tmp_path / "spool", "a")
    made = LogWriter(tmp_path, tmp_path / "spool", "a")

    def write(*lines):
        segments.write(b"".join(lines))
        segments.complete()
        made.write_own()
        return stored(tmp_path)

    yield write
    segments.close()


def test_of_several_answers_the_first_counts_but_a_degraded_one_gives_way(writer):
    away = [line(n, "review", "degraded") for n in range(4)]
    first = writer(
        line(0), line(0, "block"), away[1], line(1), away[1], away[2], line(3), line(3)[:-9]
    )
    assert {i: (r["decision"], r["basis"]) for i, r in first.items()} == {
        "p0": ("approve", "model"),
        "p1": ("approve", "model"),
        "p2": ("review", "degraded"),
        "p3": ("approve", "model"),
    }
    second = writer(line(0, "block"), away[1], line(2, "block", "anomaly"))
    assert [second[f"p{n}"]["decision"] for n in range(4)] == [
        "approve",
        "approve",
        "block",
        "approve",
    ]


def test_a_row_of_the_batch_gives_way_to_the_answer(tmp_path, writer):
    table = opened(str(tmp_path / "gold" / "fraud_scores"), FRAUD_SCORES)
    rows = payment_rows([line(0), line(1)])
    unasked = [{**row, "answered_at": None} for row in rows.to_pylist()]
    write_deltalake(table, pa.Table.from_pylist(unasked, rows.schema), mode="append")
    kept = writer(line(0, "block"))

    assert (kept["p0"]["decision"], kept["p1"]["decision"]) == ("block", "approve")
    assert kept["p0"]["answered_at"] is not None and kept["p1"]["answered_at"] is None


def test_a_segment_that_was_written_before_a_crash_changes_nothing(tmp_path, writer):
    first = writer(line(0), line(1))
    again = writer(line(0), line(1), line(2))

    assert {i: again[i] for i in first} == first and len(again) == 3


def test_a_line_of_another_version_is_skipped(writer):
    assert writer(b'{"payment_id":"p9"}\n', line(1)).keys() == {"p1"}
