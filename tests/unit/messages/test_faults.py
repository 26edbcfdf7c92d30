"""Faults: three of ten calls fail in one way, answers are lost, the run is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from messages.batches import BatchPendingError
from messages.templates import template
from tests.unit.messages.conftest import Ledger, brief_of, orders_of
from tests.unit.messages.fake_claude import error
from tests.unit.messages.test_wire import FAILURES, GOOD, HTML, ok

ROOT = Path(__file__).resolve().parents[3]
KINDS = {
    **{kind: FAILURES[kind] for kind in ("limited", "overloaded", "server_error", "refusal")},
    **{kind: FAILURES[kind] for kind in ("cut_short", "half_json", "other_shape", "html")},
    "reset": (None, {}, ""),
    "timeout": (200, {}, HTML),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_customer_has_a_message_when_three_of_ten_calls_fail(claude, writer, kind):
    """Each call fails independently, so retries fail too. The run ends in time."""
    draw, began = random.Random(8), time.monotonic()

    def behave(body, number):
        if draw.random() < 0.3:
            return (*KINDS[kind], 0.5 if kind == "timeout" else 0)
        return ok(body, number)

    made = writer(claude(behave), timeout_seconds=0.25, failures_to_stop=100, concurrency=16)
    results = made.write(orders_of(*[brief_of()] * 100), is_large=False)
    assert len(results) == 100
    by_claude = [m for m in results if m.written_by == "claude"]
    assert {m.text for m in by_claude} == {GOOD}
    assert {m.text for m in results if m.written_by == "template"} <= {template(brief_of())}
    verdicts = Counter(m.verdict.partition(":")[0] for m in results)
    assert set(verdicts) <= {"passed", "not_written"}
    # With three attempts, 0.3^3 fail. With one, 30 of 100, within 4 standard deviations of 4.6.
    assert len(by_claude) >= (85 if kind in RETRIED else 50)
    # 100 calls, 16 at once, at most three attempts each, with waits of the SDK between.
    assert time.monotonic() - began < 60


RETRIED = {"limited", "overloaded", "server_error", "reset", "timeout"}


# ---------------------------------------------------------------------- batches


def custom_ids(server):
    return [r["custom_id"] for b in server.batches.values() for r in b["requests"]]


@pytest.mark.parametrize("answer", [(500, True), (503, True), (None, True), (529, False)])
def test_a_batch_whose_answer_was_lost_is_not_sent_again(claude, writer, answer):
    server = claude(ok)
    server.batch_answers = [answer]
    results = writer(server).write(orders_of(*[brief_of()] * 4), is_large=True)
    assert [m.text for m in results] == [GOOD] * 4
    assert len(server.batches) == 1
    assert len(set(custom_ids(server))) == len(custom_ids(server)) == 4


def test_a_batch_refused_permanently_gives_templates(claude, writer):
    server = claude(ok)
    server.batch_answers = [(400, False)]
    results = writer(server).write(orders_of(*[brief_of()] * 4), is_large=True)
    assert {m.verdict for m in results} == {"not_written: http_400"}
    assert server.batches == {}


def test_batch_creation_is_retried_as_often_as_conf_allows(claude, writer):
    server = claude(ok)
    server.batch_answers = [(503, False)] * 100
    results = writer(server, max_retries=2).write(orders_of(*[brief_of()] * 4), is_large=True)
    assert {m.verdict for m in results} == {"not_written: server_error"}
    assert len(server.batch_answers) == 100 - 3


def test_a_run_with_a_larger_budget_resumes_the_batch_of_a_smaller_one(claude, writer):
    """The first run could afford a part of the requests. The second run gets the same key."""
    server, ledger = claude(ok), Ledger()
    orders = orders_of(*[brief_of()] * 60)
    writer(server, ledger, spend_cap_usd=0.02).write(orders, is_large=True)
    sent = len(custom_ids(server))
    assert 0 < sent < 60
    writer(server, ledger).write(orders, is_large=True)
    assert len(server.batches) == 1 and len(custom_ids(server)) == sent


AT_ONCE = {"retry-after-ms": "1"}
READS = {
    "server_error": (503, AT_ONCE, HTML),
    "overloaded": (529, AT_ONCE, error("overloaded_error")),
    "rate_limited": (429, AT_ONCE, error("rate_limit_error")),
    "connection": (None, {}, ""),
    "malformed": (200, {}, HTML),
}


@pytest.mark.parametrize("reason", READS)
@pytest.mark.parametrize("asked", ["poll", "results"])
def test_a_paid_batch_survives_an_outage_of_the_service(claude, writer, asked, reason):
    server, ledger = claude(ok), Ledger()
    server.read_answers = {asked: READS[reason]}
    orders = orders_of(*[brief_of()] * 4)
    with pytest.raises(BatchPendingError) as pending:
        writer(server, ledger).write(orders, is_large=True)
    assert str(pending.value) == f"msgbatch_1 could not be read: {reason}"
    server.read_answers = {}
    results = writer(server, ledger).write(orders, is_large=True)
    assert [m.text for m in results] == [GOOD] * 4
    assert results[0].usage.cost_usd > 0
    assert len(server.batches) == 1


def test_incomplete_results_are_read_again_by_the_next_run(claude, writer):
    server, ledger = claude(ok), Ledger()
    server.read_answers = {"results": (200, {}, '{"custom_id": "half of a li')}
    with pytest.raises(BatchPendingError):
        writer(server, ledger).write(orders_of(*[brief_of()] * 4), is_large=True)
    server.read_answers = {}
    results = writer(server, ledger).write(orders_of(*[brief_of()] * 4), is_large=True)
    assert [m.text for m in results] == [GOOD] * 4 and len(server.batches) == 1


def test_a_batch_unknown_to_the_service_gives_templates(claude, writer):
    server = claude(ok)
    server.read_answers = {"poll": (404, {}, error("not_found_error"))}
    results = writer(server).write(orders_of(*[brief_of()] * 4), is_large=True)
    assert {m.verdict for m in results} == {"not_written: http_404"}


# A launcher imports all modules once and forks a run per line that it reads. Two JSON files replace
# the Delta tables of the job: the ledger of batches, and the written messages.
PROGRAM = """
import json, os, sys
from dataclasses import fields
from pathlib import Path
from runtime import settings
from runtime.settings.offers import load_offers
from messages.batches import BatchWriter
from messages.brief import Terms, make_brief
from messages.gateway import Gateway, make_client
from messages.limits import Limits, Prices
from messages.writer import Order, Writer

