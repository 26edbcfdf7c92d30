"""A formula is one SQL expression, run as a Column (Spark, DuckDB) or as a SQL function.

The SQL gives the same result on Spark in ANSI mode, DuckDB through sqlframe, and Databricks. This
needs three conventions, each with a helper function in this module:

- `GREATEST` and `LEAST` skip nulls, so `GREATEST(orders, 1)` turns an unknown count into 1.
  `at_least` and `at_most` keep the null.
- With decimal literals `0.1 + 0.2` is exact, but `0.1 * column` is a double, so a sum of weights
  and a weighted sum may disagree. `number` writes every constant as a double.
- Spark reads `''` in a string literal as a quote, and sqlglot drops it. `quote` escapes with a
  backslash.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from udfs import PARAMETER_COMMENTS

if TYPE_CHECKING:
    from pyspark.sql import Column

SQL_TYPES = ("DOUBLE", "INT", "BIGINT", "STRING", "DATE", "BOOLEAN")


class FormulaError(ValueError):
    """Wrong argument or constant of a formula. The message has the value, the rule and the fix."""


def quote(text: str) -> str:
    r"""Return the text as a SQL string literal that both engines read the same way.

    >>> print(quote("Can't Lose Them"))
    'Can\'t Lose Them'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def number(value: object, where: str) -> str:
    """Return a constant from conf as a double literal. `where` is its key in conf, for the error.

    >>> number(0.3, "engagement.weights.a"), number(-2, "x")
    ('0.3D', '(-2.0D)')
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormulaError(f"conf {where}: must be a finite number, got {value!r}. Set a number.")
    return f"{float(value)!r}D" if value >= 0 else f"({float(value)!r}D)"


def positive(value: object, where: str) -> str:
    """Like `number`, for a constant that must be > 0."""
    literal = number(value, where)
    if literal.startswith("(") or float(literal[:-1]) == 0:
        raise FormulaError(
            f"conf {where}: must be a number > 0, got {value!r}. Set a positive number."
        )
    return literal


def check_keys(keys: Iterable[str], expected: Iterable[str], where: str) -> None:
    """Raise an error that lists all differences unless `keys` equals `expected`."""
    missing, unknown = sorted(set(expected) - set(keys)), sorted(set(keys) - set(expected))
    if missing or unknown:
        raise FormulaError(
            f"{where}: missing {missing}, unknown {unknown}. Give exactly: {', '.join(expected)}."
        )


def finite(sql: str) -> str:
    """The number, or null if it is NaN or infinite (both engines sort NaN above infinity)."""
    return f"CASE WHEN ABS({sql}) < CAST('Infinity' AS DOUBLE) THEN {sql} END"


def at_least(sql: str, bound: str) -> str:
    """The greater of the two. A null stays null, unlike in GREATEST."""
    return f"CASE WHEN {sql} < {bound} THEN {bound} ELSE {sql} END"


def at_most(sql: str, bound: str) -> str:
    """The lesser of the two. A null stays null, unlike in LEAST."""
    return f"CASE WHEN {sql} > {bound} THEN {bound} ELSE {sql} END"


# Matches a string literal as a whole, so that a word inside is not taken for a parameter.
_TEXT_OR_WORD = re.compile(r"'(?:[^'\\]|\\.)*'|\b[A-Za-z_]\w*", re.DOTALL)


def words(sql: str) -> set[str]:
    """Names and keywords of a SQL expression, without its string literals.

    >>> sorted(words("churn_probability > 0.7 AND segment = 'At Risk'"))
    ['AND', 'churn_probability', 'segment']
    """
    return {m[0] for m in _TEXT_OR_WORD.finditer(sql) if not m[0].startswith("'")}


@dataclass(frozen=True)
class SqlFormula:
    """A scoring formula: SQL `body` with `parameters`, which are pairs of (name, SQL type).

    Arguments are cast to the parameter type, and the result to `returns`, as in a SQL function
    call. So both ways give the same value. A DOUBLE argument that is NaN or infinite is treated as
    null. A DOUBLE result that overflows is null.

    >>> half = SqlFormula("half", (("events", "INT"),), "INT", "events - 1", "One less.")
    >>> half.sql(events="orders + 2")
    'CAST(CAST((orders + 2) AS INT) - 1 AS INT)'
    >>> half.create_sql(None, temporary=True).splitlines()[0]
    "CREATE OR REPLACE TEMPORARY FUNCTION half(events INT COMMENT 'Number of events in the window')"
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: str
    body: str
    comment: str

    def __post_init__(self) -> None:
        names = [name for name, _ in self.parameters]
        types = [sql_type for _, sql_type in self.parameters] + [self.returns]
        for name in (self.name, *names):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise FormulaError(
                    f"{self.name}: {name!r} is not a valid name. Use lower snake_case."
                )
        if unknown := sorted(set(types) - set(SQL_TYPES)):
            raise FormulaError(f"{self.name}: unknown types {unknown}. Use {', '.join(SQL_TYPES)}.")
        if len(set(names)) < len(names):
            raise FormulaError(f"{self.name}: duplicate parameter in {names}. Use each name once.")

    def __call__(self, **arguments: str) -> Column:
        """The formula as a Column. Arguments are column names or SQL text; `NULL`: no source."""
        # Lazy import: the service reads formulas without pyspark. Also, sqlframe's `activate` must
        # run first to select DuckDB instead of Spark.
        from pyspark.sql import functions as F

        return F.expr(self.sql(**arguments))

    def sql(self, **arguments: str) -> str:
        """The formula as SQL text, for use in a longer expression."""
        check_keys(arguments, [name for name, _ in self.parameters], f"{self.name}: arguments")
        for name, argument in arguments.items():
            if not isinstance(argument, str) or not argument.strip():
                raise FormulaError(
                    f"{self.name}: {name} must be a column name or SQL text, got {argument!r}. "
                    "Pass a string, or 'NULL' if there is no source."
                )
        return self._filled({n: f"CAST(({arguments[n]}) AS {t})" for n, t in self.parameters})

    def create_sql(self, schema: str | None, temporary: bool) -> str:
        """The CREATE FUNCTION statement, which also runs on Unity Catalog.

        `schema` may be `catalog.schema`. None is the current schema. A temporary function has none.
        """
        if temporary and schema is not None:
            raise FormulaError(
                f"{self.name}: a temporary function has no schema, got {schema!r}. Pass None."
            )
        if schema is not None and not re.fullmatch(r"(\w+|`[^`]+`)(\.(\w+|`[^`]+`))*", schema):
            raise FormulaError(
                f"{self.name}: {schema!r} is not a valid schema. Use names separated by dots. Put "
                "names with other characters than letters, digits and underscores in backticks."
            )
        parameters = ", ".join(
            f"{name} {sql_type} COMMENT {quote(PARAMETER_COMMENTS.get(name, name))}"
            for name, sql_type in self.parameters
        )
        return (
            f"CREATE OR REPLACE {'TEMPORARY ' if temporary else ''}FUNCTION "
            f"{schema + '.' if schema else ''}{self.name}({parameters})\n"
            f"RETURNS {self.returns} COMMENT {quote(self.comment)}\n"
            f"RETURN {self._filled({name: name for name, _ in self.parameters})}"
        )

    def _filled(self, values: Mapping[str, str]) -> str:
        """Replace all parameters in one pass, so that words in a value are not replaced again."""
        guarded = {n: finite(values[n]) if t == "DOUBLE" else values[n] for n, t in self.parameters}
        body = _TEXT_OR_WORD.sub(lambda m: guarded.get(m[0], m[0]), self.body)
        result = f"CAST({body} AS {self.returns})"
        return finite(result) if self.returns == "DOUBLE" else result
