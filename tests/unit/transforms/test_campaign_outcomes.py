"""From contacts and receipts to the results of a campaign, every sum by hand."""

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
        ("best", "a", "ten", True, False, NINE),  # targeted: says nothing
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
        # Outside the budget, all get it.
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
        ("a", "plan", D(2025, 3, 1), D(2025, 3, 10), "ten", False, "plan"),  # known by decisions
    )


def test_only_what_has_a_random_hold_out_is_measured(contacts, decisions, outbox):
    found = c.measured_contacts(contacts, decisions, outbox)
    found = found.orderBy("campaign_id", "customer_id").collect()
    assert [(r["campaign_id"], r["customer_id"], r["is_treated"], r["policy"]) for r in found] == [
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
    """The second plan, of the 5th, decided c and d anew: in the first both arms lose them. Of the
    second nobody approved five, and of the first nobody six."""
    first, second = (D(2025, 3, 1), "plan"), (D(2025, 3, 5), "next")
    decisions = frame(
        session,
        DECISIONS,
        *[
            (day, campaign, name, offer, is_held_out, D(2025, 3, send_on), 0.1)
            for (day, campaign), name, offer, is_held_out, send_on in (
                (first, "a", "ten", False, 2),
                (first, "b", "ten", True, 5),  # due on the day of the second
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
    found = c.measured_contacts(contacts, decisions, queued).where(
        "campaign_id IN ('plan', 'next')"
    )
    columns = ("campaign_id", "customer_id", "is_treated")
    assert sorted(tuple(r[x] for x in columns) for r in found.collect()) == [
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
        ("a", dt.datetime(2025, 3, 31, 0), 99.0),  # a day too late for t, within the plan's
        ("a", dt.datetime(2025, 2, 28, 12), 7.0),  # the day before
        ("a", dt.datetime(2025, 1, 29, 12), 3.0),  # 31 days before
        ("b", dt.datetime(2025, 3, 5, 12), -4.0),  # a return is no purchase
    )
    segments = frame(
        session,
        "customer_id string, as_of date, segment string",
        ("a", D(2025, 1, 1), "Promising"),
        ("a", D(2025, 3, 1), "Loyal"),
        ("a", D(2025, 3, 2), "Champions"),
    )
    return c.outcomes(
        c.measured_contacts(contacts, decisions, outbox), receipts, segments, 30, D(2025, 4, 1)
    )


def test_a_horizon_is_thirty_days_from_the_contact_and_must_have_passed(outcomes):
    found = {r["customer_id"]: r for r in outcomes.collect()}
    # The plan's thirty days end on 9 April, after what was observed.
    assert {r["campaign_id"] for r in found.values()} == {"t"}
    columns = ("conversion", "retained_revenue", "revenue_before", "segment", "month")
    assert {n: tuple(r[x] for x in columns) for n, r in found.items()} == {
        "a": (1.0, 15.0, 7.0, "Loyal", "2025-03"),
        "b": (0.0, -4.0, 0.0, "unknown", "2025-03"),
        "d": (0.0, 0.0, 0.0, "unknown", "2025-03"),
    }


def test_sums_by_arm_and_segment(outcomes):
    found = [r.asDict() for r in c.moments(outcomes).collect()]
    (everybody,) = [r for r in found if r["segment"] == "all" and r["is_treated"]]
    # a and d: revenue 15 and 0, before 7 and 0.
    names = ("customers", "y_conversion", "y_retained_revenue", "yy_retained_revenue", "x", "xx")
    assert [everybody[n] for n in names] == [2, 1.0, 15.0, 225.0, 7.0, 49.0]
    assert everybody["xy_retained_revenue"] == 105.0
    assert {r["segment"] for r in found} == {"all", "Loyal", "unknown"}


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
    found = {r["offer_id"]: r for r in results(rows, ["conversion"], 0.1)}
    ten = found["ten"]
    assert (ten["treated"], ten["held_out"]) == (1000, 1000)
    assert ten["effect"] == pytest.approx(0.3 - 0.2)
    # One 1 and one 0 more in each arm: 301 and 201 of 1002.
    error = ((301 * 701 + 201 * 801) / 1002**3) ** 0.5
    assert (ten["ci_high"] - ten["ci_low"]) / 2 == pytest.approx(1.959964 * error)
    assert (ten["ci_high"] + ten["ci_low"]) / 2 == pytest.approx(100 / 1002)
    # Both as one: 501 of 2002.
    alike = (501 * 1501 / 2002**2 * 2 / 1000) ** 0.5
    assert ten["p_value"] == pytest.approx(2 * stats.norm.sf(0.1 / alike))
    assert ten["minimum_detectable_effect"] == pytest.approx(2.801585 * alike, rel=1e-3)
    # Two offers: the smaller p counts twice, the other once.
    assert ten["p_value_corrected"] == pytest.approx(2 * ten["p_value"], abs=1e-14)
    assert found["five"]["p_value_corrected"] == pytest.approx(1.0)
    assert ten["srm_p_value"] is None


def test_in_a_plan_the_held_out_are_those_chosen_for_the_same_offer():
    rows = [
        arm("ten", True, 900, 300, "plan", "personalised"),
        arm("ten", False, 100, 20, "plan", "personalised"),
        arm("five", True, 90, 30, "plan", "personalised"),
    ]
    (found,) = results(rows, ["conversion"], 0.1)
    assert (found["offer_id"], found["held_out"]) == ("ten", 100)
    assert found["srm_p_value"] == pytest.approx(1.0)  # 900 to 100, as meant


def test_arms_without_a_hold_out_are_left_out():
    assert results([arm("ten", True, 10, 5)], ["conversion"], 0.1) == []


def test_where_everybody_stayed_the_interval_says_what_so_few_can_tell():
    (found,) = results([arm("ten", True, 10, 10), arm(None, False, 10, 10)], ["conversion"], 0.1)
    # 11 of 12 in each arm, one more of either kind among the ten.
    reach = 1.959964 * (2 * 11 / 12**3) ** 0.5
    for kind in ("", "_cuped"):
        assert found[f"effect{kind}"] == 0.0
        interval = (found[f"ci_low{kind}"], found[f"ci_high{kind}"])
        assert interval == pytest.approx((-reach, reach))
    assert (found["p_value"], found["anytime_p_value"]) == (1.0, 1.0)
    assert found["minimum_detectable_effect"] > 0


def test_a_campaign_is_under_way_until_its_horizon_has_passed(contacts, decisions, outbox):
    every = c.measured_contacts(contacts, decisions, outbox)
    both = every.where("campaign_id IN ('plan', 't')")
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


def test_power_is_told_before_there_is_a_result():
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
    found = {(r["campaign_id"], r["offer_id"]): r for r in power(arms, 0.8, 0.1)}
    assert list(found) == [("plan", "ten"), ("t", "five"), ("t", "ten")]
    # (1.959964 + 0.841621) * sqrt(0.8 * 0.2) * sqrt(1/900 + 1/100)
    assert found["t", "ten"]["found"] == pytest.approx(2.801585 * 0.4 * (1 / 900 + 1 / 100) ** 0.5)
    # (2.801585 * 0.4 / 0.05)^2 * (1/0.9 + 1/0.1) = 502.3 * 11.11
    assert found["t", "ten"]["needed"] == 5582
    # Those held out of another offer are no match.
    assert (found["plan", "ten"]["held_out"], found["plan", "ten"]["found"]) == (0, None)
    assert power(arms, 0.8, 0.0)[0]["needed"] is None
