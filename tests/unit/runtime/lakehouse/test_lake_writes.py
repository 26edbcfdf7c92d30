"""What may be written, a contract as SQL, and the one-box engine's tables."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from contracts.table import Column, Table
from runtime.errors import TableError, UsageError
from runtime.files import Location
from runtime.lakehouse.commits import changed_by
from runtime.lakehouse.ddl import changes_sql, columns_sql, create_sql, properties_of
from runtime.lakehouse.writes import Write, check_columns, check_counts

DAY, NEXT = dt.date(2018, 1, 1), dt.date(2018, 1, 2)
SCORES = Table(
    "gold.scores",
    "a customer's score.",
    (
        Column("customer_id", "string", "Who", False),
        Column("as_of", "date", "When", False),
        Column("score", "double", "It's between 0 and 1"),
    ),
    key=("customer_id", "as_of"),
    slice_by="as_of",
    cluster_by=("customer_id",),
)
PEOPLE = Table(
    "silver.people",
    "a person.",
    (Column("id", "string", "Who", False), Column("e-mail", "string", "Where", personal=True)),
    slice_by="id",
)


# ---------------------------------------------------------------------- what may be written


def test_a_slice_is_said_in_sql():
    assert Write(SCORES, None, [DAY, NEXT]).predicate() == (
        "as_of IN (DATE'2018-01-01', DATE'2018-01-02')"
    )
    assert Write(PEOPLE, None, ["b1", "it's"]).predicate() == "id IN ('b1', 'it''s')"
    trained = Table("gold.t", "x.", (Column("at", "timestamp", ""),), slice_by="at")
    moment = dt.datetime(2018, 1, 1, 12, 30)
    assert Write(trained, None, [moment]).predicate() == "at IN (TIMESTAMP'2018-01-01 12:30:00')"


def test_every_difference_of_a_schema_is_named_at_once():
    with pytest.raises(TableError) as error:
        check_columns(SCORES, {"customer_id": "bigint", "score": "float", "extra": "int"})
    assert str(error.value) == (
        "gold.scores: column as_of (date) is missing; column extra is not in the contract; "
        "column customer_id is bigint, the contract says string; "
        "column score is float, the contract says double. Nothing was written."
    )


def test_a_schema_may_come_in_any_order():
    check_columns(SCORES, {"score": "double", "as_of": "date", "customer_id": "string"})


def test_every_fault_of_the_rows_is_named_at_once():
    with pytest.raises(TableError) as error:
        check_counts(SCORES, {"customer_id": 2, "as_of": 0}, {"score": 3}, duplicates=4, outside=5)
    assert str(error.value) == (
        "gold.scores: 2 rows have a null in customer_id, which is required; "
        "3 rows have NaN or infinity in score; "
        "4 keys (customer_id, as_of) are not unique; "
        "5 rows have another as_of than the slice that is written. Nothing was written."
    )
    check_counts(SCORES, {"customer_id": 0}, {"score": 0}, duplicates=0)


# ---------------------------------------------------------------------- the SQL of a contract


def test_a_table_is_made_as_its_contract_says():
    assert create_sql(SCORES, "delta.`/x`", is_clustered=False) == (
        "CREATE TABLE IF NOT EXISTS delta.`/x` (\n"
        "  `customer_id` string NOT NULL COMMENT 'Who',\n"
        "  `as_of` date NOT NULL COMMENT 'When',\n"
        "  `score` double COMMENT 'It\\'s between 0 and 1'\n"
        ") USING delta\n"
        "COMMENT 'a customer\\'s score. Key: customer_id, as_of.'"
    )
    assert "USING delta\nCLUSTER BY (customer_id)\n" in create_sql(SCORES, "c.gold.scores", True)


def test_a_personal_column_has_no_statistics():
    assert properties_of(PEOPLE) == {"delta.dataSkippingStatsColumns": "`id`"}
    assert create_sql(PEOPLE, "x", False).endswith(
        "\nTBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`id`')"
    )
    assert properties_of(SCORES) == {}


def test_of_many_columns_the_first_thirty_two_have_statistics():
    columns = tuple(Column(f"c{n}", "int", "") for n in range(40))
    wide = Table("silver.wide", "x.", (Column("name", "string", "", personal=True), *columns))
    (kept,) = properties_of(wide).values()
    assert kept.split(",") == [f"`c{n}`" for n in range(32)]


def test_columns_that_a_contract_gains_are_added_and_those_not_required_any_more_set_free():
    wide = Table(
        "silver.people",
        "a person.",
        (
            Column("id", "string", "", False),
            Column("p", "double", "Chance", False),
            Column("q-r", "int", ""),
            Column("e-mail", "string", ""),
        ),
    )
    assert changes_sql(wide, {"id": False, "e-mail": False}, "x") == [
        "ALTER TABLE x ADD COLUMNS (`p` double COMMENT 'Chance', `q-r` int COMMENT '')",
        "ALTER TABLE x ALTER COLUMN `e-mail` DROP NOT NULL",
    ]
    # A column that the contract no longer has must not be required in new rows.
    assert changes_sql(wide, {**dict.fromkeys(wide.column_names, True), "old": False}, "x") == [
        "ALTER TABLE x ALTER COLUMN `old` DROP NOT NULL"
    ]
    # What was free stays so: rows that are there may have null.
    assert changes_sql(wide, dict.fromkeys(wide.column_names, True), "x") == []
    assert columns_sql(PEOPLE) == "`id` string, `e-mail` string"


# ---------------------------------------------------------------------- the one-box engine

duckdb = pytest.mark.duckdb_only


@pytest.fixture
def lake(tmp_path):
    return lake_at(tmp_path)


def lake_at(root, is_dry=False):
    from runtime.lakehouse.duck_lake import DuckLake
    from runtime.run_info import RunInfo
    from runtime.settings import load

    settings = load("demo", lakehouse={"root": str(root), "catalog": None})
    return DuckLake(settings, RunInfo("test"), is_dry)


def scores(lake, *rows):
    from pyspark.sql import functions as F

    texts = [(c, str(day), None if score is None else str(score)) for c, day, score in rows]
    made = lake.session.createDataFrame(texts, "customer_id string, as_of string, score string")
    return made.select(
        "customer_id",
        F.col("as_of").cast("date").alias("as_of"),
        F.col("score").cast("double").alias("score"),
    )


def write(lake, *rows, slices=(DAY,), table=SCORES):
    (outcome,) = lake.commit([Write(table, scores(lake, *rows), list(slices))])
    return outcome


def rows_at(lake, table=SCORES):
    return sorted(tuple(r.values()) for r in lake.read(table).toArrow().to_pylist())


@duckdb
def test_a_slice_is_replaced_and_the_others_stay(lake):
    write(lake, ("a", DAY, 0.1), ("a", NEXT, 0.2), slices=[DAY, NEXT])
    write(lake, ("b", NEXT, 0.3), slices=[NEXT])
    assert rows_at(lake) == [("a", DAY, 0.1), ("b", NEXT, 0.3)]


@duckdb
def test_the_same_rows_again_are_no_commit(lake):
    rows = [("a", DAY, 0.1), ("b", DAY, None), ("c", DAY, 0.1 + 0.2)]
    assert write(lake, *rows).is_changed
    version = lake.version(SCORES.name)
    assert not write(lake, *reversed(rows)).is_changed
    assert lake.version(SCORES.name) == version
    # A value that moves to another row is a change, as is a row more or less.
    assert write(lake, ("a", DAY, None), ("b", DAY, 0.1), ("c", DAY, 0.1 + 0.2)).is_changed
    assert write(lake, ("a", DAY, None), ("b", DAY, 0.1)).is_changed
    assert write(lake).is_changed
    assert rows_at(lake) == []


@duckdb
def test_faulty_rows_are_refused_before_anything_is_written(lake):
    inf = float("inf")
    rows = [("a", DAY, 0.1), ("a", DAY, 0.2), (None, DAY, inf), ("b", DAY, "NaN"), ("c", NEXT, 1.0)]
    with pytest.raises(TableError) as error:
        write(lake, *rows)
    assert str(error.value) == (
        "gold.scores: 1 row has a null in customer_id, which is required; "
        "2 rows have NaN or infinity in score; "
        "1 key (customer_id, as_of) is not unique; "
        "1 row has another as_of than the slice that is written. Nothing was written."
    )
    assert not lake.exists(SCORES.name)


@duckdb
def test_a_wrong_schema_is_refused_with_all_its_differences(lake):
    wrong = lake.session.createDataFrame([("a", 1)], "customer_id string, score int")
    with pytest.raises(TableError) as error:
        lake.commit([Write(SCORES, wrong, [DAY])])
    assert str(error.value) == (
        "gold.scores: column as_of (date) is missing; "
        "column score is int, the contract says double. Nothing was written."
    )


@duckdb
def test_a_failure_at_the_second_table_takes_back_the_first(lake, monkeypatch):
    from dataclasses import replace

    others = replace(SCORES, name="gold.others")
    write(lake, ("a", DAY, 0.1))
    before, actual, calls = lake.version(SCORES.name), lake._write, []

    def failing(write, content):
        calls.append(write.table.name)
        if len(calls) == 3:
            raise OSError("disk full")
        actual(write, content)

    monkeypatch.setattr(lake, "_write", failing)
    new = replace(SCORES, name="gold.new")
    with pytest.raises(OSError, match="disk full"):
        lake.commit([Write(t, scores(lake, ("b", DAY, 0.5)), [DAY]) for t in (SCORES, new, others)])
    assert calls == ["gold.scores", "gold.new", "gold.others"]
    assert rows_at(lake) == [("a", DAY, 0.1)]
    assert lake.version(SCORES.name) == before + 2  # written, and restored
    assert not lake.exists(new.name) and not lake.exists(others.name)
    monkeypatch.undo()
    assert write(lake, ("b", DAY, 0.5), table=new).is_changed


@duckdb
def test_what_it_makes_opens_with_reader_version_1_and_its_comments(lake):
    from deltalake import DeltaTable

    write(lake, ("a", DAY, 0.1))
    delta = DeltaTable(lake.path(SCORES.name))
    assert delta.protocol().min_reader_version == 1
    comments = {f.name: f.metadata["comment"] for f in delta.schema().fields}
    assert comments == {c.name: c.comment for c in SCORES.columns}
    assert {f.name: f.nullable for f in delta.schema().fields} == {
        c.name: c.nullable for c in SCORES.columns
    }
    assert delta.metadata().description == SCORES.description
    (newest, *_) = delta.history()
    facts = json.loads(newest["userMetadata"])
    assert (facts["job"], facts["run_id"], facts["inputs"]) == ("test", lake.run.run_id, {})


@duckdb
def test_a_table_that_is_read_counts_as_an_input(lake):
    write(lake, ("a", DAY, 0.1))
    lake.read(SCORES)
    assert lake.run.inputs == {SCORES.name: lake.version(SCORES.name)}


@duckdb
def test_a_column_that_the_contract_gains_is_added_and_is_null_in_what_is_there(lake):
    from dataclasses import replace

    from pyspark.sql import functions as F

    write(lake, ("a", DAY, 0.1))
    gained = replace(SCORES, columns=(*SCORES.columns, Column("level", "string", "How high")))
    frame = scores(lake, ("b", NEXT, 0.9)).select("*", F.lit("HIGH").alias("level"))
    lake.commit([Write(gained, frame, [NEXT])])
    assert rows_at(lake, gained) == [("a", DAY, 0.1, None), ("b", NEXT, 0.9, "HIGH")]


@duckdb
def test_a_column_that_the_contract_gained_is_null_when_an_old_table_is_read(lake):
    from dataclasses import replace

    write(lake, ("a", DAY, 0.1))
    gained = Column("level", "string", "How high", nullable=False)
    wide = replace(SCORES, columns=(*SCORES.columns, gained, Column("at", "timestamp", "When")))
    (row,) = lake.read(wide).toArrow().to_pylist()
    assert (row["customer_id"], row["level"], row["at"]) == ("a", None, None)


@duckdb
def test_a_column_that_the_contract_no_longer_has_keeps_its_rows_and_is_null_in_new_ones(lake):
    from dataclasses import replace

    from pyspark.sql import functions as F

    wide = replace(SCORES, columns=(*SCORES.columns, Column("level", "string", "How high")))
    lake.commit(
        [Write(wide, scores(lake, ("a", DAY, 0.1)).select("*", F.lit("LOW").alias("level")), [DAY])]
    )
    write(lake, ("b", NEXT, 0.9), slices=[NEXT])
    assert rows_at(lake, wide) == [("a", DAY, 0.1, "LOW"), ("b", NEXT, 0.9, None)]
    assert write(lake, ("b", NEXT, 0.9), slices=[NEXT]).is_changed is False


def test_compaction_is_no_change_of_content(tmp_path):
    log = tmp_path / "_delta_log"
    log.mkdir()
    for version, done in enumerate(("CREATE TABLE", "WRITE", "OPTIMIZE", "VACUUM START")):
        lines = [{"protocol": {}}, {"commitInfo": {"operation": done}}]
        text = "\n".join(json.dumps(line) for line in lines)
        (log / f"{version:020d}.json").write_text(text)
    assert [changed_by(Location.of(tmp_path), newest) for newest in range(4)] == [0, 1, 1, 1]
    # Delta has removed the commits before the checkpoint: the oldest known one counts.
    (log / f"{1:020d}.json").unlink()
    assert changed_by(Location.of(tmp_path), 3) == 1


@duckdb
def test_a_dry_run_checks_and_counts_and_writes_nothing(tmp_path):
    lake = lake_at(tmp_path, is_dry=True)
    assert write(lake, ("a", DAY, 0.1)).rows == 1
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TableError):
        write(lake, ("a", DAY, 0.1), ("a", DAY, 0.1))


@duckdb
def test_what_is_kept_is_computed_once_and_forgotten(lake):
    def tables():
        return set(lake.session._conn.execute("SHOW TABLES").fetchall())

    # The session is shared: other lakes of it may hold tables of their own.
    before = tables()
    kept = [lake.keep(scores(lake, ("a", DAY, 0.1))), lake.keep(scores(lake, ("b", DAY, 0.2)))]
    assert [k.toArrow().num_rows for k in kept] == [1, 1]
    assert len(named := {t for (t,) in tables() - before if t.startswith("kept_")}) == 2
    lake.forget()
    assert not named & {t for (t,) in tables()}
    assert lake.keep(scores(lake, ("c", DAY, None))).toArrow().to_pylist()[0]["customer_id"] == "c"


@duckdb
def test_it_refuses_what_it_cannot_do(lake, monkeypatch):
    with pytest.raises(TableError) as error:
        lake.commit([Write(SCORES, scores(lake), mode="merge")])
    assert str(error.value) == ("gold.scores: --engine duckdb cannot merge. Use --engine spark.")
    from runtime.lakehouse.duck_lake import DuckLake
    from runtime.settings import load

    on_catalog = load("demo", lakehouse={"root": None, "catalog": "main"})
    with pytest.raises(UsageError) as error:
        DuckLake(on_catalog, lake.run)
    assert str(error.value) == (
        "--engine duckdb: needs a lakehouse folder, but conf/demo.yaml names the catalog 'main'. "
        "Use --engine spark."
    )


@duckdb
def test_rows_are_streamed_in_order_across_batches(lake, monkeypatch):
    monkeypatch.setattr("runtime.lakehouse.duck_lake.BATCH_ROWS", 2)
    frame = scores(lake, *[(f"c{n}", DAY, n / 2) for n in range(5)])
    streamed = lake.stream(frame.orderBy(frame.score.desc()))
    assert next(streamed) == {"customer_id": "c4", "as_of": DAY, "score": 2.0}
    assert [row["customer_id"] for row in streamed] == ["c3", "c2", "c1", "c0"]


@duckdb
def test_the_time_of_writing_is_that_of_the_last_job(lake):
    """A commit without the metadata of a job, such as OPTIMIZE, changes no row."""
    from deltalake import DeltaTable

    assert lake.written_at(SCORES.name) is None
    write(lake, ("a", DAY, 0.5))
    table = DeltaTable(lake.path(SCORES.name))
    (at,) = [c["timestamp"] for c in table.history() if c.get("userMetadata")]
    table.optimize.compact()
    table.alter.set_table_properties({"delta.appendOnly": "false"})
    assert len(table.history()) > 1
    assert lake.written_at(SCORES.name) == dt.datetime.fromtimestamp(at // 1000, dt.UTC)
