"""The steps of a source's rows: bronze columns, batch, lookups, canonical columns with types.

Rows carry `_source` (the bronze row as a struct), `_malformed`, `_type_changes` and the underscore
columns that the caller adds, from the first step to the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column as Value, DataFrame, functions as F

from contracts.bronze import ON_THE_WAY
from contracts.expressions import columns_used, may_be_null, with_try_casts
from contracts.rules import MALFORMED_ROW
from contracts.table import Column
from transforms.quality import JSON_OPTIONS

_WHOLE = ("tinyint", "smallint", "int")
_NUMBERS = (*_WHOLE, "bigint", "float", "double")


def with_expected_columns(rows: DataFrame, expected: Mapping[str, str]) -> DataFrame:
    """One row per source row, with the columns and types of bronze (name -> type).

    Column names are matched ignoring case. A missing column is null. A value that does not convert
    to its type without loss becomes null, is kept in `_rescued` and named in `_type_changes` (array
    of `type_changed:<column>`, never null). A column that bronze does not have is kept in
    `_rescued`, as is the text of a malformed row.
    """
    unread = {
        f.name.lower(): f for f in rows.schema.fields if f.name not in ("_path", "_malformed")
    }
    values: list[Value] = []
    misfits: dict[str, Value] = {}
    for name, kind in expected.items():
        field = unread.pop(name.lower(), None)
        if field is None:
            values.append(F.lit(None).cast(kind).alias(name))
            continue
        value, now = _column(field.name), field.dataType.simpleString()
        if now != kind:
            value, misfits[name] = _converted(value, now, kind)
        values.append(value.alias(name))
    kept = [_column(f.name) for f in unread.values()]
    kept += [F.when(m, _column(_named_like(rows, c))).alias(c) for c, m in misfits.items()]
    kept.append(F.col("_malformed"))
    rescued = F.nullif(F.to_json(F.struct(*kept), JSON_OPTIONS), F.lit("{}"))
    changes = [F.when(m, F.lit(f"type_changed:{c}")) for c, m in misfits.items()]
    return rows.select(
        *values,
        rescued.alias("_rescued"),
        _names(changes).alias("_type_changes"),
        "_malformed",
        "_path",
    )


def _column(name: str) -> Value:
    return F.col(f"`{name}`")


def _named_like(rows: DataFrame, name: str) -> str:
    return next(c for c in rows.columns if c.lower() == name.lower())


def _names(names: Sequence[Value]) -> Value:
    """The names that are not null, as an array; empty where there are none."""
    return F.array_compact(F.array(*names)) if names else F.array().cast("array<string>")


def _converted(value: Value, now: str, kind: str) -> tuple[Value, Value]:
    """The value in another type, or null; and whether the conversion lost it.

    A number is lost if it does not convert back to the same value (1.5 as an int). Other types are
    converted through their text, which every type has.
    """
    are_numbers = all(t in _NUMBERS or t.startswith("decimal") for t in (now, kind))
    if any(kind.startswith(nested) for nested in ("struct", "array", "map")):
        return F.lit(None).cast(kind), value.isNotNull()
    new = value.try_cast(kind) if are_numbers else value.cast("string").try_cast(kind)
    back = new.try_cast(now) if are_numbers else new.cast("string").try_cast(now)
    is_changed = F.lit(False) if now == "string" or _is_nested(now) else ~back.eqNullSafe(value)
    is_lost = value.isNotNull() & (new.isNull() | is_changed)
    return F.when(~is_lost, new), is_lost


def _is_nested(kind: str) -> bool:
    return kind.startswith(("struct", "array", "map", "binary"))


def with_batches(rows: DataFrame, batches: DataFrame) -> DataFrame:
    """Add the batch of each row's file. `batches` has one row per file, keyed by `_path`."""
    return rows.join(F.broadcast(batches), on="_path", how="left").drop("_path")


def with_source(rows: DataFrame) -> DataFrame:
    """Add `_source`: the row as bronze stores it."""
    own = [c for c in rows.columns if c not in ON_THE_WAY]
    return rows.withColumn("_source", F.struct(*[_column(c) for c in own]))


def with_lookup(rows: DataFrame, lookup: DataFrame, on: Sequence[str]) -> DataFrame:
    """Add the columns of a small table with one row per value of `on`; null: no match."""
    return rows.join(F.broadcast(lookup), on=list(on), how="left")


def with_wide_numbers(rows: DataFrame) -> DataFrame:
    """Cast whole numbers to bigint: with ANSI off, a product of two ints would wrap past 2^31."""
    whole = [f.name for f in rows.schema.fields if f.dataType.simpleString() in _WHOLE]
    wide = {c: _column(c).cast("bigint") for c in whole if c not in ON_THE_WAY}
    # Spark Connect refuses an empty dict.
    return rows.withColumns(wide) if wide else rows


