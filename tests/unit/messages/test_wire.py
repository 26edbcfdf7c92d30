"""The real SDK against a local server that plays writer and judge: every failure fails closed."""

from __future__ import annotations

import json
import logging
import time
from typing import get_args

import anthropic
import pytest
from anthropic.types.model import Model

from messages.judge import FAULTS, READERS, SCHEMA as JUDGE_SCHEMA
from messages.limits import cost_at_most
from messages.prompt import input_tokens_at_most, request, writer_request
from tests.unit.messages.conftest import LIMITS, TERMS, brief_of, wanted_of
from tests.unit.messages.fake_claude import (
    CLEAN,
    IN,
    OUT,
    data_of,
    error,
    message,
    plays,
    verdict,
    written,
)

GOOD = "Thank you for being with us, we are glad to have you here."
OTHER = "It is good to have you with us, and our team is here for you."
BAD_FORM = "Thank you for being with us, enjoy 20% off."
# 500 tokens at $1 and 40 at $5 per million.
CALL_USD = (IN * 1.0 + OUT * 5.0) / 1e6


def good_writer(data):
    return written(*[GOOD, OTHER, GOOD][: data["count"]])


def write_brief(writer, server, count=1, **changes):
    (result,) = writer(server, **changes).write([wanted_of(count)])
    return result


def test_the_default_model_is_current_in_the_installed_sdk():
    names = {n for part in get_args(Model) for n in get_args(part)}
    assert LIMITS.model in names
    assert LIMITS.model not in anthropic.resources.messages.messages.DEPRECATED_MODELS


def test_a_text_that_passes_with_its_tokens_and_cost(claude, writer):
    """One call of the writer, shared by two texts, and two calls of the judge per text."""
    server = claude(plays(good_writer))
    result = write_brief(writer, server, count=2)
    assert [(t.text, t.form_verdict, t.judge_verdict) for t in result.texts] == [
        (GOOD, "passed", "passed"),
        (OTHER, "passed", "passed"),
    ]
    assert (len(server.of("writer")), len(server.of("judge"))) == (1, 4)
    first = result.texts[0].usage
    assert (first.input, first.output) == (IN // 2 + 2 * IN, OUT // 2 + 2 * OUT)
    assert first.cost_usd == pytest.approx(2.5 * CALL_USD)
    assert result.reason == ""


def test_nothing_but_the_brief_leaves_and_thinking_is_off(claude, writer):
    server = claude(plays(good_writer))
    write_brief(writer, server)
    (asked,) = server.of("writer")
    assert data_of(asked) == {
        "theme": "savings",
        "tone": "warm",
        "language": "en",
        "offer": "10% off your next order",
        "count": 1,
        "present": [],
    }
    for body in server.requests:
        assert set(body) == {
            *("model", "max_tokens", "thinking", "system", "messages", "output_config")
        }
        assert body["thinking"] == {"type": "disabled"}
        assert set(body["output_config"]) == {"format"}


def test_adaptive_thinking_is_kept_short(claude, writer):
    server = claude(plays(good_writer))
    write_brief(writer, server, thinking="adaptive")
    assert {body["thinking"]["type"] for body in server.requests} == {"adaptive"}
    assert {body["output_config"]["effort"] for body in server.requests} == {"low"}


def test_the_judge_sees_only_text_and_offer_and_is_two_readers(claude, writer):
    server = claude(plays(good_writer))
    write_brief(writer, server)
    judged = server.of("judge")
    assert [data_of(body) for body in judged] == [{"text": GOOD, "offer": TERMS.sentence}] * 2
    assert [body["system"][0]["text"] for body in judged] == list(READERS)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("reader", [0, 1])
def test_one_fault_of_one_reader_refuses(claude, writer, fault, reader):
    answers = iter([verdict(), verdict()][:reader] + [verdict(**{fault: True})] * 9)
    result = write_brief(writer, claude(plays(good_writer, lambda data: next(answers))))
    assert [t.judge_verdict for t in result.texts][:1] == [f"refused: {fault}"]
    assert not result.texts[0].is_passed


@pytest.mark.parametrize(
    ("change", "said"),
    [({"language": "de"}, "language"), ({"language": "other"}, "language"),
     ({"makes_sense": False}, "sense")],
)  # fmt: skip
def test_another_language_and_nonsense_are_refused(claude, writer, change, said):
    server = claude(plays(good_writer, lambda data: verdict(**change)))
    result = write_brief(writer, server)
    assert result.texts[0].judge_verdict == f"refused: {said}"
    # The second reader is not paid for once the first has refused.
    assert len(server.of("judge")) == len(result.texts)


HTML = "<html><body>502 Bad Gateway</body></html>"
AT_ONCE = {"retry-after-ms": "1"}
FAILURES = {
    "refusal": (200, {}, message("I cannot.", "refusal")),
    "cut_short": (200, {}, message('{"texts": ["Thank', "max_tokens")),
    "half_json": (200, {}, message('{"texts": ["Thank')),
    "no_json": (200, {}, message("Thank you")),
    "other_shape": (200, {}, message('{"text": "Thank you"}')),
    "list": (200, {}, message('["Thank you"]')),
    "number": (200, {}, message('{"texts": [5]}')),
    "deep": (200, {}, message("[" * 50_000)),
    "extra_field": (200, {}, message(json.dumps({"texts": [GOOD], "offer_id": "x", **CLEAN}))),
    "no_content": (200, {}, message(None)),
    "html": (200, {}, HTML),
    "empty_object": (200, {}, {}),
    "bad_request": (400, {}, error("invalid_request_error")),
    "no_key": (401, {}, error("authentication_error")),
    "no_money": (402, {}, error("billing_error")),
    "not_found": (404, {}, error("not_found_error")),
    "server_error": (500, AT_ONCE, error("api_error")),
    "unavailable": (503, AT_ONCE, HTML),
    "overloaded": (529, AT_ONCE, error("overloaded_error")),
    "limited": (429, AT_ONCE, error("rate_limit_error")),
    "reset": (None, {}, ""),
}
REASONS = {
    **{name: name for name in ("refusal", "cut_short", "server_error", "overloaded")},
    **{"bad_request": "http_400", "not_found": "http_404", "reset": "connection"},
    **{"no_key": "key_refused", "no_money": "key_refused"},
    **{"unavailable": "server_error", "limited": "rate_limited"},
}
RETRIED = {"server_error", "unavailable", "overloaded", "limited", "reset"}


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    """The SDK would wait 0.5 and 1 seconds before its retries."""
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.0)


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_of_the_writer_gives_no_text_and_its_reason(claude, writer, kind):
    server = claude(plays(lambda data: FAILURES[kind]))
    result = write_brief(writer, server)
    assert (result.texts, result.reason) == ([], REASONS.get(kind, "malformed"))
    assert len(server.requests) == (3 if kind in RETRIED else 1)


