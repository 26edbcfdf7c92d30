"""From a source's rows to what each table gets: the chain that ingest and replay share.

A labelled row has `_outcome` (kept, quarantined, duplicate), `_errors`, `warnings`, the columns of
its silver table, and `_source`, the row as bronze keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, functions as F

from contracts.bronze import METADATA
from contracts.expressions import columns_used
from contracts.rules import DUPLICATE
from contracts.silver import CUSTOMERS, mapped_columns
from contracts.table import Rule, Table
from transforms.deduplicate import content_hash
from transforms.quality import source_names, with_flags
from transforms.sources import mapped, with_wide_numbers

# A profile of a history was true before anything else that the history tells.
EVER = "1900-01-01 00:00:00"

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

# Whose row is kept of those with one key: the oldest file's, then the first known.
ORDER = ("_rank", "known_at", "content_hash")


def flagged_rows(
    rows: DataFrame,
    source: str,
    table: Table,
    mapping: Mapping[str, str],
    rules: Sequence[Rule],
    batch: str | None = None,
) -> DataFrame:
    """The rows with the columns of their silver table and the names of the rules that they break.

    `rows` have the columns that the mapping names, and CARRIED. known_at is when a row arrived; in
    a history (`_is_history`) when its event happened. Of several files of profiles in one run the
    later is known a microsecond later, so that each is a version and the last one stands. `batch`
    is the batch in silver; None: that of the row's file.
    """
    columns = mapped_columns(table)
    if any(columns_used(expression, ["_rescued"]) for expression in mapping.values()):
        # The mapping itself says what becomes of a value that no longer fits its column.
        rows = rows.withColumn("_type_changes", F.array().cast("array<string>"))
    typed = mapped(with_wide_numbers(rows), mapping, columns, CARRIED)
    dated = typed.withColumns({"known_at": _known_at(table), "arrived_at": F.col("_known_at")})
    lineage = {"source": F.lit(source), "batch_id": F.lit(batch) if batch else F.col("_batch_id")}
    lineage["content_hash"] = content_hash([c.name for c in columns])
    return (
        with_flags(dated, rules).withColumns(lineage).drop("arrived_at", "_faults", "_type_changes")
    )


def _known_at(table: Table) -> Column:
    if table.event_time:
        happened = F.coalesce(F.col(table.event_time), F.col("_known_at"))
        return F.when(F.col("_is_history"), happened).otherwise(F.col("_known_at"))
    ever = F.when(F.col("_is_history"), F.lit(EVER).cast("timestamp"))
    since = F.unix_micros(F.coalesce(ever, F.col("_known_at")))
    return F.timestamp_micros(since + F.col("_rank"))


def dedup_key(table: Table, key: Sequence[str]) -> tuple[str, ...]:
    """A customer stands once in a file; other tables have the key of their source."""
    return ("customer_id", "known_at") if table is CUSTOMERS else tuple(key)


def kept_before(
    silver: DataFrame, rows: DataFrame, source: str, key: Sequence[str], batches: Sequence[str]
) -> DataFrame:
    """Key and content hash of what the source has in silver under the keys of `rows`.

    Without `batches`: those are written anew.
    """
    is_its_own = (F.col("source") == source) & ~F.col("batch_id").isin(list(batches))
    found = silver.where(is_its_own).select(*key, "content_hash")
    return found.join(rows.select(*key).distinct(), on=list(key), how="left_semi")


def bronze_rows(labelled: DataFrame, has_duplicates: bool) -> DataFrame:
    """The rows as they came. A table that is read whole leaves out what is there already."""
    rows = labelled if has_duplicates else labelled.where(F.col("_outcome") != DUPLICATE)
    meta = [c.name for c in METADATA]
    names = [c for c in source_names(labelled) if c not in meta]
    return rows.select(*[F.col(f"_source.`{c}`").alias(c) for c in (*names, *meta)])


def counts(labelled: DataFrame) -> DataFrame:
    """Rows by batch, outcome, reasons and warnings, in this order."""
    grain = ("_batch_id", "_outcome", "_errors", "warnings")
    return labelled.groupBy(*grain).agg(F.count("*").alias("rows"))


def without_profile(kept: DataFrame, versions: DataFrame) -> DataFrame:
    """One row: how many customers the rows name, and how many of them have no version."""
    named = kept.where(F.col("customer_id").isNotNull()).select("customer_id").distinct()
    known = versions.select("customer_id").distinct().withColumn("_is_known", F.lit(True))
    return named.join(known, on="customer_id", how="left").agg(
        F.count("*").alias("customers"), F.count_if(F.col("_is_known").isNull()).alias("missing")
    )


def replay_identity(waiting: DataFrame) -> DataFrame:
    """One row: how many rows wait, and a name for just this set of them."""
    content = F.sum(F.xxhash64("batch_id", "row_id").cast("decimal(38,0)"))
    named = F.concat_ws("-", content.cast("string"), F.count("*").cast("string"))
    identity = F.substring(F.sha2(named, 256), 1, 16).alias("identity")
    return waiting.agg(F.count("*").alias("rows"), identity)
