"""What the scoring of an as_of reads for gold.satisfaction, and the answers that it cannot place."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.churn.customer_scoring import satisfied
from runtime import settings
from runtime.context import Context
from runtime.progress import Progress
from runtime.run_info import RunInfo
from tests.unit.pipelines.outreach.test_pipelines import MemoryLake

DAY = dt.date(2018, 1, 1)
ASKED, UNKNOWN = "6f" * 16, "7a" * 16
OUTBOX = {
    **{"customer_id": "by token", "rule": "ask", "period_on": DAY, "contact_id": ASKED},
    **{"triggered_on": DAY, "action": "survey", "channel": "file", "is_held_out": False},
    "expires_on": DAY,
}


def answer(score, **who):
    return {"answered_at": "2017-12-05 10:00:00", "score": score, **who}


@pytest.fixture
def scored(frame, rows_of, capsys):
    """A function of the tables: the score and basis of each customer, and the warning."""

    def of(tables):
        context = Context(settings.load("demo"), RunInfo("test"), Progress(), engine="duckdb")
        context.__dict__["lake"] = MemoryLake(frame, tables)
        names = ("by token", "by id", "silent")
        segments = frame(
            "customer_id string, as_of date, segment string", [(n, DAY, "Lost") for n in names]
        )
        features = frame(
            "customer_id string, review_stars_mean double, review_sentiment_mean double, "
            "ticket_sentiment_mean double",
            [("by token", 5.0, None, None), ("silent", 3.0, None, None)],
        )
        rows = rows_of(satisfied(context.at(DAY), segments, features))
        known = {r["customer_id"]: (r["satisfaction_score"], r["satisfaction_basis"]) for r in rows}
        printed = capsys.readouterr()
        return known, printed.out + printed.err

    return of


def test_answers_by_token_and_by_id_count_and_others_are_warned_of(scored):
    answers = [
        answer(2.0, token=f"{ASKED}.20180301.{'s' * 43}"),
        answer(9.0, customer_id="by id"),
        answer(1.0, token=f"{UNKNOWN}.20180301.{'s' * 43}"),
    ]
    known, said = scored({"gold.outbox": [OUTBOX], "silver.survey_answers": answers})
    assert known == {
        "by token": (2.0, "survey"),
        "by id": (9.0, "survey"),
        "silent": ((3 - 1) * 2.5, "stars"),
    }
    assert (
        "silver.survey_answers: 1 answer with a token of no contact in gold.outbox, so the "
        "customer is unknown. The key or the answers may belong to another environment: give each "
        "environment a key of its own."
    ) in " ".join(said.split())


def test_without_answers_stars_count_and_nothing_is_said(scored):
    known, said = scored({})
    assert known == {
        "by token": ((5 - 1) * 2.5, "stars"),
        "by id": (None, "unknown"),
        "silent": ((3 - 1) * 2.5, "stars"),
    }
    assert "survey_answers" not in said
