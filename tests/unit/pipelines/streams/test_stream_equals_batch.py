"""A closed day that was streamed equals the day of the batch, whatever the order of its events."""

from __future__ import annotations

import datetime as dt
import json
import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from contracts.live import OPEN_DAY_FEATURES
from contracts.silver import ENGAGEMENT_EVENTS, ENGAGEMENT_KINDS
from runtime.lakehouse.writes import Write
from tests.unit.pipelines.streams.event_lake import Stream, event, stored
from transforms.behavior_features import behavior_features
from transforms.event_sums import day_sums

pytestmark = pytest.mark.duckdb_only
BATCHES = 4
DAYS = (dt.date(2026, 1, 9), dt.date(2026, 1, 10))
FEATURES = ("search", "export", "share, and more")


def company(seed, count=24):
    """Events of two customers on two days; every fifth is sent twice."""
    draw = random.Random(seed)
    events = []
    for number in range(count):
        kind = draw.choice(ENGAGEMENT_KINDS)
        at = f"{draw.choice(DAYS)}T{draw.randrange(24):02d}:{draw.randrange(60):02d}:00Z"
        more = {"session_id": draw.choice((None, "s1", "s2"))}
        if kind == "feature_use":
            more["feature"] = draw.choice(FEATURES)
        if draw.random() < 0.5:
            more["minutes"] = draw.randrange(10_000) / 100
        made = event(number, at, kind, draw.choice(("c1", "c2")), **more)
        events += [made] * (2 if number % 5 == 0 else 1)
    return events


def in_world(world, events):
    """The same events of other customers, so that many orders are streamed at once."""
    names = ("customer_id", "event_id")
    return [{**e, **{name: f"w{world:03d}-{e[name]}" for name in names}} for e in events]


def plain(rows):
    """Rows in order, with times without a zone: DuckDB's have none, those of Delta are UTC."""
    clear = [{**r, "last_event_at": r["last_event_at"].replace(tzinfo=None)} for r in rows]
    return sorted(clear, key=key)


def without_world(row):
    return {**row, "customer_id": row["customer_id"].partition("-")[2]}


def by_world(rows):
    worlds = {}
    for row in rows:
        worlds.setdefault(row["customer_id"].partition("-")[0], []).append(without_world(row))
    return worlds


def key(row):
    return (row["customer_id"], str(row["day"]))


@pytest.mark.parametrize("orders", [20, pytest.param(200, marks=pytest.mark.acceptance)])
def test_orders_with_duplicates_in_four_micro_batches_equal_the_batch(tmp_path, orders):
    events = company(seed=1)
    batches = [[] for _ in range(BATCHES)]
    for world in range(orders):
        draw = random.Random(world)
        own = in_world(world, events)
        draw.shuffle(own)
        # Each event of a world arrives in a micro-batch of its own choice; the order holds.
        cuts = sorted(draw.choices(range(len(own) + 1), k=BATCHES - 1))
        for n, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(own)], strict=True)):
            batches[n] += own[start:end]
    stream = Stream(tmp_path, watermark_minutes=100_000)
    for number, batch in enumerate(batches):
        stream.apply(number, batch)
        if number == 1:
            stream = stream.restarted()

    context = stream.context
    silver = context.read(ENGAGEMENT_EVENTS.name)
    assert len(stored(tmp_path, "silver.engagement_events")) == orders * 24
    live = by_world(stored(tmp_path, "features.behavior_live"))
    batch = by_world(day_sums(silver).toArrow().to_pylist())
    first = plain(batch["w000"])
    assert len(first) == 4 and sum(r["events"] for r in first) == 24
    for world in (f"w{n:03d}" for n in range(orders)):
        assert plain(live[world]) == first, world
    # The score of now and its features are those of features.behavior the day after.
    as_of = DAYS[1] + dt.timedelta(days=1)
    customers = silver.select("customer_id").distinct()
    spine = customers.crossJoin(context.lake.session.createDataFrame([(as_of,)], "as_of date"))
    rows = behavior_features(
        {ENGAGEMENT_EVENTS.name: silver},
        spine,
        [as_of],
        engagement=context.settings.engagement,
        categories={},
    )
    expected = {r["customer_id"]: r for r in rows.toArrow().to_pylist()}
    now = {r["customer_id"]: r for r in stored(tmp_path, "gold.engagement_live")}
    assert now.keys() == expected.keys() and len(expected) == 2 * orders
    for customer, row in now.items():
        for name in ("engagement_score", *OPEN_DAY_FEATURES):
            assert row[name] == pytest.approx(expected[customer][name], abs=1e-9), name
    # No source of this lake has tickets, and there are e-mails that were sent.
    known = {name for row in now.values() for name in OPEN_DAY_FEATURES if row[name] is not None}
    assert known == {n for n in OPEN_DAY_FEATURES if not n.startswith("support_")}


def replayed(stream):
    """Load the late rows from quarantine into silver, as the daily batch does."""
    context = stream.context
    late = [r for r in stored(stream.root, "silver.quarantine") if r["reasons"] == "late"]
    rows = []
    for number, row in enumerate(late):
        sent = json.loads(row["row"])
        at = dt.datetime.fromisoformat(sent["occurred_at"])
        minutes = None if sent.get("minutes") is None else float(sent["minutes"])
        rows.append(
            {
                **{name: sent.get(name) for name in ("customer_id", "event_id", "kind")},
                **{name: sent.get(name) for name in ("feature", "session_id")},
                **{"occurred_at": at, "known_at": at, "duration_minutes": minutes},
                **{"source": "live", "batch_id": "replay-1", "content_hash": number},
                "warnings": None,
            }
        )
    frame = context.lake.frame(ENGAGEMENT_EVENTS, rows)
    context.lake.commit([Write(ENGAGEMENT_EVENTS, frame, ["replay-1"], is_checked=False)])
    return len(rows)


def assert_replay_equals_batch(root, seed, cuts):
    """The number of late rows of a stream, after whose replay its days equal those of the batch.

    The watermark is 60 minutes, so that most random orders have late events.
    """
    events = company(seed, count=12)
    random.Random(seed).shuffle(events)
    stream, counts, before = Stream(root, watermark_minutes=60), [], 0
    for number, cut in enumerate([*sorted(cuts), len(events)]):
        if cut > before:  # Spark makes no micro-batch without rows
            counts.append(stream.apply(number, events[before:cut]))
            before = cut
    ends = ("kept", "duplicate", "late", "quarantined")
    assert sum(c[f"rows_{end}"] for c in counts for end in ends) == len(events)

    late = replayed(stream)
    stream = stream.restarted()

    assert len(stored(root, "silver.engagement_events")) == 12
    # A late event that arrives twice in two micro-batches is counted twice and stored once.
    assert late <= sum(c["rows_late"] for c in counts)
    silver = stream.context.read(ENGAGEMENT_EVENTS.name)
    batch = plain(day_sums(silver).toArrow().to_pylist())
    assert plain(stored(root, "features.behavior_live")) == batch
    return late


def test_after_a_replay_of_late_events_the_days_equal_the_batch(tmp_path):
    assert assert_replay_equals_batch(tmp_path, seed=1, cuts=[6]) > 0


@pytest.mark.acceptance
@settings(
    max_examples=20, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck)
)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 12), min_size=1, max_size=2))
def test_after_a_replay_of_any_order_the_days_equal_the_batch(tmp_path_factory, seed, cuts):
    assert_replay_equals_batch(tmp_path_factory.mktemp("stream"), seed, cuts)
