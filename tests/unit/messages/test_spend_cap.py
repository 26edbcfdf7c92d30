"""The spend cap holds when a service is so slow that each attempt times out and is retried."""

from __future__ import annotations

import pytest

from messages.limits import cost_at_most
from messages.prompt import input_tokens_at_most, request
from tests.unit.messages.conftest import LIMITS, brief_of, orders_of
from tests.unit.messages.fake_claude import written

RETRIES = 2
ATTEMPTS = 1 + RETRIES
# The most that one attempt can cost for the brief of these tests.
ATTEMPT_USD = cost_at_most(
    input_tokens_at_most(request(brief_of(), LIMITS.model, LIMITS.max_tokens)),
    LIMITS.max_tokens,
    LIMITS.prices,
    is_batch=False,
)


@pytest.fixture
def slow_writer(claude, writer, monkeypatch):
    """A function that makes a writer with a cap over a service that is too slow."""
    # The SDK would otherwise wait 0.5 and 1 seconds before its retries.
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.0)

    def make(cap_usd):
        server = claude(lambda body, number: (200, {}, written("Hello."), 0.3))
        limits = {"timeout_seconds": 0.05, "max_retries": RETRIES, "concurrency": 1}
        return writer(server, spend_cap_usd=cap_usd, **limits)

    return make


@pytest.mark.parametrize(
    ("cap_in_attempts", "asked"),
    [
        (0.9, 0),
        (1.1, 0),  # enough for one attempt, not for its two retries
        (2.9, 0),
        (3.1, 1),
        (5.9, 1),  # 2.9 attempts are left after the first message
        (6.1, 2),
    ],
)
def test_the_cap_holds_though_each_attempt_of_each_message_times_out(
    cap_in_attempts, asked, slow_writer
):
    """An attempt that times out may be billed, so a message can cost three attempts."""
    cap_usd = cap_in_attempts * ATTEMPT_USD
    slow = slow_writer(cap_usd)
    messages = slow.write(orders_of(*[brief_of()] * 3), is_large=False)
    assert slow.gateway.budget.spent_usd <= cap_usd
    assert slow.gateway.budget.spent_usd == pytest.approx(asked * ATTEMPTS * ATTEMPT_USD)
    assert slow.gateway.calls == asked
    assert [message.verdict for message in messages] == (
        ["not_written: timeout"] * asked + ["not_written: spend_cap"] * (3 - asked)
    )