folder, url, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
# The SDK imports modules at its first call. Do it here, once.
with make_client("sk-test", url, Limits(**settings.load("demo").messages.of_a_writer())) as client:
    list(client.messages.batches.list(limit=1))
conf = settings.load("demo").messages.of_a_writer()
conf |= {"prices": Prices(**conf["prices"]), "batch_size": 5, "batch_poll_seconds": 0.002}
offer = load_offers()["discount_10"]
texts = {lang: Terms(t.terms, t.sentence) for lang, t in offer.texts.items()}

def kept(name):
    path = folder / name
    return json.loads(path.read_text()) if path.exists() else {}

def keep(name, values):
    (folder / f".{name}").write_text(json.dumps(values))
    (folder / f".{name}").replace(folder / name)

class Ledger:
    def batch_id(self, key):
        return kept("ledger.json").get(key)
    def known_ids(self):
        return {b for b in kept("ledger.json").values() if b}
    def note(self, key, batch_id, requests):
        keep("ledger.json", {**kept("ledger.json"), key: batch_id})

def run():
    limits = Limits(**conf)
    gateway = Gateway(make_client("sk-test", url, limits), limits)
    writer = Writer(gateway, BatchWriter(gateway, Ledger()))
    brief = make_brief(
        "Ada", 14, "en", offer_id="discount_10", texts=texts, offer_theme="savings"
    )
    orders = [Order("plan", f"c{n:03d}", brief) for n in range(count)]
    left = [o for o in orders if o.customer_id not in kept("messages.json")]
    for start in range(0, len(left), 5):
        written = writer.write(left[start : start + 5], is_large=True)
        results = {m.order.customer_id: m.verdict for m in written}
        keep("messages.json", {**kept("messages.json"), **results})

for line in sys.stdin:
    child = os.fork()
    if not child:
        run()
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_fifty_kills_submit_no_message_twice(claude, tmp_path):
    server, draw, count = claude(ok), random.Random(9), 600
    server.seconds_after_a_batch_is_made = 0.01
    launcher = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), server.url, str(count)],
        **{"cwd": ROOT, "text": True, "env": {**os.environ, "PYTHONPATH": str(ROOT)}},
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE},
    )

    def run(seconds=None):
        print("go", file=launcher.stdin, flush=True)
        process = int(launcher.stdout.readline())
        if seconds is not None:
            before, ends = len(server.raw), time.monotonic() + 5
            # Wait for a batch request first: earlier kills would prove little.
            while len(server.raw) == before and time.monotonic() < ends:
                time.sleep(0.001)
            time.sleep(seconds)
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return int(launcher.stdout.readline())

    codes = [run(draw.random() * 0.06) for _ in range(50)]
    assert codes == [-signal.SIGKILL] * 50
    assert run() == 0
    launcher.stdin.close()
    launcher.wait(10)
    written = json.loads((tmp_path / "messages.json").read_text())
    assert written == {f"c{n:03d}": "passed" for n in range(count)}
    assert Counter(custom_ids(server)).most_common(1)[0][1] == 1
    assert len(custom_ids(server)) == count
