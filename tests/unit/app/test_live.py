"""The page Live: what it says with tables, and without them."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from app import lake as app_lake
from contracts.catalog import tables
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table
from tests.unit.app.conftest import paragraphs, title_of
from tests.unit.app.small_lake_folder import AS_OF, write

NOON = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)
# The columns that the page reads, for a checkout whose contracts lack one of the tables.
READ = {
    "gold.engagement_live": Table(
        "gold.engagement_live",
        "One row per customer.",
        (
            CUSTOMER_ID,
            Column("engagement_score", "double", "Score"),
            Column("change_1d", "double", "Change"),
            Column("level", "string", "Level"),
            Column("updated_at", "timestamp", "Last event"),
        ),
        ("customer_id",),
    ),
    "gold.fraud_scores": Table(
        "gold.fraud_scores",
        "One row per payment.",
        (
            Column("payment_id", "string", "Payment", False),
            CUSTOMER_ID,
            Column("paid_on", "date", "Day"),
            Column("score", "double", "Score"),
            Column("decision", "string", "Decision"),
            Column("is_alert", "boolean", "Alert"),
            Column("reason", "string", "Reason"),
            Column("basis", "string", "Basis"),
        ),
        ("payment_id",),
    ),
}


@pytest.fixture
def declared(monkeypatch):
    """The contracts, with those of both live tables."""
    monkeypatch.setattr(app_lake, "_contracts", lambda: READ | tables())


def test_without_tables_the_page_says_what_to_run(shown):
    page = shown("live")

    assert title_of(page) == "No live data yet"
    assert paragraphs(page) == [
        "Run stream_events: it reads events as they arrive and writes gold.engagement_live.",
        "Run score_payments: it writes gold.fraud_scores from silver.payments.",
        "Nothing tells how satisfied customers are: conf has no source of surveys, reviews or tickets with text.",
        "No ticket or review with a text was read.",
        "conf has no source of support tickets, or it has no ticket before this date.",
    ]


def test_engagement_and_alerts_are_counted(shown, lake, declared):
    rows = [("a", 0.2, -0.3), ("b", 0.6, 0.1), ("c", None, None)]
    engagement = [
        {
            "customer_id": c,
            "engagement_score": score,
            "change_1d": change,
            "level": None if score is None else "low" if score < 0.5 else "high",
            "updated_at": NOON,
        }
        for c, score, change in rows
    ]
    payments = [
        {
            "payment_id": f"p{n}",
            "customer_id": "a",
            "paid_on": AS_OF,
            "score": score,
            "decision": decision,
            "is_alert": decision != "approve",
            "reason": "far from home",
            "basis": "model",
        }
        for n, (score, decision) in enumerate([(0.1, "approve"), (0.8, "review"), (0.9, "block")])
    ]
    for name, content in (("engagement_live", engagement), ("fraud_scores", payments)):
        write_deltalake(str(lake.root / "gold" / name), pa.Table.from_pylist(content))

    page = shown("live")

    assert title_of(page) == "1 customer less engaged than yesterday, 2 fraud alerts"
    figures = {m.label: m.value for m in page.metric}
    assert figures["Mean engagement, 0 to 1"] == "0.40"  # (0.2 + 0.6) / 2
    assert figures["Mean change since yesterday"] == "-0.100"  # (-0.3 + 0.1) / 2
    assert "Customers by level: high 1, low 1." in paragraphs(page)
    assert "3 payments, 2 alerts, of which 1 blocked. Last payment on 1 Jun 2024." in paragraphs(
        page
    )
    assert page.table[0].value.index.tolist() == ["a"]
    assert page.table[1].value.index.tolist() == ["p2", "p1"]  # the highest score first


def test_tickets_satisfaction_and_sentiment_of_the_date(shown, lake):
    def ticket(number, opened, resolved=None):
        return {"ticket_id": str(number), "opened_at": opened, "resolved_at": resolved}

    day = dt.timedelta(days=1)
    write(
        lake.root,
        "silver.support_tickets",
        [
            ticket(1, NOON - 2 * day, NOON - day),
            ticket(2, NOON - 3 * day),
            ticket(3, NOON - 40 * day, NOON + day),  # resolved after the date: still open
            ticket(4, NOON + day),  # opened after it: not counted
        ],
    )
    scores = [("a", 4.0), ("b", 9.0), ("c", None)]
    write(
        lake.root,
        "gold.satisfaction",
        [
            {
                "customer_id": c,
                "as_of": AS_OF,
                "segment": "Champions",
                "satisfaction_score": score,
                "satisfaction_basis": "survey" if score else "unknown",
            }
            for c, score in scores
        ],
    )
    write(
        lake.root,
        "features.behavior",
        [
            {"customer_id": "a", "as_of": AS_OF, "ticket_sentiment_mean": -0.5},
            {"customer_id": "b", "as_of": AS_OF, "ticket_sentiment_mean": 0.25},
            {"customer_id": "c", "as_of": AS_OF},
        ],
    )

    told = paragraphs(shown("live"))

    assert "2 tickets open; 2 opened in the last 30 days." in told
    assert (
        "Mean 6.5 of 10 for 2 customers: 1 below 7, 1 at 9 or above. Known from survey." in told
    )  # (4 + 9) / 2
    assert "Mean from -1 to 1: tickets -0.12 (2 customers). Below 0: 1 customer." in told
