"""Outcome of each row of a source: kept, quarantined, duplicate or left out. Also for replays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from contracts.silver import CUSTOMERS
from contracts.table import Table
from pipelines.ingestion import file_checks, readers, source_checks
from pipelines.ingestion.answer_tokens import has_tokens, key_of
from pipelines.ingestion.column_names import with_bronze_names
from pipelines.ingestion.erased_customers import erasure_filter
from pipelines.ingestion.expression_checks import check_expressions
from pipelines.ingestion.read_errors import explained
from pipelines.ingestion.row_counts import RowCounts
from pipelines.ingestion.row_examples import add_examples
from pipelines.ingestion.row_flags import flagged_by_conf
from pipelines.ingestion.source_files import Part
from runtime.context import Context
from runtime.lakehouse.platform import session_setting
from runtime.lakehouse.writes import Write
from transforms import customer_versions
from transforms.answer_tokens import with_refused_tokens
from transforms.deduplicate import with_outcome
from transforms.quality import source_names
from transforms.silver_rows import (
    ORDER,
    counts,
    dedup_key,
    kept_before,
)
from transforms.sources import with_lookup, with_source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.settings.sources import SourceSettings


@contextmanager
def null_on_failure(spark: SparkSession) -> Iterator[None]:
    """Turn ANSI mode off: a calculation that fails gives null, and does not end the run.

    Spark reads the mode when the frame is made, Spark Connect when it is computed. Do both inside
    this context.
    """
    with session_setting(spark, "spark.sql.ansi.enabled", "false"):
        yield


class RowOutcomes:
    """The outcomes of the rows of one run, source by source in the order of conf."""

    def __init__(self, context: Context) -> None:
        self.context, self.settings = context, context.settings
        self.lake, self.spark = context.lake, context.spark
        # silver.customers after the sources processed so far, and the versions that each will
        # write.
        self.versions = context.read(CUSTOMERS.name)
        self.written: dict[str, DataFrame] = {}
        # The sources processed so far, with the names that their columns have in bronze.
        self.sources: dict[str, SourceSettings] = {}
        self.erased = erasure_filter(context)

    def table(self, name: str) -> Table:
        """The silver table of a source."""
        return source_checks.TARGETS[self.settings.sources[name].table]

    def labelled(
        self,
        name: str,
        rows: DataFrame,
        batches: Sequence[str],
        *,
        part: Part | None = None,
        batch: str | None = None,
    ) -> DataFrame:
        """The rows with their outcome and the columns of silver, cached.

        `batches` are written again, so their rows in silver are ignored. `batch` is the batch in
        silver; None: that of the row's file. `part`: the files that an error message names.
        """
        env, source, table = self.settings.env, self.settings.sources[name], self.table(name)
        rows = with_source(rows)
        source = with_bronze_names(source, rows.columns)
        for title, lookup in source.lookups.items():
            lookup_rows = readers.read_lookup(self.spark, name, title, lookup=lookup)
            file_checks.check_lookup(
                name, title, lookup.join_on, rows=rows, lookup_rows=lookup_rows
            )
            rows = with_lookup(rows, lookup_rows, lookup.join_on)
        source = self.sources[name] = with_bronze_names(source, rows.columns)
        check_expressions(env, name, source, rows=rows, part=part)
        flagged = flagged_by_conf(self.settings, name, source, rows=rows, batch=batch)
        if has_tokens(source):
            flagged = with_refused_tokens(flagged, key_of(self.settings, name))
        if self.erased is not None:
            flagged = self.erased.flagged(self._kept(name, flagged))
        key, before = dedup_key(table, source.key), None
        if table is CUSTOMERS:
            return self._with_versions(name, self._kept(name, with_outcome(flagged, key, ORDER)))
        if key and self.context.has(table.name):
            flagged = self._kept(name, flagged)
            before = kept_before(
                self.context.read(table.name), flagged, name, key=key, batches=batches
            )
        return self._kept(name, with_outcome(flagged, key, ORDER, kept_before=before))

    def _with_versions(self, name: str, profiles: DataFrame) -> DataFrame:
        """The profiles, compared with stored versions and with those of earlier sources."""
        sources = self.settings.sources.items()
        given = {title: [*s.mapping] for title, s in sources if s.table == CUSTOMERS.short_name}
        chain = self._kept(name, customer_versions.with_versions(profiles, self.versions, given))
        self.written[name] = customer_versions.versions_to_write(chain)
        self.versions = customer_versions.versions_after(self.versions, self.written[name])
        return chain.where("NOT _is_stored")

    def _kept(self, name: str, frame: DataFrame) -> DataFrame:
        with explained(name):  # Spark Connect reads the files here, a classic session later
            return self.lake.keep(frame)

    def counts(self, name: str, rows: DataFrame) -> RowCounts:
        """Compute the labelled rows, count them, and take examples of rejected ones."""
        table, source, present = self.table(name), self.sources[name], source_names(rows)
        with explained(name):
            counted = counts(rows).collect()  # one row per batch and set of broken rules
        row_counts = RowCounts(name, table, counted, has_where=source.where is not None)
        add_examples(row_counts, source, rows, present=present)
        return row_counts

    def silver_writes(self, name: str, kept: DataFrame, batches: Sequence[str]) -> list[Write]:
        """The kept rows. For customers, the versions that begin, end or change."""
        table = self.table(name)
        if table is not CUSTOMERS:
            rows = kept.select(*table.column_names)
            return [Write(table, rows, slices=batches, is_checked=False)]
        versions = self.written[name]
        return [] if versions.isEmpty() else [Write(table, versions, mode="merge")]
