"""Delta tables written by Spark: checks, rollback, concurrent merges, reads without Spark."""

from __future__ import annotations

import datetime as dt
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable

from contracts import catalog
from contracts.table import Column, Table
from runtime.context import Context
from runtime.errors import BusyError, TableError
from runtime.fingerprint import table_id
from runtime.lakehouse.lease_files import FolderFiles
from runtime.lakehouse.run_leases import RunLeases
from runtime.lakehouse.spark_lake import SparkLake
from runtime.lakehouse.views import register_tables
from runtime.lakehouse.writes import Write
from runtime.run_info import RunInfo
from runtime.settings import load
from tests.jobs.silver_lake import SILVER, context_at, write_silver

pytestmark = pytest.mark.spark_only

ROOT = Path(__file__).parents[2]
DAY, NEXT = dt.date(2018, 1, 1), dt.date(2018, 1, 2)
SCORES = Table(
    "gold.scores",
    "a customer's score.",
    (
        Column("customer_id", "string", "Who", False),
        Column("as_of", "date", "When", False),
        Column("score", "double", "It's between 0 and 1"),
        Column("other", "double", "Another score"),
    ),
    key=("customer_id", "as_of"),
    slice_by="as_of",
)
TOTALS = Table(
    "gold.totals",
    "a counter.",
    (
        Column("writer", "int", "Who counts", False),
        Column("slot", "int", "Which of its counters", False),
        Column("total", "bigint", "How often", False),
    ),
    key=("writer", "slot"),
)


@pytest.fixture
def lake(spark, tmp_path) -> SparkLake:
    return context_at(tmp_path / "lakehouse").lake


def scores(lake, *rows):
    """(customer, as_of, score) or (customer, as_of, score, other)."""
    full = [(*row, None)[:4] for row in rows]
    return lake.spark.createDataFrame(
        full, "customer_id string, as_of date, score double, other double"
    )


def write(lake, *rows, slices=(DAY,), table=SCORES):
    (outcome,) = lake.commit([Write(table, scores(lake, *rows), list(slices))])
    return outcome


def rows_at(lake, name=SCORES.name):
    """Sorted tuples, read without Spark."""
    rows = DeltaTable(lake.path(name)).to_pyarrow_table().to_pylist()
    return sorted(tuple(row.values()) for row in rows)


# ---------------------------------------------------------------------- reading


def test_rows_are_streamed_in_order(lake):
    frame = scores(lake, *[(f"c{n}", DAY, n / 2) for n in range(5)]).repartition(3)
    streamed = lake.stream(frame.orderBy(frame.score.desc()))
    assert next(streamed) == {"customer_id": "c4", "as_of": DAY, "score": 2.0, "other": None}
    assert [row["customer_id"] for row in streamed] == ["c3", "c2", "c1", "c0"]


def test_the_time_of_writing_is_that_of_the_last_job(lake):
    """A commit without the metadata of a job, such as OPTIMIZE, changes no row."""
    assert lake.written_at(SCORES.name) is None
    write(lake, ("a", DAY, 0.5))
    first = lake.written_at(SCORES.name)
    lake.spark.sql(f"ALTER TABLE {lake.address(SCORES.name)} SET TBLPROPERTIES ('a' = 'b')")
    assert lake.written_at(SCORES.name) == first
    commits = DeltaTable(lake.path(SCORES.name)).history()
    (at,) = [c["timestamp"] for c in commits if c.get("userMetadata")]
    assert abs(first - dt.datetime.fromtimestamp(at / 1000, dt.UTC)) < dt.timedelta(seconds=5)


# ---------------------------------------------------------------------- refused


def test_all_differences_of_a_schema_are_reported_and_nothing_is_written(lake):
    wrong = lake.spark.createDataFrame([("a", 0.5, 1)], "customer_id string, score float, more int")
    right = Write(replace(SCORES, name="gold.right"), scores(lake, ("a", DAY, 0.5)), [DAY])
    with pytest.raises(TableError) as error:
        lake.commit([right, Write(SCORES, wrong, [DAY])])
    assert str(error.value) == (
        "gold.scores: column as_of (date) is missing; column other (double) is missing; "
        "column more is not in the contract; "
        "column score is float, the contract says double. Nothing was written."
    )
    assert not (Path(lake.settings.root) / "gold").exists()


