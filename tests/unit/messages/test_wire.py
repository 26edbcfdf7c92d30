"""The real SDK against a local server: all kinds of answers and failures of the service."""

from __future__ import annotations

import json
import logging
import threading
import time

import anthropic
import pytest
from anthropic.types.model import Model

from messages.batches import BatchPendingError
from messages.brief import LANGUAGES
from messages.guard import faults
from messages.limits import cost_at_most
from messages.prompt import INSTRUCTIONS, PROMPT_VERSION, input_tokens_at_most
from messages.templates import template
from tests.unit.messages.conftest import LIMITS, Ledger, brief_of, orders_of
from tests.unit.messages.fake_claude import CACHED_FROM, OUT, OWN, error, message, written

GOOD = "Hello Ada, it is a pleasure to have you with us. Enjoy 10% off your next order."
# The instructions (four bytes per token at the server) and 100 tokens at $1, 40 output tokens at $5,
# per million.
SHARED = len(INSTRUCTIONS.encode()) // 4
COST = ((SHARED + OWN) * 1.0 + OUT * 5.0) / 1e6


def ok(body, number):
    return 200, {}, written(GOOD), 0


def write_one(writer, server, **changes):
    (result,) = writer(server, **changes).write(orders_of(brief_of()), is_large=False)
    return result


def test_the_default_model_is_current_in_the_installed_sdk():
    from typing import get_args

    names = {n for part in get_args(Model) for n in get_args(part)}
    assert LIMITS.model in names
    assert LIMITS.model not in anthropic.resources.messages.messages.DEPRECATED_MODELS


def test_a_message_with_its_tokens_and_cost(claude, writer):
    server = claude(ok)
    result = write_one(writer, server)
    assert (result.text, result.written_by, result.model) == (GOOD, "claude", "claude-haiku-5-5")
    assert (result.verdict, result.usage.input, result.usage.output) == ("passed", SHARED + 100, 40)
    assert result.usage.cost_usd == pytest.approx(COST)


def test_the_instructions_are_too_short_to_be_cached_and_cost_the_full_price(claude, writer):
    """conf/defaults.yaml states this at the prices. If the test fails, update that comment."""
    assert SHARED < CACHED_FROM
    results = writer(claude(ok), concurrency=1).write(orders_of(*[brief_of()] * 2), is_large=False)
    assert [m.usage.cost_usd for m in results] == pytest.approx([COST, COST])


@pytest.mark.parametrize(("is_large", "factor"), [(False, 1.0), (True, 0.5)])
def test_a_long_shared_part_is_written_to_the_cache_once_and_then_read(
    claude, writer, monkeypatch, is_large, factor
):
    monkeypatch.setattr("messages.prompt.INSTRUCTIONS", "word" * 5000)
    made = writer(claude(ok), concurrency=1).write(orders_of(*[brief_of()] * 3), is_large)
    assert [m.usage.input for m in made] == [5000 + 100] * 3
    # 5,000 tokens at $2 the first time, then at $0.1; plus 100 at $1, and 40 output tokens at $5.
    first = (5000 * 2.0 + 100 * 1.0 + 40 * 5.0) / 1e6 * factor
    then = (5000 * 0.1 + 100 * 1.0 + 40 * 5.0) / 1e6 * factor
    assert sorted(m.usage.cost_usd for m in made) == pytest.approx([then, then, first])


