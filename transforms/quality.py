"""Applies rules as flags and splits the rows in two frames: kept, and quarantined with reasons.

All rules are checked on every row, so that a row names all of its errors. `_errors` and `warnings`
hold rule names separated by ', ', null where there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.rules import KEPT, MALFORMED_ROW, QUARANTINED
from contracts.table import Rule

# Spark writes milliseconds by default; a replayed row must keep its exact time.
JSON_OPTIONS = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}


def is_broken(rule: Rule) -> Column:
    """True where the row breaks the rule; a null result passes."""
    return ~F.coalesce(F.expr(rule.passes), F.lit(True))


def joined(names: Sequence[Column | str]) -> Column:
    """Names (texts or arrays of texts, nulls skipped) separated by ', '; null where there are none.

    | a | b | joined |
    |---|---|---|
    | x | y | x, y |
    | null | y | y |
    | null | null | null |
    """
    if not names:
        return F.lit(None).cast("string")
    return F.nullif(F.concat_ws(", ", *names), F.lit(""))


def with_flags(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Add `_errors` and `warnings`, from the rules and from the errors of the type conversion.

    Expects `_faults` (array of reasons, never null). A column with a fault is null because of it,
    so its not_null rule is not reported as well. A malformed row gets no other reason, since its
    values are in the wrong columns.
    """
    is_malformed = F.array_contains("_faults", MALFORMED_ROW)

    def name(rule: Rule) -> Column:
        faults = [f"{c}{ending}" for c in rule.columns for ending in ("_type", "_not_finite")]
        is_known = F.arrays_overlap("_faults", F.array(*map(F.lit, faults)))
        return F.when(is_broken(rule) & ~is_known, F.lit(rule.name))

    rejecting = [name(r) for r in rules if r.severity == "reject"]
    warning = [name(r) for r in rules if r.severity == "warn"]
    return rows.withColumns(
        {
            "_errors": F.when(is_malformed, F.lit(MALFORMED_ROW)).otherwise(
                joined(["_faults", *rejecting])
            ),
            "warnings": F.when(~is_malformed, joined(warning)),
        }
    )


def with_more_errors(rows: DataFrame, reason: Column) -> DataFrame:
    """The rows of `with_flags` with one more reason to reject in `_errors`; null: none.

    A malformed row gets no other reason.
    """
    is_malformed = F.coalesce(F.col("_errors") == MALFORMED_ROW, F.lit(False))
    more = F.when(is_malformed, F.col("_errors")).otherwise(joined(["_errors", reason]))
    return rows.withColumn("_errors", more)


def split(rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The kept and the quarantined rows, by `_outcome`; all others are in neither frame."""
    return rows.where(F.col("_outcome") == KEPT), rows.where(F.col("_outcome") == QUARANTINED)


def source_names(rows: DataFrame) -> list[str]:
    """The columns of `_source`: those of the source, then METADATA."""
    return rows.select("_source.*").columns


def quarantine_rows(
    rejected: DataFrame, source: str, names: Sequence[str] | None = None
) -> DataFrame:
    """One row per rejected row, whole, as JSON: the rows of silver.quarantine.

    A malformed row has its text as `_malformed`. Equal rows of a batch get a running number, so
    that row_id is unique and the same in every run. names: the columns of `_source`; None: they are
    read from the frame.
    """
    given = [f"_source.`{c}`" for c in names or source_names(rejected)]
    meta = ("_source.`_batch_id`", "_source.`_file`", "_source.`_known_at`", "_source.`_rescued`")
    own = [F.col(c) for c in given if c not in meta]
    rescued = F.when(F.col("_malformed").isNull(), F.col("_source._rescued")).alias("_rescued")
    text = F.to_json(F.struct(*own, rescued, F.col("_malformed")), JSON_OPTIONS)
    rows = rejected.select(
        F.lit(source).alias("source"),
        F.col("_source._batch_id").alias("batch_id"),
        text.alias("row"),
        F.col("_errors").alias("reasons"),
        F.col("_source._known_at").alias("known_at"),
    )
    digest = F.substring(F.sha2("row", 256), 1, 16)
    equal = Window.partitionBy("batch_id", "row").orderBy("reasons")
    turn = F.row_number().over(equal)
    return rows.select(
        "source",
        "batch_id",
        F.concat_ws("-", digest, turn.cast("string")).alias("row_id"),
        "row",
        "reasons",
        "known_at",
        F.lit(False).alias("is_replayed"),
    )


# Maximum number of characters of a value in an example.
SHOWN = 40


def examples(
    labelled: DataFrame, shown: Mapping[str, Sequence[str]], *, has_rescued: bool = True
) -> DataFrame:
    """One row: for each reason of `shown`, in its order, the file and values of one such row.

    `shown`: reason -> columns of the source. The example is the first such row by its text, so it
    is the same in every run. Null where no row has the reason. `has_rescued`: whether values that
    did not fit their column may be in `_rescued`.
    """
    reasons = F.split("_errors", ", ")
    aggregates = []
    for place, (reason, columns) in enumerate(shown.items()):
        text = example_text(columns, has_rescued=has_rescued)
        rejected = F.when(F.array_contains(reasons, reason), text)
        aggregates.append(F.min(rejected).alias(f"example_{place}"))
    return labelled.where(F.col("_outcome") == QUARANTINED).agg(*aggregates)


def example_text(columns: Sequence[str], *, has_rescued: bool) -> Column:
    """The file of a row, and its values in columns of the source."""
    values = [_shown(c, has_rescued) for c in columns]
    return F.concat_ws(", ", F.col("_source._file"), *values)


def _shown(name: str, has_rescued: bool) -> Column:
    """`name = 'value'`. A value that does not fit its column's type is in `_rescued`."""
    value = F.col(name if name == "_malformed" else f"_source.`{name}`").cast("string")
    if name != "_malformed" and has_rescued:
        value = F.coalesce(value, F.get_json_object("_source._rescued", f"$['{name}']"))
    cut = F.concat(F.lit("'"), F.substring(value, 1, SHOWN), F.lit("'"))
    title = "the row" if name == "_malformed" else name
    return F.concat(F.lit(f"{title} = "), F.coalesce(cut, F.lit("null")))


def replayed(waiting: DataFrame, labelled: DataFrame) -> DataFrame:
    """One row per row of silver.quarantine that is no longer rejected: is_replayed is true."""
    done = labelled.where(F.col("_outcome") != QUARANTINED).select(
        F.col("_batch_id").alias("batch_id"), F.col("_row_id").alias("row_id")
    )
    accepted = waiting.join(done, on=["batch_id", "row_id"], how="left_semi")
    return accepted.withColumn("is_replayed", F.lit(True))
