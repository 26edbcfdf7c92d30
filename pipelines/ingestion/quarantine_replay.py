"""Replays of rows in silver.quarantine, with the present mapping and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.rules import DUPLICATE, ERASED, KEPT, LATE, LEFT_OUT
from contracts.silver import QUARANTINE
from pipelines.ingestion import source_checks
from pipelines.ingestion.ingest_log import REPLAY, Entry
from runtime.lakehouse.session import time_zone
from runtime.lakehouse.writes import Write
from runtime.settings.source_paths import check_replay
from transforms.quality import replayed, split
from transforms.silver_rows import replay_identity
from transforms.sources import from_quarantine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipelines.ingestion.source_ingestion import Ingestion


def replay_late(ingestion: Ingestion) -> None:
    """Load the events of streams that were quarantined only because they came late."""
    context = ingestion.context
    for name, source in context.settings.sources.items():
        if source.stream is not None and context.has(QUARANTINE.name):
            _replay(ingestion, name, f"reasons = '{LATE}'")


def replay(ingestion: Ingestion, name: str) -> None:
    """Process the quarantined rows of a source again."""
    check_replay(ingestion.settings, name)
    if not _replay(ingestion, name, "TRUE"):
        ingestion.progress.say(f"      {name}: no rows in quarantine")


def _replay(ingestion: Ingestion, name: str, condition: str) -> bool:
    """Process quarantined rows that meet a condition. False: there are none.

    Rows that pass go to silver in a batch of their own. Their known_at is the same as if they had
    passed in the first run.
    """
    context, log = ingestion.context, ingestion.log
    own = f"source = '{name}' AND NOT is_replayed AND {condition}"
    waiting = context.read(QUARANTINE.name).where(own)
    identity = replay_identity(waiting).collect()[0]  # one row
    if not identity["rows"]:
        return False
    batch, table = f"{REPLAY}-{identity['identity']}", ingestion.outcomes.table(name)
    batches = sorted({batch, *log.unfinished_replays(name, table)})
    rows = _source_rows(ingestion, name, waiting)
    with time_zone(context.spark, context.settings.sources[name].time_zone):
        labelled = ingestion.outcomes.labelled(name, rows, batches, batch=batch)
    row_counts = ingestion.outcomes.counts(name, labelled)
    context.progress.say(f"      {row_counts.line('quarantine')}")
    kept, duplicates, left_out, erased = (
        row_counts.total(o) for o in (KEPT, DUPLICATE, LEFT_OUT, ERASED)
    )
    passed = kept + duplicates + left_out + erased
    if passed == 0:
        return True
    writes = ingestion.outcomes.silver_writes(name, split(labelled)[0], batches)
    writes.append(Write(QUARANTINE, replayed(waiting, labelled), mode="merge"))
    entry = Entry(name, batch, REPLAY, passed, kept, 0, duplicates, left_out, erased)
    context.write([*writes, log.write_of(ingestion.known_at, [entry])])
    return True


def _source_rows(ingestion: Ingestion, name: str, waiting: DataFrame) -> DataFrame:
    """The rows as their source gave them: in the columns of bronze, or the fields of a stream."""
    settings, log = ingestion.settings, ingestion.log
    stream = settings.sources[name].stream
    if stream is None:
        return from_quarantine(waiting, log.columns(name), log.history(name))
    fields = dict.fromkeys(stream.fields, "string")
    # No load of a stream is the first one: all of its events are known when they happened, or none.
    is_history = source_checks.is_history_known(settings, name)
    return from_quarantine(waiting, fields, [], is_history=is_history)
