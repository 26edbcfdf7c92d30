"""No feature of an as_of depends on what happened, or became known, at or after it.

Rows of every silver table are generated from its contract, and whole rows of every feature table
are compared. A new column or feature is therefore covered without a new test. There are few, large
logs, because one comparison of all tables takes seconds.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import re
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from contracts import catalog
from contracts.silver import REASONS, SILVER
from pipelines.features.feature_tables import feature_frames
from runtime import settings
from transforms.attributes import terminated, valid_at
from transforms.population import known_customers

TABLES = catalog.tables()
SOURCES = [t for t in SILVER if "customer_id" in t.column_names]
FEATURES = ("features.demographics", "features.behavior", "features.transactions")
PLANTED = "features.planted"
IS_SPARK = os.environ.get("HOLDFAST_ENGINE") == "spark"
# Each seed is a log of 2,000 rows. DuckDB reruns a plan in half a second, Spark in ten.
# With seed 2 nobody's contract ends before AS_OF, and is_terminated is constant.
SEEDS = (0,) if IS_SPARK else (0, 1, 3, 4, 5, 6)
CUSTOMERS = 40

ONE_DAY = dt.timedelta(days=1)
AS_OF = dt.date(2018, 1, 31)
MIDNIGHT = dt.datetime.combine(AS_OF, dt.time.min)
# Features of the earlier dates must not change either; those of the later date may.
AS_OF_DATES = [AS_OF - 25 * ONE_DAY, AS_OF, AS_OF + 20 * ONE_DAY]


class Silver:
    """Random rows of the silver tables, within the limits of their contracts."""

    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.rows = {t.name: self.first_rows(t) for t in SOURCES}

    def first_rows(self, table):
        count = CUSTOMERS * (6 if table.event_time else 2)
        rows = [self.row(table) for _ in range(count)]
        return rows if table.event_time else chained(rows)

    def row(self, table, earliest=dt.datetime(2017, 9, 20)):
        """One random row that becomes visible at `earliest` or later."""
        at, late = self.moment(), self.draw.choice((0, 0, 0, 1, 40)) * ONE_DAY
        while at + late < earliest:
            at = self.moment()
        own = {table.event_time: at} if table.event_time else {"valid_from": at + late}
        set_here = {**own, "known_at": at + late}
        drawn = {c.name: set_here.get(c.name, self.value(table, c, at)) for c in table.columns}
        # The text of a ticket equals its category, so that one predicts the other.
        return {**drawn, "category": drawn["text"]} if "category" in drawn else drawn

    def moment(self):
        """A time, mostly close to a midnight or to one of the as_of dates."""
        day = self.draw.choice((*AS_OF_DATES, None, None, None, None))
        day = day or dt.date(2017, 9, 20) + self.draw.randrange(160) * ONE_DAY
        shift = self.draw.choice(
            (dt.timedelta(), dt.timedelta(hours=9), -dt.timedelta(microseconds=1))
        )
        return dt.datetime.combine(day, dt.time.min) + shift

    def value(self, table, column, at):
        if column.nullable and self.draw.random() < 0.2:
            return None
        if column.name == "customer_id":
            # Some customers appear only in the future that is drawn later.
            return f"c{self.draw.randrange(CUSTOMERS if at < MIDNIGHT else CUSTOMERS + 20)}"
        if column.type == "timestamp":
            return at + self.draw.randrange(60) * ONE_DAY / 2
        if column.type == "date":
            return at.date()
        if column.type == "boolean":
            return self.draw.random() < 0.5
        if column.name == "text":
            return self.draw.choice((*REASONS, "a question"))
        if column.type == "string":
            return self.draw.choice(
                allowed(table, column) or [f"{column.name} {n}" for n in "1234"]
            )
        low, high = bounds(table, column)
        number = self.draw.uniform(max(low, -50), min(high, 100))
        if column.type.startswith("decimal"):
            return Decimal(f"{number:.2f}")
        return number if column.type == "double" else int(number)

    def with_another_future(self):
        """The same rows, except that rows at or after MIDNIGHT are added, changed and deleted."""
        return {t.name: self.another_future(t, self.rows[t.name]) for t in SOURCES}

    def another_future(self, table, rows):
        past = [self.with_other_times(table, row) for row in rows if seen_at(table, row) < MIDNIGHT]
        future = [row for row in rows if seen_at(table, row) >= MIDNIGHT]
        kept = [row for row in future if self.draw.random() < 0.3]
        assert past and kept and len(kept) < len(future), table.name
        added = [self.row(table, MIDNIGHT) for _ in range(len(future))]
        # A changed row keeps its key and time and gets new values, as a correction does.
        changed = [
            {**self.row(table, MIDNIGHT), "customer_id": row["customer_id"]} for row in future[::2]
        ]
        return past + kept + added + changed

    def with_other_times(self, table, row):
        """A past row with other, or unknown, future times (a resolution, an end)."""
        set_when_seen = (table.event_time, "known_at", "valid_from")
        other = dict(row)
        for column in table.columns:
            value, later = row[column.name], MIDNIGHT + self.draw.randrange(30) * ONE_DAY
            if column.name in set_when_seen or not column.nullable:
                continue
            if column.type == "timestamp" and (value is None or value >= MIDNIGHT):
                other[column.name] = self.draw.choice((value, None, later))
            if column.type == "date" and (value is None or value >= AS_OF):
                other[column.name] = self.draw.choice((value, None, later.date()))
        return other


def seen_at(table, row):
    return max(row[table.event_time], row["known_at"]) if table.event_time else row["valid_from"]


def chained(versions):
    """Versions of a customer without gaps: each ends where the next begins."""
    chain = []
    for customer in sorted({row["customer_id"] for row in versions}):
        own = {row["valid_from"]: row for row in versions if row["customer_id"] == customer}
        starts = sorted(own)
        ends = [*starts[1:], None]
        chain += [{**own[a], "valid_to": b} for a, b in zip(starts, ends, strict=True)]
    return chain


def allowed(table, column):
    """The values of the column's one_of rule; empty if it has none."""
    rules = [r for r in table.rules if r.name == f"{column.name}_one_of"]
    return [value for r in rules for value in re.findall(r"'([^']*)'", r.passes)]