def test_all_faults_of_the_rows_are_reported_and_nothing_is_written(lake):
    nan, inf = float("nan"), float("inf")
    rows = [
        ("a", DAY, 0.1),
        ("a", DAY, 0.2),
        (None, DAY, nan),
        ("b", DAY, inf),
        ("c", DAY, -inf, nan),
        ("d", NEXT, 0.1),
        ("e", DAY, None),  # a null in a nullable column is allowed
    ]
    with pytest.raises(TableError) as error:
        write(lake, *rows)
    assert str(error.value) == (
        "gold.scores: 1 row has a null in customer_id, which is required; "
        "3 rows have NaN or infinity in score; 1 row has NaN or infinity in other; "
        "1 key (customer_id, as_of) is not unique; "
        "1 row has another as_of than the slice that is written. Nothing was written."
    )
    assert not lake.exists(SCORES.name)


def test_a_write_without_rows_empties_its_slice(lake):
    write(lake, ("a", DAY, 0.1), ("b", NEXT, 0.2), slices=[DAY, NEXT])
    assert write(lake).is_changed
    assert rows_at(lake) == [("b", NEXT, 0.2, None)]


# ---------------------------------------------------------------------- what counts as a change


def test_the_same_rows_in_another_order_make_no_commit(lake):
    rows = [("a", DAY, 0.1), ("b", DAY, None, 0.2), ("c", DAY, 0.3)]
    assert write(lake, *rows).is_changed
    version = lake.version(SCORES.name)
    again = scores(lake, *reversed(rows)).repartition(3)
    assert not lake.commit([Write(SCORES, again, [DAY])])[0].is_changed
    assert lake.version(SCORES.name) == version


def test_a_value_that_moves_to_the_next_column_is_a_change(lake):
    write(lake, ("a", DAY, 0.5, None))
    assert write(lake, ("a", DAY, None, 0.5)).is_changed
    assert rows_at(lake) == [("a", DAY, None, 0.5)]


def test_a_row_that_occurs_twice_in_a_table_without_a_key_counts_twice(lake):
    keyless = replace(SCORES, name="gold.keyless", key=())
    write(lake, ("a", DAY, 0.5), table=keyless)
    assert write(lake, ("a", DAY, 0.5), ("a", DAY, 0.5), table=keyless).is_changed


# ---------------------------------------------------------------------- rolled back


def test_a_failure_at_the_third_table_rolls_back_the_first_two(lake, monkeypatch):
    new, third = replace(SCORES, name="gold.new"), replace(SCORES, name="gold.third")
    write(lake, ("a", DAY, 0.1), ("b", NEXT, 0.2), slices=[DAY, NEXT])
    before, actual = rows_at(lake), lake._write

    def failing(write, frame):
        if write.table is third:
            raise OSError("disk full")
        actual(write, frame)

    monkeypatch.setattr(lake, "_write", failing)
    with pytest.raises(OSError, match="disk full"):
        lake.commit([Write(t, scores(lake, ("c", DAY, 0.5)), [DAY]) for t in (SCORES, new, third)])
    assert rows_at(lake) == before
    assert not lake.exists(new.name) and not lake.exists(third.name)
    assert not Path(lake.path(new.name)).exists()

    monkeypatch.undo()  # the same commit can be repeated
    lake.commit([Write(t, scores(lake, ("c", DAY, 0.5)), [DAY]) for t in (SCORES, new, third)])
    assert rows_at(lake) == [("b", NEXT, 0.2, None), ("c", DAY, 0.5, None)]
    assert rows_at(lake, new.name) == rows_at(lake, third.name) == [("c", DAY, 0.5, None)]


# ---------------------------------------------------------------------- a contract that grows


