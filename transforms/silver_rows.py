"""The steps from a source's rows to the rows of each table, shared by ingestion and replay.

A labelled row has `_outcome` (kept, quarantined, duplicate, left_out, erased), `_errors`,
`warnings`, the columns of its silver table, and `_source`, the row as bronze stores it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, functions as F

from contracts.bronze import METADATA
from contracts.expressions import columns_used, with_try_casts
from contracts.rules import DUPLICATE, ERASED, KEPT, LEFT_OUT
from contracts.silver import CUSTOMERS, content_columns, mapped_columns
from contracts.table import Rule, Table
from transforms.deduplicate import content_hash
from transforms.quality import example_text, source_names, with_flags
from transforms.sources import mapped, with_wide_numbers

# A profile of a history load is valid before all events of that load.
EVER = "1900-01-01 00:00:00Z"

CARRIED = (
    "_source",
    "_malformed",
    "_type_changes",
    "_batch_id",
    "_known_at",
    "_rank",
    "_is_history",
    "_row_id",
)

# Of the rows with the same key the one of the oldest file is kept, then the first known.
ORDER = ("_rank", "known_at", "content_hash")


def flagged_rows(
    rows: DataFrame,
    source: str,
    table: Table,
    *,
    mapping: Mapping[str, str],
    rules: Sequence[Rule],
    where: str | None = None,
    currency: str | None = None,
    batch: str | None = None,
) -> DataFrame:
    """One row per source row: the columns of its silver table and the names of broken rules.

    `_is_left_out` is true where `where` is false or null. A malformed row, or one with a value that
    does not fit its column, is never left out, since the condition cannot be trusted there.
    `currency`: the lakehouse's, with which the column `currency` is compared; null: it is not.

    `rows` have the columns that the mapping names, and CARRIED. known_at is the time at which a row
    arrived; in a history load (`_is_history`) the time of its event. Of several profile files in
    one run, each later one is known a microsecond later, so that each becomes a version and the
    last one is current. `batch` is the batch in silver; None: that of the row's file.
    """
    columns = mapped_columns(table)
    if any(columns_used(expression, ["_rescued"]) for expression in mapping.values()):
        # The mapping itself handles values that no longer fit their column.
        rows = rows.withColumn("_type_changes", F.array().cast("array<string>"))
    wide = with_wide_numbers(rows).withColumn("_is_left_out", _is_left_out(where))
    typed = mapped(wide, mapping, columns, carried=(*CARRIED, "_is_left_out"))
    dated = typed.withColumns(
        {
            "known_at": _known_at(table),
            "arrived_at": F.col("_known_at"),
            "lakehouse_currency": F.lit(currency).cast("string"),
        }
    )
    lineage = {"source": F.lit(source), "batch_id": F.lit(batch) if batch else F.col("_batch_id")}
    lineage["content_hash"] = content_hash(content_columns(table, mapping))
    set_by_ingest = ("arrived_at", "lakehouse_currency", "_faults", "_type_changes")
    return with_flags(dated, rules).withColumns(lineage).drop(*set_by_ingest)


def _is_left_out(where: str | None) -> Column:
    if where is None:
        return F.lit(False)
    is_readable = F.col("_malformed").isNull() & (F.size("_type_changes") == 0)
    return is_readable & ~_is_true(where)


def _known_at(table: Table) -> Column:
    if table.event_time:
        happened = F.coalesce(F.col(table.event_time), F.col("_known_at"))
        return F.when(F.col("_is_history"), happened).otherwise(F.col("_known_at"))
    # A text, since sqlframe has no timestamp_micros.
    return F.expr(
        f"timestamp_micros(unix_micros(CASE WHEN _is_history THEN CAST('{EVER}' AS timestamp) "
        "ELSE _known_at END) + _rank)"
    )


def dedup_key(table: Table, key: Sequence[str]) -> tuple[str, ...]:
    """The key that identifies duplicates.

    A customer may occur once per file; other tables use the key of their source.
    """
    return ("customer_id", "known_at") if table is CUSTOMERS else tuple(key)


def kept_before(
    silver: DataFrame, rows: DataFrame, source: str, *, key: Sequence[str], batches: Sequence[str]
) -> DataFrame:
    """One row per row that the source has in silver under a key of `rows`: key and content hash.

    Rows of `batches` are left out, because these batches are written again.
    """
    is_of_source = (F.col("source") == source) & ~F.col("batch_id").isin(list(batches))
    # An older version of the product may have written fewer columns.
    values = [c if c in silver.columns else F.lit(None).cast("string").alias(c) for c in key]
    stored = silver.where(is_of_source).select(*values, "content_hash")
    return stored.join(rows.select(*key).distinct(), on=list(key), how="left_semi")


def bronze_rows(labelled: DataFrame, has_duplicates: bool) -> DataFrame:
    """One row per source row that bronze stores, unchanged.

    A table that is read whole delivers each row again, so only new rows that `where` keeps are
    stored. A row of an erased customer is never stored.
    """
    not_stored = (ERASED,) if has_duplicates else (ERASED, DUPLICATE, LEFT_OUT)
    rows = labelled.where(~F.col("_outcome").isin(*not_stored))
    meta = [c.name for c in METADATA]
    names = [c for c in source_names(labelled) if c not in meta]
    return rows.select(*[F.col(f"_source.`{c}`").alias(c) for c in (*names, *meta)])


def counts(labelled: DataFrame) -> DataFrame:
    """One row per (batch, outcome, errors, warnings): rows."""
    grain = ("_batch_id", "_outcome", "_errors", "warnings")
    return labelled.groupBy(*grain).agg(F.count("*").alias("rows"))


def meeting(rows: DataFrame, condition: str) -> DataFrame:
    """The rows for which a condition of conf is true."""
    return rows.where(_is_true(condition))


def left_out_by(rows: DataFrame, condition: str, columns: Sequence[str]) -> DataFrame:
    """One row: `rows` for which the condition is not true, and `example`, the values of one.

    `columns` are shown in the example, which is null if the condition is true in every row. A
    malformed row does not count.
    """
    out = rows.where(~_is_true(condition) & F.col("_malformed").isNull())
    example = F.min(example_text(columns, has_rescued=False))
    return out.agg(F.count("*").alias("rows"), example.alias("example"))


def _is_true(condition: str) -> Column:
    return F.coalesce(F.expr(with_try_casts(condition)).cast("boolean"), F.lit(False))


def repeated_lines(labelled: DataFrame, key: Sequence[str]) -> DataFrame:
    """One row: how many rows have the key and the content of an earlier row of their own file."""
    passed = labelled.where(F.col("_outcome").isin(KEPT, DUPLICATE))
    equal = passed.groupBy("_batch_id", *key, "content_hash").agg(F.count("*").alias("rows"))
    return equal.agg(
        F.coalesce(F.sum(F.col("rows") - 1), F.lit(0)).cast("bigint").alias("repeated")
    )


def without_profile(kept: DataFrame, versions: DataFrame) -> DataFrame:
    """One row: the number of customers in the rows, and `missing`, how many have no version."""
    named = kept.where(F.col("customer_id").isNotNull()).select("customer_id").distinct()
    known = versions.select("customer_id").distinct().withColumn("_is_known", F.lit(True))
    return named.join(known, on="customer_id", how="left").agg(
        F.count("*").alias("customers"), F.count_if(F.col("_is_known").isNull()).alias("missing")
    )


def replay_identity(waiting: DataFrame) -> DataFrame:
    """One row: the number of waiting rows, and an id of exactly this set of rows."""
    content = F.sum(F.xxhash64("batch_id", "row_id").cast("decimal(38,0)"))
    named = F.concat_ws("-", content.cast("string"), F.count("*").cast("string"))
    identity = F.substring(F.sha2(named, 256), 1, 16).alias("identity")
    return waiting.agg(F.count("*").alias("rows"), identity)
