"""From contacts and receipts to the results of a campaign, with every sum computed by hand."""

from __future__ import annotations

import datetime as dt

import pytest
from scipy import stats

from pipelines.offers.campaign_results import power, results
from transforms import campaign_outcomes as c

D = dt.date


def frame(session, ddl, *rows):
    return session.createDataFrame([tuple(r) for r in rows], ddl)


CONTACTS = (
    "campaign_id string, customer_id string, offer_id string, is_treated boolean, "
    "is_randomised boolean, contacted_at timestamp"
)
DECISIONS = (
    "as_of date, campaign_id string, customer_id string, offer_id string, is_held_out boolean, "
    "send_on date, effect double"
)
OUTBOX = (
    "customer_id string, rule string, period_on date, triggered_on date, offer_id string, "
    "is_held_out boolean, campaign_id string"
)
NINE = dt.datetime(2025, 3, 1, 9)


@pytest.fixture
def contacts(session):
    return frame(
        session,
        CONTACTS,
        ("t", "a", "ten", True, True, NINE),
        ("t", "b", None, False, True, NINE),
        ("t", "d", "ten", None, True, NINE),  # null counts as treated
        ("best", "a", "ten", True, False, NINE),  # targeted, not randomised: not measured
        ("best", "b", "ten", True, None, NINE),
    )


@pytest.fixture
def decisions(session):
    return frame(
        session,
        DECISIONS,
        (D(2025, 3, 1), "plan", "a", "ten", False, D(2025, 3, 10), 0.1),
        (D(2025, 3, 1), "plan", "b", "ten", True, D(2025, 3, 10), 0.1),
        (D(2025, 3, 1), "plan", "c", None, False, None, None),
        # Outside the budget, there is no control group.
        (D(2025, 3, 1), "plan", "d", "survey", False, D(2025, 3, 10), None),
    )


@pytest.fixture
def outbox(session):
    return frame(
        session,
        OUTBOX,
        ("e", "thank", D(2025, 3, 1), D(2025, 3, 20), "five", False, None),
        ("f", "thank", D(2025, 3, 1), D(2025, 3, 21), "five", True, None),
        ("g", "call", D(2025, 3, 1), D(2025, 3, 20), None, False, None),  # nobody held out
        (
            "a",
            "plan",
            D(2025, 3, 1),
            D(2025, 3, 10),
            "ten",
            False,
            "plan",
        ),  # already known from the decisions
    )


def test_only_what_has_a_random_hold_out_is_measured(contacts, decisions, outbox):
    measured = c.measured_contacts(contacts, decisions, outbox)
    measured = measured.orderBy("campaign_id", "customer_id").collect()
    assert [
        (r["campaign_id"], r["customer_id"], r["is_treated"], r["policy"]) for r in measured
    ] == [
        ("plan", "a", True, "personalised"),
        ("plan", "b", False, "personalised"),
        ("t", "a", True, "mass"),
        ("t", "b", False, "mass"),
        ("t", "d", True, "mass"),
        ("trigger-thank-2025-03-01", "e", True, "personalised"),
        ("trigger-thank-2025-03-01", "f", False, "personalised"),
    ]


def test_of_two_plans_each_is_measured_by_what_it_alone_decided_and_people_approved(
    session, contacts, outbox
):
    """The second plan, of the 5th, supersedes the decisions on c and d: both arms of the first plan
    lose them. Nobody approved five of the second plan, nor six of the first.
    """
    first, second = (D(2025, 3, 1), "plan"), (D(2025, 3, 5), "next")
    decisions = frame(
        session,
        DECISIONS,
        *[
            (day, campaign, name, offer, is_held_out, D(2025, 3, send_on), 0.1)
            for (day, campaign), name, offer, is_held_out, send_on in (
                (first, "a", "ten", False, 2),
                (first, "b", "ten", True, 5),  # due on the day of the second plan
                (first, "c", "ten", False, 19),
                (first, "d", "ten", True, 19),
                (first, "g", "six", False, 2),
                (first, "h", "six", True, 2),
                (second, "c", "ten", False, 19),
                (second, "d", "ten", True, 19),
                (second, "e", "five", False, 6),
                (second, "f", "five", True, 6),
            )
        ],
    )
    message = ("z", "next", D(2025, 3, 5), D(2025, 3, 19), "ten", False, "next")
    queued = outbox.union(frame(session, OUTBOX, message))
    measured = c.measured_contacts(contacts, decisions, queued).where(
        "campaign_id IN ('plan', 'next')"
    )
    columns = ("campaign_id", "customer_id", "is_treated")
    assert sorted(tuple(r[x] for x in columns) for r in measured.collect()) == [
        ("next", "c", True),
        ("next", "d", False),
        ("plan", "a", True),
        ("plan", "b", False),
    ]


