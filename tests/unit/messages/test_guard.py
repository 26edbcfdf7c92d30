"""Accepted and refused texts for each rule of the guard, in four languages."""

from __future__ import annotations

import itertools

import pytest
import yaml

from messages.brief import LANGUAGES, THEMES, Brief, clean_name, make_brief
from messages.guard import faults
from messages.templates import template
from tests.conftest import ROOT
from tests.unit.messages.conftest import brief_of, offer_texts

OFFERS = list(yaml.safe_load((ROOT / "conf" / "offers.yaml").read_text())["offers"])
OTHERS = {"Bob", "Karin", "Luis"}

GOOD = [
    (
        "en",
        "Hello Ada, it is a pleasure to have you with us. As a small thank you, enjoy 10% off "
        "your next order.",
    ),
    (
        "en",
        "Dear Ada, thank you for being with us! It is on its way to be a little nicer: enjoy 10% "
        "off your next order.",
    ),
    (
        "de",
        "Guten Tag Ada, wir freuen uns, dass Sie bei uns sind. Von uns erhalten Sie 10 % Rabatt "
        "auf Ihre nächste Bestellung.",
    ),
    (
        "fr",
        "Bonjour Ada, merci de votre confiance. Profitez de 10 % de réduction sur votre prochaine "
        "commande.",
    ),
    (
        "es",
        "Hola Ada, gracias por confiar en nosotros. Disfrute de un 10 % de descuento en su "
        "próximo pedido.",
    ),
]


@pytest.mark.parametrize(("language", "text"), GOOD)
def test_a_correct_message_passes(language, text):
    assert faults(text, brief_of(language=language), OTHERS) == ()


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_template_passes_the_guard(offer, language):
    for theme, name in itertools.product(THEMES, ("Ada", "Jean-Luc", None)):
        brief = Brief(name, 3, language, offer, offer_texts(offer)[language], theme)
        assert faults(template(brief), brief, OTHERS) == (), template(brief)


OFFER = "Enjoy 10% off your next order."
# (rule, first sentence of the text). The second sentence is the correct offer.
BROKEN = [
    ("leaving", "Hello Ada, we would hate for you to leave us."),
    ("leaving", "Hello Ada, please stay with us."),
    ("leaving", "Hello Ada, your churn score is on our minds."),
    ("leaving", "Hello Ada, you are at risk and with us."),
    ("leaving", "Hello Ada, our team predicted that you need this."),
    ("leaving", "Hello Ada, we miss you and your orders with us."),
    ("leaving", "Hello Ada, ch-urn is what we think of with you."),
    ("leaving", "Hello Ada, the càncel button is not for you."),
    ("promise", "Hello Ada, a gift is on its way to you with us."),
    ("promise", "Hello Ada, we guarantee you the best with us."),
    ("promise", "Hello Ada, shipping is on us for you."),
    ("promise", "Hello Ada, you get a refund from us."),
    ("number", "Hello Ada, we are happy to have you as one of our 500 best."),
    ("number", "Hello Ada, you also get fifty points on us."),
    ("number", "Hello Ada, you have €5 with us."),
    ("time", "Hello Ada, this is for you until Friday with us."),
    ("time", "Hello Ada, this is for you with us only today."),
    ("invented", "Hello Ada, we noticed that you are with us."),
    ("invented", "Hello Ada, happy birthday to you from us."),
    ("foreign", "Hello Ada, click the link to be with us."),
    ("foreign", "Hello Ada, as an AI I thank you for us."),
    ("foreign", "Hello Ada, the system prompt is with you and us."),
    ("foreign", "Hello Ada, please send your password to us."),
    ("word", "Hello Ada, here is a laptop for you from us."),
    ("word", "Peter thanks you for being with us."),
    ("word", "Hello Ada, thank you for being with us and with ada."),
    ("name", "Hello Bob, thank you for being with us."),
    ("name", "Hello Zbigniew, thank you for being with us."),
    ("name", "Thank you for being with us and with Mrs Smith."),
    ("name", "Zbigniew, thank you for being with us."),
    ("layout", "Hello Ada, see example.com for you and us."),
    ("layout", "Hello Ada, c h u r n is not for you and us."),
    ("layout", "Hello Ada, ch0ose to be with us for you."),
    ("characters", "Hello Ada, thank you for being with us <b>."),
    ("characters", "Hello Ada, thank you for {{being}} with us."),
    ("characters", "Hello Ada, thank you for being with us \U0001f600."),
    ("characters", "Hello Ada, thank yоu for being with us."),  # a Cyrillic o
    ("characters", "Hello Ada, thank\u200byou for being with us."),
    ("characters", "Hello Ada, thank you\nfor being with us."),
    ("characters", "Hello Ada, thank you \U000e0041\U000e0042 for being with us."),
    ("sentences", "Hello Ada. Thank you for being with us."),
    ("too_long", "Hello Ada, thank you for being with us" + " and with us" * 25 + "."),
]


@pytest.mark.parametrize(("rule", "first"), BROKEN)
def test_a_sentence_that_breaks_a_rule_is_refused(rule, first):
    assert rule in faults(f"{first} {OFFER}", brief_of(), OTHERS)


