"""What the pages say about a company of five customers."""

from __future__ import annotations

import pytest

from app.data import customers
from app.data.first_list import first_list
from app.screens.budget import csv_of
from tests.unit.app.conftest import paragraphs, title_of
from tests.unit.app.small_lake_folder import AS_OF, planned, score, segment, write

MORE = {"as_of": AS_OF, "campaign_id": "june", "is_held_out": False, "policy": "rules"}


def metrics_of(test):
    return {m.label: m.value for m in test.metric}


def test_today_says_how_many_to_contact_and_what_is_at_stake(shown):
    page = shown("today")

    assert title_of(page) == "Contact 1 customer"
    assert metrics_of(page) == {
        "At risk, all": "$1,060",  # 500 + 200 + 160 + 200 + 0
        "At risk, this list": "$500",
        "Value kept": "$100",
        "Expected cost": "$20.00",
        "CRITICAL": "0",
        "HIGH": "3",
        "MEDIUM": "0",
        "LOW": "2",
    }
    assert {m.label: m.delta for m in page.metric}["HIGH"] == "+3"


def test_today_shows_the_plan_that_is_sent_where_it_exists(shown, lake):
    sent = MORE | {"customer_id": "b", "offer_id": "discount_20", "timing": "now"}
    held_out = MORE | {"customer_id": "c", "offer_id": "discount_20", "is_held_out": True}
    money = {"expected_gain": 25.0, "expected_cost": 5.0, "why": "x"}
    write(lake.root, "gold.offer_decisions", [sent | money, held_out | money])

    page = shown("today")

    assert title_of(page) == "Contact 1 customer"
    assert metrics_of(page)["Value kept"] == "$30.00"  # 25 + 5
    assert page.table[0].value.index.tolist() == ["b"]


def test_an_amount_that_is_too_wide_for_a_card_is_in_millions(shown, lake):
    write(lake.root, "gold.customer_scores", [score("f", 0.5, 5_000_000.0)])
    write(lake.root, "gold.customer_segments", [segment("f")])

    # 1,060 + 0.5 * 5,000,000
    assert metrics_of(shown("today"))["At risk, all, millions"] == "$2.50"


def test_today_without_a_plan_lists_by_risk(shown):
    page = shown("today", as_of="2024-05-01")

    assert title_of(page) == "3 customers by risk; no plan has been made"
    assert page.table[0].value.index.tolist() == ["a", "b", "c"]


def test_the_list_is_searched_and_sorted_on_the_server(lake):
    first = first_list(lake, AS_OF, "net_value")

    def ids(search="", segment="", level="", order="At risk, highest first"):
        rows = customers.page(first, search, segment, level=level, order=order, number=0)
        return "".join(row["customer_id"] for row in rows)

    assert ids() == "abdce"  # 500, 200, 200 (by customer), 160, 0
    assert ids(order="Value at stake, highest first") == "dabce"
    assert ids(segment="At Risk", level="HIGH") == "bc"
    assert ids(search="a") == "a"
    assert ids(search="%") == ""


def test_a_chosen_customer_has_an_offer_and_a_reason(shown):
    page = shown("customers", customer="a")

    assert title_of(page) == "Customer a: 50.0 % churn probability, $1,000 at stake"
    assert paragraphs(page)[0] == (
        "Send discount_10 (10% off your next order) on 2 Jun 2024. Expected cost $20.00, expected value kept $100."
    )


def test_why_not_me_states_the_budget_and_the_evidence_that_would_change_it(shown):
    # With a gain above 100 - 20 = 80, customer b would come first: 80 + 10 = 90.
    assert paragraphs(shown("customers", customer="b"))[:4] == [
        "Rank 2 under net value.",
        "Budget: the plan reaches this customer from 2 customers (40.0 % of the active and silent "
        "ones); it has 1.",
        "Evidence: an expected value kept above $90.00 under the same budget; it is $40.00.",
        "Both were checked by computing the plan again.",
    ]


