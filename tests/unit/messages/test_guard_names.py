"""First names of other customers are refused even where each word of the text is an everyday one."""

from __future__ import annotations

import pytest

from messages.everyday import everyday
from messages.guard import faults
from tests.unit.messages.conftest import brief_of

# Name, language and a text in which the name passes all other rules: it opens the sentence, and is
# also an everyday word of the language.
TEXTS = [
    ("Hope", "en", "Hope and joy to you from us. Enjoy 10% off your next order."),
    ("Joy", "en", "Joy to you and thank you for being with us. Enjoy 10% off your next order."),
    (
        "Grace",
        "fr",
        "Grace à vous, merci de votre confiance. Profitez de 10 % de réduction sur votre prochaine "
        "commande.",
    ),
    (
        "Paz",
        "es",
        "Paz y gracias por confiar en nosotros. Disfrute de un 10 % de descuento en su próximo "
        "pedido.",
    ),
]


@pytest.mark.parametrize(("name", "language", "text"), TEXTS, ids=[name for name, *_ in TEXTS])
def test_the_first_name_of_another_customer_is_refused(name, language, text):
    assert name.lower() in everyday(language)
    ada = brief_of("Ada", language=language)
    assert faults(text, ada) == ()
    assert faults(text, ada, {"Bob", name}) == ("name",)


@pytest.mark.parametrize(("name", "language", "text"), TEXTS, ids=[name for name, *_ in TEXTS])
def test_the_customers_own_first_name_passes_though_others_share_it(name, language, text):
    assert faults(text, brief_of(name, language=language), {"Bob", name}) == ()


def test_a_second_part_of_a_name_is_the_customers_own_too():
    text = "Thank you, Jean-Luc, for being with us. Enjoy 10% off your next order."
    assert faults(text, brief_of("Jean-Luc"), {"Jean", "Luc"}) == ()
    assert "name" in faults(text, brief_of("Jean"), {"Jean", "Luc"})


def test_a_name_inside_another_word_is_no_name():
    """Bo is a customer, but "Both" is another word: names match whole words only."""
    text = "Both of us thank you. Enjoy 10% off your next order."
    assert faults(text, brief_of("Ada"), {"Bo"}) == faults(text, brief_of("Ada"))
