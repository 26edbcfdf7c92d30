"""The section on campaigns: means over campaigns by hand, and what is said where none is."""

from __future__ import annotations

import dataclasses

import pytest

from pipelines.reporting import campaigns
from tests.unit.pipelines.reporting.report_sample import EMPTY


def row(policy, campaign, offer, treated, effect, reach):
    return {
        "policy": policy,
        "campaign_id": campaign,
        "offer_id": offer,
        "metric": "conversion",
        "treated": treated,
        "effect": effect,
        "ci_low": effect - reach,
        "ci_high": effect + reach,
    }


def test_effects_are_weighted_by_customers_and_errors_of_a_campaign_move_together():
    """Mass: (100 * .02 + 300 * .06) / 400 = .05. Errors: t1 .25 * .04 + .25 * .04 = .02, t2 .5 *
    .03 = .015; together sqrt(.0004 + .000225) = .025."""
    rows = [
        row("mass", "t1", "a", 100, 0.02, 0.04),
        row("mass", "t1", "b", 100, 0.06, 0.04),
        row("mass", "t2", "a", 200, 0.06, 0.03),
        row("personalised", "plan", "a", 50, 0.1, 0.06),
    ]
    chosen, mass = campaigns.pooled(rows)
    assert (mass["treated"], mass["campaigns"]) == (400, 2)
    assert mass["effect"] == pytest.approx(0.05)
    assert mass["ci_high"] - mass["effect"] == pytest.approx(0.025)
    assert (chosen["policy"], chosen["effect"]) == ("personalised", 0.1)
    facts = dataclasses.replace(EMPTY, campaigns=rows)
    assert campaigns.sentence(facts) == (
        "Against those held out at random. Personalised: 10.00 buyers more in 100 sent (4.00 to "
        "16.00); mass: 5.00 buyers more in 100 sent (2.50 to 7.50); personalised less mass: 5.00 "
        "buyers more in 100 sent (-1.50 to 11.50)."
    )
    assert "Buyers more in 100 sent" in campaigns.body(facts)[0]
    assert "personalised less mass" in campaigns.body(facts)[0]


def test_a_policy_without_both_sides_is_named():
    facts = dataclasses.replace(EMPTY, campaigns=[row("mass", "t1", "a", 100, 0.02, 0.04)])
    assert campaigns.sentence(facts) == (
        "Against those held out at random. Personalised: nothing to compare yet, as no offer has "
        "both customers sent it and held out; mass: 2.00 buyers more in 100 sent (-2.00 to 6.00)."
    )


def test_the_difference_of_the_policies_has_the_errors_of_both():
    """.1 - .05, and sqrt(.06^2 + .025^2) = .065: it may as well be nothing."""
    rows = [
        row("personalised", "plan", "a", 50, 0.1, 0.06),
        row("mass", "t1", "a", 70, 0.05, 0.025),
    ]
    (found,) = campaigns.differences(campaigns.pooled(rows))
    assert (found["policy"], found["metric"]) == ("personalised less mass", "conversion")
    assert (found["campaigns"], found["treated"]) == (2, 120)
    assert found["effect"] == pytest.approx(0.05)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((0.05 - 0.065, 0.05 + 0.065))
    assert campaigns.differences(campaigns.pooled(rows[:1])) == []


def test_without_a_measured_campaign_it_says_so():
    assert campaigns.sentence(EMPTY) == (
        "No campaign with a random hold-out has had its horizon yet."
    )
    assert campaigns.body(EMPTY) == []
