"""Engagement now in answers, and answers with the features of the open day (fresh)."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from contracts.live import ENGAGEMENT_LIVE, OPEN_DAY_FEATURES
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.lakehouse.delta_tables import opened
from service.filling import fill
from service.live_engagement import LiveEngagement
from tests.unit.pipelines.streams.event_lake import Stream, event, settings_of
from tests.unit.service import company, servers
from tests.unit.service.company import LAST, features_of
from tests.unit.service.test_inference_log import logged

AT = dt.datetime(2024, 8, 29, 9, 30, tzinfo=dt.UTC)
# The small model was trained on numbers around 50: its probability differs from that of 0.2.
SCORE = 90.0


def live_row(customer_id, score=SCORE, day=LAST, **values) -> dict[str, Any]:
    """A row of gold.engagement_live. LAST is as_of of the closed day, so it is the open day."""
    given = dict.fromkeys(OPEN_DAY_FEATURES)
    given |= {"customer_id": customer_id, "day": day, "engagement_score": score, "level": "high"}
    given |= {"engagement_basis": "login_frequency_30d", "change_1d": 0.25, "updated_at": AT}
    return {**given, "level_before": "low", **values}


def write_live(root, *rows, table=ENGAGEMENT_LIVE):
    """Replace the table, as each micro-batch does."""
    schema = arrow_schema(table)
    path = str(root / "gold" / "engagement_live")
    content = pa.Table.from_pylist([{n: r[n] for n in schema.names} for r in rows], schema)
    write_deltalake(opened(path, table), content, mode="overwrite")


@pytest.fixture
def root(tmp_path):
    company.write_lake(tmp_path)
    return tmp_path


@pytest.fixture
def service(root, redis, registry):
    settings = company.settings_of(root, redis.url)
    fill(settings)
    with servers.running(settings, registry) as running:
        yield running


def ask(service, customer_id="c002", **body):
    response = service.predict(customer_id=customer_id, **body)
    assert response.status_code == 200, response.text
    return response.json()


def until_seen(service, customer_id="c002", score=SCORE):
    """The first answer with the score, and after how many seconds it came."""
    began = time.monotonic()

    def seen():
        answer = ask(service, customer_id)
        known = answer["engagement_live"]
        return known is not None and known["engagement_score"] == score and answer

    answer = servers.until(seen)
    return answer, time.monotonic() - began


def test_without_a_stream_there_is_none(service):
    given = service.predict(features=features_of("c002")).json()
    customer = service.http.get("/customers/c002").json()
    batch = service.http.post("/predict/batch", json={"customer_ids": ["c002"]}).json()
    answers = [ask(service), ask(service, fresh=True), customer, batch["answers"][0]]

    assert [a["engagement_live"] for a in answers] == [None] * 4
    assert [a["engagement_live_basis"] for a in answers] == ["no_stream"] * 4
    assert given["engagement_live_basis"] == "no_customer_id"
    assert (given["features_basis"], answers[1]["features_basis"]) == ("request", "closed_day")


def test_an_answer_changes_within_two_seconds_of_each_commit(service, root):
    for score in (0.25, 0.75):
        write_live(root, live_row("c002", score), live_row("c000"))
        answer, seconds = until_seen(service, score=score)
        assert seconds < 2
    customer = service.http.get("/customers/c002").json()

    assert answer["engagement_live"] == {
        "day": "2024-08-29",
        "engagement_score": 0.75,
        "engagement_basis": "login_frequency_30d",
        "change_1d": 0.25,
        "level": "high",
        "updated_at": "2024-08-29T09:30:00Z",
    }
    assert (answer["engagement_live_basis"], answer["features_basis"]) == ("events", "closed_day")
    assert customer["engagement_live"] == answer["engagement_live"]
    assert ask(service, "c001")["engagement_live_basis"] == "no_events"
    assert ask(service, "c003")["engagement_live"] is None  # between and after the known ids


def test_fresh_uses_the_open_day_and_is_never_mixed_with_a_cached_answer(
    service, root, champion, redis
):
    batch = champion.predict_one(features_of("c002"))
    open_day = champion.predict_one({**features_of("c002"), "engagement_score": SCORE})
    assert abs(batch - open_day) > 1e-3
    write_live(root, live_row("c002", page_views_30d=4))
    until_seen(service)
    servers.until(lambda: ask(service)["cache"] == "hit")
    redis.client.delete(*redis.client.scan_iter("holdfast:demo:answer:*"))

    first = ask(service, fresh=True)
    kept = [*redis.client.scan_iter("holdfast:demo:answer:*")]
    default = ask(service)
    servers.until(lambda: ask(service)["cache"] == "hit")
    answers = [ask(service, fresh=is_fresh) for is_fresh in (True, False) * 3]

    assert (first["cache"], kept, default["cache"]) == ("off", [], "miss")
    assert default["churn_probability"] == pytest.approx(batch, abs=1e-12)
    for answer in (first, *answers[::2]):
        assert answer["churn_probability"] == pytest.approx(open_day, abs=1e-12)
        assert (answer["cache"], answer["features_basis"]) == ("off", "open_day")
        assert answer["as_of"] == "2024-08-29"
        # level and day are no features; null is not known.
        assert answer["open_day_features"] == [
            *("engagement_score", "engagement_basis", "page_views_30d")
        ]
    for answer in answers[1::2]:
        assert answer["churn_probability"] == default["churn_probability"]
        assert (answer["cache"], answer["features_basis"]) == ("hit", "closed_day")
        assert answer["open_day_features"] == []


def test_a_batch_takes_fresh_too(service, root, champion):
    write_live(root, live_row("c002"))
    until_seen(service)
    body = {"customer_ids": ["c003", "nobody", "c002"], "fresh": True}
    answers = service.http.post("/predict/batch", json=body).json()["answers"]

    assert [a.get("features_basis") for a in answers] == ["closed_day", None, "open_day"]
    assert answers[0]["churn_probability"] == ask(service, "c003")["churn_probability"]
    assert answers[2]["churn_probability"] == ask(service, fresh=True)["churn_probability"]
    rows = {"rows": [{"features": features_of("c002"), "customer_id": "c002"}]}
    (given,) = service.http.post("/predict/batch", json=rows).json()["answers"]
    assert (given["features_basis"], given["engagement_live"]["level"]) == ("request", "high")


def test_a_request_still_costs_one_round_trip(service, root, redis):
    write_live(root, live_row("c002"))
    until_seen(service)
    redis.client.config_resetstat()
    for n in range(10):
        ask(service, f"c{n:03d}", fresh=n % 2 == 0)
    service.http.get("/customers/c002")
    service.http.post("/predict/batch", json={"customer_ids": ["c002", "c003"], "fresh": True})

    stats = redis.client.info("commandstats")
    assert redis.calls("mget") == 12
    others = {name for name in stats if not name.startswith(("cmdstat_config", "cmdstat_info"))}
    # The last ones open a connection.
    opening = {"cmdstat_client", "cmdstat_client|setinfo", "cmdstat_hello"}
    assert others <= {"cmdstat_mget", "cmdstat_set", *opening}


def test_a_day_that_the_batch_has_replaces_nothing(service, root):
    write_live(root, live_row("c002", day=LAST - dt.timedelta(days=1)))
    until_seen(service)
    fresh, default = ask(service, fresh=True), ask(service)

    assert fresh["features_basis"] == "closed_day"
    assert fresh["churn_probability"] == default["churn_probability"]
    assert fresh["engagement_live"]["day"] == "2024-08-28"


def test_redis_killed_and_restarted(root, registry, tmp_path_factory):
    server = servers.RedisServer(servers.free_port(), tmp_path_factory.mktemp("redis"))
    server.start()
    settings = company.settings_of(root, server.url)
    fill(settings)
    write_live(root, live_row("c002"))
    with servers.running(settings, registry) as service:
        before = ask(service, fresh=True)
        server.stop()
        away = [ask(service), ask(service, fresh=True)]
        write_live(root, live_row("c002", 0.5))
        until_seen(service, score=0.5)
        server.start()
        fill(settings)
        servers.until(lambda: ask(service)["cache"] == "hit")
        back = ask(service)
    server.stop()

    assert [a["cache"] for a in away] == ["unavailable"] * 2
    assert away[1]["churn_probability"] == before["churn_probability"]
    assert {a["engagement_live"]["engagement_score"] for a in away} == {SCORE}
    assert back["engagement_live"]["engagement_score"] == 0.5


def test_the_log_has_the_features_that_were_scored(root, registry, champion):
    write_live(root, live_row("c002"))
    with servers.running(company.settings_of(root, None), registry) as service:
        answer = ask(service, fresh=True)
    (row,) = logged(root)

    assert (row["features_source"], str(row["features_on"])) == ("open_day", "2024-08-29")
    features = json.loads(row["features"])
    assert features["engagement_score"] == SCORE
    assert row["churn_probability"] == answer["churn_probability"]
    names = features_of("c002").keys()
    assert champion.predict_one({n: features[n] for n in names}) == pytest.approx(
        answer["churn_probability"], abs=1e-12
    )


# The watch alone


def live_of(root, **service):
    return LiveEngagement(company.settings_of(root, None, **service))


def test_a_table_without_the_new_columns(tmp_path):
    earlier = replace(ENGAGEMENT_LIVE, columns=ENGAGEMENT_LIVE.columns[: -len(OPEN_DAY_FEATURES)])
    write_live(tmp_path, live_row("c002"), table=earlier)
    live = live_of(tmp_path)
    live.refresh()

    assert live.of("c002").shown["level"] == "high"
    assert live.of("c002").features_since("2024-08-29").keys() == {
        *("engagement_score", "engagement_basis")
    }


@pytest.mark.parametrize("commits", [1, 2, 4])
def test_a_table_that_is_deleted_and_made_again_is_followed(tmp_path, commits):
    """The new table has fewer commits than the old one had, or more. With as many, the next one
    tells."""
    live = live_of(tmp_path)
    for score in (0.1, 0.2, 0.3):
        write_live(tmp_path, live_row("c002", score))
        live.refresh()
    shutil.rmtree(tmp_path / "gold" / "engagement_live")
    for number in range(commits):
        write_live(tmp_path, live_row("c002", number))
    for _ in range(3):
        live.refresh()

    assert live.of("c002").row["engagement_score"] == commits - 1
    assert live.fault is None


def test_a_table_that_cannot_be_read_leaves_what_is_known(tmp_path):
    write_live(tmp_path, live_row("c002"))
    live = live_of(tmp_path)
    live.refresh()
    write_live(tmp_path, live_row("c002", 0.1))
    for path in DeltaTable(tmp_path / "gold" / "engagement_live").file_uris():
        shutil.move(path, f"{path}.away")
    live.refresh()

    assert live.failures == 1 and live.fault.startswith("gold.engagement_live failed: ")
    assert live.of("c002").row["engagement_score"] == SCORE
    for path in (tmp_path / "gold" / "engagement_live").glob("*.away"):
        path.rename(path.with_suffix(""))
    live.refresh()
    assert (live.of("c002").row["engagement_score"], live.fault) == (0.1, None)


def test_the_stream_may_have_a_lakehouse_of_its_own(tmp_path):
    write_live(tmp_path / "other", live_row("c002"))
    live, own = live_of(tmp_path, live_lakehouse=str(tmp_path / "other")), live_of(tmp_path)
    for watched in (live, own):
        watched.refresh()

    assert (live.of("c002").basis, own.of("c002").basis) == ("events", "no_stream")


@pytest.mark.duckdb_only
def test_each_customer_of_the_stream_has_engagement(tmp_path):
    events = [event(n, "2026-01-10T12:00:00Z", customer=f"c{n}") for n in range(3)]
    Stream(tmp_path).apply(0, events)
    live = LiveEngagement(settings_of(tmp_path))
    live.refresh()

    known = {c: live.of(c) for c in ("c0", "c1", "c2", "c3")}
    assert [k.basis for k in known.values()] == ["events"] * 3 + ["no_events"]
    assert known["c0"].shown["level"] == "low"
    # Weights of logins and community are .3 and .2; no other component is known.
    assert known["c0"].shown["engagement_score"] == pytest.approx(0.3 / 0.5 / 30, abs=1e-12)
    features = known["c0"].features_since("2026-01-10")
    assert features["login_frequency_30d"] == pytest.approx(1 / 30, abs=1e-12)
