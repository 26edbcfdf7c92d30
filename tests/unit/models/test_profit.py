"""Expected maximum profit: the published example, hand calculations and numeric integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from models.metrics import bootstrap_weights, estimates
from models.profit import (
    CampaignEconomics,
    campaign_measures,
    expected_maximum_profit,
    f1_threshold,
    threshold_of_groups,
    threshold_of_share,
)

VERBRAKEN = CampaignEconomics(value=200, incentive_cost=10, contact_cost=1, alpha=6, beta=14)
LABELS = np.array([0.0, 1.0] * 10)


def test_a_perfect_ranking_reaches_every_leaver_and_nobody_else():
    best = expected_maximum_profit(LABELS, LABELS, VERBRAKEN)
    # Half of the customers leave and the acceptance is 6 / 20 = 0.3.
    assert best.profit == pytest.approx((0.3 * 190 - 1) / 2, abs=1e-6)
    assert best.share == pytest.approx(0.5, abs=1e-6)


def test_an_inverted_ranking_contacts_nearly_all():
    best = expected_maximum_profit(LABELS, 1 - LABELS, VERBRAKEN)
    assert best.profit == pytest.approx(22.5007912, abs=1e-6)
    assert best.share == pytest.approx(0.9991601, abs=1e-6)


def test_it_is_the_integral_of_the_best_cut_over_acceptance():
    draw = np.random.default_rng(2)
    label = (draw.random(60) < 0.4).astype(float)
    p = np.round(np.clip(label * 0.3 + draw.random(60) * 0.7, 0, 1), 1)
    cuts = [np.inf, *np.unique(p)]

    def best(gamma: float) -> float:
        flags = [p >= c for c in cuts]
        return max(
            float(np.mean(f * (label * (gamma * 190 - 1) - (1 - label) * 11))) for f in flags
        )

    expected = quad(lambda g: best(g) * beta.pdf(g, 6, 14), 0, 1, limit=200)[0]
    assert expected_maximum_profit(label, p, VERBRAKEN).profit == pytest.approx(expected, abs=1e-6)


def test_when_no_contact_pays_nobody_is_contacted():
    poor = CampaignEconomics(value=12, incentive_cost=10, contact_cost=5, alpha=6, beta=14)
    best = expected_maximum_profit(LABELS, LABELS, poor)
    assert best.profit == pytest.approx(0.0, abs=1e-9)
    assert threshold_of_share(np.array([0.2, 0.9]), 0.0) > 0.9


def test_the_threshold_of_a_share_is_the_last_one_contacted():
    p = np.array([0.1, 0.9, 0.5, 0.3])
    assert threshold_of_share(p, 0.5) == 0.5
    assert threshold_of_share(p, 1.0) == 0.1


def test_the_threshold_of_groups_is_that_of_their_customers():
    """Ten customers with five scores: the same as for the rows one by one."""
    p = np.array([0.9, 0.6, 0.3, 0.2, 0.1])
    rows, churned = np.array([1.0, 2.0, 3.0, 2.0, 2.0]), np.array([1.0, 2.0, 1.0, 0.0, 0.0])
    label = np.concatenate(
        [np.arange(n) < k for n, k in zip(rows.astype(int), churned, strict=True)]
    ).astype(float)
    each = np.repeat(p, rows.astype(int))
    share = expected_maximum_profit(label, each, VERBRAKEN).share
    assert 0.45 < share < 0.75  # closest to the cut at 6 of 10 customers
    grouped = threshold_of_groups(p[::-1], rows[::-1], churned[::-1], economics=VERBRAKEN)
    assert grouped == threshold_of_share(each, share) == 0.3


@pytest.mark.parametrize(
    ("rate", "is_contacted"),
    [
        (0.0, False),
        (0.1, False),
        # The median acceptance of Beta(6, 14) is .2954. It pays from a rate r with
        # r * (.2954 * 190 - 1) = (1 - r) * 11, so r = 11 / 66.1 = .1664.
        (0.165, False),
        (0.168, True),
        (0.5, True),
        (1.0, True),
    ],
)
def test_customers_of_one_rate_are_contacted_if_that_pays_at_the_median_acceptance(
    rate, is_contacted
):
    group = np.array([rate])
    threshold = threshold_of_groups(group, np.ones(1), group, economics=VERBRAKEN)
    assert (rate >= threshold) == is_contacted
    assert abs(threshold - rate) <= 1e-9


def test_the_f1_threshold_is_the_best_of_all():
    # Flagging the first two: precision 2/2, recall 2/3, F1 .8.
    # Flagging all but the last: precision 3/4, recall 1, F1 .857.
    label = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    p = np.array([0.9, 0.8, 0.7, 0.6, 0.1])
    assert f1_threshold(label, p) == 0.6


def test_intervals_of_a_campaign_are_those_of_samples_written_out():
    draw = np.random.default_rng(7)
    label = (draw.random(60) < 0.3).astype(float)
    p = np.round(np.clip(label * 0.2 + draw.random(60) * 0.8, 0, 1), 1)
    weights = bootstrap_weights([str(i) for i in range(60)], 40, seed=5)
    weighted = estimates(label, p, 0.5, weights=weights, measures=campaign_measures(VERBRAKEN))
    drawn = [np.repeat(np.arange(60), w.astype(int)) for w in np.concatenate(weights)]
    by_hand = {
        "true_positives": [np.sum(label[r][p[r] >= 0.5] == 1) for r in drawn],
        "true_negatives": [np.sum(label[r][p[r] < 0.5] == 0) for r in drawn],
        "profit_per_customer": [
            # .3 * (200 - 10) - 1 = 56 per leaver, -(10 + 1) = -11 per stayer.
            np.sum(np.where(label[r] == 1, 56, -11)[p[r] >= 0.5]) / 60
            for r in drawn
        ],
        "expected_maximum_profit": [
            expected_maximum_profit(label[r], p[r], VERBRAKEN).profit for r in drawn
        ],
    }
    for name, values in by_hand.items():
        ends = (weighted[name].low, weighted[name].high)
        assert ends == pytest.approx(tuple(np.percentile(values, [2.5, 97.5]))), name
    profit = expected_maximum_profit(label, p, VERBRAKEN).profit
    assert weighted["expected_maximum_profit"].value == pytest.approx(profit)


def test_one_class_has_no_best_campaign():
    ones, p = np.ones(4), np.array([0.9, 0.6, 0.4, 0.1])
    values = estimates(ones, p, 0.5, weights=[], measures=campaign_measures(VERBRAKEN))
    assert values["expected_maximum_profit"].value is None
    assert values["false_negatives"].value == 2