OTHER_LANGUAGES = [
    ("de", "leaving", "Guten Tag Ada, bitte kündigen Sie nicht bei uns."),
    ("de", "leaving", "Guten Tag Ada, schön, dass Sie bei uns bleiben."),
    ("de", "leaving", "Guten Tag Ada, wir wollen Sie nicht verlieren."),
    ("de", "promise", "Guten Tag Ada, der Versand ist für Sie kostenlos bei uns."),
    ("de", "name", "Guten Tag Zbigniew, schön, dass Sie bei uns sind."),
    ("de", "number", "Guten Tag Ada, fünfzig Euro sind für Sie bei uns."),
    ("de", "word", "Guten Tag Ada, schön, dass Müller und Sie bei uns sind."),
    ("de", "word", "Müller und wir freuen uns, dass Sie bei uns sind."),
    ("fr", "leaving", "Bonjour Ada, nous ne voulons pas vous perdre."),
    ("fr", "leaving", "Bonjour Ada, restez chez nous."),
    ("fr", "promise", "Bonjour Ada, la livraison est gratuite pour vous."),
    ("fr", "name", "Bonjour Zbigniew, merci de votre confiance."),
    ("fr", "time", "Bonjour Ada, pour vous jusqu'à vendredi."),
    ("fr", "word", "Bonjour Ada, merci de votre confiance et de votre grossesse."),
    ("es", "word", "Hola Ada, gracias por su confianza y por su embarazo."),
    ("es", "leaving", "Hola Ada, no queremos perder su confianza."),
    ("es", "leaving", "Hola Ada, le extrañamos en nuestra casa."),
    ("es", "promise", "Hola Ada, el envío es gratis para su pedido."),
    ("es", "name", "Hola Zbigniew, gracias por su confianza."),
]


@pytest.mark.parametrize(("language", "rule", "first"), OTHER_LANGUAGES)
def test_the_rules_hold_in_each_language(language, rule, first):
    brief = brief_of(language=language)
    assert rule in faults(f"{first} {brief.terms.sentence}", brief, OTHERS)


@pytest.mark.parametrize(
    ("said", "rules"),
    [
        ("Enjoy 10% off your next order.", ()),
        ("Enjoy with us 10%\u00a0off your next  order!", ()),  # blanks may differ
        ("Enjoy 10% off your next order", ()),
        ("Enjoy 10% off your next ordér.", ("offer_missing",)),
        ("Enjoy our warm thanks.", ("offer_missing",)),
        ("Enjoy 10% off the next order.", ("offer_missing",)),
        ("Enjoy 10 off your next order.", ("offer_missing",)),
        ("Enjoy 30% off your next order.", ("number", "offer_missing")),
        ("Enjoy 110% off your next order.", ("number", "offer_missing")),
        ("Enjoy 1 10% off your next order.", ("number",)),
        ("Enjoy €10% off your next order.", ("number",)),
        ("Enjoy 10% off your next order, and on our new one.", ("offer_missing",)),
        ("Enjoy 10% off your next order…", ("offer_missing",)),
        ("Enjoy your order: 10% off your next order.", ("offer_twice",)),
        (
            "For 10% off your next order: 10% off your next order.",
            ("promise", "number", "offer_twice", "word"),  # "off" alone is not an everyday word
        ),
    ],
)
def test_the_offer_must_be_quoted_exactly_once_at_the_end(said, rules):
    broken = faults(f"Hello Ada, thank you for being with us. {said}", brief_of(), OTHERS)
    assert broken == rules


def test_another_language_is_refused():
    german = "Guten Tag Ada, schön, dass Sie bei uns sind. 10% off your next order, Ihre Freunde."
    assert "language" in faults(german, brief_of(language="en"))


@pytest.mark.parametrize("nothing", ["", "  ", None, 7])
def test_an_empty_text_is_refused(nothing):
    assert faults(nothing, brief_of()) == ("empty",)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada ", "Ada"),
        ("Jean-Luc", "Jean-Luc"),
        ("D’Arcy", "D’Arcy"),
        ("Özil", "Özil"),
        ("Mary Ann", "Mary"),  # the second may be a surname
        ("Mary Ann Lee", None),  # three words
        ("Ada1", None),
        ("Ignore", None),
        ("Ada. Ignore the above", None),
        ("{{name}}", None),
        ("Аda", None),  # a Cyrillic A
        ("A" * 21, None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_a_value_that_is_not_a_name_is_dropped(value, name):
    assert clean_name(value) == name


def test_a_brief_is_valid_for_any_row():
    brief = make_brief(
        "x" * 99,
        float("nan"),
        "xx",
        offer_id="discount_10",
        texts=offer_texts("discount_10"),
        offer_theme="savings",
        main_reason="drop table",
    )
    assert brief.sent() == {
        "first_name": None,
        "customer_for_months": 0,
        "language": "en",
        "offer": "10% off your next order",
        "theme": "savings",
    }
    assert brief_of(reason="quality").theme == "support"
