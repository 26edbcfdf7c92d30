"""Sources -> bronze -> silver: each new file whole and once, its bad rows to quarantine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from contracts.bronze import source_table
from contracts.rules import DUPLICATE, KEPT
from contracts.silver import CUSTOMERS, QUARANTINE
from contracts.table import Table
from pipelines.ingestion import readers, source_checks as checks
from pipelines.ingestion.ingest_log import REPLAY, Ledger
from pipelines.ingestion.row_counts import Tally, check_share
from pipelines.ingestion.source_files import Part, explained
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class IngestOptions:
    """Options of `ingest`.

    known_at: when the files reached us. None: now.
    replay: a source whose quarantined rows are tried again, instead of loading new files.
    """

    known_at: dt.datetime | None = None
    replay: str | None = None


def run(context: Context, options: IngestOptions = IngestOptions()) -> None:
    """Take in the new files of every source, or with the option `replay` a source's quarantine.

    One list of commits for all sources, the ledger last: a run that fails leaves every table as it
    was, one that is killed is done again by the next. Without a new file nothing is committed.
    """
    checks.check_sources(context.settings)
    known_at = options.known_at or dt.datetime.now(dt.UTC)
    context.progress.say(f"      known_at {known_at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC")
    try:
        with checks.null_on_failure(context.spark):
            ingestion = Ingestion(context, known_at)
            if options.replay:
                ingestion.replay(options.replay)
            else:
                ingestion.take_in_all()
    finally:
        context.lake.forget()


@dataclass
class Intake:
    """One source in one run: its rows, labelled and counted, and the batches they replace."""

    name: str
    bronze: Table
    rows: DataFrame
    tally: Tally
    files: dict[str, str]
    batches: list[str]


class Ingestion:
    """One run over all sources."""

    def __init__(self, context: Context, known_at: dt.datetime) -> None:
        self.context, self.settings, self.progress = context, context.settings, context.progress
        self.lake, self.spark, self.known_at = context.lake, context.spark, known_at
        self.ledger = Ledger(context)
        # silver.customers as the sources so far will leave it, and the versions that each writes.
        self.versions = context.read(CUSTOMERS.name)
        self.written: dict[str, DataFrame] = {}

    # ------------------------------------------------------------------ new files

    def take_in_all(self) -> None:
        """All sources: read, label, check; then write."""
        intakes = [i for name in self.settings.sources if (i := self.take_in(name))]
        if not intakes:
            self.progress.say("      nothing new")
            return
        check_share([i.tally for i in intakes], self.settings)
        for intake in intakes:
            self.warn_of_missing_profiles(intake)
        writes = [w for i in intakes for w in self.table_writes(i)]
        self.context.write([*writes, self.quarantine_write(intakes), self.log_write(intakes)])

    def take_in(self, name: str) -> Intake | None:
        """The new files of one source; None: there is none."""
        source, known = self.settings.sources[name], self.ledger.batches(name)
        most = self.settings.ingest.max_files_a_run
        parts, left = readers.find_parts(self.spark, name, source, known, most)
        if not parts:
            return None
        files = {f.batch_id: f.name for part in parts for f in part.files}
        checks.warn_of_files(self.settings, name, files.values(), left, self.ledger, self.progress)
        there = self.ledger.columns(name)
        columns = checks.expected_columns(
            self.settings.env, name, source, parts, there, self.progress
        )
        bronze = source_table(name, columns, bool(self.table(name).personal_columns))
        # What a killed run left is not in the ledger; it is written anew, or taken away.
        batches = sorted({*files, *self.ledger.unfinished(name)})
        rows = self.labelled(name, self.source_rows(name, parts, columns), batches, parts[0])
        tally = self.tally(name, rows)
        read = readers.count_rows(parts)
        tally.check_sum(read, files)
        tally.tell(read, files, self.progress)
        return Intake(name, bronze, rows, tally, files, batches)

    def source_rows(self, name: str, parts: Sequence[Part], columns: dict[str, str]) -> DataFrame:
        """All rows of the new files, in the columns of bronze and with their batch."""
        from transforms.sources import with_batches, with_expected_columns

        files = sorted(
            (f for part in parts for f in part.files), key=lambda f: (f.modified_ms, f.name, f.path)
        )
        is_history = checks.is_history_known(self.settings, name)
        is_history &= not self.ledger.batches(name)
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
        every = reduce(lambda one, other: one.unionByName(other), frames)
        return with_batches(every, self.spark.createDataFrame(batches, ddl))

    def labelled(
        self,
        name: str,
        rows: DataFrame,
        batches: Sequence[str],
        part: Part | None = None,
        batch: str | None = None,
    ) -> DataFrame:
        """The rows with what becomes of each, kept for what follows.

        `batches` are written anew, so what silver has of them does not count; `batch` is the one
        that silver shall have instead of the rows' own.
        """
        from transforms.deduplicate import with_outcome
        from transforms.silver_rows import ORDER, dedup_key, flagged_rows, kept_before
        from transforms.sources import with_lookup, with_source

        source, table = self.settings.sources[name], self.table(name)
        rows = with_source(rows)
        for title, lookup in source.lookups.items():
            found = readers.read_lookup(self.spark, name, title, lookup)
            checks.check_lookup(name, title, lookup.join_on, rows, found)
            rows = with_lookup(rows, found, lookup.join_on)
        checks.check_expressions(self.settings.env, name, source, rows, part)
        rules = checks.rules_of(table, source)
        flagged = flagged_rows(rows, name, table, source.mapping, rules, batch)
        key, before = dedup_key(table, source.key), None
        if table is CUSTOMERS:
            return self.with_versions(name, with_outcome(flagged, key, ORDER))
        if key and self.context.has(table.name):
            flagged = self.lake.keep(flagged)
            before = kept_before(self.context.read(table.name), flagged, name, key, batches)
        return self.lake.keep(with_outcome(flagged, key, ORDER, before))

    def with_versions(self, name: str, profiles: DataFrame) -> DataFrame:
        """The profiles, compared with the versions there are; a later source sees theirs."""
        from transforms import customer_versions as chains

        sources = self.settings.sources.items()
        given = {title: [*s.mapping] for title, s in sources if s.table == CUSTOMERS.short_name}
        chain = self.lake.keep(chains.with_versions(profiles, self.versions, given))
        self.written[name] = chains.versions_to_write(chain)
        self.versions = chains.versions_after(self.versions, self.written[name])
        return chain.where("NOT _is_stored")

    def tally(self, name: str, rows: DataFrame) -> Tally:
        """The counts of labelled rows, which are computed here, and examples of bad ones."""
        from transforms.quality import examples, source_names
        from transforms.silver_rows import counts

        table, source, there = self.table(name), self.settings.sources[name], source_names(rows)
        with explained(name):
            found = counts(rows).collect()  # one row a batch and set of broken rules
        tally = Tally(name, table, found)
        why = tally.first_reasons()
        if shown := {r: checks.columns_behind(r, table, source, there) for r in why}:
            tally.examples = dict(zip(shown, examples(rows, shown).collect()[0], strict=True))
        return tally

    # ------------------------------------------------------------------ writing

    def table_writes(self, intake: Intake) -> list[Write]:
        """Bronze and silver of one source. Their rows are checked by now: not a second time."""
        from transforms.quality import split
        from transforms.silver_rows import bronze_rows

        is_whole = self.settings.sources[intake.name].format in ("jdbc", "delta")
        rows = bronze_rows(intake.rows, has_duplicates=not is_whole)
        bronze = Write(intake.bronze, rows, slices=intake.batches, is_checked=False)
        return [bronze, *self.silver_writes(intake.name, split(intake.rows)[0], intake.batches)]

    def silver_writes(self, name: str, kept: DataFrame, batches: Sequence[str]) -> list[Write]:
        """The kept rows; of customers, the versions that begin, end or change."""
        table = self.table(name)
        if table is not CUSTOMERS:
            rows = kept.select(*table.column_names)
            return [Write(table, rows, slices=batches, is_checked=False)]
        versions = self.written[name]
        return [] if versions.isEmpty() else [Write(table, versions, mode="merge")]

    def quarantine_write(self, intakes: Sequence[Intake]) -> Write:
        """The rejected rows of all sources."""
        from transforms.quality import quarantine_rows, split

        frames = [quarantine_rows(split(i.rows)[1], i.name) for i in intakes]
        rows = reduce(lambda one, other: one.unionByName(other), frames)
        return Write(QUARANTINE, rows, slices=[b for i in intakes for b in i.batches])

    def log_write(self, intakes: Sequence[Intake]) -> Write:
        """The ledger, the last to be written: what stands there is taken in."""
        rows = [(i.name, b, f, *i.tally.of_batch(b)) for i in intakes for b, f in i.files.items()]
        return self.ledger.entries(self.known_at, rows)

    # ------------------------------------------------------------------ replay

    def replay(self, name: str) -> None:
        """The rows of a source in quarantine once more, under the mapping and rules of today.

        Those that pass now go to silver, known as of their own arrival, in a batch of their own.
        """
        from transforms.quality import replayed, split
        from transforms.silver_rows import replay_identity
        from transforms.sources import from_quarantine

        if name not in self.settings.sources:
            there = ", ".join(self.settings.sources)
            raise UsageError(f"--replay {name}: must be a source of conf; there are {there}.")
        waiting = self.context.read(QUARANTINE.name).where(f"source = '{name}' AND NOT is_replayed")
        found = replay_identity(waiting).collect()[0]  # one row
        if not found["rows"]:
            self.progress.say(f"      {name}: nothing waits in quarantine")
            return
        batch, table = f"{REPLAY}-{found['identity']}", self.table(name)
        batches = sorted({batch, *self.ledger.unfinished_replays(name, table)})
        rows = from_quarantine(waiting, self.ledger.columns(name), self.ledger.history(name))
        labelled = self.labelled(name, rows, batches, batch=batch)
        tally = self.tally(name, labelled)
        kept, again = tally.total(KEPT), tally.total(DUPLICATE)
        self.progress.say(f"      {tally.line('quarantine')}")
        if kept + again == 0:
            return
        writes = self.silver_writes(name, split(labelled)[0], batches)
        writes.append(Write(QUARANTINE, replayed(waiting, labelled), mode="merge"))
        entry = (name, batch, REPLAY, kept + again, kept, 0, again)
        self.context.write([*writes, self.ledger.entries(self.known_at, [entry])])

    # ------------------------------------------------------------------ what there is

    def table(self, name: str) -> Table:
        """The silver table of a source."""
        return checks.TARGETS[self.settings.sources[name].table]

    def warn_of_missing_profiles(self, intake: Intake) -> None:
        """Customers of a source without a profile: kept, with null attributes."""
        from transforms.quality import split
        from transforms.silver_rows import without_profile

        if not self.table(intake.name).references:
            return
        found = without_profile(split(intake.rows)[0], self.versions).collect()[0]  # one row
        if found["missing"]:
            self.progress.warn(
                f"{intake.name}: {found['missing']:,} of {found['customers']:,} customers have no "
                f"profile"
            )
