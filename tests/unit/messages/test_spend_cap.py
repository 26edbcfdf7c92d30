"""The spend cap holds, also when a service is so slow that each attempt times out."""

from __future__ import annotations

import pytest

from messages.limits import cost_at_most
from messages.prompt import input_tokens_at_most, writer_request
from tests.unit.messages.conftest import LIMITS, TERMS, brief_of, wanted_of
from tests.unit.messages.fake_claude import written

RETRIES = 2
ATTEMPTS = 1 + RETRIES
# The most that one attempt can cost for the brief of these tests.
ATTEMPT_USD = cost_at_most(
    input_tokens_at_most(writer_request(brief_of(), TERMS.terms, 1, limits=LIMITS)),
    LIMITS.max_tokens,
    LIMITS.prices,
)


@pytest.mark.parametrize(
    ("cap_in_attempts", "asked"),
    [
        (0.9, 0),
        (1.1, 0),  # enough for one attempt, not for its two retries
        (2.9, 0),
        (3.1, 1),
        (5.9, 1),  # 2.9 attempts are left after the first call
        (6.1, 2),
    ],
)
def test_the_cap_holds_though_each_attempt_times_out(
    claude, writer, monkeypatch, cap_in_attempts, asked
):
    """An attempt that times out may be billed, so a call can cost three attempts."""
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.0)
    server = claude(lambda body, number: (200, {}, written("Hello."), 0.3))
    cap_usd = cap_in_attempts * ATTEMPT_USD
    limits = {"timeout_seconds": 0.05, "max_retries": RETRIES, "concurrency": 1}
    slow = writer(server, spend_cap_usd=cap_usd, **limits)
    results = slow.write([wanted_of()] * 3)
    assert slow.gateway.budget.spent_usd <= cap_usd
    assert slow.gateway.budget.spent_usd == pytest.approx(asked * ATTEMPTS * ATTEMPT_USD)
    assert slow.gateway.calls == asked
    assert [r.reason for r in results] == ["timeout"] * asked + ["spend_cap"] * (3 - asked)
