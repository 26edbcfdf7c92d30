"""Calls per second by concurrency, with a local server that plays Claude as writer and judge."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.measure import Section, cpu_seconds
from messages.brief import Brief, Terms
from messages.gateway import Gateway, make_client
from messages.limits import Limits
from messages.writer import Wanted, Writer
from runtime.settings import load

LATENCY, ROUNDS, CALLS_PER_BRIEF = 0.25, 7, 3
CONCURRENCY = (1, 4, 8, 16)
TEXT = "Thank you for being with us, we are glad to have you here."
TERMS = Terms("10% off your next order", "Enjoy 10% off your next order.")
ROOT = Path(__file__).parents[1]


def fake_claude() -> Any:
    """The server of the tests, loaded from its file because `tests` is not a package."""
    path = ROOT / "tests" / "unit" / "messages" / "fake_claude.py"
    spec = importlib.util.spec_from_file_location("fake_claude", path)
    assert spec is not None and spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def limits(concurrency: int) -> Limits:
    """The limits of conf/demo.yaml with another concurrency."""
    configured = Limits.of(load("demo").messages.of_a_writer())
    return replace(configured, concurrency=concurrency, spend_cap_usd=1000.0)


def run(spark: Any, folder: Path) -> Section:
    """Measure the throughput against the upper bound, concurrency / latency."""
    configured = load("demo").messages.concurrency
    section = Section(
        "Texts of the pool",
        f"The real SDK with a local server that takes {LATENCY} s per answer and counts the "
        f"concurrent requests. A text takes {CALLS_PER_BRIEF} calls: the writer and two judges; "
        "prompt, form checks and accounting included. The bound is concurrency / latency. "
        f"conf/demo.yaml has a concurrency of {configured}.",
        (
            "concurrency",
            "calls",
            "calls per second",
            "bound",
            "share of the bound",
            "most concurrent requests",
            "CPU ms per call",
        ),
    )
    fake = fake_claude()
    play = fake.plays(lambda data: fake.written(TEXT))
    for concurrency in sorted({*CONCURRENCY, configured}):
        wanted = [
            Wanted(Brief(f"offer_{n}", "savings", "warm", "en"), TERMS, 1)
            for n in range(concurrency * ROUNDS)
        ]
        server = fake.FakeClaude(lambda body, number: (*play(body, number)[:3], LATENCY))
        try:
            chosen = limits(concurrency)
            writer = Writer(Gateway(make_client("sk-local", server.url, chosen), chosen))
            writer.write(wanted[:concurrency])
            began, used = time.perf_counter(), cpu_seconds()
            results = writer.write(wanted)
            wall, cpu = time.perf_counter() - began, cpu_seconds() - used
        finally:
            server.close()
        assert all(text.is_passed for result in results for text in result.texts), results
        calls = len(results) * CALLS_PER_BRIEF
        rate, most = calls / wall, concurrency / LATENCY
        section.add(concurrency, calls, rate, most, rate / most, server.most, cpu / calls * 1e3)
        assert server.most <= concurrency, server.most
        section.reach(f"concurrency {concurrency}: share of the bound", rate / most, 0.8)
    return section
