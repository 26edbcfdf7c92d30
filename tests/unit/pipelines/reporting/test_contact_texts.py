"""What the contact list says of one customer: what to do, what is at risk, and why."""

import dataclasses

import pytest

from pipelines.reporting import contact_texts, plan_texts
from tests.unit.pipelines.reporting.report_sample import EMPTY, FULL, customer, strategy


@pytest.mark.parametrize(
    ("actions", "offer", "expected"),
    [
        (None, None, "no action recommended"),
        ("Call within two days", None, "Call within two days"),
        (None, "ten", "Send ten on 2 Jan 2018"),
        ("Send the planned offer", "ten", "Send ten on 2 Jan 2018"),
        ("Call within two days", "ten", "Send ten on 2 Jan 2018; Call within two days"),
    ],
)
def test_what_to_do_names_the_offer_and_its_day(actions, offer, expected):
    row = customer("a", 1.0, actions=actions, offer=offer)
    assert contact_texts.advice(FULL, row) == expected


@pytest.mark.parametrize(
    ("unit", "at_risk", "expected"),
    [
        # At stake is twice the amount at risk.
        ("money", 500.5, "Send ten on 2 Jan 2018 and call"),
        ("money", 500.0, "Send ten on 2 Jan 2018"),
        ("purchases", 500.5, "Send ten on 2 Jan 2018, call if worth more than 1,000"),
    ],
)
def test_a_call_that_depends_on_the_value_is_decided_where_the_value_is_known(
    unit, at_risk, expected
):
    data = dataclasses.replace(FULL, at_risk_unit=unit)
    actions = "Send the planned offer, call if worth more than 1,000"
    row = customer("a", at_risk, actions=actions, offer="ten")
    assert contact_texts.advice(data, row) == expected


@pytest.mark.parametrize(
    ("unit", "at_risk", "expected"),
    [
        ("money", 40.0, "value at risk 40.00 of 80.00"),
        ("money", 0.0, ""),  # nothing at stake is known: never "0.00 of 0.00"
        ("purchases", 1.25, "purchases at risk 1.2 of 2.5"),
        ("nothing", 0.0, ""),
    ],
)
def test_one_amount_is_at_risk_in_the_unit_of_the_company(unit, at_risk, expected):
    data = dataclasses.replace(FULL, at_risk_unit=unit)
    assert contact_texts.risk_of(data, customer("a", at_risk)) == expected


def test_a_customer_without_a_model_says_what_the_probability_is():
    factors = [("recency_days", "45")]
    assert contact_texts.reasons(FULL, customer("a", 1.0, factors)) == ["no purchase for 45 days"]
    assert contact_texts.reasons(FULL, customer("a", 1.0, basis="rule")) == [
        "no model is in use, so the probability is the churn rate of customers with as many days "
        "since the last purchase"
    ]


def test_offers_that_were_decided_are_named_as_such():
    decided = dataclasses.replace(FULL, list_source="offer_decisions", listed=7)
    assert contact_texts.first_customers(decided).startswith(
        "The list holds the offers that are sent (gold.offer_decisions): 7 customers. They hold"
    )
    nobody = dataclasses.replace(EMPTY, list_source="offer_decisions")
    assert contact_texts.first_customers(nobody) == (
        "The plan of 1 Jan 2018 contacts no customer with a churn probability."
    )


def test_the_test_of_a_plan_has_an_interval_and_a_random_choice_where_they_are_known():
    rows = [strategy("net_value", 9, 800.0, 100.0), strategy("random", 9, 300.0, 100.0)]
    told = "In a test one period earlier the plan's strategy, highest gain after cost first, kept "
    data = dataclasses.replace(FULL, strategies=rows)
    assert plan_texts.tested(data) == f"{told}700 after cost. A random choice kept 200."
    unknown = dataclasses.replace(FULL, strategies=[strategy("net_value", 9)])
    assert plan_texts.tested(unknown) == ""
    assert plan_texts.tested(EMPTY) == ""


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (0, "The effect of the offers is assumed in conf, not measured."),
        (
            4,
            "The effect of the offers is measured for 4 customers. For the others it is assumed in "
            "conf, not measured.",
        ),
        (9, "The effect of the offers is measured, in campaigns with a random control group."),
    ],
)
def test_an_effect_is_measured_or_assumed(measured, expected):
    totals = FULL.listed_totals | {"measured": measured}
    assert contact_texts.effect_basis(dataclasses.replace(FULL, listed_totals=totals)) == expected
    assert contact_texts.effect_basis(dataclasses.replace(FULL, list_source=None)) == ""
