"""Settings of messages: thinking needs room, and each theme and language needs a template."""

from __future__ import annotations

import datetime as dt

import pytest

from runtime import settings
from runtime.errors import UsageError


def test_thinking_is_off_and_prices_have_a_date():
    messages = settings.load("demo").messages
    assert messages.thinking == "disabled"
    assert (messages.prices.input, messages.prices.output) == (0.1, 0.5)
    assert messages.prices.read_on <= dt.date(2026, 11, 30)


def test_thinking_needs_room_for_its_tokens():
    with pytest.raises(
        UsageError, match="max_tokens must be at least 2000 if thinking is adaptive"
    ):
        settings.load("demo", messages={"thinking": "adaptive", "max_tokens": 1999})
    changed = settings.load("demo", messages={"thinking": "adaptive", "max_tokens": 2000})
    assert changed.messages.thinking == "adaptive"


def test_a_missing_template_is_named():
    with pytest.raises(UsageError, match=r"lacks \['savings.fr'\]"):
        settings.load("demo", messages={"templates": {"savings": {"fr": " "}}})
