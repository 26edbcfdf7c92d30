"""Load new source files into bronze and silver. Rows that break a rule go to silver.quarantine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from contracts.bronze import source_table
from contracts.rules import COLUMNS
from contracts.silver import QUARANTINE
from pipelines.ingestion import file_checks, readers, source_checks
from pipelines.ingestion.bad_files import BadFile
from pipelines.ingestion.column_names import with_bronze_names
from pipelines.ingestion.encodings import all_encodings
from pipelines.ingestion.file_scans import FileScans, limits_of
from pipelines.ingestion.ingest_log import Entry, IngestLog
from pipelines.ingestion.intake import Intake, Taken
from pipelines.ingestion.profile_warnings import missing_profiles, unknown_consent
from pipelines.ingestion.quarantine_replay import replay, replay_late
from pipelines.ingestion.read_errors import FileReadError, explained
from pipelines.ingestion.row_counts import RowCounts, check_share
from pipelines.ingestion.row_outcomes import RowOutcomes, null_on_failure
from pipelines.ingestion.source_files import TABLE_FORMATS, Part, SourceFile
from pipelines.ingestion.text_scan import Fault
from runtime.context import Context
from runtime.lakehouse.session import time_zone
from runtime.lakehouse.writes import Write
from runtime.settings.source_paths import nothing_fetched
from transforms.consent import CONTACT
from transforms.quality import quarantine_rows, split
from transforms.silver_rows import bronze_rows
from transforms.sources import with_batches, with_expected_columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class IngestOptions:
    """Options of `ingest`.

    known_at: when the files arrived. None: now.
    replay: a source whose quarantined rows are processed again, instead of new files.
    """

    known_at: dt.datetime | None = None
    replay: str | None = None


def run(context: Context, options: IngestOptions = IngestOptions()) -> None:
    """Load the new files of every source, or with the option `replay` a source's quarantine.

    All sources are written in one list of commits, and the ingest log last. Events of a stream that
    came late are loaded from the quarantine afterwards. A run that fails leaves every table as it
    was. The next run repeats a run that was killed. Without new files, nothing is committed.
    """
    source_checks.check_sources(context.settings)
    known_at = options.known_at or dt.datetime.now(dt.UTC)
    context.progress.say(f"      known_at {known_at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC")
    try:
        with (
            null_on_failure(context.spark),
            time_zone(context.spark, "UTC"),
            all_encodings(context.spark, context.settings),
        ):
            ingestion = Ingestion(context, known_at)
            if options.replay:
                replay(ingestion, options.replay)
            else:
                ingestion.load_all()
                replay_late(ingestion)
    finally:
        context.lake.forget()


class Ingestion:
    """One run over all sources."""

    def __init__(self, context: Context, known_at: dt.datetime) -> None:
        self.context, self.settings, self.progress = context, context.settings, context.progress
        self.spark, self.known_at = context.spark, known_at
        self.log = IngestLog(context)
        self.outcomes = RowOutcomes(context)
        self.scans = FileScans(context.spark, limits_of(context.settings.ingest))
        self.warned: set[str] = set()

    # ------------------------------------------------------------------ new files

    def load_all(self) -> None:
        """Read, label and check the rows of all sources. Then write them."""
        taken = []
        names = [name for name, s in self.settings.sources.items() if s.stream is None]
        with self.progress.part("source", of=len(names)) as part:
            for name in names:
                part.detail = name
                taken.append(self.taken(name))
                part.next()
        intakes = [t.intake for t in taken if t.intake]
        if not intakes and not any(t.bad for t in taken):
            self.progress.say("      nothing new")
            return
        check_share([t.share for t in taken], self.settings)
        versions = self.outcomes.versions
        for intake in intakes:
            if self.outcomes.table(intake.name).references:
                self.warn(missing_profiles(intake, versions))
        if self.context.is_dry and self.settings.contact.when_consent_unknown != CONTACT:
            self.warn(unknown_consent(intakes, versions))
        writes = [w for i in intakes for w in self.table_writes(i)]
        if intakes:
            writes.append(self.quarantine_write(intakes))
        self.context.write([*writes, self.log_write(taken)])

    def taken(self, name: str) -> Taken:
        """The new files of one source. A file that cannot be read is left out, with a warning."""
        source, versions = self.settings.sources[name], self.outcomes.versions
        files = readers.listed_files(self.spark, name, source)
        if source.fetch is not None and not files:
            self.warn([nothing_fetched(name, source.path or "")])
        size = sum(f.length for f in files)
        failed: list[BadFile] = []
        while True:  # Each round leaves out one more file, until their share is above the limit.
            taken = Taken(RowCounts(name, self.outcomes.table(name), []), failed, size)
            check_share([taken.share], self.settings)
            try:
                with time_zone(self.spark, source.time_zone):
                    return self._with_new_files(taken, files)
            except FileReadError as error:
                self.outcomes.versions = versions
                bad = readers.confirmed_failure(self.scans, source, files, error=error)
                self.warn([bad.message(name)])
                failed = [*failed, bad]

    def _with_new_files(self, taken: Taken, files: Sequence[SourceFile]) -> Taken:
        """Read the new files but the bad ones. FileReadError if Spark cannot read one."""
        name, failed = taken.counts.source, {b.file.batch_id for b in taken.bad}
        source, bronze = self.settings.sources[name], self.log.columns(name)
        new = readers.new_files(
            self.scans,
            name,
            source,
            files=files,
            known=self.log.batches(name) | failed,
            limit=max(0, self.settings.ingest.max_files_a_run - len(failed)),
            keep=self.context.lake.keep,
            least=self.log.least_cursor(name, source),
        )
        if new.parts and not self.log.batches(name):
            self.warn(source_checks.zone_warnings(self.settings, name))
        source = with_bronze_names(source, {*bronze, *(c for p in new.parts for c in p.types)})
        parts, unfit = file_checks.by_fitting_columns(source, new.parts, bronze)
        taken = replace(taken, bad=[*taken.bad, *new.bad, *self.bad_parts(name, unfit)])
        self.warn([b.message(name) for b in taken.bad])
        if not parts:
            return taken
        intake = self.intake(name, parts, bronze, waiting=new.waiting)
        return replace(taken, counts=intake.counts, intake=intake)

    def bad_parts(self, name: str, unfit: Sequence[tuple[Part, str]]) -> list[BadFile]:
        """The files of parts that lack a column of the mapping, with their rows."""
        with explained(name):
            rows = readers.count_rows([part for part, _ in unfit])
        return [
            BadFile(file, Fault(COLUMNS, reason, rows[file.batch_id]))
            for part, reason in unfit
            for file in part.files
        ]

    def intake(
        self, name: str, parts: list[Part], bronze: Mapping[str, str], *, waiting: int
    ) -> Intake:
        """The rows of the parts, with their outcome. `bronze`: the columns of bronze so far."""
        settings, names = self.settings, {*bronze, *(c for part in parts for c in part.types)}
        source = with_bronze_names(settings.sources[name], names)
        if not source.keep_unmapped:
            parts = [file_checks.mapped_part(source, part) for part in parts]
        if source.format not in TABLE_FORMATS:
            # Kept, so that the rows and the count to check them come from one read of the files.
            keep = self.context.lake.keep
            with explained(name):
                parts = [replace(p, frame=keep(p.frame)) if p.is_small else p for p in parts]
        files = {f.batch_id: f.name for part in parts for f in part.files}
        titles = files.values()
        self.warn(file_checks.file_warnings(settings, name, titles, waiting=waiting, log=self.log))
        columns = file_checks.expected_columns(source, parts, bronze)
        for part in parts:
            self.warn(
                file_checks.column_warnings(settings.env, name, source, part=part, expected=columns)
            )
        table = source_table(name, columns)
        # Batches of a killed run are not in the log. They are written again, or removed.
        batches = sorted({*files, *self.log.unfinished(name)})
        rows = self.outcomes.labelled(
            name, self.source_rows(name, parts, columns), batches, part=parts[0]
        )
        row_counts = self.outcomes.counts(name, rows)
        with explained(name):
            read = readers.count_rows(parts)
        row_counts.check_sum(read, files)
        row_counts.tell(read, files, self.progress)
        return Intake(name, table, rows, row_counts, files, batches)

    def source_rows(self, name: str, parts: Sequence[Part], columns: dict[str, str]) -> DataFrame:
        """All rows of the new files, with the columns of bronze and their batch."""
        files = sorted(
            (f for part in parts for f in part.files), key=lambda f: (f.modified_ms, f.name, f.path)
        )
        is_history = source_checks.is_history_known(self.settings, name)
        is_history &= not self.log.has_loaded(name)
        batches = [
            (f.path, f.batch_id, f.name, self.known_at, place - len(files) + 1, is_history, None)
            for place, f in enumerate(files)
        ]
        ddl = (
            "_path string, _batch_id string, _file string, _known_at timestamp, _rank int, "
            "_is_history boolean, _row_id string"
        )
        raw = [readers.spread(self.spark, part) for part in parts]
        frames = [with_expected_columns(frame, columns) for frame in raw]
        rows = reduce(lambda above, below: above.unionByName(below), frames)
        return with_batches(rows, self.spark.createDataFrame(batches, ddl))

    # ------------------------------------------------------------------ writing

    def table_writes(self, intake: Intake) -> list[Write]:
        """Bronze and silver of one source. The writes do not check the rows a second time."""
        is_whole = self.settings.sources[intake.name].format in TABLE_FORMATS
        rows = bronze_rows(intake.rows, has_duplicates=not is_whole)
        bronze = Write(intake.bronze, rows, slices=intake.batches, is_checked=False)
        return [
            bronze,
            *self.outcomes.silver_writes(intake.name, split(intake.rows)[0], intake.batches),
        ]

    def quarantine_write(self, intakes: Sequence[Intake]) -> Write:
        """The rejected rows of all sources."""
        frames = [quarantine_rows(split(i.rows)[1], i.name) for i in intakes]
        rows = reduce(lambda above, below: above.unionByName(below), frames)
        return Write(QUARANTINE, rows, slices=[b for i in intakes for b in i.batches])

    def log_write(self, taken: Sequence[Taken]) -> Write:
        """The ingest log, which is written last: a file in it was loaded or quarantined."""
        entries = [
            Entry(t.counts.source, batch, file, *t.counts.of_batch(batch))
            for t in taken
            for batch, file in (t.intake.files if t.intake else {}).items()
        ]
        # Empty files of one name in two folders have the same batch.
        bad = {(t.counts.source, b.file.batch_id): b for t in taken for b in t.bad}
        entries += [
            Entry(source, batch, b.file.name, 0, 0, 0, 0, 0, 0, b.fault.rule)
            for (source, batch), b in bad.items()
        ]
        return self.log.write_of(self.known_at, entries)

    # ------------------------------------------------------------------ warnings

    def warn(self, messages: Sequence[str]) -> None:
        """Warn once: after a file that Spark cannot read, the others are looked at again."""
        for message in (m for m in messages if m not in self.warned):
            self.warned.add(message)
            self.progress.warn(message)
