"""Numbers, amounts and dates in the signs of each locale."""

import datetime as dt

import pytest

from runtime.formats import LocaleFormat, plain

NARROW = "\u202f"


@pytest.mark.parametrize(
    ("locale", "number", "money", "percent", "date"),
    [
        ("en", "1,234.50", "€1,234", "12.3 %", "2 Jan 2018"),
        ("de", "1.234,50", "1.234 €", "12,3 %", "02.01.2018"),
        ("fr", f"1{NARROW}234,50", f"1{NARROW}234 €", "12,3 %", "02/01/2018"),
        ("es", "1.234,50", "1.234 €", "12,3 %", "02/01/2018"),
    ],
)
def test_each_locale_has_its_signs(locale, number, money, percent, date):
    form = LocaleFormat(locale, "EUR")
    assert form.fixed(1234.5, 2) == number
    assert form.cash(1234.4) == money
    assert form.percent(0.1234) == percent
    assert form.date(dt.date(2018, 1, 2)) == date


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 customers"),
        (0.6, "1 customer"),
        (1, "1 customer"),
        (1.4, "1 customer"),
        (2, "2 customers"),
    ],
)
def test_a_count_has_the_form_of_the_number_that_is_shown(number, expected):
    assert LocaleFormat().count(number, "customer") == expected


def test_an_unknown_value_is_a_dash():
    form = LocaleFormat("de", "EUR")
    for text in (form.fixed, form.whole, form.decimal, form.money, form.cash, form.percent):
        assert text(None) == "-"
    assert form.date(None) == form.moment(None) == "-"


def test_spaces_of_a_locale_are_no_control_characters():
    assert plain(f"1{NARROW}234\x1b") == f"1{NARROW}234?"
