"""maintain on real Delta tables: fewer files, older versions deleted, the same rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from contracts.table import Column, Table
from pipelines.maintenance import lakehouse_upkeep
from runtime import settings
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.upkeep import stored
from runtime.lakehouse.writes import Write
from runtime.progress import Progress
from runtime.run_info import RunInfo

pytestmark = pytest.mark.acceptance
DAYS = [dt.date(2018, month, 1) for month in range(1, 5)]
KEY = (Column("as_of", "date", "Date", False), Column("customer_id", "string", "Customer", False))
SCORES = Table(
    name="gold.customer_scores",
    row="One row per customer and date.",
    key=("as_of", "customer_id"),
    slice_by="as_of",
    columns=(*KEY, Column("score", "double", "Score")),
)
PLANS = replace(SCORES, name="gold.plans")
TABLES = {t.name: t for t in (SCORES, PLANS)}


def context_at(root, *, is_dry=False, **maintenance):
    given = {
        "lakehouse": {"root": str(root), "catalog": None},
        "maintenance": {"dated_tables": ["gold.*"], **maintenance},
    }
    context = Context(
        settings.load("demo", **given), RunInfo("maintain"), Progress(), is_dry=is_dry
    )
    context.__dict__["tables"] = TABLES
    return context


@pytest.fixture
def lake(spark, tmp_path):
    """Four dates per table, each written in three files, and the first date written twice."""
    context = context_at(tmp_path)
    for table in TABLES.values():
        for n, day in enumerate([*DAYS, DAYS[0]]):
            rows = [(day, f"c{c}", float(c + n // 4)) for c in range(9)]
            frame = spark.createDataFrame(rows, "as_of date, customer_id string, score double")
            context.lake.commit([Write(table, frame.repartition(3), [day])])
    return tmp_path


def rows_of(context, name):
    rows = context.read(name).collect()
    return sorted((r["as_of"], r["customer_id"], r["score"]) for r in rows)


def test_files_become_fewer_and_rows_and_content_version_stay(lake, spark, capsys):
    context = context_at(lake, keep_versions_days=7)
    before = {name: rows_of(context, name) for name in TABLES}
    versions = {name: context.lake.content_version(name) for name in TABLES}
    files = {name: stored(context.lake, name).files for name in TABLES}
    lakehouse_upkeep.run(context)
    for name in TABLES:
        assert rows_of(context, name) == before[name]
        assert context.lake.content_version(name) == versions[name]
        assert context.lake.version(name) > versions[name]
        assert stored(context.lake, name).files < files[name]
    assert "gold.plans" in capsys.readouterr().out
    # A second run has nothing to compact or delete; VACUUM alone records that it ran.
    again = {name: (versions[name], stored(context.lake, name)) for name in TABLES}
    lakehouse_upkeep.run(context)
    for name in TABLES:
        assert (context.lake.content_version(name), stored(context.lake, name)) == again[name]


def test_old_dates_are_deleted_only_where_conf_says_so(lake, spark, capsys):
    dated = {"keep_dates_days": 31, "dated_tables": ["gold.customer_scores"]}
    dry = context_at(lake, is_dry=True, **dated)
    lakehouse_upkeep.run(dry)
    # 31 days before 2018-04-01 are 2018-03-01.
    assert "would delete the rows with as_of < DATE'2018-03-01'" in capsys.readouterr().out
    assert {r[0] for r in rows_of(dry, "gold.customer_scores")} == set(DAYS)
    context = context_at(lake, **dated)
    lakehouse_upkeep.run(context)
    assert {r[0] for r in rows_of(context, "gold.customer_scores")} == set(DAYS[2:])
    assert {r[0] for r in rows_of(context, "gold.plans")} == set(DAYS)


def test_a_pattern_without_a_table_is_refused(lake):
    with pytest.raises(UsageError) as error:
        lakehouse_upkeep.run(context_at(lake, dated_tables=["gold.scores*"]))
    assert str(error.value) == (
        "maintenance.dated_tables: gold.scores* matches no table with an as_of. Remove it, or use a "
        "name of docs/data_dictionary.md."
    )