@pytest.fixture
def outcomes(session, contacts, decisions, outbox):
    receipts = frame(
        session,
        "customer_id string, purchased_at timestamp, amount double",
        ("a", dt.datetime(2025, 3, 1, 0), 10.0),  # the day itself counts
        ("a", dt.datetime(2025, 3, 30, 23), 5.0),  # the 30th day
        (
            "a",
            dt.datetime(2025, 3, 31, 0),
            99.0,
        ),  # one day too late for t, within the horizon of the plan
        ("a", dt.datetime(2025, 2, 28, 12), 7.0),  # the day before
        ("a", dt.datetime(2025, 1, 29, 12), 3.0),  # 31 days before
        ("b", dt.datetime(2025, 3, 5, 12), -4.0),  # a return is not a purchase
    )
    segments = frame(
        session,
        "customer_id string, as_of date, segment string",
        ("a", D(2025, 1, 1), "Promising"),
        ("a", D(2025, 3, 1), "Loyal"),
        ("a", D(2025, 3, 2), "Champions"),
    )
    return c.outcomes(
        c.measured_contacts(contacts, decisions, outbox),
        receipts,
        segments,
        horizon_days=30,
        observed_until=D(2025, 4, 1),
    )


def test_a_horizon_is_thirty_days_from_the_contact_and_must_have_passed(outcomes):
    by_customer = {r["customer_id"]: r for r in outcomes.collect()}
    # The thirty days of the plan end on 9 April, after the end of observation.
    assert {r["campaign_id"] for r in by_customer.values()} == {"t"}
    columns = ("conversion", "retained_revenue", "revenue_before", "segment", "month")
    assert {n: tuple(r[x] for x in columns) for n, r in by_customer.items()} == {
        "a": (1.0, 15.0, 7.0, "Loyal", "2025-03"),
        "b": (0.0, -4.0, 0.0, "unknown", "2025-03"),
        "d": (0.0, 0.0, 0.0, "unknown", "2025-03"),
    }


def test_sums_by_arm_and_segment(outcomes):
    sums = [r.asDict() for r in c.moments(outcomes).collect()]
    (everybody,) = [r for r in sums if r["segment"] == "all" and r["is_treated"]]
    # a and d: revenue 15 and 0, before 7 and 0.
    names = ("customers", "y_conversion", "y_retained_revenue", "yy_retained_revenue", "x", "xx")
    assert [everybody[n] for n in names] == [2, 1.0, 15.0, 225.0, 7.0, 49.0]
    assert everybody["xy_retained_revenue"] == 105.0
    assert {r["segment"] for r in sums} == {"all", "Loyal", "unknown"}


def arm(offer, is_treated, count, kept, campaign="t", policy="mass"):
    return {
        "campaign_id": campaign,
        "policy": policy,
        "month": "2025-03",
        "segment": "all",
        "offer_id": offer,
        "is_treated": is_treated,
        "customers": count,
        "x": 0.0,
        "xx": 0.0,
        "y_conversion": float(kept),
        "yy_conversion": float(kept),
        "xy_conversion": 0.0,
    }


def test_an_offer_is_compared_with_the_campaigns_held_out():
    rows = [arm("ten", True, 1000, 300), arm("five", True, 1000, 200), arm(None, False, 1000, 200)]
    by_offer = {r["offer_id"]: r for r in results(rows, ["conversion"], 0.1)}
    ten = by_offer["ten"]
    assert (ten["treated"], ten["held_out"]) == (1000, 1000)
    assert ten["effect"] == pytest.approx(0.3 - 0.2)
    # With one additional 1 and 0 per arm: 301 and 201 of 1002.
    error = ((301 * 701 + 201 * 801) / 1002**3) ** 0.5
    assert (ten["ci_high"] - ten["ci_low"]) / 2 == pytest.approx(1.959964 * error)
    assert (ten["ci_high"] + ten["ci_low"]) / 2 == pytest.approx(100 / 1002)
    # Both arms together: 501 of 2002.
    alike = (501 * 1501 / 2002**2 * 2 / 1000) ** 0.5
    assert ten["p_value"] == pytest.approx(2 * stats.norm.sf(0.1 / alike))
    assert ten["minimum_detectable_effect"] == pytest.approx(2.801585 * alike, rel=1e-3)
    # Two offers: the smaller p-value is doubled, the other is not.
    assert ten["p_value_corrected"] == pytest.approx(2 * ten["p_value"], abs=1e-14)
    assert by_offer["five"]["p_value_corrected"] == pytest.approx(1.0)
    assert ten["srm_p_value"] is None


