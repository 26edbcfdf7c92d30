"""Customers as versions: what was known about each customer, and from when to when.

A source provides only the columns that its mapping covers. Every other column of a version takes
its value from the latest earlier version whose source does cover it. A late delivery or a new
source therefore also changes later versions, and no value is lost, whatever the order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window, WindowSpec, functions as F

from contracts.rules import DUPLICATE, KEPT
from contracts.silver import CUSTOMERS, mapped_columns
from transforms.deduplicate import content_hash

CONTENT = tuple(c.name for c in mapped_columns(CUSTOMERS))  # customer_id first
# A version that several sources provided at the same moment names all of them.
_AND = "+"


def with_versions(
    profiles: DataFrame, versions: DataFrame, given: Mapping[str, Sequence[str]]
) -> DataFrame:
    """One row per profile and per stored version of its customer, as one chain per customer.

    Stored versions are those of customers with a kept profile. `profiles` are labelled rows
    (`_outcome`, `source`, `batch_id`, `known_at`, content), of which at most one per customer and
    moment is kept. `versions` is silver.customers. `given` holds the columns that each source maps;
    a source that was removed from conf counts as mapping all. Each row is a profile or
    (`_is_stored`) a version.

    Adds valid_from, valid_to, content_hash and `_is_written`, which is true for rows that must be
    merged into the table. valid_to is null for the current version. A kept profile without new
    content becomes a duplicate, unless its own batch wrote the version: then an earlier run of the
    batch failed midway. With valid_to null before the run:

    | _is_stored | known_at | plan  | valid_from | valid_to | _outcome  | _is_written |
    |------------|----------|-------|------------|----------|-----------|-------------|
    | true       | 1 Jan    | basic | 1 Jan      | 3 Jan    |           | true        |
    | false      | 2 Jan    | basic | 2 Jan      | 3 Jan    | duplicate | false       |
    | false      | 3 Jan    | plus  | 3 Jan      | null     | kept      | true        |
    """
    is_kept = F.col("_outcome") == KEPT
    new = profiles.where(is_kept)
    kept = new.select("customer_id").distinct()
    stored = versions.join(kept, on="customer_id", how="left_semi").withColumns(
        {
            "_is_stored": F.lit(True),
            "_valid_to_before": F.col("valid_to"),
            "_hash_before": F.col("content_hash"),
        }
    )
    chain = _begun(new).unionByName(
        stored.drop("content_hash", "valid_to"), allowMissingColumns=True
    )
    # All other rows stay out of the windows: a million rows without an id would be one partition.
    others = _begun(profiles.where(~is_kept)).withColumns(
        {
            "valid_to": F.lit(None).cast("timestamp"),
            "content_hash": content_hash(CONTENT),
            "_is_written": F.lit(False),
        }
    )
    return _ended(_compared(_completed(chain, given))).unionByName(others)


def versions_to_write(chain: DataFrame) -> DataFrame:
    """One row per version of silver.customers that the chain adds or changes."""
    return chain.where("_is_written").select(*CUSTOMERS.column_names)


def versions_after(versions: DataFrame, written: DataFrame) -> DataFrame:
    """One row per version of silver.customers after `written` is merged."""
    unchanged = versions.join(written, on=list(CUSTOMERS.key), how="left_anti")
    return unchanged.select(*CUSTOMERS.column_names).unionByName(written)


def _begun(profiles: DataFrame) -> DataFrame:
    begun = profiles.withColumns({"_is_stored": F.lit(False), "valid_from": F.col("known_at")})
    return begun.drop("content_hash")


def _customer() -> WindowSpec:
    return Window.partitionBy("customer_id").orderBy("valid_from", F.desc("_is_stored"), "batch_id")


def _customer_reversed() -> WindowSpec:
    return Window.partitionBy("customer_id").orderBy(
        F.desc_nulls_last("valid_from"),
        F.asc_nulls_first("_is_stored"),
        F.desc_nulls_last("batch_id"),
    )


def _completed(chain: DataFrame, given: Mapping[str, Sequence[str]]) -> DataFrame:
    until_now = _customer().rowsBetween(Window.unboundedPreceding, Window.currentRow)
    groups: dict[tuple[str, ...], list[str]] = {}
    for column in CONTENT[1:]:
        groups.setdefault(tuple(n for n, cs in given.items() if column in cs), []).append(column)
    completed = chain
    for place, (names, columns) in enumerate(groups.items()):
        # A struct of nulls is not null itself: a source may state that a value is now unknown.
        said = F.when(_is_said(names, given), F.struct(*columns))
        title = f"_said_{place}"
        completed = completed.withColumn(
            title, F.last_value(said, ignoreNulls=True).over(until_now)
        )
        completed = completed.withColumns({c: F.col(f"{title}.{c}") for c in columns}).drop(title)
    return completed.withColumn("content_hash", content_hash(CONTENT))


def _is_said(names: Sequence[str], given: Mapping[str, Sequence[str]]) -> Column:
    """True if one of these sources made the version, or a source that was removed from conf."""
    sources = F.split("source", rf"\{_AND}")
    is_gone = F.size(F.array_except(sources, F.array(*map(F.lit, given)))) > 0
    return is_gone | F.arrays_overlap(sources, F.array(*map(F.lit, names))) if names else is_gone


def _compared(chain: DataFrame) -> DataFrame:
    """Compare each profile with the version before it, which may have begun at the same moment."""
    before = {
        c: F.lag(c).over(_customer()) for c in ("content_hash", "batch_id", "valid_from", "source")
    }
    compared = chain.withColumns({f"_before_{c}": value for c, value in before.items()})
    is_profile = ~F.col("_is_stored")
    is_same = is_profile & F.col("_before_content_hash").eqNullSafe(F.col("content_hash"))
    is_own = F.col("_before_batch_id").eqNullSafe(F.col("batch_id"))
    both = F.array_union(F.split("_before_source", rf"\{_AND}"), F.split("source", rf"\{_AND}"))
    is_joint = is_profile & F.col("_before_valid_from").eqNullSafe(F.col("valid_from"))
    return compared.withColumns(
        {
            "_outcome": F.when(is_same & ~is_own, F.lit(DUPLICATE)).otherwise(F.col("_outcome")),
            "_is_new": is_profile & ~is_same,
            "source": F.when(is_joint, F.array_join(F.array_sort(both), _AND)).otherwise(
                F.col("source")
            ),
        }
    ).drop(*[f"_before_{c}" for c in before])


def _ended(chain: DataFrame) -> DataFrame:
    """Add valid_to: the moment at which the customer's next version begins."""
    same_moment = Window.partitionBy("customer_id", "valid_from")
    is_replaced = F.max("_is_new").over(same_moment)
    stands = F.col("_is_new") | (F.col("_is_stored") & ~is_replaced)
    # The rows after a row, as the rows before it in reverse order. Spark extends a frame from the
    # start of the partition row by row, but computes a frame up to its end again for each row.
    later = _customer_reversed().rowsBetween(Window.unboundedPreceding, -1)
    starts = F.when(F.col("_stands"), F.col("valid_from"))
    ended = chain.withColumn("_stands", stands).withColumn("valid_to", F.min(starts).over(later))
    is_changed = ~F.col("valid_to").eqNullSafe(F.col("_valid_to_before")) | (
        F.col("content_hash") != F.col("_hash_before")
    )
    return ended.withColumn(
        "_is_written", F.col("_is_new") | (F.col("_is_stored") & F.col("_stands") & is_changed)
    ).drop("_is_new", "_stands", "_valid_to_before", "_hash_before")
