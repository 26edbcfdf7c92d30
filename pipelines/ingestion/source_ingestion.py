"""Load new source files into bronze and silver. Rows that break a rule go to silver.quarantine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from contracts.bronze import source_table
from contracts.rules import DUPLICATE, KEPT, LEFT_OUT
from contracts.silver import QUARANTINE
from contracts.table import Table
from pipelines.ingestion import file_checks, readers, source_checks
from pipelines.ingestion.column_names import with_bronze_names
from pipelines.ingestion.encodings import all_encodings
from pipelines.ingestion.ingest_log import REPLAY, Entry, IngestLog
from pipelines.ingestion.row_counts import RowCounts, check_share
from pipelines.ingestion.row_outcomes import RowOutcomes, null_on_failure
from pipelines.ingestion.source_files import Part
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.session import time_zone
from runtime.lakehouse.writes import Write
from runtime.wording import plural, verb
from transforms.quality import quarantine_rows, replayed, split
from transforms.silver_rows import bronze_rows, replay_identity, without_profile
from transforms.sources import from_quarantine, with_batches, with_expected_columns

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

    All sources are written in one list of commits, and the ingest log last. A run that fails leaves
    every table as it was. The next run repeats a run that was killed. Without new files, nothing is
    committed.
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
                ingestion.replay(options.replay)
            else:
                ingestion.load_all()
    finally:
        context.lake.forget()


@dataclass
class Intake:
    """The new files of one source: their rows with outcome, the counts, the batches to replace.

    files: batch -> name of the file.
    """

    name: str
    bronze: Table
    rows: DataFrame
    counts: RowCounts
    files: dict[str, str]
    batches: list[str]


class Ingestion:
    """One run over all sources."""

    def __init__(self, context: Context, known_at: dt.datetime) -> None:
        self.context, self.settings, self.progress = context, context.settings, context.progress
        self.spark, self.known_at = context.spark, known_at
        self.log = IngestLog(context)
        self.outcomes = RowOutcomes(context)

    # ------------------------------------------------------------------ new files

    def load_all(self) -> None:
        """Read, label and check the rows of all sources. Then write them."""
        intakes = [i for name in self.settings.sources if (i := self.intake(name))]
        if not intakes:
            self.progress.say("      nothing new")
            return
        check_share([i.counts for i in intakes], self.settings)
        for intake in intakes:
            self.warn_of_missing_profiles(intake)
        writes = [w for i in intakes for w in self.table_writes(i)]
        self.context.write([*writes, self.quarantine_write(intakes), self.log_write(intakes)])

    def intake(self, name: str) -> Intake | None:
        """The new files of one source. None: the source has no new file."""
        with time_zone(self.spark, self.settings.sources[name].time_zone):
            return self._intake(name)

    def _intake(self, name: str) -> Intake | None:
        settings, source = self.settings, self.settings.sources[name]
        parts, waiting = readers.find_parts(
            self.spark,
            name,
            source,
            known=self.log.batches(name),
            limit=settings.ingest.max_files_a_run,
        )
        if not parts:
            return None
        if not self.log.batches(name):
            self.warn(source_checks.zone_warnings(settings, name))
        stored = self.log.columns(name)
        source = with_bronze_names(source, {*stored, *(c for part in parts for c in part.types)})
        if not source.keep_unmapped:
            parts = [file_checks.mapped_part(source, part) for part in parts]
        files = {f.batch_id: f.name for part in parts for f in part.files}
        titles = files.values()
        self.warn(file_checks.file_warnings(settings, name, titles, waiting=waiting, log=self.log))
        columns = file_checks.expected_columns(source, parts, stored)
        for part in parts:
            self.warn(
                file_checks.column_warnings(settings.env, name, source, part=part, expected=columns)
            )
        bronze = source_table(name, columns)
        # Batches of a killed run are not in the log. They are written again, or removed.
        batches = sorted({*files, *self.log.unfinished(name)})
        rows = self.outcomes.labelled(
            name, self.source_rows(name, parts, columns), batches, part=parts[0]
        )
        row_counts = self.outcomes.counts(name, rows)
        read = readers.count_rows(parts)
        row_counts.check_sum(read, files)
        row_counts.tell(read, files, self.progress)
        return Intake(name, bronze, rows, row_counts, files, batches)

    def source_rows(self, name: str, parts: Sequence[Part], columns: dict[str, str]) -> DataFrame:
        """All rows of the new files, with the columns of bronze and their batch."""
        files = sorted(
            (f for part in parts for f in part.files), key=lambda f: (f.modified_ms, f.name, f.path)
        )
        is_history = source_checks.is_history_known(self.settings, name)
        is_history &= not self.log.batches(name)
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
        is_whole = self.settings.sources[intake.name].format in ("jdbc", "delta")
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

    def log_write(self, intakes: Sequence[Intake]) -> Write:
        """The ingest log, which is written last: a file in it was loaded completely."""
        return self.log.write_of(
            self.known_at,
            [
                Entry(i.name, batch, file, *i.counts.of_batch(batch))
                for i in intakes
                for batch, file in i.files.items()
            ],
        )

    # ------------------------------------------------------------------ replay

    def replay(self, name: str) -> None:
        """Process the quarantined rows of a source again, with the present mapping and rules.

        Rows that pass go to silver in a batch of their own. Their known_at is the same as if they
        had passed in the first run.
        """
        if name not in self.settings.sources:
            sources = ", ".join(self.settings.sources)
            raise UsageError(f"--replay {name}: must be a source in conf. Sources are {sources}.")
        waiting = self.context.read(QUARANTINE.name).where(f"source = '{name}' AND NOT is_replayed")
        replay = replay_identity(waiting).collect()[0]  # one row
        if not replay["rows"]:
            self.progress.say(f"      {name}: no rows in quarantine")
            return
        batch, table = f"{REPLAY}-{replay['identity']}", self.outcomes.table(name)
        batches = sorted({batch, *self.log.unfinished_replays(name, table)})
        rows = from_quarantine(waiting, self.log.columns(name), self.log.history(name))
        with time_zone(self.spark, self.settings.sources[name].time_zone):
            labelled = self.outcomes.labelled(name, rows, batches, batch=batch)
        row_counts = self.outcomes.counts(name, labelled)
        self.progress.say(f"      {row_counts.line('quarantine')}")
        kept, duplicates, left_out = (row_counts.total(o) for o in (KEPT, DUPLICATE, LEFT_OUT))
        if kept + duplicates + left_out == 0:
            return
        writes = self.outcomes.silver_writes(name, split(labelled)[0], batches)
        writes.append(Write(QUARANTINE, replayed(waiting, labelled), mode="merge"))
        passed = kept + duplicates + left_out
        entry = Entry(name, batch, REPLAY, passed, kept, 0, duplicates, left_out)
        self.context.write([*writes, self.log.write_of(self.known_at, [entry])])

    # ------------------------------------------------------------------ warnings

    def warn(self, messages: Sequence[str]) -> None:
        for message in messages:
            self.progress.warn(message)

    def warn_of_missing_profiles(self, intake: Intake) -> None:
        """Warn about customers without a profile. Their rows are kept, with null attributes."""
        if not self.outcomes.table(intake.name).references:
            return
        kept = split(intake.rows)[0]
        customers = without_profile(kept, self.outcomes.versions).collect()[0]  # one row
        if customers["missing"]:
            self.progress.warn(
                f"{intake.name}: {customers['missing']:,} of "
                f"{plural(customers['customers'], 'customer')} "
                f"{verb(customers['missing'], 'has', 'have')} no profile"
            )
