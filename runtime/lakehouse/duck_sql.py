"""Spark SQL expressions of a mapping on DuckDB: the same values, and null where Spark gives null.

Spark runs a mapping with ANSI mode off, so a conversion that fails is null. DuckDB would raise an
error, and it converts some texts that Spark refuses. An expression is therefore rewritten before
sqlframe translates it.
"""

from __future__ import annotations

import re
from typing import Any

from sqlframe.duckdb import Column, functions
from sqlglot import ErrorLevel, exp, parse_one
from sqlglot.errors import SqlglotError

from contracts.expressions import may_be_null

# Functions that DuckDB lacks or that differ from Spark's. `typeof` tells a text from a number.
MACROS = (
    # Texts of DuckDB are always valid UTF-8.
    "make_valid_utf8(value) AS value",
    # Spark refuses the text 1.5 as a whole number and cuts the number 1.5; DuckDB rounds both.
    r"spark_bigint(value) AS CASE WHEN typeof(value) = 'VARCHAR' THEN CASE WHEN "
    r"regexp_matches(CAST(value AS VARCHAR), '^\s*[+-]?\d+\s*$') THEN TRY_CAST(value AS BIGINT) END "
    r"ELSE TRY_CAST(trunc(TRY_CAST(value AS DECIMAL(38, 6))) AS BIGINT) END",
    "spark_int(value) AS TRY_CAST(spark_bigint(value) AS INTEGER)",
    # A text may end in a time zone, which TIMESTAMP ignores and TIMESTAMPTZ applies.
    "spark_timestamp(value) AS TRY_CAST(TRY_CAST(value AS TIMESTAMPTZ) AS TIMESTAMP)",
    "spark_try(value) AS TRY(value)",
    "spark_match(value, form) AS CASE WHEN regexp_full_match(value, form) THEN value END",
)
_CASTS = {
    "INT": "spark_int",
    "BIGINT": "spark_bigint",
    "TIMESTAMP": "spark_timestamp",
    "TIMESTAMPTZ": "spark_timestamp",
    "TIMESTAMPLTZ": "spark_timestamp",
}
# The letters of a date pattern and the texts that Spark accepts for them. DuckDB also accepts 1.7.2024
# for dd.MM.yyyy.
_LETTERS = {
    **dict.fromkeys(("MM", "dd", "HH", "hh", "mm", "ss", "yy"), "[0-9]{2}"),
    **dict.fromkeys(("M", "d", "H", "h", "m", "s"), "[0-9]{1,2}"),
    **{"yyyy": "[0-9]{4}", "y": "[0-9]{4}", "a": "(?i:[ap]m)", "MMM": "[A-Za-z]{3}"},
}
_LETTER = re.compile(r"([A-Za-z])\1*|.", re.DOTALL)
_PARSERS = {"TRY_TO_TIMESTAMP": "TO_TIMESTAMP", "TRY_TO_DATE": "TO_DATE"}
# Functions that raise an error in DuckDB for a text from which Spark makes null.
_FAILING = (exp.JSONExtractScalar, exp.JSONExtract, exp.StrToUnix, exp.FromTimeZone)


class UntranslatableError(Exception):
    """An expression that DuckDB cannot run as Spark does."""


def as_on_spark(expression: str) -> str:
    """The expression, rewritten so that DuckDB gives Spark's value. UntranslatableError if it can't.

    >>> as_on_spark("cast(a as int)")
    'SPARK_INT(a)'
    """
    try:
        tree = parse_one(expression, dialect="spark", error_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise UntranslatableError(str(error).splitlines()[0]) from None
    rewritten = tree.transform(_rewritten).sql(dialect="spark")
    # Whether null is a failed conversion depends on the words of the expression.
    if may_be_null(expression) and not may_be_null(rewritten):
        return f"nullif({rewritten}, NULL)"
    return rewritten


def _rewritten(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and node.name.upper() in _PARSERS:
        plain = _PARSERS[node.name.upper()]
        arguments = ", ".join(e.sql(dialect="spark") for e in node.expressions)
        node = parse_one(f"{plain}({arguments})", dialect="spark")
    if isinstance(node, exp.StrToTime | exp.TsOrDsToDate) and node.args.get("format"):
        return _parsed(node)
    if isinstance(node, exp.Cast):
        name = _CASTS.get(node.to.sql().upper().partition("(")[0])
        return exp.Anonymous(this=name, expressions=[node.this]) if name else node
    if isinstance(node, _FAILING) and not _is_tried(node):
        return exp.Anonymous(this="spark_try", expressions=[node])
    return node


def _is_tried(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Anonymous) and node.parent.name == "spark_try"


def _parsed(node: exp.Expr) -> exp.Expr:
    """A date from a text that has exactly the form of its pattern, else null."""
    if isinstance(node.this, exp.Anonymous) and node.this.name == "spark_match":
        return node
    pattern = node.sql(dialect="spark").rpartition(", '")[2].removesuffix("')")
    form = "".join(_form(match[0]) for match in _LETTER.finditer(pattern))
    text = exp.Anonymous(this="spark_match", expressions=[node.this, exp.Literal.string(form)])
    node.set("this", text)
    return exp.Anonymous(this="spark_try", expressions=[node])


def _form(token: str) -> str:
    if not token[0].isalpha():
        return f"[{token}]"
    if token not in _LETTERS:
        raise UntranslatableError(f"the date pattern {token!r} has no translation")
    return _LETTERS[token]


def allow_row_hashes() -> None:
    """Give DuckDB F.xxhash64, which sqlframe lacks.

    Equal rows have equal hashes, but not those of Spark: nothing that is stored may use them.
    """

    def xxhash64(*columns: Any) -> Any:
        values = [Column(column).column_expression for column in columns]
        return Column(exp.Anonymous(this="hash", expressions=values))

    functions.xxhash64 = xxhash64


def cast_as_on_spark(column: Any, kind: str) -> Any:
    """Column.try_cast, which sqlframe lacks."""
    name = _CASTS.get(kind.upper())
    if name is None:
        return Column(exp.TryCast(this=column.column_expression, to=exp.DataType.build(kind)))
    return Column(exp.Anonymous(this=name, expressions=[column.column_expression]))
