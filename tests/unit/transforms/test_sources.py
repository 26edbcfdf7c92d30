"""The rows of a source in the columns of bronze, and in those of their silver table."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from contracts.table import Column
from transforms.quality import quarantine_rows
from transforms.sources import (
    from_quarantine,
    mapped,
    with_batches,
    with_expected_columns,
    with_source,
    with_wide_numbers,
)


@pytest.fixture(autouse=True)
def null_on_failure(spark):
    """ANSI mode off, as in ingestion."""
    before = spark.conf.get("spark.sql.ansi.enabled")
    spark.conf.set("spark.sql.ansi.enabled", "false")
    yield
    spark.conf.set("spark.sql.ansi.enabled", before)


# (type in bronze, what the file has as SQL, what bronze gets, was the value lost?)
CHANGED_TYPES = [
    ("int", "'12'", 12, False),
    ("int", "'12 pieces'", None, True),
    ("int", "CAST(7 AS BIGINT)", 7, False),
    ("int", "CAST(3000000000 AS BIGINT)", None, True),
    # pandas writes whole numbers as doubles if a value is missing.
    ("int", "7.0D", 7, False),
    ("int", "7.5D", None, True),
    ("int", "CAST(NULL AS DOUBLE)", None, False),
    ("string", "7", "7", False),
    ("string", "true", "true", False),
    ("double", "7", 7.0, False),
    ("decimal(10,2)", "7.25D", Decimal("7.25"), False),
    ("decimal(10,2)", "7.255D", None, True),
    ("date", "TIMESTAMP'2018-01-02 00:00:00'", dt.date(2018, 1, 2), False),
    ("date", "TIMESTAMP'2018-01-02 10:00:00'", None, True),
    ("timestamp", "DATE'2018-01-02'", dt.datetime(2018, 1, 2), False),
    ("timestamp", "'tomorrow'", None, True),
    ("array<int>", "'1'", None, True),
]


@pytest.mark.parametrize(("kind", "given", "expected", "is_lost"), CHANGED_TYPES)
def test_a_changed_type_is_cast_back_or_kept_beside(spark, kind, given, expected, is_lost):
    rows = spark.range(1).selectExpr(
        f"{given} AS `the value`", "CAST(NULL AS string) AS _malformed", "'f' AS _path"
    )
    row = with_expected_columns(rows, {"the value": kind}).head()
    assert row["the value"] == expected
    assert row["_type_changes"] == (["type_changed:the value"] if is_lost else [])
    assert (row["_rescued"] is not None) == is_lost


def test_columns_are_matched_by_name_and_others_are_rescued(spark):
    rows = spark.createDataFrame(
        [("x", 1, "gold", None, "f"), ("y", 2, None, None, "f"), (None, None, None, "y,2", "f")],
        "B string, A int, tier string, _malformed string, _path string",
    )
    results = with_expected_columns(rows, {"a": "int", "b": "string", "gone": "date"}).collect()
    assert [(r["a"], r["b"], r["gone"], r["_rescued"]) for r in results] == [
        (1, "x", None, '{"tier":"gold"}'),
        (2, "y", None, None),
        (None, None, None, '{"_malformed":"y,2"}'),
    ]
    assert results[0].__fields__ == [
        "a",
        "b",
        "gone",
        "_rescued",
        "_type_changes",
        "_malformed",
        "_path",
    ]


# (type of the canonical column, expression, its source columns, value, reason)
TYPED = [
    ("string", "a", {"a": "x"}, "x", None),
    ("string", "a", {"a": 12}, "12", None),
    ("string", "concat(a, '-', b)", {"a": "x", "b": "y"}, "x-y", None),
    ("decimal(18,2)", "a", {"a": "12.5"}, Decimal("12.50"), None),
    ("decimal(18,2)", "a", {"a": " 12.5 "}, Decimal("12.50"), None),
    ("decimal(18,2)", "a", {"a": "12,5"}, None, "c_type"),
    # Half up, on the decimal digits: the double 1.00499... would give 1.00.
    ("decimal(18,2)", "a", {"a": "1.005"}, Decimal("1.01"), None),
    ("decimal(18,2)", "a", {"a": 1.005}, Decimal("1.01"), None),
    ("decimal(18,2)", "a", {"a": "-1.005"}, Decimal("-1.01"), None),
    ("decimal(18,2)", "a", {"a": "1e17"}, None, "c_type"),
    # A blank in a number column is a missing number.
    ("decimal(18,2)", "a", {"a": "  "}, None, None),
    ("decimal(18,2)", "a", {"a": None}, None, None),
    ("decimal(18,2)", "a", {"a": float("nan")}, None, "c_not_finite"),
    ("double", "a", {"a": float("inf")}, None, "c_not_finite"),
    ("double", "a", {"a": "-Infinity"}, None, "c_not_finite"),
    ("double", "a", {"a": "4.5"}, 4.5, None),
    ("boolean", "a", {"a": "yes"}, True, None),
    ("boolean", "a", {"a": "maybe"}, None, "c_type"),
    ("timestamp", "a", {"a": "2018-01-02T10:00:00+02:00"}, dt.datetime(2018, 1, 2, 8), None),
    ("timestamp", "a", {"a": "02.01.2018"}, None, "c_type"),
    # Spark would add the current date.
    ("timestamp", "a", {"a": "10:00:00"}, None, "c_type"),
    ("date", "to_date(a, 'dd.MM.yyyy')", {"a": "02.01.2018"}, dt.date(2018, 1, 2), None),
    # A calculation that fails on a non-null value.
    ("date", "to_date(a, 'dd.MM.yyyy')", {"a": "2018-01-02"}, None, "c_type"),
    ("date", "to_date(a, 'dd.MM.yyyy')", {"a": None}, None, None),
    ("double", "cast(a as double) * 2", {"a": "x"}, None, "c_type"),
    ("double", "a / b", {"a": 1.0, "b": 0.0}, None, "c_type"),
    ("double", "a + b", {"a": 1.0, "b": None}, None, None),
    # Not 1, which Spark's cast gives with ANSI off.
    ("double", "cast(a as int)", {"a": "1.5"}, None, "c_type"),
    # The expression allows null.
    ("double", "try_cast(a as double)", {"a": "x"}, None, None),
    ("string", "nullif(a, '-')", {"a": "-"}, None, None),
    (
        "double",
        "case when b = 'fee' then cast(a as double) end",
        {"a": "x", "b": "tax"},
        None,
        None,
    ),
    # Two ints whose product passes 2^31.
    ("decimal(18,2)", "a * b", {"a": 50_000, "b": 50_000}, Decimal("2500000000.00"), None),
    ("boolean", "true", {"a": "x"}, True, None),
]


@pytest.mark.parametrize(("kind", "expression", "given", "value", "reason"), TYPED)
def test_a_value_is_typed_or_named(spark, kind, expression, given, value, reason):
    types = {str: "string", int: "int", float: "double", type(None): "string"}
    if isinstance(given.get("a"), float):
        types[type(None)] = "double"
    schema = ", ".join(f"{c} {types[type(v)]}" for c, v in given.items())
    rows = spark.createDataFrame([tuple(given.values())], schema).selectExpr(
        "*", "CAST(NULL AS string) AS _malformed", "CAST(array() AS array<string>) AS _type_changes"
    )
    columns = (Column("c", kind, ""), Column("unmapped", "date", ""))
    carried = ("_malformed", "_type_changes")
    row = mapped(with_wide_numbers(rows), {"c": expression}, columns, carried=carried).head()
    assert row["c"] == value
    assert row["_faults"] == ([reason] if reason else [])
    assert row["unmapped"] is None


def test_bytes_that_are_no_text_become_the_sign_for_it(spark):
    rows = spark.range(1).selectExpr(
        "CAST(X'4dfc6c' AS string) AS a",
        "CAST(NULL AS string) AS _malformed",
        "CAST(array() AS array<string>) AS _type_changes",
    )
    typed = mapped(
        rows, {"c": "a"}, (Column("c", "string", ""),), carried=("_malformed", "_type_changes")
    )
    assert typed.head()["c"] == "M\ufffdl"


def test_a_row_comes_back_from_quarantine_as_it_was(spark):
    """Microseconds, cents, NaN, bytes and nested values survive the JSON."""
    expected = {
        "at": "timestamp",
        "on": "date",
        "cents": "decimal(18,4)",
        "ratio": "double",
        "count": "bigint",
        "raw": "binary",
        "tags": "array<string>",
        "a name": "string",
        "gone": "string",
    }
    rows = spark.range(1).selectExpr(
        "TIMESTAMP'2018-01-02 03:04:05.123456' AS at",
        "DATE'2018-01-02' AS `on`",
        "CAST(0.1234 AS decimal(18,4)) AS cents",
        "double('NaN') AS ratio",
        "9007199254740993 AS count",
        "X'00ff' AS raw",
        "array('x', 'y') AS tags",
        "'ü, \"quoted\"' AS `a name`",
        "CAST(NULL AS string) AS _malformed",
        "'f' AS _path",
    )
    batches = spark.range(1).selectExpr(
        "'f' AS _path",
        "'b1' AS _batch_id",
        "'f.csv' AS _file",
        "TIMESTAMP'2018-02-01' AS _known_at",
    )
    before = with_source(with_batches(with_expected_columns(rows, expected), batches))
    waiting = quarantine_rows(
        before.withColumns({"_errors": F.lit("count_type, type_changed:raw")}), "things"
    )
    text = json.loads(waiting.head()["row"])
    assert text["at"] == "2018-01-02T03:04:05.123456Z"
    after = from_quarantine(waiting, expected, ["b1"])
    columns = [f"`{c}`" for c in expected]
    assert str(after.select(*columns).head()) == str(before.select(*columns).head())
    row = after.head()
    assert row["_type_changes"] == ["type_changed:raw"]
    assert (row["_batch_id"], row["_is_history"]) == ("b1", True)
    assert row["_known_at"] == dt.datetime(2018, 2, 1)
