"""A small lake on DuckDB, to which micro-batches are written as Spark writes them."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial

import pyarrow as pa
from deltalake import DeltaTable

from contracts.silver import ENGAGEMENT_EVENTS
from pipelines.streams.micro_batch import MicroBatches
from runtime.context import Context
from runtime.lakehouse.duck_session import frame_of
from runtime.lakehouse.duck_sql import allow_ingestion
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import Settings, load

FIELDS = ["customer_id", "event_id", "kind", "occurred_at", "feature", "minutes", "session_id"]
SOURCE = {
    "table": "engagement_events",
    "format": "json",
    "path": "events",
    "key": ["event_id"],
    "first_load_known": "event_time",
    "stream": {"fields": FIELDS},
    "mapping": {
        **{name: name for name in FIELDS if name != "minutes"},
        "duration_minutes": "cast(minutes as double)",
    },
}
# sqlframe needs seconds for the plan of all rules. Those of texts have tests of their own.
OF_TEXTS = ("_encoding", "_length", "_invisible", "_formula")
QUICK = {
    **SOURCE,
    "severity": {r.name: "off" for r in ENGAGEMENT_EVENTS.rules if r.name.endswith(OF_TEXTS)},
}
ARRIVED = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
TABLES = (
    "silver.engagement_events",
    "silver.quarantine",
    "features.behavior_live",
    "gold.engagement_live",
)
# They name the micro-batch that delivered a row.
OF_A_BATCH = ("batch_id",)


def settings_of(root, **stream):
    """Settings with the source `live`, in which a fall of engagement queues no contact."""
    values = load("demo").model_dump()
    values["lakehouse"]["root"] = str(root)
    values["sources"] = {"live": QUICK}
    values["stream"] |= {"rules": [], **stream}
    return Settings(**values)


def context_of(root, **stream):
    """A context on DuckDB."""
    settings = settings_of(root, **stream)
    return Context(settings, RunInfo("stream_events"), Progress(is_quiet=True), engine="duckdb")


def event(number, at, kind="login", customer="c1", **more):
    """An event as its source sends it."""
    return {
        "customer_id": customer,
        "event_id": f"e{number}",
        "kind": kind,
        "occurred_at": at,
        **more,
    }


def rows_of(context, events, batch_id):
    """A frame as transforms.stream_rows.source_rows makes it. A text is a malformed message."""
    parsed = [e if isinstance(e, dict) else {} for e in events]
    texts = [None if isinstance(e, dict) else e for e in events]
    columns = {
        name: pa.array([None if e.get(name) is None else str(e[name]) for e in parsed], pa.string())
        for name in FIELDS
    }
    count = len(events)
    columns |= {
        "_rescued": pa.nulls(count, pa.string()),
        "_malformed": pa.array(texts, pa.string()),
        "_type_changes": pa.array([[] for _ in events], pa.list_(pa.string())),
        "_batch_id": pa.array([batch_id] * count, pa.string()),
        "_file": pa.array(["f"] * count, pa.string()),
        "_known_at": pa.array([ARRIVED] * count, pa.timestamp("us", tz="UTC")),
        "_rank": pa.array([0] * count, pa.int32()),
        "_is_history": pa.array([True] * count),
        "_row_id": pa.nulls(count, pa.string()),
    }
    return frame_of(context.lake.session, pa.table(columns))


class Stream:
    """One process that applies micro-batches; `restarted` is the next process."""

    def __init__(self, root, checkpoint_id="11111111", **stream):
        allow_ingestion()
        self.root, self.stream = root, stream
        self.context = context_of(root, **stream)
        now = partial(dt.datetime, 2026, 12, 1, tzinfo=dt.UTC)
        self.batches = MicroBatches("live", checkpoint_id, now=now)

    def apply(self, number, events):
        """The row of the log of one micro-batch; None: it had been written before."""
        rows = rows_of(self.context, events, self.batches.batch_id(number))
        return self.batches.apply(self.context, rows, number)

    def restarted(self, checkpoint_id="11111111"):
        """Another process on the same lake, which has refreshed the live tables."""
        other = Stream(self.root, checkpoint_id, **self.stream)
        other.batches.refresh(other.context)
        return other


def stored(root, name, without=OF_A_BATCH):
    """The rows of a table in order, without columns that depend on the split into batches."""
    folder = root / name.replace(".", "/")
    if not DeltaTable.is_deltatable(str(folder)):
        return []
    rows = DeltaTable(folder).to_pyarrow_table().to_pylist()
    kept = [{k: v for k, v in row.items() if k not in without} for row in rows]
    return sorted(kept, key=lambda row: json.dumps(row, default=str, sort_keys=True))


def tables(root):
    """All tables of a stream but the log, comparable between runs."""
    return {name: stored(root, name) for name in TABLES}
