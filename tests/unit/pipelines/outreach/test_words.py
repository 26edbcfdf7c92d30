"""Rows of the outbox as contacts, and of plans as orders, where conf has lost an offer since."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.outreach import message_writing, outbox_delivery
from pipelines.outreach.delivery import Delivery, Journal
from pipelines.outreach.sinks import MailSink
from runtime.errors import UsageError
from runtime.settings import offers
from tests.unit.pipelines.outreach.receivers import Mailbox

DAY = dt.date(2026, 1, 1)


class Rows(list):
    """As a frame gives them, one after the other."""

    def orderBy(self, name):
        return Rows(sorted(self, key=lambda row: row[name]))

    def toLocalIterator(self):
        return iter(self)


def due(number, offer_id="discount_10", **changes):
    """A row of a rule's contact by e-mail with its profile."""
    plain = {
        **{"contact_id": f"{number:032x}", "customer_id": f"c{number}", "rule": "by_mail"},
        **{"action": "offer", "offer_id": offer_id, "channel": "email", "campaign_id": None},
        **{"triggered_on": DAY, "from_level": "LOW", "to_level": "HIGH", "attempts": 0},
        **{"is_expired": False, "is_opted_out": None, "message_text": None},
        **{"first_name": "Ada", "email": f"c{number}@mail.example", "language": "en"},
    }
    return {**plain, **changes}


@pytest.fixture
def context(conf):
    settings = SimpleNamespace(triggers=SimpleNamespace(delivery=conf))
    return SimpleNamespace(settings=settings, as_of=DAY)


@pytest.fixture
def loads(monkeypatch):
    """How often conf/offers.yaml was read."""
    read, counted = offers.load_offers, []
    for job in (outbox_delivery, message_writing):
        monkeypatch.setattr(job, "load_offers", lambda: counted.append(1) or read())
    return counted


def test_an_offer_that_conf_has_lost_holds_up_no_other(context, conf, receiver, loads, tmp_path):
    server = receiver(Mailbox)
    mail = {"host": "127.0.0.1", "port": server.port, "security": "none"}
    sink = MailSink(conf.email.model_copy(update=mail), None)
    delivery = Delivery({"email": sink}, conf, Journal(tmp_path / "journal"))
    rows = [
        due(1, "gone"),
        due(2),
        due(3, "gone", campaign_id="plan-1", message_text="Hello.", message_language="en"),
        due(4, "gone", channel="file"),
        due(5, "gone", is_expired=True),
        due(6, is_expired=True),
        due(7, None, channel="file", action="survey", is_opted_out=True),
    ]
    found = delivery.deliver(outbox_delivery.contacts_of(context, Rows(rows), False))
    sink.close()
    assert {o.contact.customer_id: (o.status, o.reason) for o in found} == {
        "c1": ("cancelled", "no_such_offer"),
        "c2": ("sent", None),
        "c3": ("cancelled", "no_such_offer"),
        "c4": ("cancelled", "no_such_offer"),
        "c5": ("cancelled", "expired"),
        "c6": ("cancelled", "expired"),
        "c7": ("cancelled", "opted_out"),
    }
    ((to, raw),) = server.heard
    assert to == "c2@mail.example" and b"Hello Ada" in raw
    assert len(loads) == 1


def test_no_words_are_made_for_what_is_not_sent(context, loads):
    rows = Rows([due(1), due(2, is_expired=True), due(3, is_opted_out=True), due(4, "gone")])
    found = {c.customer_id: c.text for c in outbox_delivery.contacts_of(context, rows, False)}
    assert found["c1"].startswith("Hello Ada")
    assert (found["c2"], found["c3"], found["c4"]) == (None, None, None)


def test_a_decision_for_an_offer_that_conf_has_lost_is_named(context):
    row = {"customer_id": "c1", "campaign_id": "plan-2026-01-01", "offer_id": "gone"}
    with pytest.raises(UsageError) as refused:
        list(message_writing.orders(context, Rows([row])))
    known = ", ".join(offers.load_offers())
    assert str(refused.value) == (
        f"gold.offer_decisions, as_of 2026-01-01: offer_id gone is none of conf/offers.yaml, which "
        f"has {known}. Put it back, or run decide_offers for that day again."
    )