@pytest.mark.parametrize(
    ("kind", "reader"),
    [*((kind, 0) for kind in FAILURES), *((kind, 1) for kind in ("cut_short", "html", "limited"))],
)
def test_a_failure_of_the_judge_fails_closed(claude, writer, kind, reader):
    """The text is kept out, and no second draft is paid for: nobody refused the first."""
    seen = []

    def judge(data):
        seen.append(data)
        return verdict() if len(seen) <= reader else FAILURES[kind]

    server = claude(plays(good_writer, judge))
    result = write_brief(writer, server)
    (text,) = result.texts
    assert text.judge_verdict == f"unanswered: {REASONS.get(kind, 'malformed')}"
    assert not text.is_passed and text.why_refused is None
    assert len(server.of("writer")) == 1
    assert len(seen) == reader + (3 if kind in RETRIED else 1)


@pytest.mark.parametrize(
    "answer",
    [
        {k: v for k, v in CLEAN.items() if k != "threat"},
        {**CLEAN, "threat": None},
        {**CLEAN, "threat": "false"},
        {**CLEAN, "threat": 0},
        {**CLEAN, "makes_sense": "yes"},
        {**CLEAN, "reason": None},
        {**CLEAN, "verdict": "fine"},
    ],
)
def test_an_incomplete_judgement_is_no_pass(claude, writer, answer):
    server = claude(plays(good_writer, lambda data: message(json.dumps(answer))))
    result = write_brief(writer, server)
    assert result.texts[0].judge_verdict == "unanswered: malformed"


def test_a_slow_judge_times_out_and_the_attempt_counts_as_billed(claude, writer):
    def behave(body, number):
        return 200, {}, (written(GOOD) if number == 1 else verdict()), 0 if number == 1 else 0.8

    slow = writer(claude(behave), timeout_seconds=0.3, max_retries=0)
    (result,) = slow.write([wanted_of()])
    assert result.texts[0].judge_verdict == "unanswered: timeout"
    assert slow.gateway.budget.spent_usd > CALL_USD


def test_a_refused_draft_is_asked_for_once_more_with_the_draft_and_the_reason(claude, writer):
    """The first draft breaks a form check, the second is refused by the judge."""
    pushy = "We are glad to have you with us, and you are always free to enjoy it."

    def author(data):
        return written(GOOD, OTHER) if "refused" in data else written(BAD_FORM, pushy)

    def judge(data):
        return verdict(promise=data["text"] == pushy, reason="It offers\nsomething free.")

    server = claude(plays(author, judge))
    result = write_brief(writer, server, count=2)
    first, second = (data_of(body) for body in server.of("writer"))
    assert "refused" not in first and second["count"] == 2
    assert [r["draft"] for r in second["refused"]] == [BAD_FORM, pushy]
    assert "has a digit, a sign" in second["refused"][0]["reason"]
    assert second["refused"][1]["reason"] == (
        "It promises something beside the offer, or changes the offer. It offers something free."
    )
    assert [(t.text, t.is_passed) for t in result.texts] == [
        (BAD_FORM, False),
        (pushy, False),
        (GOOD, True),
        (OTHER, True),
    ]


