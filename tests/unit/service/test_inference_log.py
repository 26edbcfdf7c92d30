"""gold.inference_log: each answer once, whatever is killed; a full queue drops and counts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from deltalake import DeltaTable

from contracts.gold_serving import INFERENCE_LOG
from runtime.lakehouse.delta_tables import opened
from service.inference_log import InferenceLog
from service.log_rows import LoggedAnswer
from service.log_writer import LogWriter
from service.spool import Segments
from tests.unit.service import company, servers
from tests.unit.service.company import CUSTOMERS, features_of


def logged(root):
    """The rows of the table, by request_id and position."""
    path = root / "gold" / "inference_log"
    if not DeltaTable.is_deltatable(str(path)):
        return []
    rows = DeltaTable(path).to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda row: (row["request_at"], row["position"]))


def answer(number, **changes):
    given = dict.fromkeys(LoggedAnswer._fields)
    given |= {"request_id": f"r{number}", "position": 0, "request_at": 1.0 + number}
    given |= {"features_source": "request", "arm": "champion", "status": 200, "duration_ms": 0.1}
    return LoggedAnswer(**{**given, **changes})


def ask(url, number):
    body = {"customer_id": CUSTOMERS[number % len(CUSTOMERS)]}
    return httpx2.post(f"{url}/predict", json=body).json()["request_id"]


def test_a_row_holds_what_was_asked_and_answered(own_lake, registry):
    with servers.running(company.settings_of(own_lake.root, None), registry) as service:
        by_id = service.predict(customer_id="c002").json()
        given = service.predict(features=features_of("c004"), customer_id="c004").json()
        service.predict(customer_id="nobody")
        service.http.post("/predict/batch", json={"customer_ids": ["nobody", "c002"]})
        service.predict(features={"recency_days": "a secret"})

    rows = logged(own_lake.root)
    # A body that breaks the schema is no answer about a customer, and may hold anything.
    assert [(r["customer_id"], r["status"], r["position"]) for r in rows] == [
        *(("c002", 200, 0), ("c004", 200, 0), ("nobody", 404, 0)),
        *(("nobody", 404, 0), ("c002", 200, 1)),
    ]
    assert [r["request_id"] for r in rows[:2]] == [by_id["request_id"], given["request_id"]]
    assert [r["features_source"] for r in rows[:2]] == ["delta", "request"]
    assert rows[0]["churn_probability"] == by_id["churn_probability"]
    assert (rows[0]["model_version"], rows[0]["arm"], str(rows[0]["features_on"])) == (
        *("1", "champion"),
        "2024-08-29",
    )
    features = [json.loads(r["features"]) for r in rows[:2]]
    assert features[1] == features_of("c004")
    assert {k: features[0][k] for k in features_of("c002")} == features_of("c002")
    assert rows[2]["churn_probability"] is None and rows[2]["features"] is None
    table = DeltaTable(own_lake.root / "gold" / "inference_log")
    assert tuple(f.name for f in table.schema().fields) == INFERENCE_LOG.column_names
    statistics = table.metadata().configuration["delta.dataSkippingStatsColumns"]
    assert "`features`" not in statistics and "`request_at`" in statistics
    assert table.protocol().min_reader_version == 1


def test_sigterm_loses_nothing(own_lake):
    with servers.process(own_lake.folder, None) as (service, url):
        asked = [ask(url, n) for n in range(50)]
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == -signal.SIGTERM  # uvicorn ends as the signal would

    assert [r["request_id"] for r in logged(own_lake.root)] == asked
    assert list((own_lake.root / "spool" / "inference_log").iterdir()) == []


def test_sigkill_loses_at_most_the_last_second(own_lake):
    """The writer is another process: it finds the lock released, and writes what the files hold."""
    with servers.process(own_lake.folder, None) as (service, url):
        early = [ask(url, n) for n in range(50)]
        time.sleep(1.0)
        late = [ask(url, n) for n in range(5)]
        service.kill()
        service.wait()
        folder = own_lake.root / "spool" / "inference_log"
        servers.until(lambda: list(folder.iterdir()) == [])

    kept = [r["request_id"] for r in logged(own_lake.root)]
    assert kept[:50] == early
    assert set(kept[50:]) <= set(late)


def test_answers_of_two_killed_processes_are_written_at_the_next_start(own_lake):
    with servers.process(own_lake.folder, None) as (service, url):
        asked = [ask(url, n) for n in range(10)]
        time.sleep(0.5)  # in a file, but in no commit
        children = subprocess.check_output(["pgrep", "-P", str(service.pid)], text=True).split()
        writers = [
            int(c) for c in children if "log_writer" in Path(f"/proc/{c}/cmdline").read_text()
        ]
        for pid in (*writers, service.pid):
            os.kill(pid, signal.SIGKILL)
        service.wait()
    assert len(writers) == 1
    before = {r["request_id"] for r in logged(own_lake.root)}

    with servers.process(own_lake.folder, None) as (service, url):
        servers.until(lambda: {r["request_id"] for r in logged(own_lake.root)} >= set(asked))
    kept = [r["request_id"] for r in logged(own_lake.root)]
    assert sorted(kept) == sorted(asked)
    assert before <= set(asked)


def test_a_segment_that_was_appended_before_a_crash_is_not_appended_again(tmp_path):
    """Killed between Delta's commit and the deletion: the file is still there."""
    segments = Segments(tmp_path / "spool", "a")
    segments.write(answer(1).line() + answer(2).line()[:-5])  # the second line is incomplete
    segments.complete()
    writer = LogWriter(tmp_path, tmp_path / "spool", "a")
    content = (tmp_path / "spool" / "a-000000001.jsonl").read_bytes()
    writer.write_own()
    (tmp_path / "spool" / "a-000000001.jsonl").write_bytes(content)
    segments.write(answer(3).line())
    segments.complete()
    writer.write_own()
    segments.close()

    assert [r["request_id"] for r in logged(tmp_path)] == ["r1", "r3"]


