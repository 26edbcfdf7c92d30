"""stream_events killed by SIGKILL at every fault point and at random moments: tables equal each time."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter

import pytest

from tests.jobs.stream_lake import EventFolder, stored, tables
from tests.unit.pipelines.streams.test_fault_points import POINTS
from tests.unit.pipelines.streams.test_stream_equals_batch import company

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only, pytest.mark.timeout(3600)]
FILES, KILLS = 8, 30


def filled(folder):
    """A folder with the same files of events each time, some of them broken or late."""
    made = EventFolder(folder, watermark_minutes=6 * 60)
    draw = random.Random(7)
    events = sorted(company(7, count=240), key=lambda e: (e["occurred_at"], draw.random()))
    size = -(-len(events) // FILES)
    for number in range(FILES):
        lines = events[number * size : (number + 1) * size]
        made.write([*lines, *(["{broken"] if number % 5 == 0 else [])])
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The tables of a run that nothing interrupted."""
    lake = filled(tmp_path_factory.mktemp("whole"))
    code, output = lake.run()
    assert code == 0, output
    rows = tables(lake.root)
    assert all(rows.values())
    return rows


def check(lake, expected):
    """The tables equal those of the whole run, and each micro-batch is in the log once."""
    assert tables(lake.root) == expected
    log = stored(lake.root, "bronze.stream_log", ())
    assert sorted(r["number"] for r in log) == list(range(FILES))
    assert sum(r["rows_kept"] for r in log) == len(expected["silver.engagement_events"])


def test_after_a_kill_at_each_fault_point_the_tables_equal_a_whole_run(whole, tmp_path):
    lake = filled(tmp_path)
    for place, point in enumerate(POINTS):
        code, output = lake.run(f"{point}:{1 + place % 2}")
        assert code == 137, f"{point}: {output}"
    code, output = lake.run()
    assert code == 0, output
    check(lake, whole)


def test_after_kills_at_random_moments_the_tables_equal_a_whole_run(whole, tmp_path):
    """At least half of the kills come after the first commit of their process."""
    phases, draw = Counter(), random.Random(int(os.environ.get("HOLDFAST_KILL_SEED", "1")))
    kills = int(os.environ.get("HOLDFAST_KILLS", KILLS))
    lake, number = filled(tmp_path / "0"), 0
    for _ in range(kills):
        process = lake.process()
        batches = 0 if draw.random() < 0.2 else 1
        seen = []
        for line in process.stdout:
            seen.append(line)
            if len([s for s in seen if " batch " in s]) >= batches:
                break
        threading.Event().wait(draw.uniform(0.0, 4.0))
        is_over = process.poll() is not None
        if not is_over:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        phases["ended" if is_over else "after a commit" if batches else "before"] += 1
        if is_over:
            check(lake, whole)
            number += 1
            lake = filled(tmp_path / str(number))
    code, output = lake.run()
    assert code == 0, output
    check(lake, whole)
    print(f"kills of stream_events: {dict(phases)}")
    assert phases["after a commit"] >= kills / 2