def test_calls_per_brief_are_bounded(claude, writer):
    """Two of the writer, and at most two of the judge for each of 2 x 3 drafts; one if refused."""
    numbers = iter(range(99))

    def author(data):
        return written(
            *[f"{GOOD} {'Indeed' if next(numbers) % 2 else 'Really'} so." for _ in range(3)]
        )

    server = claude(plays(author, lambda data: verdict(insult=True, reason="No.")))
    result = write_brief(writer, server, count=1)
    assert len(result.texts) == 2 and not any(t.is_passed for t in result.texts)
    assert (len(server.of("writer")), len(server.of("judge"))) == (2, 2)


def test_a_text_that_exists_is_not_taken_again(claude, writer):
    server = claude(plays(lambda data: written(GOOD, GOOD, OTHER)))
    (result,) = writer(server).write([wanted_of(2, present=[GOOD])])
    assert [t.text for t in result.texts] == [OTHER]
    (asked,) = server.of("writer")
    assert data_of(asked)["present"] == [GOOD]


def test_the_service_counts_as_down_after_some_failures(claude, writer):
    server = claude(plays(lambda data: FAILURES["overloaded"]))
    made = writer(server, concurrency=1, max_retries=0, failures_to_stop=3)
    results = made.write([wanted_of()] * 8)
    assert [r.reason for r in results] == ["overloaded"] * 3 + ["service_down"] * 5
    assert len(server.requests) == 3


def test_no_calls_after_the_deadline_without_a_key_or_without_a_server(claude, writer):
    server = claude(plays(good_writer))
    assert write_brief(writer, server, deadline_seconds=0.0).reason == "deadline"
    assert write_brief(writer, server, key=None).reason == "no_key"
    assert write_brief(writer, None, max_retries=0).reason == "connection"
    assert server.requests == []


def test_concurrency_is_limited(claude, writer):
    server = claude(lambda body, number: (*FAILURES["refusal"], 0.05))
    writer(server, concurrency=3).write([wanted_of()] * 12)
    assert (len(server.requests), server.most) == (12, 3)


def test_three_of_ten_calls_fail_and_the_run_ends_in_time(claude, writer):
    kinds = [k for k in FAILURES if k not in ("no_key", "no_money")]
    began = time.monotonic()

    def behave(body, number):
        if number % 10 < 3:
            return (*FAILURES[kinds[number % len(kinds)]], 0)
        return plays(good_writer)(body, number)

    results = writer(claude(behave), failures_to_stop=50).write([wanted_of()] * 40)
    texts = [t for r in results for t in r.texts]
    assert any(t.is_passed for t in texts)
    # Two clean answers stand behind each text that passed: no failure was taken for a pass.
    assert all(t.judge_verdict == "passed" or not t.is_passed for t in texts)
    assert time.monotonic() - began < 30


def test_neither_key_nor_text_is_logged(claude, writer, caplog):
    caplog.set_level(logging.DEBUG)
    server = claude(plays(good_writer, lambda data: (400, {}, error("bad", "Canary"))))
    write_brief(writer, server, key="sk-canary-key")
    for secret in ("sk-canary-key", "Canary", GOOD, "10% off"):
        assert secret not in caplog.text


def test_the_upper_bound_of_the_input_covers_all_that_is_sent():
    request = writer_request(brief_of(), TERMS.terms, 5, limits=LIMITS)
    text = request["system"][0]["text"] + request["messages"][0]["content"]
    assert input_tokens_at_most(request) > len(text.encode())
    # 1,000 tokens at $1 and 100 at $5 per million.
    assert cost_at_most(1000, 100, LIMITS.prices) == pytest.approx(0.0015)


def test_requests_are_as_long_as_the_page_on_costs_assumes():
    """docs/messages.md: 700 tokens for the writer and 800 for a reader, at 3.5 bytes per token."""
    asked = writer_request(brief_of(), TERMS.terms, 5, limits=LIMITS)
    assert len(json.dumps(asked).encode()) / 3.5 <= 700
    for reader in READERS:
        data = {"text": GOOD, "offer": TERMS.sentence}
        judge = request(reader, data, JUDGE_SCHEMA, limits=LIMITS)
        assert len(json.dumps(judge).encode()) / 3.5 <= 800