def test_a_column_that_the_contract_gains_is_added_with_its_comment(lake):
    write(lake, ("a", DAY, 0.1))
    gained = replace(SCORES, columns=(*SCORES.columns, Column("user-level", "string", "It's high")))
    frame = scores(lake, ("b", NEXT, 0.9)).selectExpr("*", "'HIGH' AS `user-level`")
    lake.commit([Write(gained, frame, [NEXT])])
    assert rows_at(lake) == [("a", DAY, 0.1, None, None), ("b", NEXT, 0.9, None, "HIGH")]
    (field,) = DeltaTable(lake.path(SCORES.name)).schema().fields[4:]
    assert (field.name, field.metadata["comment"]) == ("user-level", "It's high")
    # A column that becomes nullable.
    free = Column("customer_id", "string", "Who")
    nameless = frame.selectExpr("CAST(NULL AS STRING) AS customer_id", "* EXCEPT (customer_id)")
    freed = replace(gained, columns=(free, *gained.columns[1:]), key=())
    lake.commit([Write(freed, nameless, [NEXT])])
    customers = DeltaTable(lake.path(SCORES.name)).to_pyarrow_table()["customer_id"].to_pylist()
    assert set(customers) == {"a", None}


# ---------------------------------------------------------------------- versions and dry runs


def test_a_commit_names_the_versions_that_were_read_and_not_those_compared_with(lake, tmp_path):
    write(lake, ("a", DAY, 0.1))
    later = context_at(tmp_path / "lakehouse").lake
    old = later.read(SCORES, version=1)
    write(lake, ("a", DAY, 0.9))
    assert [row["score"] for row in old.collect()] == [0.1]
    others = replace(SCORES, name="gold.others")
    write(later, ("a", DAY, 0.5), table=others)
    write(later, ("a", DAY, 0.7), table=others)
    (newest, *_) = DeltaTable(later.path(others.name)).history()
    assert json.loads(newest["userMetadata"])["inputs"] == {SCORES.name: 1}


def test_a_table_keeps_its_id_and_another_table_of_its_name_has_another_id(spark, tmp_path):
    versions = {}
    for root in (tmp_path / "lakehouse", tmp_path / "again"):
        context = context_at(root)
        write(context.lake, ("a", DAY, 0.1))
        first = table_id(context, SCORES.name)
        write(context.lake, ("a", DAY, 0.9))
        versions[table_id(context, SCORES.name)] = context.lake.version(SCORES.name)
        assert first in versions
        assert DeltaTable(context.lake.path(SCORES.name)).metadata().id == first
    assert len(versions) == 2 and len(set(versions.values())) == 1


def test_in_a_dry_run_later_steps_read_the_planned_content(lake, tmp_path):
    write(lake, ("a", DAY, 0.1), ("b", NEXT, 0.2), slices=[DAY, NEXT])
    before = sorted(tmp_path.rglob("*"))
    settings = lake.settings
    dry = SparkLake(lake.spark, settings, RunInfo("test"), is_dry=True)
    assert write(dry, ("c", DAY, 0.3)).rows == 1
    planned = sorted((r["customer_id"], r["score"]) for r in dry.read(SCORES).collect())
    assert planned == [("b", 0.2), ("c", 0.3)]
    merged = scores(dry, ("b", NEXT, 0.8), ("d", NEXT, 0.4))
    dry.commit([Write(SCORES, merged, mode="merge")])
    planned = sorted((r["customer_id"], r["score"]) for r in dry.read(SCORES).collect())
    assert planned == [("b", 0.8), ("c", 0.3), ("d", 0.4)]
    context = Context(settings, RunInfo("test"), is_dry=True)
    context.__dict__["lake"] = dry
    assert context.has(SCORES.name) and not context.has("gold.others")
    assert sorted(tmp_path.rglob("*")) == before


# ---------------------------------------------------------------------- merged


def totals(lake, *rows):
    return lake.spark.createDataFrame(list(rows), "writer int, slot int, total bigint")


