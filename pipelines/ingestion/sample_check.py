"""Check a sample of every source without Spark: what ingest would keep, leave out and quarantine.

The transforms, rules and messages are those of ingest. Only the reader is another one, and DuckDB
computes the rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from contracts.bronze import METADATA
from contracts.rules import COLUMNS
from pipelines.ingestion import source_checks
from pipelines.ingestion.answer_tokens import has_tokens
from pipelines.ingestion.bad_files import BadFile, BadShare, bad_share
from pipelines.ingestion.check_lines import first_rows, left_out_lines, reason_lines
from pipelines.ingestion.column_names import with_bronze_names
from pipelines.ingestion.file_checks import by_fitting_columns, check_lookup, missing_column
from pipelines.ingestion.file_scans import FileScans, limits_of, reading_options
from pipelines.ingestion.local_files import local_files, source_file
from pipelines.ingestion.row_counts import RowCounts, check_share
from pipelines.ingestion.row_examples import add_examples
from pipelines.ingestion.row_flags import flagged_by_conf
from pipelines.ingestion.sample_rows import FOLLOWED, read_sample
from pipelines.ingestion.samples import Sample
from pipelines.ingestion.text_scan import Fault
from runtime.context import Context
from runtime.errors import UsageError
from runtime.files import Location
from runtime.lakehouse.duck_session import duck_session, frame_of, kept
from runtime.lakehouse.duck_sql import (
    UntranslatableError,
    allow_ingestion,
    as_on_spark,
    names_in,
)
from runtime.settings.source_paths import nothing_fetched
from runtime.wording import plural
from transforms.deduplicate import with_outcome
from transforms.silver_rows import ORDER, counts, dedup_key
from transforms.sources import with_lookup, with_source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.settings import Settings
    from runtime.settings.sources import SourceSettings

# Rows of a lookup, which is a small table. It is joined whole.
MOST_LOOKUP_ROWS = 1_000_000
# An expression that DuckDB cannot run as Spark does.
_ELSEWHERE = "Run `ingest --dry-run` instead, which checks it with Spark."


def run(context: Context) -> None:
    """Print counts, examples and the first kept rows of every source.

    QualityGateError if a source has more rows to quarantine than conf allows. UsageError or
    SourceError as ingest raises them.
    """
    settings = context.settings
    source_checks.check_sources(settings)
    allow_ingestion()
    # Rows arrive now, as they would in ingest.
    check = SampleCheck(context, dt.datetime.now(dt.UTC))
    check_share(
        [check.source(name) for name, s in settings.sources.items() if s.stream is None], settings
    )
    context.progress.say(f"The check passed. Next: `holdfast run_pipeline --env {settings.env}`.")


@dataclass
class SampleCheck:
    """One check of all sources of an environment."""

    context: Context
    known_at: dt.datetime

    @property
    def settings(self) -> Settings:
        """The settings of the environment."""
        return self.context.settings

    def source(self, name: str) -> tuple[RowCounts, BadShare]:
        """Check one source and print what was found. The files that ingest refuses are not read."""
        given = self.settings.sources[name]
        if given.format not in ("csv", "json", "parquet"):
            raise UsageError(
                f"conf/{self.settings.env}.yaml: sources.{name}.format = {given.format!r}: `check` "
                f"reads csv, json and parquet. {_ELSEWHERE}"
            )
        self._warn_of_limits(name, given)
        try:
            files = local_files(name, given.path or "")
        except UsageError:
            if given.fetch is None:
                raise
            self.context.progress.warn(nothing_fetched(name, given.path or ""))
            return RowCounts(name, source_checks.TARGETS[given.table], []), bad_share([], 0)
        bad = self._bad_files(name, given, files)
        readable = _without(name, files, bad)
        sample = self._sample(name, given, readable) if readable else None
        unfit = self._unfit_files(name, given, sample) if sample else []
        share = bad_share([*bad, *unfit], sum(file.size for file in files))
        if not sample:
            return RowCounts(name, source_checks.TARGETS[given.table], []), share
        if unfit:
            sample = self._sample(name, given, _without(name, readable, unfit))
        return self._read(name, given, sample), share

    def _sample(self, name: str, given: SourceSettings, files: Sequence[Location]) -> Sample:
        return read_sample(name, given.format, files, options=given.reader_options)

    def _unfit_files(self, name: str, given: SourceSettings, sample: Sample) -> list[BadFile]:
        """The sampled files that lack a column of the mapping, each with a warning."""
        source = with_bronze_names(given, [*sample.types])
        _, unfit = by_fitting_columns(source, sample.parts, {})
        bad = [
            BadFile(source_file(name, part.path), Fault(COLUMNS, reason, part.rows))
            for part, reason in unfit
        ]
        for file in bad:
            self.context.progress.warn(file.message(name))
        return bad

    def _bad_files(
        self, name: str, source: SourceSettings, files: Sequence[Location]
    ) -> list[BadFile]:
        """The files that break a rule for files, each with a warning."""
        limits = limits_of(self.settings.ingest)
        listed = [source_file(name, file) for file in files]
        session: Any = duck_session(source.time_zone)  # It has no JVM: only local files are opened.
        options = reading_options(source, limits)
        scans = FileScans(session, limits).of(listed, source.format, options)
        bad = [BadFile(f, s.fault) for f, s in zip(listed, scans, strict=True) if s.fault]
        for file in bad:
            self.context.progress.warn(file.message(name))
        return bad

    def _read(self, name: str, given: SourceSettings, sample: Sample) -> RowCounts:
        """Check the rows of the files that can be read, and print what was found."""
        # Times without a zone are clock times of the source's zone, as in ingest.
        self.session: Any = duck_session(given.time_zone)
        source, rows = self._rows(name, with_bronze_names(given, [*sample.types]), sample)
        labelled = self._labelled(name, source, rows)
        row_counts = self._counts(name, source, labelled, sample)
        say = self.context.progress.say
        say(row_counts.line(_title(sample, row_counts.rows_in)))
        told = (
            *reason_lines(row_counts),
            *left_out_lines(source.where, given.where, rows=rows, columns=[*sample.types]),
            *first_rows(name, source, labelled),
        )
        for line in told:
            say(f"      {line}")
        for warning in row_counts.lost_lines():
            self.context.progress.warn(warning)
        return row_counts

    def _warn_of_limits(self, name: str, source: SourceSettings) -> None:
        if has_tokens(source):
            self.context.progress.warn(f"{name}: `check` does not verify tokens. {_ELSEWHERE}")
        ignored = sorted(o for o in source.options if o.lower() not in FOLLOWED)
        if ignored and source.format == "csv":
            self.context.progress.warn(
                f"{name}: `check` does not follow the options {', '.join(ignored)}. {_ELSEWHERE}"
            )

    # ------------------------------------------------------------------ rows

    def _rows(
        self, name: str, source: SourceSettings, sample: Sample
    ) -> tuple[SourceSettings, DataFrame]:
        """The rows as ingest has them before the mapping, and the source in DuckDB's SQL."""
        rows = with_source(frame_of(self.session, self._with_batch(name, sample.table)))
        present = [*sample.types]
        for title, lookup in source.lookups.items():
            files = local_files(f"{name}, lookup {title}", lookup.path)
            read = read_sample(
                name, lookup.format, files, options=lookup.reader_options, most=MOST_LOOKUP_ROWS
            )
            lookup_rows = frame_of(self.session, read.table.drop_columns(["_file", "_malformed"]))
            on = [c.lower() for c in lookup.join_on]
            check_lookup(name, title, on, rows=rows, lookup_rows=lookup_rows)
            rows = with_lookup(rows, lookup_rows, on)
            present += [c for c in read.types if c not in present]
        named = with_bronze_names(source, present)
        self._check_names(name, named, sample, present)
        return self._translated(name, named), rows

    def _with_batch(self, name: str, table: pa.Table) -> pa.Table:
        """The columns that ingest adds. The sample counts as one file of a first load."""
        is_history = source_checks.is_history_known(self.settings, name)
        constants: dict[str, tuple[object, pa.DataType]] = {
            "_batch_id": ("sample", pa.string()),
            "_known_at": (self.known_at, pa.timestamp("us", "UTC")),
            "_rescued": (None, pa.string()),
            "_type_changes": ([], pa.list_(pa.string())),
            "_rank": (0, pa.int32()),
            "_is_history": (is_history, pa.bool_()),
        }
        for column, (value, kind) in constants.items():
            table = table.append_column(column, pa.array([value] * len(table), kind))
        # The place of a row, so that the first rows can be shown.
        places = pa.array([f"{place:09}" for place in range(len(table))], pa.string())
        return table.append_column("_row_id", places)

    def _check_names(
        self, name: str, source: SourceSettings, sample: Sample, present: Sequence[str]
    ) -> None:
        """SourceError if an expression names a column that the source lacks."""
        known = {c.lower() for c in (*present, *(m.name for m in METADATA))}
        for setting, text in source.expressions.items():
            for unknown in self._tried(name, setting, text, names_in):
                if unknown.lower() not in known:
                    raise missing_column(
                        self.settings.env, name, setting, column=unknown, part=sample
                    )

    def _translated(self, name: str, source: SourceSettings) -> SourceSettings:
        mapping = {
            c: self._tried(name, f"mapping.{c}", text, as_on_spark)
            for c, text in source.mapping.items()
        }
        where = source.where and self._tried(name, "where", source.where, as_on_spark)
        return source.model_copy(update={"mapping": mapping, "where": where})

    def _tried(self, name: str, setting: str, text: str, function: Any) -> Any:
        try:
            return function(text)
        except UntranslatableError as error:
            raise self._unchecked(name, setting, text, str(error)) from None

    def _unchecked(self, name: str, setting: str, text: str, reason: str) -> UsageError:
        return UsageError(
            f"conf/{self.settings.env}.yaml: sources.{name}.{setting} = {text!r} cannot be checked "
            f"without Spark: {reason}. {_ELSEWHERE}"
        )

    def _labelled(self, name: str, source: SourceSettings, rows: DataFrame) -> DataFrame:
        """The rows with their outcome."""
        table = source_checks.TARGETS[source.table]
        try:
            typed = kept(self.session, flagged_by_conf(self.settings, name, source, rows=rows))
        except duckdb.Error as error:
            given = self.settings.sources[name].expressions
            reason = str(error).partition("\n")[0]
            raise self._unchecked(name, *self._failing(rows, source, given), reason) from None
        return kept(self.session, with_outcome(typed, dedup_key(table, source.key), ORDER))

    def _failing(
        self, rows: DataFrame, source: SourceSettings, given: Mapping[str, str]
    ) -> tuple[str, str]:
        """The first setting whose expression DuckDB refuses, and its text in conf."""
        for setting, text in source.expressions.items():
            try:
                kept(self.session, rows.selectExpr(f"{text} AS value"))
            except duckdb.Error:
                return setting, given[setting]
        return "mapping", ", ".join(given)

    # ------------------------------------------------------------------ results

    def _counts(
        self, name: str, source: SourceSettings, labelled: DataFrame, sample: Sample
    ) -> RowCounts:
        table, given = source_checks.TARGETS[source.table], self.settings.sources[name]
        counted = counts(labelled).collect()  # one row per set of broken rules
        row_counts = RowCounts(name, table, counted, has_where=given.where is not None)
        present = [*sample.types]
        add_examples(row_counts, source, labelled, present=present, has_rescued=False)
        return row_counts


def _without(name: str, files: Sequence[Location], bad: Sequence[BadFile]) -> list[Location]:
    """The files that are not bad."""
    refused = {b.file.path for b in bad}
    return [file for file in files if source_file(name, file).path not in refused]


def _title(sample: Sample, rows: int) -> str:
    part = f" (a sample of about {sample.rows_in_all:,})" if rows < sample.rows_in_all else ""
    return plural(len(sample.files), "file") + part
