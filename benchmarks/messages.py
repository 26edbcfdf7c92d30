"""Messages a second against a local server that answers like Claude, by concurrency."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measure import Section, cpu_seconds
from messages.batches import BatchWriter
from messages.brief import Terms, make_brief
from messages.gateway import Gateway, make_client
from messages.limits import Limits
from messages.writer import Order, Writer
from runtime.settings import load

LATENCY, ROUNDS = 0.25, 20
CONCURRENCY = (1, 4, 8, 16)
OFFER = "discount_10"
PLEASURE = "it is a pleasure to have you with us."
ROOT = Path(__file__).parents[1]


def fake_claude() -> Any:
    """The tests' server, from its file: `tests` is no package."""
    path = ROOT / "tests" / "unit" / "messages" / "fake_claude.py"
    spec = importlib.util.spec_from_file_location("fake_claude", path)
    assert spec is not None and spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class NoBatches:
    """A ledger of batches that stays empty: the messages here go one by one."""

    def batch_id(self, key: str) -> str | None:
        return None

    def known_ids(self) -> set[str]:
        return set()

    def note(self, key: str, batch_id: str, requests: int) -> None:
        raise AssertionError("no batch was asked for")


def limits(concurrency: int) -> Limits:
    """Those of conf/demo.yaml, at another concurrency."""
    found = Limits.of(load("demo").messages.of_a_writer())
    return replace(found, concurrency=concurrency, spend_cap_usd=1000.0)


def orders(count: int) -> tuple[list[Order], str]:
    """That many orders of one offer, and a text that the guard lets pass."""
    offers = yaml.safe_load((ROOT / "conf" / "offers.yaml").read_text())["offers"]
    texts = {lang: Terms(**t) for lang, t in offers[OFFER]["texts"].items()}
    brief = make_brief("Ada", 14, "en", OFFER, texts, "savings", None)
    return [
        Order("plan", f"c{n}", brief) for n in range(count)
    ], f"Hello Ada, {PLEASURE} {texts['en'].sentence}"


def run(spark: Any, folder: Path) -> Section:
    """Measure throughput beside concurrency / latency, which nothing can pass."""
    configured = load("demo").messages.concurrency
    section = Section(
        "Messages a second",
        f"The real SDK against a local server that takes {LATENCY} s for each answer and counts "
        "how many it holds at once; prompt, guard and account included. The bound is concurrency / "
        f"latency. conf/demo.yaml has a concurrency of {configured}.",
        ("concurrency", "messages", "a second", "bound", "of it", "most at once", "CPU ms each"),
    )
    fake = fake_claude()
    for concurrency in sorted({*CONCURRENCY, configured}):
        some, text = orders(concurrency * ROUNDS)
        answer = (200, {}, fake.written(text), LATENCY)
        server = fake.FakeClaude(lambda body, number, answer=answer: answer)
        try:
            chosen = limits(concurrency)
            gateway = Gateway(make_client("sk-local", server.url, chosen), chosen)
            writer = Writer(gateway, BatchWriter(gateway, NoBatches()))
            writer.write(some[:concurrency], is_large=False)
            began, used = time.perf_counter(), cpu_seconds()
            found = writer.write(some, is_large=False)
            wall, cpu = time.perf_counter() - began, cpu_seconds() - used
        finally:
            server.close()
        assert all(m.verdict == "passed" for m in found), {m.verdict for m in found}
        rate, most = len(found) / wall, concurrency / LATENCY
        section.add(
            concurrency,
            len(found),
            rate,
            most,
            rate / most,
            server.most,
            cpu / len(found) * 1e3,
        )
        assert server.most <= concurrency, server.most
        section.reach(f"concurrency {concurrency}: share of the bound", rate / most, 0.8)
    return section