def test_a_merge_updates_existing_rows_and_adds_new_ones(lake):
    lake.commit([Write(TOTALS, totals(lake, (1, 1, 10), (1, 2, 20)), mode="merge")])
    lake.commit([Write(TOTALS, totals(lake, (1, 2, 21), (2, 1, 30)), mode="merge")])
    assert rows_at(lake, TOTALS.name) == [(1, 1, 10), (1, 2, 21), (2, 1, 30)]
    (newest, *_) = DeltaTable(lake.path(TOTALS.name)).history()
    assert json.loads(newest["userMetadata"])["run_id"] == lake.run.run_id
    with pytest.raises(TableError) as error:
        lake.commit([Write(TOTALS, totals(lake, (1, 1, 1), (1, 1, 2)), mode="merge")])
    assert str(error.value) == (
        "gold.totals: 1 key (writer, slot) is not unique. Nothing was written."
    )


WRITERS, MERGES, SLOTS = 4, 25, 3


@pytest.mark.acceptance
def test_four_writers_of_one_table_lose_nothing_and_readers_see_whole_merges(spark, lake):
    """4 threads with their own sessions merge 25 times into one table, while a fifth reads it.

    All run in one JVM: on a local folder, Delta's log is atomic only within one JVM
    (LocalLogStore). They take no leases, so that Delta's conflicts are retried.
    """
    lake.create(TOTALS)
    # Rows exist before the threads start, so that no reader sees an empty table and no two writers
    # insert at the same time.
    first = [(w, s, 0) for w in range(WRITERS) for s in range(SLOTS)]
    lake.commit([Write(TOTALS, totals(lake, *first), mode="merge")])
    errors: list[BaseException] = []
    reads, done = [], threading.Event()

    def count(writer: int) -> None:
        run = RunInfo(f"writer {writer}")
        no_leases = RunLeases(lake.settings, run, is_dry=True)
        own = SparkLake(spark.newSession(), lake.settings, run, leases=no_leases)
        try:
            for turn in range(1, MERGES + 1):
                rows = totals(own, *[(writer, slot, turn) for slot in range(SLOTS)])
                own.commit([Write(TOTALS, rows, mode="merge", is_checked=False)])
        except BaseException as error:
            errors.append(error)

    def watch() -> None:
        # A read every 0.2 s: a thread that only reads would slow the writers down.
        while not done.wait(0.2):
            reads.append(rows_at(lake, TOTALS.name))

    writers = [threading.Thread(target=count, args=(n,)) for n in range(WRITERS)]
    reader = threading.Thread(target=watch)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()

    assert errors == []
    assert rows_at(lake, TOTALS.name) == [
        (w, s, MERGES) for w in range(WRITERS) for s in range(SLOTS)
    ]
    commits = DeltaTable(lake.path(TOTALS.name)).history()
    merges = [json.loads(c["userMetadata"])["job"] for c in commits if c["operation"] == "MERGE"]
    assert {job: merges.count(job) for job in set(merges)} == {
        "build_features": 1,
        **{f"writer {n}": MERGES for n in range(WRITERS)},
    }
    assert len(reads) > 50
    for rows in reads:
        # One merge sets all counters of a writer, so a reader must see equal values.
        assert [len({t for w, _, t in rows if w == n}) for n in range(WRITERS)] == [1] * WRITERS
        assert len(rows) == WRITERS * SLOTS


def test_a_commit_has_the_number_of_its_lease_and_is_refused_without_it(lake):
    """A merge and a slice, which store the metadata in two ways."""
    write(lake, ("a", DAY, 0.1))
    write(lake, ("a", DAY, 0.2))
    lake.commit([Write(TOTALS, totals(lake, (1, 1, 10)), mode="merge")])
    for name, expected in ((SCORES.name, [2, 1]), (TOTALS.name, [1])):
        history = DeltaTable(lake.path(name)).history()
        facts = [json.loads(c["userMetadata"]) for c in history if c.get("userMetadata")]
        assert [f["lease"] for f in facts] == expected
    for commit in (
        lambda: write(lake, ("a", DAY, 0.3)),
        lambda: lake.commit([Write(TOTALS, totals(lake, (1, 1, 11)), mode="merge")]),
    ):
        before = [lake.version(name) for name in (SCORES.name, TOTALS.name)]
        with lake.leases.on([SCORES.name, TOTALS.name]):
            for name in (SCORES.name, TOTALS.name):
                # What another run does after it has waited for a stopped one. It has ended already.
                later = f"{lake.leases.held[name].number + 1:012d}-other.json"
                released = '{"lease_seconds": 1, "state": "released"}'
                FolderFiles(Path(lake.settings.root)).write(name, later, released)
            with pytest.raises(BusyError, match="another run has taken over the lease of this run"):
                commit()
        assert [lake.version(name) for name in (SCORES.name, TOTALS.name)] == before


