"""build_features on a small Delta lake: reruns, a restored slice, a dry run, and DuckDB."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deltalake import DeltaTable

from pipelines.features import feature_tables
from pipelines.features.feature_tables import FeatureOptions
from runtime.errors import TableError, UsageError
from runtime.run_info import code_version
from tests.jobs.silver_lake import SILVER, TABLES, WINDOWS, context_at, frame_of, write_silver

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]

ROOT = Path(__file__).parents[2]
FEATURES = (
    "features.demographics",
    "features.behavior",
    "features.transactions",
    "features.labels",
)
EARLIER, AS_OF = dt.date(2018, 1, 1), dt.date(2018, 1, 15)
DATES = [EARLIER, AS_OF]
# VADER scores .6696 and -.4215, Pattern .625 and 0: weights .7 and .3.
LOVE, BROKE = 0.6562, -0.295  # "I love it!" and "It broke again."


@pytest.fixture(scope="module")
def silver(spark, tmp_path_factory):
    """A lake with silver tables only. Tests change only a copy of it."""
    root = tmp_path_factory.mktemp("silver") / "lakehouse"
    write_silver(root)
    return root


@pytest.fixture(scope="module")
def built(silver, tmp_path_factory):
    """The same lake with features of both dates. Tests change only a copy of it."""
    root = copy_of(silver, tmp_path_factory.mktemp("built"))
    feature_tables.run(context_at(root), FeatureOptions(DATES))
    return root


def copy_of(root, folder):
    return Path(shutil.copytree(root, folder / "lakehouse"))


def table_at(root, name):
    return DeltaTable(str(root / name.replace(".", "/")))


def rows_at(root, name):
    """All rows as sorted dicts, read without Spark."""
    rows = table_at(root, name).to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda r: tuple(r[k] for k in TABLES[name].key))


def versions(root):
    return {name: table_at(root, name).version() for name in FEATURES}


def run_by_duckdb(root):
    """The output of the command in a separate process without a JVM."""
    command = [sys.executable, "-m", "jobs.build_features", "--env", "demo", "--engine", "duckdb"]
    command += [part for day in DATES for part in ("--as-of", day.isoformat())]
    conf = {"LAKEHOUSE__ROOT": str(root), "FEATURES__WINDOWS_DAYS": json.dumps(WINDOWS)}
    env = {f"HOLDFAST__{name}": value for name, value in conf.items()}
    env = {**os.environ, **env, "JAVA_HOME": "/nowhere"}
    done = subprocess.run(command, cwd=ROOT, env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_known_customer_has_a_row_in_every_feature_table(built):
    expected = [
        ("a", EARLIER),
        ("a", AS_OF),
        ("b", EARLIER),
        ("b", AS_OF),
        ("c", EARLIER),
        ("c", AS_OF),
    ]
    for name in FEATURES[:3]:
        assert [(r["customer_id"], r["as_of"]) for r in rows_at(built, name)] == expected


def test_the_tables_hold_the_features_of_the_lake(built):
    """One or two values per source, after the whole job."""
    bought = {(r["customer_id"], r["as_of"]): r for r in rows_at(built, "features.transactions")}
    a = bought["a", EARLIER]
    assert (a["total_orders"], a["total_revenue"]) == (3, 10.0 + 20 + 30 - 3)
    # Since 15 September, including that day: 16 of the 30 days of the month.
    assert (a["recency_days"], a["tenure_days"]) == (31, 16 + 31 + 30 + 31)
    assert bought["c", EARLIER]["total_orders"] == 0
    did = {(r["customer_id"], r["as_of"]): r for r in rows_at(built, "features.behavior")}
    a = did["a", EARLIER]
    assert a["ticket_sentiment_mean"] == pytest.approx((LOVE + BROKE) / 2)
    assert (a["ticket_sentiment_worst"], a["tickets_resolved_share"]) == (BROKE, 1 / 2)
    assert (a["login_frequency_30d"], a["feature_usage_score"]) == (1 / 30, 1 / 2)
    assert did["b", EARLIER]["ticket_sentiment_mean"] is None
    assert did["b", EARLIER]["review_sentiment_mean"] == LOVE
    assert a["campaign_contacts_90d"] is None  # the lake has no such source
    are = {(r["customer_id"], r["as_of"]): r for r in rows_at(built, "features.demographics")}
    assert are["a", EARLIER]["plan"] == "gold"
    assert [are["b", day]["is_terminated"] for day in DATES] == [False, True]
    assert [are[c, AS_OF]["has_profile"] for c in "abc"] == [True, False, True]


def test_only_horizons_that_have_passed_have_labels(built):
    """Purchases end on 2018-02-20: 50 days after the first date, 36 days after the second."""
    labels = {
        (r["customer_id"], r["as_of"], r["horizon_days"]): r["churned"]
        for r in rows_at(built, "features.labels")
    }
    a_returns_on = dt.date(2018, 2, 1)
    assert labels == {
        **{("a", day, h): int(h <= (a_returns_on - day).days) for day in DATES for h in (1, 7, 30)},
        **{("b", EARLIER, h): 1 for h in (1, 7, 30)},  # terminated before the later date
    }


def test_a_second_run_changes_nothing_and_commits_nothing(built):
    before = versions(built)
    feature_tables.run(context_at(built), FeatureOptions(DATES))
    assert versions(built) == before


def test_a_run_replaces_only_its_own_dates(built, tmp_path):
    root = copy_of(built, tmp_path)
    spark = context_at(root).spark
    rows = {name: rows_at(root, name) for name in FEATURES}
    for name in FEATURES:
        spark.sql(
            f"DELETE FROM delta.`{root / name.replace('.', '/')}` WHERE as_of = DATE'{EARLIER}'"
        )
    others = {name: set(table_at(root, name).file_uris()) for name in FEATURES}
    assert all({r["as_of"] for r in rows_at(root, name)} == {AS_OF} for name in FEATURES)

    feature_tables.run(context_at(root), FeatureOptions([EARLIER]))

    assert {name: rows_at(root, name) for name in FEATURES} == rows
    assert all(others[name] <= set(table_at(root, name).file_uris()) for name in FEATURES)


def test_new_rows_in_silver_change_the_dates_that_see_them(built, tmp_path):
    root = copy_of(built, tmp_path)
    before, rows = versions(root), rows_at(root, "features.transactions")
    late = {"customer_id": "b", "order_id": "b2", "purchased_at": "2018-01-05", "amount": 5}
    context = context_at(root)
    more = frame_of(context.spark, "silver.transactions", [late])
    more.write.format("delta").mode("append").save(context.lake.path("silver.transactions"))

    feature_tables.run(context_at(root), FeatureOptions(DATES))

    after = rows_at(root, "features.transactions")
    changed = [
        (r["customer_id"], r["as_of"]) for r, old in zip(after, rows, strict=True) if r != old
    ]
    assert changed == [("b", AS_OF)]
    # "b" has left before the later date. At the earlier date it no longer churns within 7 or 30 days.
    assert {name for name in FEATURES if versions(root)[name] != before[name]} == {
        "features.transactions",
        "features.labels",
    }


def test_a_commit_names_its_run_and_its_inputs(built):
    runs = set()
    for name in FEATURES:
        (newest, *_) = table_at(built, name).history()
        facts = json.loads(newest["userMetadata"])
        runs.add((facts["job"], facts["run_id"]))
        assert facts["code"] == code_version()
        assert facts["inputs"] == dict.fromkeys(
            SILVER, 1
        )  # version 0 created the table, version 1 filled it
    ((job, run_id),) = runs  # one run wrote all four
    assert job == "build_features" and re.fullmatch("[0-9a-f]{12}", run_id)


def test_a_dry_run_writes_nothing(silver, tmp_path):
    root = copy_of(silver, tmp_path)
    before = sorted(root.rglob("*"))
    feature_tables.run(context_at(root, is_dry=True), FeatureOptions([EARLIER]))
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize(
    "dates, message",
    [
        (
            ["2017-10-01"],
            "as_of 2017-10-01: no purchase lies before this day. The first purchase is on "
            "2017-10-01. Use a later day.",
        ),
        (
            ["2018-01-01", "2016-01-01"],
            "as_of 2016-01-01: no purchase lies before this day. The first purchase is on "
            "2017-10-01. Use a later day.",
        ),
        (
            ["2018-01-01", "2018-02-21"],
            "--as-of 2018-02-21: purchases are complete only up to 2018-02-20. "
            "Use that day or an earlier one.",
        ),
    ],
)
def test_a_date_without_data_is_refused(silver, dates, message):
    wanted = [dt.date.fromisoformat(day) for day in dates]
    with pytest.raises(UsageError) as error:
        feature_tables.run(context_at(silver), FeatureOptions(wanted))
    assert str(error.value) == message


def test_without_a_date_the_training_dates_are_built(silver):
    with pytest.raises(UsageError) as error:
        feature_tables.wanted_dates(context_at(silver, as_of=EARLIER), [])
    assert str(error.value) == (
        "as_of 2018-01-01: a horizon of 30 days needs three dates with 30 days of history before "
        "them (train, tune, test), and events begin on 2017-10-01. "
        "Take an as_of from 2018-01-29 on, or a shorter horizon."
    )
    with pytest.raises(UsageError) as error:
        feature_tables.wanted_dates(context_at(silver, as_of=dt.date(2018, 2, 21)), [])
    assert str(error.value) == (
        "as_of 2018-02-21: purchases are complete only up to 2018-02-20. Use that day or an "
        "earlier one."
    )
    context = context_at(silver, as_of=dt.date(2018, 1, 29))
    days = [
        dt.date(2017, 10, 31),
        dt.date(2017, 11, 30),
        dt.date(2017, 12, 30),
        dt.date(2018, 1, 29),
    ]
    assert feature_tables.wanted_dates(context) == days


def test_before_ingest_the_error_names_the_job_to_run(spark, tmp_path):
    with pytest.raises(TableError) as error:
        feature_tables.run(context_at(tmp_path / "lakehouse"), FeatureOptions([EARLIER]))
    assert str(error.value) == (
        "silver.transactions: does not exist in lakehouse. Run `holdfast ingest --env demo` first."
    )


def test_duckdb_makes_the_same_tables_and_each_engine_accepts_those_of_the_other(
    silver, built, tmp_path
):
    """Ints and texts are equal, floats to 1e-9. Then each engine reruns over the other's tables."""
    root = copy_of(silver, tmp_path)
    printed = run_by_duckdb(root)
    assert printed.count("wrote") == len(FEATURES)
    for name in FEATURES:
        for row, other in zip(rows_at(root, name), rows_at(built, name), strict=True):
            assert set(row) == set(other)
            assert {c: type(v) for c, v in row.items()} == {c: type(v) for c, v in other.items()}
            for column, value in row.items():
                close = isinstance(value, float)
                assert value == (pytest.approx(other[column], rel=1e-9) if close else other[column])
        by_duckdb, by_spark = (table_at(r, name).schema() for r in (root, built))
        assert by_duckdb == by_spark  # names, types, nullability and comments

    before = versions(root)
    feature_tables.run(context_at(root), FeatureOptions(DATES))  # Spark over DuckDB's tables
    assert versions(root) == before
    assert run_by_duckdb(copy_of(built, tmp_path / "spark")).count("unchanged") == len(FEATURES)
