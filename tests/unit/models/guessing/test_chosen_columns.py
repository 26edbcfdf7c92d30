"""Columns that a person chose instead of the guess."""

from __future__ import annotations

import pandas as pd
import pytest

from models.guessing.orders import ColumnChoiceError, guess_orders
from runtime.errors import UsageError
from runtime.settings.new_environment import chosen
from tests.unit.models.guessing.test_orders import LINES, columns

ROWS = pd.DataFrame(
    {
        **LINES,
        "E-mail": ["a@x.org", "a@x.org", "b@x.org", "c@x.org"],
        "Net": ["1.00", "2.00", "3.00", "4.00"],
        "Empty": [None, "", "-", "n/a"],
    }
)


def test_a_chosen_column_replaces_the_guess_and_is_certain():
    guess = guess_orders(ROWS, {"customer_id": "E-mail", "amount": "Net"})

    assert columns(guess)["customer_id"] == "E-mail"
    assert columns(guess)["amount"] == "Net"
    assert guess.mapping["amount"].confidence == 1.0
    assert guess.roles["customer_id"] == "E-mail"


def test_a_column_that_was_freed_is_not_used_for_another_role():
    guess = guess_orders(ROWS, {"customer_id": "E-mail"})

    assert "Customer" in guess.unused


def test_a_role_can_be_left_without_a_column():
    guess = guess_orders(ROWS, {"purchased_at": None, "customer_id": None})

    assert guess.missing == ("customer_id", "purchased_at")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"amount": "Sum"},
            "amount=Sum: the file has no such column. It has Order No, Customer, Date, Amount, E-mail, Net, Empty.",
        ),
        (
            {"amount": "Customer"},
            "amount=Customer: the column holds no numbers. Choose another one.",
        ),
        (
            {"purchased_at": "Customer"},
            "purchased_at=Customer: the column holds no dates that are recognised. Choose another one.",
        ),
        (
            {"product_id": "Empty"},
            "product_id=Empty: the column has no values. Choose another one.",
        ),
        (
            {"amount": "Net", "price": "Net"},
            "price=Net: the column is already used as amount. Choose another one.",
        ),
    ],
)
def test_a_choice_that_does_not_fit_is_named(given, sentence):
    with pytest.raises(ColumnChoiceError) as caught:
        guess_orders(ROWS, given)

    assert str(caught.value) == sentence


@pytest.mark.parametrize("text", ["amount", "amonut=Net"])
def test_an_option_needs_a_known_role(text):
    with pytest.raises(UsageError) as caught:
        chosen([text])

    assert str(caught.value).startswith(
        f"--column {text}: must be role=column of the file, such as customer_id=Customer; roles are"
    )