def mapped(
    rows: DataFrame,
    mapping: Mapping[str, str],
    columns: Sequence[Column],
    *,
    carried: Sequence[str],
) -> DataFrame:
    """One row per source row: `carried`, the typed canonical columns, and `_faults`.

    `_faults` is an array of reasons, never null. A value that cannot be converted to its column's
    type is null with the reason `<column>_type`. NaN and infinity are null with
    `<column>_not_finite`. Where an expression gives null although all its columns have values, a
    cast or a calculation in it has failed: the reason is `<column>_type` too, unless the expression
    allows null (see contracts.expressions.may_be_null). More decimals than the type has are rounded
    half up. An unmapped column is null.
    """
    kinds = {f.name: f.dataType.simpleString() for f in rows.schema.fields}
    mapped_names = [c for c in columns if c.name in mapping]
    raw = rows.select(
        *carried,
        *[F.expr(with_try_casts(mapping[c.name])).alias(f"_raw_{c.name}") for c in mapped_names],
        *[_has_failed(mapping[c.name], kinds).alias(f"_void_{c.name}") for c in mapped_names],
    )
    raw_kinds = {f.name: f.dataType.simpleString() for f in raw.schema.fields}
    values, faults = [], []
    for column in columns:
        if column.name not in mapping:
            values.append(F.lit(None).cast(column.type).alias(column.name))
            continue
        value, fault = _typed(column, raw_kinds[f"_raw_{column.name}"])
        values.append(value.alias(column.name))
        faults.append(fault)
    malformed = F.when(F.col("_malformed").isNotNull(), F.lit(MALFORMED_ROW))
    return raw.select(
        *carried,
        *values,
        F.concat("_type_changes", _names([malformed, *faults])).alias("_faults"),
    )


def _has_failed(expression: str, kinds: Mapping[str, str]) -> Value:
    """True if a null result would be a failure: all columns of the expression have values."""
    used = columns_used(expression, kinds)
    is_plain = expression.strip().strip("`").lower() in (c.lower() for c in used)
    if is_plain or may_be_null(expression):
        return F.lit(False)
    given = F.lit(True)
    for name in used:
        value = _column(name)
        given &= (
            F.coalesce(F.trim(value) != "", F.lit(False))
            if kinds[name] == "string"
            else value.isNotNull()
        )
    return given


def _typed(column: Column, raw_kind: str) -> tuple[Value, Value]:
    """The value in the column's type, and the reason why it could not be converted, or null."""
    raw = F.col(f"_raw_{column.name}")
    if column.type == "string":
        # Parquet and databases may hold bytes that are not UTF-8; each becomes U+FFFD.
        value = F.expr(f"make_valid_utf8(cast(`_raw_{column.name}` as string))")
        return value, _fault(column, raw, value, F.lit(False))
    if raw_kind == "string":
        raw = F.nullif(F.trim(raw), F.lit(""))
        if column.type == "timestamp":
            # Spark parses "10:00" as that time on the current day.
            readable = F.when(raw.rlike(r"^[+-]?\d{4}"), raw)
            value = readable.try_cast(column.type)
            return value, _fault(column, raw, value, F.lit(False))
    value = raw.try_cast(column.type)
    number = raw if raw_kind in ("float", "double") else value if column.is_floating else None
    if number is None:
        return value, _fault(column, raw, value, F.lit(False))
    is_infinite = F.coalesce(F.isnan(number) | (F.abs(number) == float("inf")), F.lit(False))
    return F.when(~is_infinite, value), _fault(column, raw, value, is_infinite)


def _fault(column: Column, raw: Value, value: Value, is_infinite: Value) -> Value:
    is_void = F.col(f"_void_{column.name}") & F.col(f"_raw_{column.name}").isNull()
    is_unread = value.isNull() & (raw.isNotNull() | is_void)
    return F.when(is_infinite, F.lit(f"{column.name}_not_finite")).when(
        is_unread, F.lit(f"{column.name}_type")
    )


def from_quarantine(
    waiting: DataFrame,
    expected: Mapping[str, str],
    history: Sequence[str],
    *,
    is_history: bool = False,
) -> DataFrame:
    """One row per row of silver.quarantine: the source's row in it, in the form of `with_batches`.

    `history` are the batches of the source's first load. is_history: all batches count as such. The
    original type of a value is lost, so `_type_changes` repeats the reasons of the rejection.
    """
    types = {**expected, "_rescued": "string", "_malformed": "string"}
    ddl = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
    parsed = waiting.withColumn("_row", F.from_json("row", ddl, JSON_OPTIONS))
    reasons = F.split("reasons", ", ")
    return parsed.select(
        *[F.col(f"_row.`{c}`").alias(c) for c in types],
        F.filter(reasons, lambda r: r.startswith("type_changed:")).alias("_type_changes"),
        F.col("batch_id").alias("_batch_id"),
        F.lit(None).cast("string").alias("_file"),
        F.col("known_at").alias("_known_at"),
        F.lit(0).alias("_rank"),
        (F.col("batch_id").isin(list(history)) | F.lit(is_history)).alias("_is_history"),
        F.col("row_id").alias("_row_id"),
    )