def test_why_not_me_if_the_offer_costs_more_than_it_keeps(shown):
    # 80 + 8 = 88
    assert paragraphs(shown("customers", customer="c"))[1:3] == [
        "Budget: no budget is enough, because the offer costs more than it keeps.",
        "Evidence: an expected value kept above $88.00 under the same budget; it is $5.00.",
    ]


def test_why_not_me_if_no_churn_is_predicted(shown):
    assert paragraphs(shown("customers", customer="d"))[:2] == [
        "Left out: no churn is predicted, so no offer is sent now.",
        "An offer is considered now from a churn probability of 30.0 %; this customer's is 10.0 %.",
    ]


def test_a_customer_without_scores(shown):
    page = shown("customers", customer="<b>x")

    assert title_of(page) == "Customer <b>x has no scores of 1 Jun 2024"


@pytest.mark.parametrize(("role", "name"), [("editor", "Ann"), ("viewer", "hidden")])
def test_viewers_do_not_see_personal_data(role, name, shown):
    profile = shown("customers", customer="a", role=role).table[-1].value["Value"]

    assert profile["First name"] == name
    assert profile["Plan"] == "basic"


def test_the_budget_can_be_moved(shown):
    page = shown("budget")
    assert title_of(page) == "20 % of 5 customers: 1 customer, $80.00 net"  # 100 - 20
    assert metrics_of(page)["The next 1 % keeps"] == "$40.00"  # at least one customer: b

    page.slider[0].set_value(40).run()
    assert title_of(page) == "40 % of 5 customers: 2 customers, $110 net"  # 80 + 40 - 10

    page.slider[0].set_value(100).run()
    assert title_of(page) == "100 % of 5 customers: 2 customers, $110 net"
    assert paragraphs(page)[0] == (
        "A larger budget adds nobody: no other customer can be sent an offer that pays now."
    )


def test_the_download_never_holds_a_formula(lake):
    from app.identity import User
    from app.session import Session
    from runtime.settings import load

    write(
        lake.root,
        "gold.retention_plan",
        [planned("e", 4, 1.0, cost=0.5, is_chosen=True) | {"why": "=1+1"}],
    )
    lines = csv_of(Session(load("demo"), lake, AS_OF, User("ann", "editor"))).decode("utf-8-sig")

    assert [line.split(",")[0] for line in lines.splitlines()] == ["customer_id", "a", "e"]
    assert lines.splitlines()[2].endswith(",1.0000,'=1+1")


def test_segments_name_the_one_with_most_at_risk(shown):
    page = shown("segments")

    # Champions: 500 + 200 of 1,060
    assert title_of(page) == "The segment Champions has $700 at risk, 66 % of all"
    assert (
        "High-value segments: 2 customers, of which the model predicts 1 to leave within 30 days, with $500 at risk. RFM alone shows none of them."
        in paragraphs(page)
    )


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("models", "No model has been trained yet"),
        ("campaigns", "No campaign has been measured against a control group"),
    ],
)
def test_a_page_without_data_says_so(page, title, shown):
    assert title_of(shown(page)) == title


def test_a_measured_campaign_is_shown_with_its_interval(shown, lake):
    row = {
        "campaign_id": "spring",
        "policy": "rules",
        "offer_id": "all",
        "segment": "all",
        "month": "2024-05",
        "metric": "retained_revenue",
        "treated": 90,
        "held_out": 10,
        "value_treated": 30.0,
        "value_held_out": 20.0,
        "effect": 10.0,
        "ci_low": 2.0,
        "ci_high": 18.0,
    }
    write(lake.root, "gold.campaign_results", [row])

    page = shown("campaigns")

    assert title_of(page) == (
        "Campaign spring: $10.00 retained revenue per customer against the control group"
    )
    assert page.table[0].value["95 % interval"].tolist() == ["\\$2.00 to \\$18.00"]
    assert page.table[0].value["Worked"].tolist() == ["yes"]
