"""Settings of the report: locale, currency, and who contacts the customers."""

from __future__ import annotations

import pytest

from runtime.errors import UsageError
from runtime.settings import load
from runtime.settings.report import ReportSettings

GIVEN = {"locale": "de", "currency": "EUR", "acquisition_cost": 50.0}


def test_the_owner_is_that_of_the_group_else_the_default():
    report = ReportSettings(**GIVEN, owners={"Loyal": "Ann", "default": "CRM"})
    assert (report.owner("Loyal"), report.owner("New")) == ("Ann", "CRM")
    assert ReportSettings(**GIVEN, owners={"Loyal": "Ann"}).owner("New") == ""


def test_amounts_are_in_the_currency_of_the_purchases_unless_the_report_has_its_own():
    own = ReportSettings(**GIVEN, owners={})
    assert own.in_currency("USD").currency == "EUR"
    none = own.model_copy(update={"currency": None})
    assert none.in_currency("USD") == own.model_copy(update={"currency": "USD"})
    assert none.in_currency(None).currency is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"currency": "euro"},
            "conf/demo.yaml: report.currency = 'euro': must be the code of a "
            "currency, three capital letters such as EUR.",
        ),
        (
            {"locale": "xx"},
            "conf/demo.yaml: report.locale = 'xx': Input should be 'en', 'de', 'fr' or 'es'.",
        ),
        (
            {"owners": {"Gold": "Ann"}},
            "conf/demo.yaml: report.owners has Gold; it may name the groups of segments "
            "High-value, Loyal, New, At-risk, Hibernating, default.",
        ),
    ],
)
def test_a_wrong_value_is_refused(changes, expected):
    with pytest.raises(UsageError) as caught:
        load("demo", report={**GIVEN, "owners": {}, **changes})
    assert str(caught.value) == expected
