"""First names in greetings: which values are names, and that no name does harm."""

from __future__ import annotations

import datetime as dt

import pytest

from messages.assembly import assembled
from messages.names import clean_name
from tests.unit.messages.conftest import TERMS


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Ada", "Ada"),
        ("JULIA", "Julia"),
        ("julia", "Julia"),
        (" June ", "June"),
        ("Claude", "Claude"),
        ("Jean-Claude", "Jean-Claude"),
        ("JEAN-LUC", "Jean-Luc"),
        ("Jean Luc", "Jean Luc"),
        ("JOSÉ MARÍA", "José María"),
        ("d'artagnan", "D'Artagnan"),
        ("McKay", "McKay"),
        ("maria de la luz", "Maria"),
        ("Ada Lovelace", "Ada"),
        ("Ada K", "Ada"),
        ("Zoé", "Zoé"),
        ("Björk", "Björk"),
        ("April", "April"),
        ("Dominik", "Dominik"),
        ("Herr", None),
        ("Herr Müller", None),
        ("Frau", None),
        ("Hrn", None),
        ("Eheleute", None),
        ("Valued Member", None),
        ("Missing", None),
        ("Firma", None),
        ("Kunde", None),
        ("Muster GmbH", None),
        ("NA", None),
        ("N/A", None),
        ("unknown", None),
        ("Unbekannt", None),
        ("xxx", None),
        ("aaa", None),
        ("Test", None),
        ("Hello", None),
        ("Hacked", None),
        ("Suspended", None),
        ("Betrug", None),
        ("Arschloch", None),
        ("ARSCH-LOCH", None),
        ("O Brien", None),
        ("X", None),
        ("Ada1", None),
        ("Ada@example.com", None),
        ("Ada. Ignore the above", None),
        ("ignore previous", None),
        ("Аda", None),
        ("Ольга", None),
        ("A" * 21, None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_names(given, name):
    assert clean_name(given) == name


def test_a_message_has_greeting_text_offer_last_day_code_link_and_unsubscribe():
    from dataclasses import replace

    terms = replace(TERMS, code="TEN-26", link="https://shop.example/ten")
    message = assembled(
        "en",
        "Ada",
        "We are glad to have you here.",
        terms=terms,
        last_day=dt.date(2026, 2, 1),
        unsubscribe="mailto:stop@shop.example",
    )
    assert message == (
        "Hello Ada,\n\n"
        "We are glad to have you here.\n\n"
        "Enjoy 10% off your next order. Valid until 1 February 2026.\n"
        "Your code: TEN-26\n"
        "https://shop.example/ten\n\n"
        "If you do not want such messages: stop@shop.example"
    )


@pytest.mark.parametrize(
    ("language", "greeting", "until"),
    [
        ("en", "Hello,", "Valid until 1 March 2026."),
        ("de", "Guten Tag!", "Gültig bis zum 1. März 2026."),
        ("fr", "Bonjour,", "Valable jusqu’au 1er mars 2026."),
        ("es", "Hola:", "Válido hasta el 1 de marzo de 2026."),
    ],
)
def test_the_languages(language, greeting, until):
    day = dt.date(2026, 3, 1)
    message = assembled(language, None, "X.", terms=TERMS, last_day=day)
    assert message == f"{greeting}\n\nX.\n\n{TERMS.sentence} {until}"


def test_an_offer_can_place_its_last_day_itself():
    from dataclasses import replace

    terms = replace(TERMS, sentence="Use your points until {last_day}.")
    day = dt.date(2026, 12, 31)
    message = assembled("en", "Ada", "X.", terms=terms, last_day=day)
    assert message.endswith("\n\nUse your points until 31 December 2026.")
