"""Spark SQL expressions of a mapping on DuckDB: the same values, and null where Spark gives null.

Spark runs a mapping with ANSI mode off, so a conversion that fails is null. DuckDB would raise an
error, and it converts some texts that Spark refuses. An expression is therefore rewritten before
sqlframe translates it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    r"spark_bigint(value) AS CASE WHEN typeof(value) <> 'VARCHAR' "
    r"THEN TRY_CAST(trunc(TRY_CAST(value AS DECIMAL(38, 6))) AS BIGINT) "
    r"WHEN regexp_matches(CAST(value AS VARCHAR), '^\s*[+-]?\d+\s*$') "
    r"THEN TRY_CAST(value AS BIGINT) END",
    "spark_int(value) AS TRY_CAST(spark_bigint(value) AS INTEGER)",
    # A text may end in a time zone, which TIMESTAMP ignores and TIMESTAMPTZ applies.
    "spark_timestamp(value) AS TRY_CAST(TRY_CAST(value AS TIMESTAMPTZ) AS TIMESTAMP)",
    "spark_to_utc(value, zone) AS CAST(value AS TIMESTAMP) AT TIME ZONE zone AT TIME ZONE 'UTC'",
    "spark_try(value) AS TRY(value)",
    "timestamp_micros(value) AS make_timestamp(CAST(value AS BIGINT))",
    "spark_match(value, form) AS CASE WHEN regexp_full_match(value, form) THEN value END",
)
_CASTS = {
    "INT": "spark_int",
    "BIGINT": "spark_bigint",
    "TIMESTAMP": "spark_timestamp",
    "TIMESTAMPTZ": "spark_timestamp",
    "TIMESTAMPLTZ": "spark_timestamp",
}
# The letters of a date pattern and the texts that Spark accepts for them. DuckDB also accepts
# 1.7.2024 for dd.MM.yyyy.
_LETTERS = {
    **dict.fromkeys(("MM", "dd", "HH", "hh", "mm", "ss", "yy"), "[0-9]{2}"),
    **dict.fromkeys(("M", "d", "H", "h", "m", "s"), "[0-9]{1,2}"),
    **{"yyyy": "[0-9]{4}", "y": "[0-9]{4}", "a": "(?i:[ap]m)", "MMM": "[A-Za-z]{3}"},
}
_LETTER = re.compile(r"([A-Za-z])\1*|.", re.DOTALL)
_PARSERS = {"TRY_TO_TIMESTAMP": "TO_TIMESTAMP", "TRY_TO_DATE": "TO_DATE"}
_SQL_TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]+`|\w+|\S""", re.DOTALL)
# Functions that raise an error in DuckDB for a text from which Spark makes null.
_FAILING = (exp.JSONExtractScalar, exp.JSONExtract, exp.StrToUnix)


class UntranslatableError(Exception):
    """An expression that DuckDB cannot run as Spark does."""


def as_on_spark(expression: str) -> str:
    """The expression, rewritten so that DuckDB gives Spark's value. UntranslatableError: it cannot.

    >>> as_on_spark("cast(a as int)")
    'SPARK_INT(a)'
    """
    tree = _tree(expression)
    # Inner expressions first: a rewritten one contains its parts.
    for node in reversed([*tree.dfs()]):
        new = _rewritten(node)
        if node is tree:
            tree = new
        elif new is not node:
            node.replace(new)
    try:
        tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise UntranslatableError(str(error).splitlines()[0]) from None
    rewritten = tree.sql(dialect="spark")
    # Whether null is a failed conversion depends on the words of the expression.
    if may_be_null(expression) and not may_be_null(rewritten):
        return f"nullif({rewritten}, NULL)"
    return rewritten


def names_in(expression: str) -> list[str]:
    """The columns that an expression names, without quotes, in order.

    >>> names_in("upper(`Kunden Nr_`) || b")
    ['Kunden Nr_', 'b']
    """
    columns = _tree(expression).find_all(exp.Column, bfs=False)
    return [c.parts[0].name for c in columns]


def conditions(where: str) -> list[str]:
    """The parts of a condition that AND joins.

    >>> conditions("a > 1 and (b = 2 and c = 3)"), conditions("a between 1 and 2")
    (['a > 1', '(b = 2 and c = 3)'], ['a between 1 and 2'])
    """
    tree = _tree(where)
    parts = [*tree.flatten()] if isinstance(tree, exp.And) else [tree]
    texts = [where[start:end].strip() for start, end in _between_ands(where)]
    # AND also belongs to BETWEEN. Then the texts are those of the syntax tree.
    if len(texts) == len(parts):
        return [" ".join(text.split()) for text in texts]
    return [where] if len(parts) == 1 else [part.sql(dialect="spark") for part in parts]


def _between_ands(where: str) -> Iterator[tuple[int, int]]:
    start, depth = 0, 0
    for token in _SQL_TOKEN.finditer(where):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if token[0].lower() == "and" and not depth:
            yield start, token.start()
            start = token.end()
    yield start, len(where)


def _tree(expression: str) -> exp.Expr:
    try:
        return parse_one(expression, dialect="spark", error_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise UntranslatableError(str(error).splitlines()[0]) from None


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
    if isinstance(node, exp.FromTimeZone):
        return exp.Anonymous(this="spark_to_utc", expressions=[node.this, node.args["zone"]])
    if isinstance(node, _FAILING):
        return exp.Anonymous(this="spark_try", expressions=[node.copy()])
    return node


def _parsed(node: exp.Expr) -> exp.Expr:
    """A date from a text that has exactly the form of its pattern, else null."""
    pattern = node.sql(dialect="spark").rpartition(", '")[2].removesuffix("')")
    form = "".join(_form(match[0]) for match in _LETTER.finditer(pattern))
    text = exp.Anonymous(this="spark_match", expressions=[node.this, exp.Literal.string(form)])
    parsed = node.copy()
    parsed.set("this", text)
    return exp.Anonymous(this="spark_try", expressions=[parsed])


def _form(token: str) -> str:
    if not token[0].isalpha():
        return f"[{token}]"
    if token not in _LETTERS:
        raise UntranslatableError(f"the date pattern {token!r} has no translation")
    return _LETTERS[token]


def allow_ingestion() -> None:
    """Give DuckDB the functions of ingestion that sqlframe lacks: F.broadcast and F.xxhash64.

    Equal rows have equal hashes, but not those of Spark: nothing that is stored may use them.
    """

    def xxhash64(*columns: Any) -> Any:
        values = [Column(column).column_expression for column in columns]
        hashed = exp.Anonymous(this="hash", expressions=values)
        # Half of DuckDB's hash, which is unsigned.
        half = exp.BitwiseRightShift(this=hashed, expression=exp.Literal.number(1))
        return Column(exp.cast(half, "bigint"))

    vars(functions).update(xxhash64=xxhash64, broadcast=lambda frame: frame)


def cast_as_on_spark(column: Any, kind: str) -> Any:
    """Column.try_cast, which sqlframe lacks."""
    name = _CASTS.get(kind.upper())
    if name is None:
        return Column(exp.TryCast(this=column.column_expression, to=exp.DataType.build(kind)))
    return Column(exp.Anonymous(this=name, expressions=[column.column_expression]))
