"""Briefs, limits, and a fake server."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from messages.batches import BatchWriter
from messages.brief import Terms, make_brief
from messages.gateway import Gateway, make_client
from messages.limits import Limits, Prices
from messages.writer import Order, Writer
from tests.conftest import ROOT
from tests.unit.messages.fake_claude import FakeClaude

PRICES = Prices(input=1.0, output=5.0, cache_write=2.0, cache_read=0.1, batch_factor=0.5)
LIMITS = Limits(
    model="claude-haiku-5-5",
    max_tokens=300,
    concurrency=4,
    max_retries=2,
    timeout_seconds=2.0,
    deadline_seconds=60.0,
    failures_to_stop=5,
    spend_cap_usd=10.0,
    batch_from=1000,
    batch_size=100,
    batch_poll_seconds=0.01,
    batch_wait_seconds=5.0,
    prices=PRICES,
)


def offer_texts(offer_id):
    offers = yaml.safe_load((ROOT / "conf" / "offers.yaml").read_text())["offers"]
    return {lang: Terms(**t) for lang, t in offers[offer_id]["texts"].items()}


def brief_of(first_name="Ada", offer_id="discount_10", language="en", reason=None, months=14):
    texts = offer_texts(offer_id)
    return make_brief(
        first_name,
        months,
        language,
        offer_id=offer_id,
        texts=texts,
        offer_theme="savings",
        main_reason=reason,
    )


def orders_of(*briefs, campaign="plan"):
    return [Order(campaign, f"c{n}", brief) for n, brief in enumerate(briefs)]


class Ledger:
    """Batches recorded in memory."""

    def __init__(self):
        self.noted = {}

    def batch_id(self, key):
        return self.noted.get(key)

    def note(self, key, batch_id, requests):
        self.noted[key] = batch_id

    def known_ids(self):
        return {b for b in self.noted.values() if b}


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
def writer():
    """A function that creates a Writer with the real SDK and the URL of a fake server."""

    def make(server, ledger=None, key="sk-test-key", names=(), **changes):
        limits = replace(LIMITS, **changes)
        client = make_client(key, server.url if server else "http://127.0.0.1:9", limits)
        gateway = Gateway(client, limits)
        return Writer(gateway, BatchWriter(gateway, ledger or Ledger()), names)

    return make
