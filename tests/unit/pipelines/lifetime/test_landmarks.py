"""Landmarks where contracts end: what was known at a past date, and what may be learned."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.lifetime.landmarks import Landmarks
from runtime.lakehouse.duck_lake import DuckLake
from runtime.run_info import RunInfo
from runtime.settings import load
from tests.unit.models.survival.test_worth import worth

AS_OF, CUT = dt.date(2018, 1, 1), dt.date(2017, 10, 3)
DAYS = "customer_id string, day date, visible_from date, cents bigint, is_purchase int"
SUMMARY = (
    "customer_id string, as_of date, frequency bigint, recency_days bigint, T_days bigint, "
    "monetary_value double"
)
KEY = "customer_id string, as_of date"
FEATURES = {
    "features.transactions": f"{KEY}, recency_days bigint, observed_days bigint",
    "features.behavior": f"{KEY}, tenure_days bigint",
    "features.demographics": f"{KEY}, is_terminated boolean",
}
TERMINATIONS = "customer_id string, terminated_at timestamp, known_at timestamp"
CHURN = {"definition": "termination"}
LIFETIME = {"survival": {"covariates": ["recency_days"]}}
NOON = dt.time(12)


@pytest.fixture
def lake(session, settings):
    """A lake that can keep frames, for the engine of the session."""
    if hasattr(session, "sparkContext"):
        return SimpleNamespace(keep=lambda rows: rows.persist())
    return DuckLake(settings, RunInfo("test"))


@pytest.fixture
def settings():
    return load("demo", churn=CHURN, lifetime=LIFETIME)


@pytest.fixture
def landmarks(session, lake, settings):
    """A function: {customer: (day the contract ended, day this became known)} -> Landmarks at CUT.

    Four customers bought for 10 cents 40 days and 20 days before CUT.
    """

    def make(ended):
        customers = ["a", "b", "c", "d"]
        bought = [CUT - dt.timedelta(days=n) for n in (40, 20)]
        tables = {
            "features.transactions": [(c, CUT, 20 + n, 39) for n, c in enumerate(customers)],
            "features.behavior": [(c, CUT, 40) for c in customers],
            "features.demographics": [
                (c, CUT, c in ended and ended[c][1] < CUT) for c in customers
            ],
            "silver.terminations": [
                (c, *(dt.datetime.combine(day, NOON) for day in days)) for c, days in ended.items()
            ],
        }
        types = {**FEATURES, "silver.terminations": TERMINATIONS}
        frames = {n: session.createDataFrame(rows, types[n]) for n, rows in tables.items()}
        days = [(c, day, day + dt.timedelta(days=1), 10, 1) for c in customers for day in bought]
        context = SimpleNamespace(
            settings=settings,
            as_of=AS_OF,
            has=frames.__contains__,
            read=frames.__getitem__,
            lake=lake,
        )
        summaries = SimpleNamespace(
            days=session.createDataFrame(days, DAYS),
            summary=session.createDataFrame([(c, CUT, 1, 20, 39, 0.1) for c in customers], SUMMARY),
        )
        return Landmarks.at(context, summaries, [CUT], dates=[CUT])

    return make


KNOWN_BEFORE = (dt.date(2017, 9, 20), dt.date(2017, 9, 21))
KNOWN_LATE = (dt.date(2017, 9, 20), dt.date(2017, 11, 20))
LATER = (dt.date(2017, 12, 1), dt.date(2017, 12, 1))


def test_a_forecast_does_not_know_an_end_that_became_known_later(landmarks):
    rows = landmarks({"a": KNOWN_LATE, "b": KNOWN_BEFORE, "c": LATER}).on_driver[CUT]
    unaware = landmarks({"b": KNOWN_BEFORE, "c": LATER}).on_driver[CUT]
    value, same = (worth().forecast(r.assign(x=0.0), 30)["value"] for r in (rows, unaware))
    assert value.tolist() == same.tolist()
    assert value.iloc[0] > 0 and value.iloc[1] == 0
    for column in ("entry_days", "feature_recency_days"):
        assert rows[column].iloc[0] == unaware[column].iloc[0]


def test_nothing_is_learned_from_a_customer_who_had_left(landmarks):
    at_cut = landmarks({"a": KNOWN_LATE, "b": KNOWN_BEFORE, "c": LATER})
    seen = at_cut.seen(AS_OF)
    assert seen.sample["customer_id"].tolist() == ["c", "d"]
    assert seen.sample["event"].tolist() == [1, 0]
    assert sorted(seen.frame().toPandas()["customer_id"]) == ["c", "d"]
    assert at_cut.passed(AS_OF, 30)["customer_id"].tolist() == ["c", "d"]
