"""Pooled effects of campaigns, computed by hand."""

from __future__ import annotations

import pytest

from models.campaign_pooling import policy_differences, pooled_effects


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


def test_effects_are_weighted_by_customers_and_errors_within_a_campaign_are_correlated():
    """Mass: (100 * .02 + 300 * .06) / 400 = .05. Errors: t1 .25 * .04 + .25 * .04 = .02, t2 .5 *
    .03 = .015; together sqrt(.0004 + .000225) = .025."""
    rows = [
        row("mass", "t1", "a", 100, 0.02, 0.04),
        row("mass", "t1", "b", 100, 0.06, 0.04),
        row("mass", "t2", "a", 200, 0.06, 0.03),
        row("personalised", "plan", "a", 50, 0.1, 0.06),
    ]
    personalised, mass = pooled_effects(rows)
    assert (mass.treated, mass.campaigns) == (400, 2)
    assert mass.effect == pytest.approx(0.05)
    assert mass.ci_high - mass.effect == pytest.approx(0.025)
    assert mass.effect - mass.ci_low == pytest.approx(0.025)
    assert (personalised.policy, personalised.effect) == ("personalised", 0.1)


def test_the_order_of_rows_does_not_matter():
    rows = [row("mass", f"t{n % 3}", f"o{n}", 10 + n, n / 70, n / 90) for n in range(1, 8)]
    assert pooled_effects(rows) == pooled_effects(rows[::-1])


def test_a_policy_without_treated_customers_is_left_out():
    assert pooled_effects([row("mass", "t1", "a", 0, 0.0, 0.0)]) == []


def test_the_difference_of_the_policies_has_the_errors_of_both():
    """.1 - .05, and sqrt(.06^2 + .025^2) = .065: the interval contains 0."""
    rows = [
        row("personalised", "plan", "a", 50, 0.1, 0.06),
        row("mass", "t1", "a", 70, 0.05, 0.025),
    ]
    (difference,) = policy_differences(pooled_effects(rows))
    assert (difference.policy, difference.metric) == ("personalised minus mass", "conversion")
    assert (difference.campaigns, difference.treated) == (2, 120)
    assert difference.effect == pytest.approx(0.05)
    assert (difference.ci_low, difference.ci_high) == pytest.approx((0.05 - 0.065, 0.05 + 0.065))
    assert policy_differences(pooled_effects(rows[:1])) == []
