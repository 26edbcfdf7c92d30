"""stream_events from files on Spark: the tables, restarts, late events, errors."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest

from contracts.gold_erasure import ERASURE_LIST
from pipelines.ingestion import source_ingestion
from pipelines.streams import stream_run
from pipelines.streams.stream_run import StreamOptions
from runtime.errors import HoldfastError, SourceError
from runtime.lakehouse.writes import Write
from tests.jobs.stream_lake import EventFolder, event, stored, tables
from udfs.keyed_digests import key_id, keyed_digest

NOW = StreamOptions(is_available_now=True)
KEY = "k" * 32
FIRST = [
    event(1, "2026-01-10T08:00:00Z", session_id="s1", minutes=1.25),
    event(2, "2026-01-10T08:01:00Z", "feature_use", feature="search", session_id="s1"),
    event(3, "2026-01-09T09:00:00Z", "feature_use", feature="export", minutes=0.3),
]
SECOND = [
    event(4, "2026-01-10T12:00:00Z", customer="c2"),
    event(4, "2026-01-10T12:00:00Z", customer="c2"),
    event(5, "2026-01-10T07:00:00Z", customer="c2"),  # over 30 minutes behind event 2
    "[1, 2]",
    '{"event_id": "e6"',
    {**event(7, "2026-01-10T12:00:00Z"), "added": {"a": 1}},
    event(8, "2026-01-10T12:00:00Z", "lunch"),
]


@pytest.fixture
def lake(spark, make_context, tmp_path):
    folder = EventFolder(tmp_path)
    folder.context = lambda **more: make_context(folder.root, **{**folder.overrides(), **more})
    yield folder
    # Creating a frame made the stream's session the active one: later tests use this one again.
    spark.createDataFrame([], "none int")


def log_of(lake):
    return sorted(stored(lake.root, "bronze.stream_log", ()), key=lambda r: r["batch_id"])


def test_events_of_files_are_written_once_and_the_day_equals_the_batch(lake):
    lake.write(FIRST)
    stream_run.run(lake.context(), NOW)
    lake.write(SECOND)
    stream_run.run(lake.context(), NOW)

    log = log_of(lake)
    names = ("rows_in", "rows_kept", "rows_duplicate", "rows_late", "rows_quarantined")
    assert [tuple(r[n] for n in names) for r in log] == [(3, 3, 0, 0, 0), (7, 2, 1, 1, 3)]
    reasons = sorted(r["reasons"] for r in stored(lake.root, "silver.quarantine"))
    assert reasons == ["kind_one_of", "late", "malformed_row", "malformed_row"]
    days = {
        (r["customer_id"], r["day"].day): r for r in stored(lake.root, "features.behavior_live")
    }
    assert set(days) == {("c1", 9), ("c1", 10), ("c2", 10)}
    assert days["c1", 10]["events"] == 3 and days["c1", 10]["usage_minutes"] == 1.25
    before = tables(lake.root)

    # A run without new files changes nothing.
    stream_run.run(lake.context(), NOW)
    assert (tables(lake.root), len(log_of(lake))) == (before, 2)

    # The daily batch loads the late event; the next start of the stream counts it.
    replay(lake)
    stream_run.run(lake.context(), NOW)
    days = {
        (r["customer_id"], r["day"].day): r for r in stored(lake.root, "features.behavior_live")
    }
    assert days["c2", 10]["events"] == 2
    waiting = [r for r in stored(lake.root, "silver.quarantine") if r["reasons"] == "late"]
    assert [r["is_replayed"] for r in waiting] == [True]


def replay(lake):
    """What `ingest` does after the files of other sources."""
    context = lake.context()
    with source_ingestion.null_on_failure(context.spark):
        ingestion = source_ingestion.Ingestion(context, dt.datetime(2026, 12, 2, tzinfo=dt.UTC))
        source_ingestion.replay_late(ingestion)


def test_a_lost_commit_file_or_checkpoint_changes_no_table(lake):
    for events in (FIRST, SECOND):
        lake.write(events)
        stream_run.run(lake.context(), NOW)
        newest = max((lake.checkpoint / "commits").glob("[0-9]*"), key=lambda p: int(p.name))
        before = tables(lake.root), log_of(lake)
        newest.unlink()
        (newest.parent / f".{newest.name}.crc").unlink(missing_ok=True)
        stream_run.run(lake.context(), NOW)
        assert (tables(lake.root), log_of(lake)) == before

    shutil.rmtree(lake.checkpoint)
    stream_run.run(lake.context(), NOW)
    assert tables(lake.root) == before[0]
    assert sum(r["rows_kept"] for r in log_of(lake)) == 5


def test_an_unreadable_checkpoint_and_a_missing_folder_are_one_sentence(lake):
    lake.write(FIRST)
    stream_run.run(lake.context(), NOW)
    newest = max((lake.checkpoint / "offsets").glob("[0-9]*"), key=lambda p: int(p.name))
    newest.write_text("")
    (newest.parent / f".{newest.name}.crc").unlink(missing_ok=True)

    with pytest.raises(HoldfastError) as caught:
        stream_run.run(lake.context(), NOW)

    assert str(caught.value) == (
        f"source live: the checkpoint cannot be read. Delete the folder {lake.checkpoint} and start "
        "again: the tables stay, all messages of the source are read again, and those that are in "
        "silver are dropped as duplicates."
    )
    lake.events.rename(lake.folder / "elsewhere")
    with pytest.raises(SourceError) as caught:
        stream_run.run(lake.context(), NOW)
    assert str(caught.value) == (
        f"source live: the folder {lake.events} does not exist. Create it, or fix "
        "sources.live.path in conf."
    )


@pytest.mark.acceptance  # scores of several days: minutes
def test_a_fall_of_engagement_queues_one_contact_in_the_same_micro_batch(lake):
    lake.stream["rules"] = [
        {
            **{"name": "fell", "to": ["low"], "when": "change_1d < 0", "action": "support"},
            **{"channel": "file", "period_days": 30, "valid_days": 3},
        }
    ]
    # c1 and c2 log in on 20 days from the 1st of January; c2 stops.
    days = [f"2026-01-{day:02d}T10:00:00Z" for day in range(1, 21)]
    lake.write([event(f"{c}-{d}", d, customer=c) for c in ("c1", "c2") for d in days])
    # On the 5th of February only days from the 7th of January on count: c2 has 14 of 30.
    february = [f"2026-02-{day:02d}T10:00:00Z" for day in range(1, 13)]
    levels = {"levels": [{"level": "high", "above": 0.21}, {"level": "low"}]}
    lake.stream |= {**levels, "files_a_batch": 1, "watermark_minutes": 60}
    for number, day in enumerate(february):
        lake.write([event(f"c1-f{number}", day, customer="c1")])

    stream_run.run(lake.context(), NOW)
    stream_run.run(lake.context(), NOW)

    # Score: weights .3 of .5 for logins. c2: .6 * 20/30 = .4; it is .22 with 11 days and .2 with 10,
    # those from the 11th on: at the end of the 9th of February.
    contacts = stored(lake.root, "gold.outbox")
    assert [(r["customer_id"], r["triggered_on"], r["to_level"]) for r in contacts] == [
        ("c2", dt.date(2026, 2, 9), "low")
    ]
    log = log_of(lake)
    by_day = {r["newest_event_at"].date(): r["contacts"] for r in log}
    assert by_day[dt.date(2026, 2, 9)] == 1 and sum(by_day.values()) == 1


def test_days_begin_in_the_business_time_zone_and_times_are_in_that_of_the_source(lake):
    lake.source["time_zone"] = "America/New_York"
    lake.write([event(1, "2026-01-10T18:30:00"), event(2, "2026-01-10T23:30:00Z")])

    stream_run.run(lake.context(features={"business_time_zone": "Europe/Berlin"}), NOW)

    # 18:30 in New York is 23:30 UTC, and 00:30 of the next day in Berlin.
    (row,) = stored(lake.root, "features.behavior_live")
    assert (row["day"], row["events"]) == (dt.date(2026, 1, 11), 2)
    assert row["last_event_at"] == dt.datetime(2026, 1, 10, 23, 30, tzinfo=dt.UTC)


def test_events_of_an_erased_customer_are_left_out(lake, monkeypatch):
    monkeypatch.setenv("HOLDFAST_ERASURE_KEY", KEY)
    listed = ("r", keyed_digest("c9", KEY.encode()), key_id(KEY.encode()))
    context = lake.context()
    rows = context.spark.createDataFrame([listed], ERASURE_LIST.ddl)
    context.lake.commit([Write(ERASURE_LIST, rows, ["r"])])
    now = "2026-01-10T12:00:00Z"
    lake.write([event(1, now), event(2, now, customer="c9"), '{"customer_id": "c9"'])

    stream_run.run(lake.context(), NOW)

    (row,) = log_of(lake)
    assert (row["rows_in"], row["rows_kept"], row["rows_left_out"]) == (3, 1, 2)
    assert "c9" not in str(tables(lake.root))