def bounds(table, column):
    """The range that the column's rules allow."""
    text = " ".join(
        r.passes for r in table.rules if r.columns == (column.name,) and r.severity == "reject"
    )
    least = re.findall(rf"{column.name} >= (-?[\d.]+)", text)
    most = re.findall(rf"{column.name} <= (-?[\d.]+)", text)
    return max([-1e9, *map(float, least)]), min([1e9, *map(float, most)])


@pytest.fixture(scope="module")
def features_of(session, frame, rows_of):
    """A function: rows of silver, as_of dates -> rows of every feature table, by name."""
    compute = on_spark if hasattr(session, "sparkContext") else OnDuckDB()

    def computed(rows, dates=AS_OF_DATES):
        silver = {
            t.name: frame(t.name, with_sentiment(rows[t.name]), more(t), f"pit_{t.short_name}")
            for t in SOURCES
        }
        return {n: rows_of(made) for n, made in compute(session, silver, dates).items()}

    return computed


def feature_tables(silver, dates, keep):
    """The feature tables that the job builds from silver, and a planted one; `keep` caches a frame."""
    spine = keep("pit_spine", known_customers(silver, dates))
    profiles = keep("pit_profiles", valid_at(silver["silver.customers"], spine))
    ended = keep("pit_ended", terminated(silver["silver.terminations"], spine))
    conf = settings.load("demo")
    frames = feature_frames(silver, spine, profiles, ended=ended, dates=dates, settings=conf)
    assert set(frames) == set(FEATURES), "a new feature table is compared as well"
    frames[PLANTED] = peeking(silver["silver.engagement_events"], spine)
    return {name: keep(name.replace(".", "_"), made) for name, made in frames.items()}


def on_spark(session, silver, dates):
    session.catalog.clearCache()
    return feature_tables(silver, dates, lambda _, made: made.persist())


