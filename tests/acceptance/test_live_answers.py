"""From an event in a file to a changed answer: the parts of `make live`, with stream_events on Spark."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from service.filling import fill
from tests.jobs.stream_lake import ROOT, EventFolder, event, stored
from tests.unit.service import company, servers
from tests.unit.service.company import CUSTOMERS, features_of
from tests.unit.service.test_live_engagement import ask, until_seen

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only, pytest.mark.timeout(1200)]
# as_of of the company is 2024-08-29, the open day.
DAY = "2024-08-29T10:00:00Z"
LOGINS = ("2024-08-28T10:00:00Z", DAY)
PROGRAM = """
from jobs import stream_events
stream_events.command("live", available_now=True)
"""


@pytest.fixture
def redis(tmp_path):
    server = servers.RedisServer(servers.free_port(), tmp_path)
    server.start()
    yield server
    server.stop()


def streamed(lake):
    code, output = lake.run()
    assert code == 0, output


def test_an_event_changes_the_answer_within_two_seconds_of_its_commit(tmp_path, redis):
    lake = EventFolder(tmp_path / "company")
    company.write_lake(lake.root)
    model, registry = company.portable(), company.FakeRegistry()
    registry.set("champion", "1", model)
    settings = company.settings_of(lake.root, redis.url)
    fill(settings)
    with servers.running(settings, registry) as service:
        before = ask(service)
        lake.write(
            [event(f"{c}-{n}", at, customer=c) for c in CUSTOMERS for n, at in enumerate(LOGINS)]
        )
        streamed(lake)
        # The weights of logins and community are .3 and .2; 2 login days of 30, no post.
        first, _ = until_seen(service, score=pytest.approx(0.3 * 2 / 30 / 0.5))
        lake.write([event("post", DAY, "community_post", customer="c002")])
        streamed(lake)
        # 1 post of at most 10.
        second, seconds = until_seen(
            service, score=pytest.approx((0.3 * 2 / 30 + 0.2 * 1 / 10) / 0.5)
        )
        fresh, default = ask(service, fresh=True), ask(service)

    assert (before["engagement_live"], before["engagement_live_basis"]) == (None, "no_stream")
    assert first["engagement_live"]["day"] == second["engagement_live"]["day"] == "2024-08-29"
    assert seconds < 2
    score = second["engagement_live"]["engagement_score"]
    expected = model.predict_one({**features_of("c002"), "engagement_score": score})
    assert fresh["churn_probability"] == pytest.approx(expected, abs=1e-12)
    assert "login_frequency_30d" in fresh["open_day_features"]
    assert default["churn_probability"] == before["churn_probability"]
    assert (default["cache"], default["features_basis"]) == ("hit", "closed_day")


def test_the_simulated_events_of_make_live_are_those_of_the_households_of_the_demo(tmp_path):
    """c0000007 of the simulation plays household 8, on the day that follows the demo's as_of."""
    (tmp_path / "events").mkdir()
    at = "2026-01-01T10:00:00Z"
    message = event(1, at, customer="c0000007", duration_minutes=2.5)
    (tmp_path / "events" / "one.json").write_text(json.dumps(message) + "\n{broken\n")
    given = {
        "HOLDFAST__LAKEHOUSE__ROOT": str(tmp_path / "lake"),
        "HOLDFAST__SOURCES__EVENTS__PATH": str(tmp_path / "events"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr

    (row,) = stored(tmp_path / "lake", "gold.engagement_live")
    assert (row["customer_id"], str(row["day"]), row["usage_minutes_30d"]) == (
        *("8", "2018-01-01"),
        2.5,
    )
    assert [r["reasons"] for r in stored(tmp_path / "lake", "silver.quarantine")] == [
        "malformed_row"
    ]