def test_only_five_fields_leave_the_company_and_the_instructions_have_a_cache_mark(claude, writer):
    server = claude(ok)
    write_one(writer, server)
    (body,) = server.requests
    assert json.loads(body["messages"][0]["content"]) == {
        "first_name": "Ada",
        "customer_for_months": 14,
        "language": "en",
        "offer": "10% off your next order",
        "theme": "savings",
    }
    assert set(body) == {"model", "max_tokens", "system", "messages", "output_config"}
    assert body["system"][0]["text"] == INSTRUCTIONS
    assert body["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert body["output_config"]["format"]["type"] == "json_schema"
    assert len(body["messages"]) == 1


HTML = "<html><body>502 Bad Gateway</body></html>"
FAILURES = {
    "refusal": (200, {}, message("I cannot.", "refusal")),
    "cut_short": (200, {}, message('{"message": "Hello', "max_tokens")),
    "half_json": (200, {}, message('{"message": "Hello')),
    "no_json": (200, {}, message("Hello Ada")),
    "other_shape": (200, {}, message('{"text": "Hello"}')),
    "number": (200, {}, message('{"message": 5}')),
    "extra_field": (200, {}, message(json.dumps({"message": GOOD, "offer_id": "discount_90"}))),
    "no_content": (200, {}, message(None)),
    "html": (200, {}, HTML),
    "empty_object": (200, {}, {}),
    "bad_request": (400, {}, error("invalid_request_error")),
    "too_large": (413, {}, error("request_too_large")),
    "no_key": (401, {}, error("authentication_error")),
    "no_money": (402, {}, error("billing_error")),
    "not_found": (404, {}, error("not_found_error")),
    "server_error": (500, {"retry-after-ms": "1"}, error("api_error")),
    "unavailable": (503, {"retry-after-ms": "1"}, HTML),
    "overloaded": (529, {"retry-after-ms": "1"}, error("overloaded_error")),
    "limited": (429, {"retry-after-ms": "1"}, error("rate_limit_error")),
}
REASONS = {
    "refusal": "refusal",
    "cut_short": "cut_short",
    "bad_request": "http_400",
    "too_large": "http_413",
    "no_key": "key_refused",
    "no_money": "key_refused",
    "not_found": "http_404",
    "server_error": "server_error",
    "unavailable": "server_error",
    "overloaded": "overloaded",
    "limited": "rate_limited",
}
RETRIED = {"server_error", "unavailable", "overloaded", "limited"}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_gives_the_template_and_its_reason(claude, writer, kind):
    server = claude(lambda body, number: (*FAILURES[kind], 0))
    result = write_one(writer, server)
    assert result.text == template(brief_of())
    assert (result.written_by, result.model) == ("template", None)
    assert result.verdict == f"not_written: {REASONS.get(kind, 'malformed')}"
    assert len(server.requests) == (3 if kind in RETRIED else 1)


def test_a_slow_service_times_out_and_the_attempt_counts_as_billed(claude, writer):
    server = claude(lambda body, number: (200, {}, written(GOOD), 1.0))
    slow_writer = writer(server, timeout_seconds=0.2, max_retries=0)
    (result,) = slow_writer.write(orders_of(brief_of()), is_large=False)
    assert result.verdict == "not_written: timeout"
    assert slow_writer.gateway.budget.spent_usd > 0


@pytest.mark.parametrize("lost", [(200, {}, written(GOOD), 0.6), (None, {}, "", 0)])
@pytest.mark.parametrize(
    ("last", "answered"), [(ok, COST), (lambda b, n: (*FAILURES["overloaded"], 0), 0.0)]
)
def test_a_lost_answer_counts_as_billed_even_if_a_retry_succeeds(
    claude, writer, lost, last, answered
):
    """Two attempts time out or are reset. The third is answered, or refused at no cost."""
    server = claude(lambda body, number: lost if number <= 2 else last(body, number))
    slow_writer = writer(server, timeout_seconds=0.2)
    slow_writer.write(orders_of(brief_of()), is_large=False)
    (body,) = {json.dumps(request) for request in server.requests}
    assert len(server.requests) == 3
    attempt = cost_at_most(
        input_tokens_at_most(json.loads(body)), LIMITS.max_tokens, LIMITS.prices, is_batch=False
    )
    assert slow_writer.gateway.budget.spent_usd == pytest.approx(2 * attempt + answered)


def test_no_server_gives_a_connection_error(writer):
    result = write_one(writer, None, max_retries=0)
    assert result.verdict == "not_written: connection"


@pytest.mark.parametrize("status", [429, 529])
def test_retry_after_is_honoured(claude, writer, status):
    times = []

    def behave(body, number):
        times.append(time.monotonic())
        if number == 1:
            return status, {"retry-after": "1"}, error("rate_limit_error"), 0
        return ok(body, number)

    assert write_one(writer, claude(behave)).text == GOOD
    # Without the header, the first wait is at most half a second.
    assert times[1] - times[0] >= 1.0


def test_calls_stop_when_the_service_is_down(claude, writer):
    server = claude(lambda body, number: (529, {}, error("overloaded_error"), 0))
    results = writer(server, max_retries=0, concurrency=1, failures_to_stop=3).write(
        orders_of(*[brief_of()] * 20), is_large=False
    )
    assert len(server.requests) == 3
    verdicts = [m.verdict for m in results]
    assert verdicts == ["not_written: overloaded"] * 3 + ["not_written: service_down"] * 17


def test_calls_stop_when_the_key_is_refused(claude, writer):
    server = claude(lambda body, number: (401, {}, error("authentication_error"), 0))
    writer(server, concurrency=1).write(orders_of(*[brief_of()] * 5), is_large=False)
    assert len(server.requests) == 1


def test_no_calls_after_the_deadline(claude, writer):
    server = claude(ok)
    result = write_one(writer, server, deadline_seconds=0.0)
    assert (result.verdict, server.requests) == ("not_written: deadline", [])


def test_without_a_key_templates_are_used(claude, writer):
    server = claude(ok)
    result = write_one(writer, server, key=None)
    assert (result.written_by, result.verdict) == ("template", "not_written: no_key")
    assert server.requests == []


def test_concurrency_is_limited(claude, writer):
    server = claude(lambda body, number: (200, {}, written(GOOD), 0.05))
    writer(server, concurrency=3).write(orders_of(*[brief_of()] * 12), is_large=False)
    assert (len(server.requests), server.most) == (12, 3)


def test_the_spend_cap_holds_and_templates_fill_in(claude, writer):
    server = claude(ok)
    full = writer(server, concurrency=1, max_retries=0, spend_cap_usd=0.02)
    results = full.write(orders_of(*[brief_of()] * 60), is_large=False)
    by_claude = [m for m in results if m.written_by == "claude"]
    assert 0 < len(by_claude) < 60
    assert full.gateway.budget.spent_usd == pytest.approx(len(by_claude) * COST)
    assert full.gateway.budget.spent_usd <= 0.02
    assert {m.verdict for m in results} == {"passed", "not_written: spend_cap"}


def test_a_refused_draft_is_requested_again_with_the_reasons(claude, writer):
    bad = "Hello Ada, please stay with us. Enjoy 10% off your next order."

    def behave(body, number):
        return 200, {}, written(bad if number == 1 else GOOD), 0

    server = claude(behave)
    result = write_one(writer, server)
    assert (result.text, result.verdict) == (GOOD, "passed_second")
    assert result.usage.cost_usd == pytest.approx(2 * COST)
    second = json.loads(server.requests[1]["messages"][0]["content"])
    # Only the broken rules are sent, never the draft: output of the model is not sent back.
    assert second["previous_draft_broke"] == "leaving, word"
    assert bad not in server.raw[1]


def test_two_refused_drafts_give_the_template(claude, writer):
    server = claude(lambda b, n: (200, {}, written("Hello Ada, please stay with us."), 0))
    result = write_one(writer, server)
    assert len(server.requests) == 2
    assert result.verdict == "refused: leaving, offer_missing, word"
    assert result.text == template(brief_of())


@pytest.mark.parametrize("share", [0.3])
def test_each_customer_gets_a_message_when_calls_fail(claude, writer, share):
    """Three of ten calls fail, each time in a different way."""
    kinds = [k for k in FAILURES if k not in ("no_key", "no_money")]
    lock = threading.Lock()
    counter = [0]

    def behave(body, number):
        with lock:
            counter[0] += 1
            turn = counter[0]
        if turn % 10 < 10 * share:
            return (*FAILURES[kinds[turn % len(kinds)]], 0)
        return ok(body, number)

    orders = orders_of(*[brief_of()] * 120)
    results = writer(claude(behave), failures_to_stop=50).write(orders, is_large=False)
    assert len(results) == 120
    assert {m.text for m in results} == {GOOD, template(brief_of())}
    assert all(m.verdict == "passed" or m.verdict.startswith("not_written: ") for m in results)


# ---------------------------------------------------------------------- batches


def test_a_large_campaign_goes_out_as_batches_at_half_the_price(claude, writer):
    server = claude(ok)
    orders = orders_of(*[brief_of()] * 7)
    results = writer(server, batch_size=3).write(orders, is_large=True)
    assert [m.text for m in results] == [GOOD] * 7
    assert [len(b["requests"]) for b in server.batches.values()] == [3, 3, 1]
    assert server.requests == []
    assert results[0].usage.cost_usd == pytest.approx(COST / 2)


def test_a_slow_batch_does_not_end_second_drafts_and_later_batches(claude, writer):
    """Three polls of 0.2 s exceed the deadline of 0.1 s before the first batch has ended."""

    def behave(body, number):
        is_second = "previous_draft_broke" in body["messages"][0]["content"]
        return ok(body, number) if is_second or number == 1 else (200, {}, written("Hello."), 0)

    server = claude(behave)
    server.polls_until_ended = 3
    made = writer(server, batch_size=2, batch_poll_seconds=0.2, deadline_seconds=0.1)
    results = made.write(orders_of(*[brief_of()] * 4), is_large=True)
    assert sorted(m.verdict for m in results) == ["passed"] * 2 + ["passed_second"] * 2


def test_results_in_any_order_reach_their_own_customer(claude, writer):
    names = ["Ada", "Ben", "Clara", "David"]

    def behave(body, number):
        name = json.loads(body["messages"][0]["content"])["first_name"]
        return 200, {}, written(GOOD.replace("Ada", name)), 0

    orders = orders_of(*[brief_of(n) for n in names])
    results = writer(claude(behave)).write(orders, is_large=True)
    assert [m.text for m in results] == [GOOD.replace("Ada", n) for n in names]


def test_no_customer_id_leaves_with_a_batch(claude, writer):
    server = claude(ok)
    from messages.writer import Order

    writer(server).write([Order("plan", "SECRET-ID-77", brief_of())], is_large=True)
    assert "SECRET-ID-77" not in server.raw[0]


def test_errored_and_expired_lines_are_written_by_template(claude, writer):
    def behave(body, number):
        return {1: ok(body, 1), 2: (500, {}, error("api_error"), 0), 3: (410, {}, {}, 0)}[number]

    results = writer(claude(behave)).write(orders_of(*[brief_of()] * 3), is_large=True)
    assert sorted(m.verdict for m in results) == [
        "not_written: errored",
        "not_written: expired",
        "passed",
    ]


def test_a_run_killed_while_waiting_resumes_the_same_batch(claude, writer):
    server, ledger = claude(ok), Ledger()
    server.polls_until_ended = 10**6
    orders = orders_of(*[brief_of()] * 4)
    with pytest.raises(BatchPendingError):
        writer(server, ledger, batch_wait_seconds=0.0).write(orders, is_large=True)
    server.polls_until_ended = 0
    results = writer(server, ledger).write(orders, is_large=True)
    assert len(server.batches) == 1
    assert [m.text for m in results] == [GOOD] * 4


class KilledBeforeRecording(Ledger):
    def note(self, key, batch_id, requests):
        if batch_id:
            raise KeyboardInterrupt
        super().note(key, batch_id, requests)


def test_a_run_killed_before_it_recorded_the_id_finds_its_batch(claude, writer):
    server, dead = claude(ok), KilledBeforeRecording()
    orders = orders_of(*[brief_of()] * 4)
    with pytest.raises(KeyboardInterrupt):
        writer(server, dead).write(orders, is_large=True)
    alive = Ledger()
    alive.noted = dict(dead.noted)
    results = writer(server, alive).write(orders, is_large=True)
    assert len(server.batches) == 1
    assert [m.text for m in results] == [GOOD] * 4


def test_a_foreign_batch_of_the_same_size_is_not_used(claude, writer):
    server, dead = claude(ok), Ledger()
    writer(server).write(orders_of(*[brief_of()] * 4, campaign="other"), is_large=True)
    orders = orders_of(*[brief_of()] * 4)

    class KilledBeforeSending(Ledger):
        def note(self, key, batch_id, requests):
            super().note(key, batch_id, requests)
            raise KeyboardInterrupt

    dead = KilledBeforeSending()
    with pytest.raises(KeyboardInterrupt):
        writer(server, dead).write(orders, is_large=True)
    alive = Ledger()
    alive.noted = dict(dead.noted)
    results = writer(server, alive).write(orders, is_large=True)
    assert len(server.batches) == 2
    assert [m.verdict for m in results] == ["passed"] * 4


def test_the_cap_holds_for_batches_too(claude, writer):
    server = claude(ok)
    capped = writer(server, spend_cap_usd=0.02)
    results = capped.write(orders_of(*[brief_of()] * 60), is_large=True)
    assert 0 < sum(m.written_by == "claude" for m in results) < 60
    assert capped.gateway.budget.spent_usd <= 0.02


# ---------------------------------------------------------------------- secrets and personal data


def test_neither_key_nor_name_nor_text_is_logged(claude, writer, caplog):
    caplog.set_level(logging.DEBUG)
    server = claude(
        lambda b, n: (
            429 if n == 1 else 400,
            {"retry-after-ms": "1"},
            error("invalid_request_error", "Ada Canary"),
            0,
        )
    )
    writer(server, key="sk-canary-key").write(orders_of(brief_of("Canary")), is_large=False)
    write_one(writer, claude(ok), key="sk-canary-key")
    for secret in ("sk-canary-key", "Canary", GOOD, "customer_for_months"):
        assert secret not in caplog.text


def test_the_digest_depends_on_the_brief_and_the_prompt():
    same = brief_of().digest(PROMPT_VERSION)
    assert brief_of().digest(PROMPT_VERSION) == same
    others = [brief_of("Ben"), brief_of(offer_id="discount_20"), brief_of(language="de")]
    digests = {b.digest(PROMPT_VERSION) for b in others} | {brief_of().digest("x"), same}
    assert len(digests) == 5
    assert faults(GOOD, brief_of()) == ()
    assert set(LANGUAGES) == {"en", "de", "fr", "es"}