class OnDuckDB:
    """sqlframe takes seconds to build a plan and DuckDB little to run it, so plans are built once."""

    def __init__(self):
        self.plans = {}  # dates -> table -> SQL; each call replaces the rows of the tables

    def __call__(self, session, silver, dates):
        key = tuple(dates)
        known = next((k for k in self.plans if len(k) == len(key)), None)
        if known is None:
            self.plans[key] = {}
            return feature_tables(silver, dates, lambda *made: self.keep(session, key, *made))
        # A plan for other dates differs only in the texts of the dates.
        for name, sql in self.plans[known].items():
            for old, new in zip(known, key, strict=True):
                sql = sql.replace(f"'{old}'", f"'{new}'")
            session._conn.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}")
        return {name: session.table(name.replace(".", "_")) for name in (*FEATURES, PLANTED)}

    def keep(self, session, key, name, made):
        self.plans[key][name] = made.sql(dialect="duckdb", optimize=False)
        session._conn.execute(f"CREATE OR REPLACE TABLE {name} AS {self.plans[key][name]}")
        return session.table(name)


def more(table):
    return "sentiment double, sentiment_basis string" if "text" in table.column_names else ""


def with_sentiment(rows):
    """The job scores the texts; here, equal texts have equal scores."""
    if not rows or "text" not in rows[0]:
        return rows
    return [
        {
            **r,
            "sentiment": r["text"] and (len(r["text"]) + ord(r["text"][-1])) % 7 / 7,
            "sentiment_basis": "lexicon" if r["text"] else "without_text",
        }
        for r in rows
    ]


def peeking(events, spine):
    """A feature that violates the rule: a count of all events of a customer, at any time."""
    counts = events.groupBy("customer_id").agg(F.count("*").alias("events_ever"))
    rows = spine.join(counts, on="customer_id", how="left")
    return rows.select("customer_id", "as_of", "events_ever")


@pytest.fixture(scope="module", params=SEEDS)
def both(request, features_of):
    """The features of random rows, and of the same rows with another future."""
    silver = Silver(request.param)
    return features_of(silver.rows), features_of(silver.with_another_future())


def by_then(tables, name):
    return [row for row in tables[name] if row["as_of"] <= AS_OF]


def changed_columns(before, after, name):
    """The columns that differ in rows up to AS_OF, or the rows that only one side has."""
    left, right = by_then(before, name), by_then(after, name)
    keys = [[(r["customer_id"], r["as_of"]) for r in rows] for rows in (left, right)]
    if keys[0] != keys[1]:
        return {"customers": set(keys[0]) ^ set(keys[1])}
    pairs = zip(left, right, strict=True)
    return {c: (a[c], b[c]) for a, b in pairs for c in a if a[c] != b[c]}


@pytest.mark.parametrize("name", FEATURES)
def test_another_future_changes_no_feature(both, name):
    before, after = both
    assert changed_columns(before, after, name) == {}
    assert len(by_then(before, name)) > CUSTOMERS


def test_the_same_check_finds_a_column_that_peeks(both):
    before, after = both
    assert set(changed_columns(before, after, PLANTED)) == {"events_ever"}


@pytest.mark.parametrize("name", FEATURES)
def test_the_later_date_sees_the_other_future(both, name):
    later = [[r for r in tables[name] if r["as_of"] > AS_OF] for tables in both]
    assert later[0] != later[1]


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_has_values_that_could_change(both, name):
    """Without this, the comparison could pass on constant columns."""
    rows = by_then(both[0], name)
    same = {c for c in rows[0] if len({str(row[c]) for row in rows}) < 2}
    assert same <= {"engagement_basis"}  # depends only on which sources exist


def test_thirty_days_built_day_by_day_equal_one_backfill(features_of, differences):
    """Each day is built only from the rows that silver held on that day.

    On Spark, every tenth day is built, because each needs a plan of its own.
    """
    silver, days = Silver(99), [AS_OF - n * ONE_DAY for n in range(29, -1, -1)]
    backfill = features_of(silver.rows, days)
    for day in days[:: 10 if IS_SPARK else 1]:
        midnight = dt.datetime.combine(day, dt.time.min)
        held = {
            t.name: [row for row in silver.rows[t.name] if seen_at(t, row) < midnight]
            for t in SOURCES
        }
        live = features_of(held, [day])
        for name in FEATURES:
            then = [row for row in backfill[name] if row["as_of"] == day]
            assert len(then) == len(live[name])
            for expected, actual in zip(then, live[name], strict=True):
                assert differences(expected, actual, tolerance=1e-9) == {}
