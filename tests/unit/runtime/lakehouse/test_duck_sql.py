"""DuckDB gives the values that Spark gives, for the expressions that mappings use.

Run with both engines: the expected values are Spark's.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from contracts.expressions import may_be_null, with_try_casts

NOON = dt.datetime(2024, 7, 1, 12, 0)
DAY = dt.datetime(2024, 7, 1)

# (expression on the text column a, value of a, expected value)
EXPRESSIONS = [
    ("a", "x", "x"),
    ("upper(a)", "x", "X"),
    ("trim(a)", " x ", "x"),
    ("concat(a, '-', a)", "x", "x-x"),
    ("coalesce(nullif(a, '-'), 'none')", "-", "none"),
    # Whole numbers: a text with decimals is no whole number.
    ("cast(a as int)", "12", 12),
    ("cast(a as int)", " 12 ", 12),
    ("cast(a as int)", "1.5", None),
    ("cast(a as int)", "x", None),
    ("cast(a as int)", "3000000000", None),
    ("cast(a as bigint)", "3000000000", 3_000_000_000),
    # Money: rounded half up.
    ("cast(a as decimal(18,2))", "1.005", Decimal("1.01")),
    ("cast(a as decimal(18,2))", "-1.005", Decimal("-1.01")),
    ("cast(a as decimal(18,2))", "1,00", None),
    (
        "cast(replace(replace(a, '.', ''), ',', '.') as decimal(18,2))",
        "1.249,00",
        Decimal("1249.00"),
    ),
    ("cast(replace(a, ' €', '') as decimal(18,2))", "5.5 €", Decimal("5.50")),
    ("greatest(0, cast(a as decimal(18,2)))", "-3", Decimal("0.00")),
    (
        "concat(if(a like '%-%', '-', ''), replace(a, '-', ''))",
        "12.00-",
        "-12.00",
    ),
    (
        "concat(if(a like '(%', '-', ''), replace(replace(a, '(', ''), ')', ''))",
        "(12.00)",
        "-12.00",
    ),
    ("case when a like 'R%' then -1 else 1 end", "R1", -1),
    # Dates: exactly the form of the pattern, else null.
    ("to_timestamp(a, 'dd.MM.yyyy HH:mm')", "01.07.2024 12:00", NOON),
    ("to_timestamp(a, 'dd.MM.yyyy HH:mm')", "01.07.2024", None),
    ("to_timestamp(a, 'dd.MM.yyyy')", "01.07.2024", DAY),
    ("to_timestamp(a, 'dd.MM.yyyy')", "01.07.2024 12:00", None),
    ("to_timestamp(a, 'dd.MM.yyyy')", "1.7.2024", None),
    ("to_timestamp(a, 'dd.MM.yyyy')", "31.02.2024", None),
    ("to_timestamp(a, 'd.M.yyyy')", "1.7.2024", DAY),
    ("to_timestamp(a, 'd.M.yyyy')", "01.07.2024", DAY),
    ("to_timestamp(a, 'M/d/yyyy h:mm a')", "7/1/2024 12:00 PM", NOON),
    ("to_timestamp(a, 'd MMM yyyy')", "1 Jul 2024", DAY),
    ("to_timestamp(a, 'dd.MM.yy')", "01.07.24", DAY),
    ("to_timestamp(a, 'yyyyMMdd')", "20240701", DAY),
    (
        "coalesce(to_timestamp(a, 'dd.MM.yyyy HH:mm'), to_timestamp(a, 'dd.MM.yyyy'))",
        "01.07.2024",
        DAY,
    ),
    ("try_to_timestamp(a, 'dd.MM.yyyy')", "x", None),
    ("to_date(a, 'dd/MM/yyyy')", "01/07/2024", DAY.date()),
    ("to_date(a, 'dd/MM/yyyy')", "x", None),
    ("cast(a as timestamp)", "2024-07-01 12:00:00", NOON),
    ("cast(a as timestamp)", "2024-07-01T14:00:00+02:00", NOON),
    ("cast(a as timestamp)", "2024-07-01T12:00:00Z", NOON),
    ("cast(a as timestamp)", "2024-07-01", DAY),
    ("cast(a as timestamp)", "x", None),
    ("cast(a as date)", "2024-07-01", DAY.date()),
    (
        "to_utc_timestamp(to_timestamp(a, 'dd.MM.yyyy HH:mm'), 'Europe/Berlin')",
        "01.07.2024 14:00",
        NOON,
    ),
    ("get_json_object(a, '$.x')", '{"x": "y"}', "y"),
    ("get_json_object(a, '$.x')", "no json", None),
    ("a = 'no'", "no", True),
    ("coalesce(trim(a), '') not in ('', 'Gast')", "Gast", False),
    ("coalesce(trim(a), '') <> 'Summe'", None, True),
    ("a rlike '^R[0-9]+$'", "R12", True),
    ("substring(a, 1, 2)", "abc", "ab"),
    ("split_part(a, '-', 2)", "a-b", "b"),
    ("cast(a as double) / 0", "1", None),
]


@pytest.fixture
def value_of(session):
    """A function that gives the value of an expression over one row with the text column a."""
    if hasattr(session, "sparkContext"):
        return lambda expression, text: _on_spark(session, expression, text)
    return lambda expression, text: _on_duckdb(session, expression, text)


def _on_spark(session, expression, text):
    before = session.conf.get("spark.sql.ansi.enabled")
    session.conf.set("spark.sql.ansi.enabled", "false")
    try:
        rows = session.createDataFrame([(text,)], "a string")
        values = rows.select(F.expr(with_try_casts(expression)).alias("value"))
        return values.toArrow().to_pylist()[0]["value"]
    finally:
        session.conf.set("spark.sql.ansi.enabled", before)


def _on_duckdb(session, expression, text):
    import pyarrow as pa

    from runtime.lakehouse.duck_session import frame_of
    from runtime.lakehouse.duck_sql import as_on_spark

    rows = frame_of(session, pa.table({"a": pa.array([text], pa.string())}))
    values = rows.select(F.expr(with_try_casts(as_on_spark(expression))).alias("value"))
    return values.toArrow().to_pylist()[0]["value"]


@pytest.mark.parametrize(("expression", "text", "expected"), EXPRESSIONS)
def test_an_expression_has_the_value_that_spark_gives(value_of, expression, text, expected):
    value = value_of(expression, text)
    if isinstance(value, dt.datetime):
        value = value.replace(tzinfo=None)
    assert value == expected and type(value) is type(expected)


@pytest.mark.duckdb_only
@pytest.mark.parametrize(("expression", "text", "expected"), EXPRESSIONS)
def test_null_means_the_same_after_rewriting(expression, text, expected):
    """A null is a failed conversion, or an answer, as the words of the expression say."""
    from runtime.lakehouse.duck_sql import as_on_spark

    assert may_be_null(as_on_spark(expression)) == may_be_null(expression)
