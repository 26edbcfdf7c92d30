"""Calls to Claude. `Gateway.ask` never raises; it returns an answer, or a reason for none."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anthropic

from messages.limits import Budget, Limits, Usage, cost_at_most, usage_of
from messages.prompt import input_tokens_at_most

# At DEBUG the SDK logs whole requests, including texts of tickets.
_TALKATIVE = ("anthropic", "httpx2", "httpcore2")
# Reasons that mean the service is unavailable for some time.
SERVICE = {"timeout", "connection", "rate_limited", "overloaded", "server_error"}


NO_USAGE = Usage()


@dataclass(frozen=True)
class Answer:
    """The JSON object of an answer, or None with a reason: no_key, spend_cap, deadline,
    service_down, timeout, connection, rate_limited, overloaded, server_error, key_refused,
    http_<status>, refusal, cut_short, malformed."""

    content: Mapping[str, Any] | None
    reason: str = ""
    usage: Usage = NO_USAGE


def make_client(api_key: str | None, base_url: str | None, limits: Limits) -> Any:
    """The SDK client, or None without a key. The retries of the SDK honour retry-after."""
    if not api_key:
        return None
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return anthropic.Anthropic(
        api_key=api_key,
        base_url=base_url,
        max_retries=limits.max_retries,
        timeout=limits.timeout_seconds,
    )


class Gateway:
    """Makes the calls of one run within budget and deadline, and stops if the service is down."""

    def __init__(
        self, client: Any, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.client, self.limits = client, limits
        self.budget = Budget(limits.spend_cap_usd)
        self.calls = 0
        self._clock, self._lock = clock, threading.Lock()
        self._ends = clock() + limits.deadline_seconds
        self._failures = 0

    def ask(self, parameters: dict[str, Any]) -> Answer:
        """Make one call of the Messages API, with the retries of the SDK."""
        reason = self.closed()
        if reason:
            return Answer(None, reason)
        attempt = cost_at_most(
            input_tokens_at_most(parameters),
            parameters["max_tokens"],
            self.limits.prices,
        )
        # An attempt that times out may still have been processed and billed.
        reserved = attempt * (self.limits.max_retries + 1)
        if not self.budget.reserve(reserved):
            return Answer(None, "spend_cap")
        with self._lock:
            self.calls += 1
        lost = _Lost()
        try:
            client = self.client.with_options(middleware=[lost])
            answer = read_answer(client.messages.create(**parameters), self.limits)
        except Exception as error:  # after any error the caller goes without
            answer = Answer(None, reason_of(error))
        self.budget.settle(reserved, answer.usage.cost_usd + lost.attempts * attempt)
        self._note(answer.reason)
        return answer

    def closed(self) -> str:
        """Why no more calls are made. Empty: calls are allowed."""
        if self.client is None:
            return "no_key"
        if self._clock() >= self._ends:
            return "deadline"
        with self._lock:
            is_down = self._failures >= self.limits.failures_to_stop
        return "service_down" if is_down else ""

    def _note(self, reason: str) -> None:
        with self._lock:
            if reason in SERVICE:
                self._failures += 1
            elif reason == "key_refused":
                self._failures = self.limits.failures_to_stop
            else:
                self._failures = 0


class _Lost:
    """Counts the attempts of one call that got no answer, even if a later retry succeeds."""

    def __init__(self) -> None:
        self.attempts = 0

    def __call__(self, request: Any, attempt: Callable[[Any], Any]) -> Any:
        try:
            return attempt(request)
        except anthropic.APIConnectionError:  # includes timeouts
            self.attempts += 1
            raise


def reason_of(error: Exception) -> str:
    """Reason code of an error. The error text is not used, because it may quote the request."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (anthropic.APITimeoutError, "timeout"),
        (anthropic.APIConnectionError, "connection"),
        (anthropic.RateLimitError, "rate_limited"),
        (anthropic.OverloadedError, "overloaded"),
        (anthropic.InternalServerError, "server_error"),
        (anthropic.AuthenticationError, "key_refused"),
        (anthropic.PermissionDeniedError, "key_refused"),
        (anthropic.PaymentRequiredError, "key_refused"),
    )
    for kind, reason in kinds:
        if isinstance(error, kind):
            return reason
    status = getattr(error, "status_code", None)
    return f"http_{status}" if isinstance(status, int) else "malformed"


def read_answer(message: Any, limits: Limits) -> Answer:
    """Read the JSON object of an answer, which may be invalid, such as HTML or incomplete JSON."""
    usage = usage_of(getattr(message, "usage", None), limits.prices)
    stopped = getattr(message, "stop_reason", None)
    if stopped == "refusal":
        return Answer(None, "refusal", usage)
    if stopped == "max_tokens":
        return Answer(None, "cut_short", usage)
    blocks = getattr(message, "content", None)
    # Blocks of thinking have no text.
    texts = [getattr(b, "text", None) for b in blocks] if isinstance(blocks, list) else []
    texts = [text for text in texts if isinstance(text, str)]
    try:
        content = json.loads(str(texts[0])) if len(texts) == 1 else None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return Answer(None, "malformed", usage)
    return Answer(content, "", usage)