def test_in_a_plan_the_held_out_are_those_chosen_for_the_same_offer():
    rows = [
        arm("ten", True, 900, 300, "plan", "personalised"),
        arm("ten", False, 100, 20, "plan", "personalised"),
        arm("five", True, 90, 30, "plan", "personalised"),
    ]
    (result,) = results(rows, ["conversion"], 0.1)
    assert (result["offer_id"], result["held_out"]) == ("ten", 100)
    assert result["srm_p_value"] == pytest.approx(1.0)  # 900 to 100, as planned


def test_a_campaign_of_the_company_is_tested_against_its_intended_share():
    """A public experiment: 44,700 customers with the offer and 45,489 without, one half intended."""
    rows = [arm("ten", True, 44_700, 8_502), arm(None, False, 45_489, 8_279)]
    (result,) = results(rows, ["conversion"], 0.1, intended={"t": 0.5})
    # 90,189 / 2 = 45,094.5 each, 394.5 too few and too many.
    statistic = 2 * 394.5**2 / 45_094.5
    assert result["srm_p_value"] == pytest.approx(stats.chi2.sf(statistic, 1))
    assert result["srm_p_value"] == pytest.approx(0.0086, abs=5e-5)
    (untested,) = results(rows, ["conversion"], 0.1, intended={"other": 0.5})
    assert untested["srm_p_value"] is None


def test_the_intended_share_is_that_of_all_offers_of_the_campaign():
    rows = [arm("ten", True, 400, 100), arm("five", True, 200, 50), arm(None, False, 200, 50)]
    of_both = results(rows, ["conversion"], 0.1, intended={"t": 0.75})
    # 600 of 800 got one of the offers, exactly three quarters.
    assert [r["srm_p_value"] for r in of_both] == [1.0, 1.0]


def test_arms_without_a_hold_out_are_left_out():
    assert results([arm("ten", True, 10, 5)], ["conversion"], 0.1) == []


def test_where_everybody_stayed_the_interval_says_what_so_few_can_tell():
    (result,) = results([arm("ten", True, 10, 10), arm(None, False, 10, 10)], ["conversion"], 0.1)
    # 11 of 12 per arm: the ten, plus one additional 1 and 0.
    reach = 1.959964 * (2 * 11 / 12**3) ** 0.5
    for kind in ("", "_cuped"):
        assert result[f"effect{kind}"] == 0.0
        interval = (result[f"ci_low{kind}"], result[f"ci_high{kind}"])
        assert interval == pytest.approx((-reach, reach))
    assert (result["p_value"], result["anytime_p_value"]) == (1.0, 1.0)
    assert result["minimum_detectable_effect"] > 0


def test_a_campaign_is_under_way_until_its_horizon_has_passed(contacts, decisions, outbox):
    measured = c.measured_contacts(contacts, decisions, outbox)
    both = measured.where("campaign_id IN ('plan', 't')")
    keys = ("campaign_id", "offer_id", "is_treated")

    def under_way(day):
        rows = c.arms_under_way(both, 30, day).collect()
        return {tuple(r[k] for k in keys): r["customers"] for r in rows}

    plan = {("plan", "ten", True): 1, ("plan", "ten", False): 1}
    trial = {("t", "ten", True): 2, ("t", None, False): 1}
    assert under_way(D(2025, 3, 30)) == {**plan, **trial}
    # Sent on 1 March: its thirty days end on the 31st.
    assert under_way(D(2025, 3, 31)) == plan
    assert under_way(D(2025, 4, 9)) == {}


def test_power_is_known_before_there_is_a_result():
    def size(campaign, policy, offer, is_treated, customers):
        return {
            **{"campaign_id": campaign, "policy": policy, "offer_id": offer},
            **{"is_treated": is_treated, "customers": customers},
        }

    arms = [
        size("t", "mass", "ten", True, 900),
        size("t", "mass", "five", True, 400),
        size("t", "mass", None, False, 100),
        size("plan", "personalised", "ten", True, 900),
        size("plan", "personalised", "five", False, 100),
    ]
    by_offer = {(r["campaign_id"], r["offer_id"]): r for r in power(arms, 0.8, 0.1)}
    assert list(by_offer) == [("plan", "ten"), ("t", "five"), ("t", "ten")]
    # (1.959964 + 0.841621) * sqrt(0.8 * 0.2) * sqrt(1/900 + 1/100)
    assert by_offer["t", "ten"]["detectable"] == pytest.approx(
        2.801585 * 0.4 * (1 / 900 + 1 / 100) ** 0.5
    )
    # (2.801585 * 0.4 / 0.05)^2 * (1/0.9 + 1/0.1) = 502.3 * 11.11
    assert by_offer["t", "ten"]["needed"] == 5582
    # The control group of another offer does not match.
    assert (by_offer["plan", "ten"]["held_out"], by_offer["plan", "ten"]["detectable"]) == (0, None)
    assert power(arms, 0.8, 0.0)[0]["needed"] is None