# ---------------------------------------------------------------------- read without Spark


def test_every_declared_table_opens_without_spark_and_has_its_comments(lake):
    tables = catalog.tables().values()
    for table in tables:
        lake.create(table)
    for table in tables:
        stored = DeltaTable(lake.path(table.name))
        assert stored.protocol().min_reader_version == 1, table.name
        fields = {f.name: f for f in stored.schema().fields}
        assert tuple(stored.to_pyarrow_dataset().schema.names) == table.column_names
        assert {n: f.metadata["comment"] for n, f in fields.items()} == {
            c.name: c.comment for c in table.columns
        }
        assert {n: f.nullable for n, f in fields.items()} == {
            c.name: c.nullable for c in table.columns
        }
        assert stored.metadata().description == table.description


def test_the_delta_log_holds_no_personal_values(lake):
    """Statistics would keep an e-mail address in the log after its deletion from the table."""
    write_silver(lake.settings.root, {"silver.customers": SILVER["silver.customers"]})
    log = Path(lake.path("silver.customers")) / "_delta_log"
    written = b"".join(file.read_bytes() for file in log.rglob("*") if file.is_file())
    assert b"ada@example.org" not in written
    assert b'"Ada"' not in written and b"Ada\\" not in written
    assert b"gold" in written  # the plan is not personal, so the log does hold statistics


def test_a_table_in_a_catalog_has_its_full_name(spark):
    lake = SparkLake(spark, load("demo", lakehouse={"root": None, "catalog": "main"}), RunInfo("t"))
    assert lake.address("gold.scores") == "main.gold.scores"


def test_two_environments_share_a_catalog_under_prefixes(spark, tmp_path):
    """In Spark's own catalog: written, read, rolled back and viewed by name, each in its schemas."""

    def context_of(prefix: str) -> Context:
        place = {"root": str(tmp_path), "catalog": "spark_catalog", "schema_prefix": prefix}
        return Context(load("demo", lakehouse=place), RunInfo("t"))

    contexts = {prefix: context_of(prefix) for prefix in ("dev_", "prod_")}
    try:
        for prefix, context in contexts.items():
            table = context.table("gold.segment_migration")
            for day in (DAY, NEXT):
                row = (day, dt.date(2017, 12, 2), "At Risk", prefix, 1, 2.0)
                types = ", ".join(f"{c.name} {c.type}" for c in table.columns)
                context.write([Write(table, spark.createDataFrame([row], types), [day])])
            registered = register_tables(context)
            assert registered == [
                f"{prefix}gold.segment_migration",
                f"{prefix}gold.segment_migration_latest",
            ]
        for prefix, context in contexts.items():
            rows = context.read("gold.segment_migration").collect()
            assert {(r["as_of"], r["to_segment"]) for r in rows} == {(DAY, prefix), (NEXT, prefix)}
            latest = spark.sql(f"SELECT as_of FROM {prefix}gold.segment_migration_latest").collect()
            assert [r["as_of"] for r in latest] == [NEXT]
            # Creation and two commits.
            assert context.lake.version("gold.segment_migration") == 2
        assert not (tmp_path / "gold").exists()
    finally:
        for prefix in contexts:
            spark.sql(f"DROP SCHEMA IF EXISTS spark_catalog.{prefix}gold CASCADE")
