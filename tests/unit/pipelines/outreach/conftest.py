"""Contacts, settings and receivers for the tests of delivery."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.outreach.contact import Contact
from runtime import settings


def contact_of(number=0, channel="file", **changes):
    """A contact. The number determines its contact_id and customer."""
    fields = {
        "contact_id": f"{number:032x}",
        "customer_id": f"c{number}",
        "rule": "offer_to_the_rest",
        "action": "offer",
        "offer_id": "discount_10",
        "channel": channel,
        "triggered_on": dt.date(2026, 1, 1),
        "from_level": "LOW",
        "to_level": "HIGH",
        "address": f"c{number}@mail.example",
        "subject": "Etwas für Sie",
        "text": "Hello Ada, thank you for being with us. Enjoy 10% off your next order.",
    }
    return Contact(**{**fields, **changes})


@pytest.fixture(scope="session")
def conf():
    """The section `delivery` of the shipped conf."""
    return settings.load("demo").triggers.delivery


@pytest.fixture
def receiver():
    """A function that starts a Webhook or Mailbox."""
    started = []

    def start(kind, **behaviour):
        started.append(kind(**behaviour))
        return started[-1]

    yield start
    for server in started:
        server.close()