@pytest.fixture
def quiet_log(tmp_path):
    settings = company.settings_of(tmp_path, None, log={"queue": 3, "spool_bytes": 1_000_000})
    made = InferenceLog(tmp_path / "spool", str(tmp_path), settings.service.log)
    made._segments = Segments(made.folder, made.instance)  # without thread and writer
    yield made
    made._segments.close()


def test_a_full_queue_drops_and_counts(quiet_log):
    for number in range(5):
        quiet_log.add(answer(number))
    assert (quiet_log.waiting, quiet_log.dropped) == (3, 2)
    quiet_log._flush()
    assert (quiet_log.waiting, quiet_log.dropped, quiet_log.written) == (0, 2, 3)


def test_a_full_spool_drops_and_counts(quiet_log):
    (quiet_log.folder / "x-1.jsonl").write_bytes(b"\n" * 1_000_001)
    quiet_log.add(answer(1))
    quiet_log._flush()
    assert (quiet_log.dropped, quiet_log.written) == (1, 0)


def test_the_challenger_in_shadow_is_logged_and_answers_nobody(own_lake, registry):
    second = company.portable(seed=1)
    registry.set("challenger", "2", second)
    settings = company.settings_of(own_lake.root, None, shadow_challenger=True)
    with servers.running(settings, registry) as service:
        sent = service.predict(customer_id="c002").json()

    champion, shadow = sorted(logged(own_lake.root), key=lambda row: row["arm"])
    assert (sent["arm"], sent["model_version"]) == ("champion", "1")
    assert (champion["arm"], shadow["arm"], shadow["model_version"]) == ("champion", "shadow", "2")
    assert shadow["request_id"] == champion["request_id"] == sent["request_id"]
    expected = second.predict_one(features_of("c002"))
    assert shadow["churn_probability"] == pytest.approx(expected, abs=1e-12)


def test_a_table_of_an_earlier_version_gains_the_new_columns(tmp_path):
    earlier = replace(INFERENCE_LOG, columns=INFERENCE_LOG.columns[:-1])
    opened(str(tmp_path / "gold" / "inference_log"), earlier)
    segments = Segments(tmp_path / "spool", "a")
    segments.write(answer(1).line())
    segments.close()
    LogWriter(tmp_path, tmp_path / "spool", "a").write_own()

    (row,) = logged(tmp_path)
    assert (row["request_id"], row["duration_ms"]) == ("r1", 0.1)
