"""Micro-batches on DuckDB: what becomes of each event, and that a repetition changes nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.unit.pipelines.streams.event_lake import Stream, event, stored, tables

pytestmark = pytest.mark.duckdb_only
DAY = dt.date(2026, 1, 10)
NOON = "2026-01-10T12:00:00Z"


def test_events_reach_silver_the_sums_of_their_day_and_the_score_of_now(tmp_path):
    events = [
        event(1, "2026-01-10T08:00:00Z", session_id="s1", minutes=1.25),
        event(2, "2026-01-10T08:01:00Z", "feature_use", feature="search", session_id="s1"),
        event(3, "2026-01-10T09:00:00Z", "feature_use", feature="export", minutes=0.3),
        event(4, "2026-01-09T09:00:00Z", "feature_use", feature="search"),
        event(5, NOON, "community_post", "c2"),
    ]

    row = Stream(tmp_path).apply(0, events)

    assert (row["rows_in"], row["rows_kept"], row["rows_duplicate"]) == (5, 5, 0)
    days = {(r["customer_id"], r["day"]): r for r in stored(tmp_path, "features.behavior_live")}
    assert set(days) == {("c1", DAY), ("c1", DAY - dt.timedelta(1)), ("c2", DAY)}
    today = days["c1", DAY]
    assert (today["events"], today["login_days"], today["sessions"]) == (3, 1, 1)
    assert (today["features"], today["features_used"]) == ("export\x1fsearch", 2)
    assert today["usage_minutes"] == 1.25 + 0.3
    assert days["c2", DAY]["usage_minutes"] is None
    now = {r["customer_id"]: r for r in stored(tmp_path, "gold.engagement_live")}
    # Weights of conf: login .3, usage .3, community .2; there are no tickets. The sum is .8.
    score = (0.3 * 1 / 30 + 0.3 * 2 / 2) / 0.8
    # The day before only search was known and used.
    before = (0.3 * 1 / 1) / 0.8
    assert now["c1"]["engagement_score"] == pytest.approx(score, abs=1e-12)
    assert now["c1"]["change_1d"] == pytest.approx(score - before, abs=1e-12)
    assert (now["c1"]["level_before"], now["c1"]["level"]) == ("medium", "medium")
    assert now["c1"]["updated_at"] == dt.datetime(2026, 1, 10, 9, tzinfo=dt.UTC)
    assert now["c2"]["engagement_score"] == pytest.approx(0.2 * 1 / 10 / 0.8, abs=1e-12)


def test_each_row_is_kept_dropped_or_quarantined_with_its_reason(tmp_path):
    stream = Stream(tmp_path, watermark_minutes=30)
    stream.apply(0, [event(1, NOON)])
    events = [
        event(1, NOON),  # the same again
        event(2, "2026-01-10T11:30:00Z"),  # exactly at the watermark
        event(2, "2026-01-10T11:30:00Z"),  # the same again in this batch
        event(3, "2026-01-10T11:29:59Z"),  # a second before the watermark
        event(1, NOON, customer="c9"),  # the same key, other content
        event(4, "yesterday"),
        event(5, NOON, "lunch"),
        event(6, "2027-01-01T00:00:00Z"),  # after it arrived
        {**event(7, NOON), "event_id": None},
        "{no json",
        "{no json",
    ]

    row = stream.apply(1, events)

    assert {name: row[name] for name in row if name.startswith("rows_")} == {
        "rows_in": 11,
        "rows_kept": 1,
        "rows_duplicate": 2,
        "rows_late": 1,
        "rows_quarantined": 7,
        "rows_left_out": 0,
    }
    assert row["watermark_at"] == dt.datetime(2026, 1, 10, 11, 30, tzinfo=dt.UTC)
    assert row["newest_event_at"] == dt.datetime(2026, 1, 10, 12, tzinfo=dt.UTC)
    assert sorted(r["reasons"] for r in stored(tmp_path, "silver.quarantine")) == [
        "event_id_not_null",
        "kind_one_of",
        "late",
        "malformed_row",  # of the two equal messages
        "occurred_at_not_future",
        "occurred_at_type",
        "unique_key",
    ]
    assert len(stored(tmp_path, "silver.engagement_events")) == 2


def test_a_repeated_micro_batch_is_not_applied_again(tmp_path):
    stream = Stream(tmp_path)
    stream.apply(0, [event(1, NOON)])
    stream.apply(1, [event(2, NOON), "{no json"])
    before = tables(tmp_path), stored(tmp_path, "bronze.stream_log", ())

    assert stream.restarted().apply(1, [event(2, NOON), "{no json"]) is None

    assert (tables(tmp_path), stored(tmp_path, "bronze.stream_log", ())) == before


def test_a_lost_checkpoint_reads_all_again_and_changes_no_table(tmp_path):
    stream = Stream(tmp_path, watermark_minutes=5)
    first = [event(1, NOON), event(2, "2026-01-10T12:30:00Z"), "{no json"]
    second = [event(3, NOON), event(4, "2026-01-11T00:01:00Z", customer="c2")]
    stream.apply(0, first)
    stream.apply(1, second)
    before = tables(tmp_path)
    assert [r["reasons"] for r in before["silver.quarantine"]] == ["late", "malformed_row"]

    row = stream.restarted("22222222").apply(0, [*first, *second])

    assert tables(tmp_path) == before
    # Late and malformed rows are rejected again, but are in quarantine already.
    assert (row["rows_kept"], row["rows_duplicate"], row["rows_late"]) == (0, 3, 1)
    assert len(stored(tmp_path, "bronze.stream_log", ())) == 3


def test_a_new_day_moves_the_window_of_the_live_tables(tmp_path):
    stream = Stream(tmp_path, watermark_minutes=100_000)
    stream.apply(0, [event(1, "2026-01-10T12:00:00Z"), event(2, "2026-01-11T12:00:00Z")])
    stream.apply(1, [event(3, "2026-02-10T12:00:00Z", customer="c2")])

    days = [(r["customer_id"], r["day"]) for r in stored(tmp_path, "features.behavior_live")]
    # 30 days before the 10th of February is the 11th of January.
    assert days == [("c1", dt.date(2026, 1, 11)), ("c2", dt.date(2026, 2, 10))]
    now = {r["customer_id"]: r for r in stored(tmp_path, "gold.engagement_live")}
    assert {r["day"] for r in now.values()} == {dt.date(2026, 2, 10)}
    # The login of the 11th is 31 days before the end of the 10th: it counted yesterday only.
    # Weights of login and community are .3 and .2, since no feature is known.
    assert now["c1"]["engagement_score"] == 0.0
    assert now["c1"]["change_1d"] == pytest.approx(-0.3 / 30 / 0.5, abs=1e-12)


def test_a_change_of_silver_by_another_command_reaches_the_live_tables(tmp_path):
    from contracts.silver import ENGAGEMENT_EVENTS
    from runtime.lakehouse.writes import Write

    stream = Stream(tmp_path)
    stream.apply(0, [event(1, NOON)])
    context = stream.context
    row = context.read(ENGAGEMENT_EVENTS.name).toArrow().to_pylist()[0]
    late = {**row, "customer_id": "c3", "event_id": "e9", "batch_id": "replay-1"}
    for name in ("occurred_at", "known_at"):
        late[name] = dt.datetime(2026, 1, 9, 7, tzinfo=dt.UTC)
    frame = context.lake.frame(ENGAGEMENT_EVENTS, [late])
    context.lake.commit([Write(ENGAGEMENT_EVENTS, frame, ["replay-1"], is_checked=False)])

    stream.apply(1, [event(2, NOON)])

    days = [(r["customer_id"], r["day"]) for r in stored(tmp_path, "features.behavior_live")]
    assert ("c3", dt.date(2026, 1, 9)) in days
