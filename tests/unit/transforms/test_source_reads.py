"""Names, types and origin of a source's rows as they are read."""

from __future__ import annotations

import pytest

from transforms.source_reads import (
    content_identity,
    expression_cast,
    storable,
    with_file_path,
    with_table_name,
)


def test_columns_get_new_names_in_the_order_given(frame, tuples_of):
    rows = frame("a int, b string, c int", [(1, "x", 2)])
    renamed = storable(rows, {"c": "third", "a": "first"})
    assert renamed.columns == ["third", "first"]
    assert tuples_of(renamed) == [(2, 1)]


def test_types_that_old_delta_readers_lack_are_replaced(spark):
    rows = spark.sql(
        "SELECT timestamp_ntz'2018-01-01 10:00:00' AS `the time`, null AS nothing, "
        "INTERVAL '2' DAY AS wait, 1 AS number"
    )
    names = {"the time": "the_time", "nothing": "nothing", "wait": "wait", "number": "number"}
    assert dict(storable(rows, names).dtypes) == {
        "the_time": "timestamp",
        "nothing": "string",
        "wait": "string",
        "number": "int",
    }


def test_rows_of_a_table_have_its_name(frame, rows_of):
    rows = with_table_name(frame("a int", [(1,)]), "shop@v3")
    assert rows_of(rows) == [{"a": 1, "_malformed": None, "_path": "shop@v3"}]


def test_rows_of_a_file_have_its_path_and_keep_the_text_of_malformed_rows(spark, tmp_path):
    (tmp_path / "a.csv").write_text("1\n")
    reader = spark.read.format("csv")
    plain = with_file_path(reader.schema("a int").load(str(tmp_path))).collect()[0]
    assert (plain["a"], plain["_malformed"]) == (1, None)
    assert plain["_path"].endswith("/a.csv")
    (tmp_path / "a.csv").write_text("1,2\n")
    reader = reader.option("columnNameOfCorruptRecord", "_malformed").option("columnPruning", False)
    bad = with_file_path(reader.schema("a int, _malformed string").load(str(tmp_path)))
    assert bad.collect()[0]["_malformed"] == "1,2"


def test_the_identity_of_a_content_ignores_the_order_of_rows(frame, row_hashes, rows_of):
    declared = "a int, b string"
    rows = [(1, "x"), (2, "y")]

    def identity(rows):
        return rows_of(content_identity(frame(declared, rows)))[0]

    assert identity(rows) == identity(rows[::-1])
    assert identity(rows)["rows"] == 2
    assert identity(rows)["content"] != identity([(1, "x"), (2, "z")])["content"]
    # A row that occurs twice counts twice.
    assert identity([*rows, rows[0]])["content"] != identity(rows)["content"]


@pytest.mark.parametrize(
    ("expression", "sql_type", "value"),
    [
        ("price * 2", "int", 6),
        ("'twelve'", "int", None),  # a value that does not convert is null
        ("cast('x' AS int)", "int", None),  # so is a failed cast inside the expression
    ],
)
def test_an_expression_in_the_type_of_its_column(spark, expression, sql_type, value):
    rows = spark.createDataFrame([(3,)], "price int")
    assert expression_cast(rows, expression, sql_type).collect()[0][0] == value
