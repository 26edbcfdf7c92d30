"""The prediction service beside a constant answer and `mlflow models serve`, on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks import service_company
from benchmarks.measure import Section, cpu_seconds_of, family
from service.filling import fill

ROOT = Path(__file__).parents[1]
# Requests of each measurement, and rounds of which the median counts. HOLDFAST_BENCH_REQUESTS
# overrides the length of the flatness run.
COUNT, SLOW_COUNT, ROUNDS = 10_000, 500, 3
BLOCK, FLAT_REQUESTS = 10_000, 1_000_000
BATCH = 1_000


def run(spark: Any, folder: Path) -> Section:
    """Latency, requests a second and CPU beside the peers; by id; a batch."""
    section = Section(
        "Prediction service",
        f"A model of {service_company.TREES} trees of depth {service_company.DEPTH} on all numeric "
        "features. The load generator, the servers and Redis share the machine; one process each. "
        f"{COUNT:,} requests ({SLOW_COUNT} of mlflow models serve), median of {ROUNDS} rounds in "
        "turn. CPU: of the server, milliseconds per request. By id: distinct customers, answer "
        "cache off, time from the planned moment.",
        ("who", "load", "p50 ms", "p99 ms", "requests a second", "CPU ms"),
    )
    with servers(folder) as (settings, ports, pids):
        given = [
            {"path": "/predict", "body": {"features": row}}
            for row in service_company.rows(settings, 200)
        ]
        invocations = [
            {"path": "/invocations", "body": {"dataframe_records": [r["body"]["features"]]}}
            for r in given
        ]
        measured = {}
        for clients in (1, 8):
            plans = {
                "constant answer": (given, COUNT),
                "holdfast": (given, COUNT),
                "mlflow models serve": (invocations, SLOW_COUNT),
            }
            rounds: dict[str, list[tuple[float, ...]]] = {name: [] for name in plans}
            for _ in range(ROUNDS):
                for name, (requests, count) in plans.items():
                    plan = {"port": ports[name], "requests": requests, "clients": clients}
                    figures = load(folder, {**plan, "count": count}, pids[name])
                    rounds[name].append(figures[:4])
            for name, figures_of in rounds.items():
                middle = tuple(float(v) for v in np.median(figures_of, axis=0))
                measured[name, clients] = middle
                section.add(name, f"{clients} clients", *middle)
            ratio = measured["holdfast", clients][1] / measured["constant answer", clients][1]
            section.reach(f"p99 / constant answer, {clients} clients", ratio, 2, at_least=False)
        ours, theirs = measured["holdfast", 8], measured["mlflow models serve", 8]
        section.reach("requests a second / mlflow models serve", ours[2] / theirs[2], 10)
        section.reach("CPU of mlflow models serve / holdfast", theirs[3] / ours[3], 10)
        _by_id(section, folder, ports["holdfast"], pids["holdfast"])
        _batch(section, folder, ports["holdfast"], pids["holdfast"])
    return section


def flat(spark: Any, folder: Path) -> Section:
    """Latency and memory over many requests."""
    count = int(os.environ.get("HOLDFAST_BENCH_REQUESTS", FLAT_REQUESTS))
    section = Section(
        "Prediction service, flat over many requests",
        f"{count:,} requests with features given, one client; p99 of blocks of {BLOCK:,}.",
        ("figure", "value"),
    )
    with servers(folder, peers=False) as (settings, ports, pids):
        requests = [
            {"path": "/predict", "body": {"features": row}}
            for row in service_company.rows(settings, 200)
        ]
        blocks, memory = [], []
        for _ in range(count // BLOCK):
            plan = {"port": ports["holdfast"], "requests": requests, "clients": 1, "count": BLOCK}
            times = load(folder, plan, pids["holdfast"])[4]
            blocks.append(float(np.percentile(times, 99)))
            memory.append(resident_mib(pids["holdfast"]))
    first, last = float(np.median(blocks[:10])), float(np.median(blocks[-10:]))
    section.add("median p99 of the first ten blocks, ms", first)
    section.add("median p99 of the last ten blocks, ms", last)
    section.reach("last / first", last / first, 1.5, at_least=False)
    slope = stats.linregress(range(len(blocks)), blocks)
    rises = slope.slope > 0 and slope.pvalue / 2 < 0.05
    section.add("slope of p99, ms per 100,000 requests", float(slope.slope) * 10)
    section.add("slope is above 0 at 95 %", str(rises))
    after = memory[min(9, len(memory) - 1)]
    section.add("memory after 100,000 requests, MiB", after)
    section.reach("growth of memory since, MiB", memory[-1] - after, 20, at_least=False)
    return section


def _by_id(section: Section, folder: Path, port: int, pid: int) -> None:
    ids = service_company.customers()
    requests = [{"path": "/predict", "body": {"customer_id": c}} for c in ids]
    for rate, bound in ((200, 25), (1_000, 50)):
        plan = {"port": port, "requests": requests, "rate": rate, "count": rate * 10}
        figures = load(folder, plan, pid)
        section.add("holdfast, by id", f"{rate} a second", *figures[:4])
        section.reach(f"by id, p99 at {rate} a second, ms", figures[1], bound, at_least=False)


def _batch(section: Section, folder: Path, port: int, pid: int) -> None:
    ids = service_company.customers()[:BATCH]
    requests = [{"path": "/predict/batch", "body": {"customer_ids": ids}}]
    plan = {"port": port, "requests": requests, "clients": 1, "count": 20}
    figures = load(folder, plan, pid)
    section.add(f"holdfast, batch of {BATCH:,} by id", "1 clients", *figures[:4])
    section.reach(f"a batch of {BATCH:,}, p50 ms", figures[0], 150, at_least=False)


def load(folder: Path, plan: dict[str, Any], pid: int) -> tuple[float, float, float, float, Any]:
    """(p50 ms, p99 ms, requests a second, CPU ms per request of the server, all ms) of a plan."""
    path = folder / "plan.json"
    path.write_text(json.dumps({**plan, "answer": str(folder / "answer.json")}))
    used = cpu_seconds_of(family(pid))
    command = [sys.executable, "-m", "benchmarks.http_load", str(path)]
    subprocess.run(command, cwd=ROOT, check=True)
    used = cpu_seconds_of(family(pid)) - used
    answer = json.loads((folder / "answer.json").read_text())
    assert answer["statuses"] == {"200": plan["count"]}, answer["statuses"]
    times = np.array(answer["times"])
    p50, p99 = np.percentile(times, (50, 99))
    rate = plan["count"] / answer["seconds"]
    return float(p50), float(p99), rate, used * 1000 / plan["count"], times


@contextmanager
def servers(
    folder: Path, peers: bool = True
) -> Iterator[tuple[Any, dict[str, int], dict[str, int]]]:
    """Redis, the service and its peers: settings, ports and process ids by name."""
    with ExitStack() as stack:
        redis_port = free_port()
        options = ["--port", str(redis_port), "--save", "", "--appendonly", "no"]
        stack.enter_context(process(["redis-server", *options], folder, redis_port))
        settings = service_company.build(folder, f"redis://127.0.0.1:{redis_port}/0")
        print("  ", fill(settings), flush=True)
        ports = {"holdfast": free_port()}
        conf = ["--env", service_company.ENV, "--conf-dir", str(folder / "conf")]
        commands = {
            "holdfast": [
                *(sys.executable, "-m", "jobs.serve", *conf),
                *("--port", str(ports["holdfast"])),
            ]
        }
        if peers:
            ports |= {"constant answer": free_port(), "mlflow models serve": free_port()}
            constant = [sys.executable, "-m", "benchmarks.constant_answer"]
            commands["constant answer"] = [*constant, str(ports["constant answer"])]
            uri = f"models:/{settings.mlflow.model_name}@champion"
            serve = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri]
            serve += ["--env-manager", "local", "--port", str(ports["mlflow models serve"])]
            commands["mlflow models serve"] = serve
        environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{settings.root / 'mlflow.db'}"}
        pids = {}
        for name, command in commands.items():
            more = environment if name.startswith("mlflow") else {}
            started = stack.enter_context(process(command, ROOT, ports[name], more))
            pids[name] = started.pid
        yield settings, ports, pids


@contextmanager
def process(
    command: Sequence[str], folder: Path, port: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process group of its own, once it listens."""
    given = {**os.environ, **(environment or {})}
    started = subprocess.Popen(
        command,
        cwd=folder,
        env=given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 120
        while not listens(port):
            assert started.poll() is None, f"{command[:4]} ended"
            assert time.monotonic() < end, f"{command[:4]} does not listen"
            time.sleep(0.1)
        yield started
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(60)


def listens(port: int) -> bool:
    """Whether the server is ready. Redis speaks no HTTP, and a constant answer has no /ping."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2)
    except urllib.error.HTTPError as error:
        return error.code == 404
    except urllib.error.URLError:
        return False
    except OSError:
        return True
    return True


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
