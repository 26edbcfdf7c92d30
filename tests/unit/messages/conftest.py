"""Briefs, limits, and a fake server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from messages.brief import Brief, Terms
from messages.gateway import Gateway, make_client
from messages.limits import Limits, Prices
from messages.writer import Wanted, Writer
from tests.unit.messages.fake_claude import FakeClaude

LIMITS = Limits(
    model="claude-haiku-5-5",
    thinking="disabled",
    max_tokens=2000,
    concurrency=4,
    max_retries=2,
    timeout_seconds=2.0,
    deadline_seconds=60.0,
    failures_to_stop=5,
    spend_cap_usd=10.0,
    prices=Prices(input=1.0, output=5.0),
)
TERMS = Terms("10% off your next order", "Enjoy 10% off your next order.")


def brief_of(offer_id="discount_10", theme="savings", tone="warm", language="en"):
    return Brief(offer_id, theme, tone, language)


def wanted_of(count=1, present=(), **brief):
    return Wanted(brief_of(**brief), TERMS, count, tuple(present))


@pytest.fixture
def claude():
    """A function that starts a fake server with a given behaviour."""
    servers = []

    def start(behave):
        servers.append(FakeClaude(behave))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def gateway():
    """A function that creates a Gateway with the real SDK and the URL of a fake server."""

    def make(server, key="sk-test-key", **changes):
        limits = replace(LIMITS, **changes)
        return Gateway(
            make_client(key, server.url if server else "http://127.0.0.1:9", limits), limits
        )

    return make


@pytest.fixture
def writer(gateway):
    """A function that creates a Writer like `gateway`."""
    return lambda server, **changes: Writer(gateway(server, **changes))
