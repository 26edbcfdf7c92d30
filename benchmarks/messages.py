"""Messages per second by concurrency, with a local server that imitates the Claude API."""

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
    """The server of the tests, loaded from its file because `tests` is not a package."""
    path = ROOT / "tests" / "unit" / "messages" / "fake_claude.py"
    spec = importlib.util.spec_from_file_location("fake_claude", path)
    assert spec is not None and spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class NoBatches:
    """An empty ledger of batches: this benchmark sends the messages one by one."""

    def batch_id(self, key: str) -> str | None:
        return None

    def known_ids(self) -> set[str]:
        return set()

    def note(self, key: str, batch_id: str, requests: int) -> None:
        raise AssertionError("this benchmark sends no batch")


def limits(concurrency: int) -> Limits:
    """The limits of conf/demo.yaml with another concurrency."""
    configured = Limits.of(load("demo").messages.of_a_writer())
    return replace(configured, concurrency=concurrency, spend_cap_usd=1000.0)


def orders(count: int) -> tuple[list[Order], str]:
    """That many orders of the same offer, and a text that passes the guard."""
    offers = yaml.safe_load((ROOT / "conf" / "offers.yaml").read_text())["offers"]
    texts = {lang: Terms(**t) for lang, t in offers[OFFER]["texts"].items()}
    brief = make_brief(
        "Ada", 14, "en", offer_id=OFFER, texts=texts, offer_theme="savings", main_reason=None
    )
    return [
        Order("plan", f"c{n}", brief) for n in range(count)
    ], f"Hello Ada, {PLEASURE} {texts['en'].sentence}"


def run(spark: Any, folder: Path) -> Section:
    """Measure the throughput against the upper bound, concurrency / latency."""
    configured = load("demo").messages.concurrency
    section = Section(
        "Messages a second",
        f"The real SDK with a local server that takes {LATENCY} s per answer and counts the "
        "concurrent requests; prompt, guard and accounting included. The bound is concurrency / "
        f"latency. conf/demo.yaml has a concurrency of {configured}.",
        (
            "concurrency",
            "messages",
            "per second",
            "bound",
            "share of the bound",
            "most concurrent requests",
            "CPU ms per message",
        ),
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
            written = writer.write(some, is_large=False)
            wall, cpu = time.perf_counter() - began, cpu_seconds() - used
        finally:
            server.close()
        assert all(m.verdict == "passed" for m in written), {m.verdict for m in written}
        rate, most = len(written) / wall, concurrency / LATENCY
        section.add(
            concurrency,
            len(written),
            rate,
            most,
            rate / most,
            server.most,
            cpu / len(written) * 1e3,
        )
        assert server.most <= concurrency, server.most
        section.reach(f"concurrency {concurrency}: share of the bound", rate / most, 0.8)
    return section
