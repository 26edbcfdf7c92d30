"""Rows of the outbox as contacts, and decisions as orders, if an offer is no longer in conf."""

from __future__ import annotations

import datetime as dt

import pytest

from messages.brief import Brief
from pipelines.outreach import message_writing, outbox_delivery
from pipelines.outreach.delivery import Delivery, Journal
from pipelines.outreach.sinks import MailSink
from runtime import settings
from runtime.errors import UsageError
from runtime.settings.offers import load_offers
from tests.unit.pipelines.outreach.receivers import Mailbox

DAY = dt.date(2026, 1, 1)
SETTINGS = settings.load(
    "demo",
    triggers={
        "delivery": {"email": {"unsubscribe": "https://shop.example/stop?c={contact_id}"}},
    },
)
# French has no subject here.
SETTINGS.triggers.delivery.email.subjects.pop("fr")


class Rows(list):
    """Stands in for a frame: sorts its rows and gives one after the other."""

    def orderBy(self, name):
        return Rows(sorted(self, key=lambda row: row[name]))

    def toLocalIterator(self):
        return iter(self)


def due(number, offer_id="discount_10", **changes):
    """A due row: a contact of a rule by e-mail, with the profile of its customer."""
    plain = {
        **{"contact_id": f"{number:032x}", "customer_id": f"c{number}", "rule": "by_mail"},
        **{"action": "offer", "offer_id": offer_id, "channel": "email", "campaign_id": None},
        **{"triggered_on": DAY, "from_level": "LOW", "to_level": "HIGH", "attempts": 0},
        **{"barrier": None, "held_back_for": None, "message_text": None},
        **{"first_name": "Ada", "email": f"c{number}@mail.example", "language": "en"},
    }
    return {**plain, **changes}


def contacts_of(rows, **options):
    return outbox_delivery.contacts_of(Rows(rows), load_offers(), SETTINGS, **options)


def test_contacts_with_a_barrier_are_cancelled_though_their_offer_may_be_gone(
    conf, receiver, tmp_path
):
    server = receiver(Mailbox)
    mail = {"host": "127.0.0.1", "port": server.port, "security": "none"}
    sink = MailSink(conf.email.model_copy(update=mail), None)
    delivery = Delivery({"email": sink}, conf, Journal(tmp_path / "journal"))
    rows = [
        due(1, "gone", barrier="no_such_offer"),
        due(2),
        due(3, "gone", barrier="no_such_offer", campaign_id="plan-1", message_text="Hello."),
        due(4, None, channel="file", action="survey", barrier="opted_out"),
        due(5, barrier="not_fulfilled"),
    ]
    outcomes = delivery.deliver(contacts_of(rows))
    sink.close()
    assert {o.contact.customer_id: (o.status, o.reason) for o in outcomes} == {
        "c1": ("cancelled", "no_such_offer"),
        "c2": ("sent", None),
        "c3": ("cancelled", "no_such_offer"),
        "c4": ("cancelled", "opted_out"),
        "c5": ("held_back", "not_fulfilled"),
    }
    ((to, raw),) = server.heard
    assert to == "c2@mail.example" and b"Hello Ada" in raw


def test_contacts_that_are_not_sent_have_no_text():
    rows = [due(1), due(2, barrier="expired"), due(3, barrier="not_fulfilled")]
    texts = {c.customer_id: c.text for c in contacts_of(rows)}
    assert texts["c1"].startswith("Hello Ada")
    assert (texts["c2"], texts["c3"]) == (None, None)


def test_a_contact_has_the_subject_of_its_language():
    """c1 gets the offer's text, c2 an approved message."""
    message = {"campaign_id": "plan-1", "message_text": "Bonjour."}
    rows = [
        due(1, language="de"),
        due(2, **message, message_language="de"),
        due(3, **message, message_language="fr"),
    ]
    assert [(c.subject, c.text[:7], c.address) for c in contacts_of(rows)] == [
        ("Etwas für Sie", "Guten T", "c1@mail.example"),
        ("Etwas für Sie", "Bonjour", "c2@mail.example"),
        ("Something for you", "Bonjour", "c3@mail.example"),
    ]


def test_attempts_of_dead_letters_count_from_zero_when_they_are_retried():
    assert [c.attempts for c in contacts_of([due(1, attempts=12)])] == [12]
    assert [c.attempts for c in contacts_of([due(1, attempts=12)], is_dead_retried=True)] == [0]


def test_a_contact_of_a_rule_by_email_has_template_offer_last_day_and_unsubscribe():
    """discount_10 is valid for 14 days from 1 January 2026. The contact's id is in the link."""
    (contact,) = contacts_of([due(1, language="de-AT", first_name="ADA")])
    assert contact.text == (
        "Guten Tag Ada!\n\n"
        "Schön, dass Sie bei uns sind. Wir freuen uns sehr darüber.\n\n"
        "Freuen Sie sich über 10 % Rabatt auf Ihre nächste Bestellung. "
        "Gültig bis zum 15. Januar 2026.\n\n"
        "Wenn Sie solche Nachrichten nicht wünschen: "
        f"https://shop.example/stop?c={1:032x}"
    )


def test_a_decision_for_an_offer_that_is_gone_is_refused():
    offers = load_offers()
    with pytest.raises(UsageError) as refused:
        message_writing.check_offers([Brief("gone", "savings", "warm", "en")], offers, DAY)
    assert str(refused.value) == (
        "gold.offer_decisions, as_of 2026-01-01: offer_id gone is not in conf/offers.yaml, which "
        f"has {', '.join(offers)}. Put the offer back into that file, or run decide_offers for "
        "2026-01-01 again."
    )
