"""Canary texts in the rows of 1,000 customers never leave tables that declare personal data."""

from __future__ import annotations

import datetime as dt
import json
import logging

import pyarrow.parquet as pq
import pytest

from pipelines.offers import offer_planning
from pipelines.outreach import (
    engagement_triggers,
    message_writing,
    outbox_delivery,
    text_approval,
)
from pipelines.outreach.text_approval import ApprovalOptions
from runtime.lakehouse.writes import Write
from tests.jobs.decision_lake import AS_OF, MOMENT, rows_of
from tests.unit.messages.fake_claude import FakeClaude, data_of, plays, written

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
BEFORE = dt.date(2017, 12, 1)
GOOD = "Thank you for being with us, we are glad to have you here."
CUSTOMERS = 1_000
CANARIES = (
    *("lovelacecanary", "@canary.example", "+49 171 5550199", "4111 1111 1111 1111"),
    *("DE89370400440532013000", "Canary Street 12"),
)
# Tables that may hold personal data. Even in their Delta log, column statistics are off.
PERSONAL = ("customers", "support_tickets", "reviews", "exit_surveys", "survey_answers")


def write_canaries(context) -> None:
    ids = [f"c{n:04d}" for n in range(CUSTOMERS)]
    said = f"I am Ada Lovelacecanary, {', '.join(CANARIES[1:])}."
    score = {
        "value_at_stake": 400.0,
        "clv_12m": 400.0,
        "risk_level": "HIGH",
        "main_reason": "price",
    }
    tables = {
        "gold.customer_segments": [
            {"customer_id": i, "lifecycle": "active", "segment": "Promising"} for i in ids
        ],
        "gold.customer_scores": [
            {**score, "customer_id": i, "churn_probability": 0.1 + 0.8 * n / CUSTOMERS}
            for n, i in enumerate(ids)
        ]
        + [{**score, "customer_id": i, "as_of": BEFORE, "risk_level": "LOW"} for i in ids],
        "gold.risk_factors": [
            {"customer_id": i, "rank": 1, "feature": "recency_days", "impact": 0.5} for i in ids
        ],
        "features.transactions": [
            {
                **{"customer_id": i, "total_orders": 12, "total_revenue": 900.0},
                **{"tenure_days": 400, "tenure_months": 13, "revenue_365d": 400.0},
            }
            for i in ids
        ],
        "silver.customers": [
            {
                # Half of the rows have the surname in the field of the first name.
                **{"customer_id": i, "first_name": ("Ada", "Ada Lovelacecanary")[n % 2]},
                **{"email": f"ada{n}@canary.example", "language": "en", "valid_from": MOMENT},
            }
            for n, i in enumerate(ids)
        ],
        "silver.support_tickets": [
            {"ticket_id": i, "customer_id": i, "opened_at": MOMENT, "text": said} for i in ids
        ],
        "silver.reviews": [
            {"review_id": i, "customer_id": i, "reviewed_at": MOMENT, "text": said} for i in ids
        ],
        "silver.exit_surveys": [
            {"customer_id": i, "answered_at": MOMENT, "reason": "price", "text": said} for i in ids
        ],
        "silver.survey_answers": [
            {"customer_id": i, "answered_at": MOMENT, "score": 3.0, "text": said} for i in ids
        ],
    }
    writes = []
    for name, rows in tables.items():
        table = context.table(name)
        mode = "slice" if table.slice_by else "merge"
        slices = [BEFORE, AS_OF] if table.slice_by == "as_of" else ["x"]
        writes.append(Write(table, rows_of(context, name, rows), slices, mode, is_checked=False))
    context.lake.commit(writes)


def texts_of(root):
    """(path, text) of every file: the bytes, and for Parquet the values too."""
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        if path.suffix == ".parquet" and "_delta_log" not in path.parts:
            yield path, json.dumps(pq.read_table(path).to_pylist(), default=str)
        yield path, raw.decode("latin-1")


def found_in(text):
    low = text.lower()
    return [c for c in CANARIES if c.lower() in low]


def test_canary_values_occur_only_in_tables_that_declare_personal_columns(
    make_context, tmp_path, monkeypatch, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(message_writing.KEY, "sk-test")
    server = FakeClaude(plays(lambda data: written(GOOD)))
    root = tmp_path / "lake"

    def at():
        context = make_context(root, messages={"base_url": server.url})
        context = context.at(AS_OF)
        return context

    write_canaries(at())
    offer_planning.run(at())
    message_writing.run(at())
    text_approval.run(at(), ApprovalOptions("approve", by="Kim", language="en"))
    message_writing.run(at())
    engagement_triggers.run(at())
    outbox_delivery.run(at())
    server.close()

    # All jobs did their work.
    sent = at().read("gold.messages").toPandas()
    assert set(sent["written_by"]) == {"claude"} and len(sent) > 150
    assert len(list((root / "outbox").iterdir())) > 500
    # The canaries are in the tables that may hold them.
    own = [text for path, text in texts_of(root / "silver") if "_delta_log" not in path.parts]
    assert set(found_in("".join(own))) == set(CANARIES)

    assert found_in("".join(server.raw)) == []
    screen = capfd.readouterr()
    assert found_in(caplog.text + screen.out + screen.err) == []
    for path, text in texts_of(root):
        if "_delta_log" in path.parts or path.parent.name not in PERSONAL:
            assert found_in(text) == [], path
    # Each greeting has the first word of the name only, and no name leaves for the writer.
    assert {text.partition(",")[0] for text in sent["text"]} == {"Hello Ada"}
    fields = {name for body in server.of("writer") for name in data_of(body)}
    assert fields <= {"theme", "tone", "language", "offer", "count", "present", "refused"}
    assert "Ada" not in "".join(server.raw)
