"""Customers as chains of versions."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from pyspark.sql import functions as F

from contracts.silver import CUSTOMERS
from transforms.customer_versions import CONTENT, versions_after, versions_to_write, with_versions
from transforms.deduplicate import content_hash

GIVEN = {"crm": ["customer_id", "plan", "region"], "survey": ["customer_id", "age_band"]}
SCHEMA = ", ".join(f"{c.name} {c.type}" for c in CUSTOMERS.columns)


def day(number):
    return dt.datetime(2018, 1, number)


@pytest.fixture
def history(spark):
    """A function that ingests profiles, one call per run, and reads silver.customers afterwards."""

    class History:
        def __init__(self):
            self.versions = spark.createDataFrame([], SCHEMA)

        def profile(self, source, batch, known_at, outcome="kept", **content):
            row = {"customer_id": "c1", **content, "source": source, "batch_id": batch}
            row |= {"known_at": known_at, "_outcome": outcome}
            return {**dict.fromkeys(CONTENT), "warnings": None, **row}

        def take(self, *profiles):
            """The outcome of each profile."""
            kinds = ", ".join(f"{c} {CUSTOMERS.types[c]}" for c in CONTENT)
            lineage = "source string, batch_id string, known_at timestamp, _outcome string"
            schema = f"{kinds}, warnings string, {lineage}"
            names = [part.split(" ")[0] for part in schema.split(", ")]
            rows = [tuple(p[n] for n in names) for p in profiles]
            chain = with_versions(spark.createDataFrame(rows, schema), self.versions, GIVEN)
            after = versions_after(self.versions, versions_to_write(chain))
            # Collected, so that it no longer depends on the chain.
            self.versions = spark.createDataFrame(after.collect(), SCHEMA)
            labelled = chain.where("NOT _is_stored").collect()
            return {r["batch_id"]: r["_outcome"] for r in labelled}

        def table(self, *columns, customer="c1"):
            """(from, to, columns...) by valid_from, days as numbers."""
            rows = (
                self.versions.where(f"customer_id = '{customer}'").orderBy("valid_from").collect()
            )
            ends = [(r["valid_from"].day, r["valid_to"] and r["valid_to"].day) for r in rows]
            return [(*e, *(r[c] for c in columns)) for e, r in zip(ends, rows, strict=True)]

    return History()


def test_a_change_ends_the_version_before_it(history):
    p = history.profile
    assert history.take(p("crm", "b1", day(1), plan="basic")) == {"b1": "kept"}
    assert history.take(p("crm", "b2", day(2), plan="basic")) == {"b2": "duplicate"}
    assert history.take(p("crm", "b3", day(3), plan="plus")) == {"b3": "kept"}
    # A value that becomes unknown is a change too.
    assert history.take(p("crm", "b4", day(5), plan=None)) == {"b4": "kept"}
    assert history.table("plan", "batch_id") == [
        (1, 3, "basic", "b1"),
        (3, 5, "plus", "b3"),
        (5, None, None, "b4"),
    ]


def test_several_files_of_one_run_are_versions_in_their_order(history):
    p = history.profile
    outcomes = history.take(
        p("crm", "b3", day(3), plan="basic"),
        p("crm", "b2", day(2), plan="plus"),
        p("crm", "b1", day(1), plan="plus"),
        p("crm", "bad", day(2), "quarantined", plan="?"),
    )
    assert outcomes == {"b1": "kept", "b2": "duplicate", "b3": "kept", "bad": "quarantined"}
    assert history.table("plan") == [(1, 3, "plus"), (3, None, "basic")]


def test_a_source_leaves_alone_what_it_does_not_map(history):
    p = history.profile
    history.take(p("crm", "b1", day(1), plan="basic", region="north"))
    history.take(p("survey", "b2", day(2), age_band="30-39"))
    history.take(p("crm", "b3", day(4), plan="plus", region="north"))
    assert history.table("plan", "region", "age_band") == [
        (1, 2, "basic", "north", None),
        (2, 4, "basic", "north", "30-39"),
        (4, None, "plus", "north", "30-39"),
    ]


def test_a_late_delivery_reaches_the_versions_after_it(history):
    p = history.profile
    history.take(p("crm", "b1", day(1), plan="basic"))
    history.take(p("crm", "b4", day(4), plan="plus"))
    assert history.take(p("survey", "b2", day(2), age_band="30-39")) == {"b2": "kept"}
    assert history.table("plan", "age_band", "source") == [
        (1, 2, "basic", None, "crm"),
        (2, 4, "basic", "30-39", "survey"),
        (4, None, "plus", "30-39", "crm"),
    ]


def test_sources_that_speak_at_one_moment_share_a_version(history):
    p = history.profile
    history.take(p("crm", "b1", day(1), plan="basic"))
    assert history.take(p("survey", "b2", day(1), age_band="30-39")) == {"b2": "kept"}
    assert history.table("plan", "age_band", "source") == [
        (1, None, "basic", "30-39", "crm+survey")
    ]
    # Each source keeps its own values: a correction of one does not change the other's.
    history.take(p("crm", "b3", day(1), plan="plus"))
    assert history.table("plan", "age_band", "source") == [(1, None, "plus", "30-39", "crm+survey")]


def test_a_run_that_died_is_done_again_without_a_second_version(history):
    p = history.profile
    first = p("crm", "b1", day(1), plan="basic")
    history.take(first)
    # The same file again, at the same moment and later: it is kept and adds nothing.
    assert history.take(first) == {"b1": "kept"}
    assert history.take({**first, "known_at": day(2)}) == {"b1": "kept"}
    assert history.table("plan") == [(1, None, "basic")]


def test_customers_do_not_mix(history):
    p = history.profile
    other = {**p("crm", "b1", day(2), plan="plus"), "customer_id": "c2"}
    history.take(p("crm", "b1", day(1), plan="basic"), other)
    assert history.table("plan") == [(1, None, "basic")]
    assert history.table("plan", customer="c2") == [(2, None, "plus")]


def test_the_hash_is_that_of_the_completed_version(history):
    p = history.profile
    history.take(p("crm", "b1", day(1), plan="basic"))
    history.take(p("survey", "b2", day(2), age_band="30-39"))
    again = history.versions.withColumn("again", content_hash(CONTENT))
    assert again.where("again <> content_hash").count() == 0


def many(frame, rows, customer, outcome="kept"):
    """Profiles, one per second, each with another plan. customer: the id of all, or "own": one each."""
    empty = [F.lit(None).cast(CUSTOMERS.types[c]).alias(c) for c in CONTENT[1:] if c != "plan"]
    number = F.col("id").cast("string")
    numbers = frame("id bigint", [(n,) for n in range(rows)])
    return numbers.select(
        (number if customer == "own" else F.lit(customer).cast("string")).alias("customer_id"),
        number.alias("plan"),
        *empty,
        F.lit(None).cast("string").alias("warnings"),
        F.lit("crm").alias("source"),
        number.alias("batch_id"),
        F.timestamp_seconds(F.col("id")).cast("timestamp").alias("known_at"),
        F.lit(outcome).alias("_outcome"),
    )


@pytest.fixture
def counted(session, frame, kept, row_hashes):
    """A function that returns the seconds that the versions of profiles take, and their counts.

    On DuckDB these are CPU seconds of this process, which do not depend on other processes.
    """
    clock = time.process_time if hasattr(session, "_conn") else time.perf_counter

    def count(rows):
        # Ingest has computed the profiles before. Spark's optimizer would evaluate literal rows.
        profiles = kept(rows)
        profiles.count()
        chain = with_versions(profiles, frame("silver.customers", []), GIVEN)
        ended = F.col("valid_to").isNotNull().alias("is_ended")
        groups = chain.groupBy("_outcome", ended).agg(F.count("*").alias("rows"))
        began = clock()
        rows = groups.toArrow().to_pylist()
        return clock() - began, {(r["_outcome"], r["is_ended"]): r["rows"] for r in rows}

    return count


def test_the_versions_of_one_customer_take_linear_time(frame, counted):
    half, counts = counted(many(frame, 50_000, "c1"))
    assert counts == {("kept", True): 49_999, ("kept", False): 1}
    whole, counts = counted(many(frame, 100_000, "c1"))
    assert counts == {("kept", True): 99_999, ("kept", False): 1}
    # Twice the versions take twice the time; with a frame that is computed again for each row, 4 x.
    assert whole < 3 * half


def test_rows_without_an_id_cost_no_more_than_others(frame, counted):
    others, counts = counted(many(frame, 200_000, "own"))
    assert counts == {("kept", False): 200_000}
    nameless, counts = counted(many(frame, 200_000, None, "quarantined"))
    assert counts == {("quarantined", False): 200_000}
    # They take part in no window, so they take less.
    assert nameless < others
