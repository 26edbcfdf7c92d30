"""Coverage and false alarms on simulated customers: heavy tails, many customers without a purchase.

Nothing was tuned on the seeds of the five companies. The customers of a company are the population.
The outcome of each customer with and without the offer is known, so the true mean effect is known.
"""

from __future__ import annotations

import numpy as np
import pytest

from models.experiments import (
    Moments,
    anytime_p_value,
    cuped,
    difference,
    share_difference,
    stratified,
)
from simulator.responses import responses
from simulator.world import OFFERS, World

SEEDS = (901, 902, 903, 904, 905)
CUSTOMERS, DAY, RUNS = 3_000, 330, 200
METRICS = ("conversion", "revenue")


@pytest.fixture(scope="module")
def companies():
    """(without offer, with offer, revenue before) of each company.

    The first two have the columns conversion and revenue. The third is the revenue of the same
    customers in an earlier month, the covariate for CUPED.
    """
    ids = np.arange(CUSTOMERS)
    companies = []
    for seed in SEEDS:
        world = World(seed, CUSTOMERS)
        none = np.full(CUSTOMERS, -1)
        offer = np.full(CUSTOMERS, OFFERS.index("discount_20"))
        before = responses(ids, none, world, day=DAY - 30)["revenue"].to_numpy()
        pair = []
        for offers in (none, offer):
            rows = responses(ids, offers, world, day=DAY)
            conversion = 1.0 - rows["churned"].to_numpy()
            pair.append({"conversion": conversion, "revenue": rows["revenue"].to_numpy()})
        companies.append((*pair, before))
    return companies


def campaigns(companies, draw):
    """1,000 campaigns of 900 random customers. A third of them is the control group."""
    for without, offered, before in companies:
        for _ in range(RUNS):
            who = draw.integers(0, CUSTOMERS, 900)
            yield without, offered, before, who[300:], who[:300]


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_cover_the_true_effect_in_95_of_100_campaigns(companies, metric):
    draw, plain, better, narrower = np.random.default_rng(21), 0, 0, 0
    for without, offered, before, sent, held in campaigns(companies, draw):
        truth = offered[metric].mean() - without[metric].mean()
        arms = (
            Moments.of(offered[metric][sent], before[sent]),
            Moments.of(without[metric][held], before[held]),
        )
        welch, adjusted = difference(*arms), cuped(*arms)
        plain += welch.low <= truth <= welch.high
        better += adjusted.low <= truth <= adjusted.high
        narrower += adjusted.error < welch.error
    runs = RUNS * len(SEEDS)
    assert 0.93 <= plain / runs <= 0.97
    assert 0.93 <= better / runs <= 0.97
    # Earlier purchases predict later purchases, so CUPED reduces the error.
    assert narrower / runs > 0.95


@pytest.mark.parametrize("metric", METRICS)
def test_daily_looks_at_a_campaign_without_effect_alarm_in_5_of_100_at_most(companies, metric):
    """30 looks with 30 more customers each. No customer receives an offer."""
    draw, sequential, fixed = np.random.default_rng(22), 0, 0
    for without, _, _, sent, held in campaigns(companies, draw):
        y, z = without[metric][sent[:450]], without[metric][np.r_[held, sent[450:]]][:450]
        hoped = 0.1 * without[metric].std()
        looks = [difference(Moments.of(y[:n]), Moments.of(z[:n])) for n in range(15, 451, 15)]
        looks = [look for look in looks if look is not None]
        sequential += any(anytime_p_value(look, hoped) < 0.05 for look in looks)
        fixed += any(look.p_value < 0.05 for look in looks)
    runs = RUNS * len(SEEDS)
    assert sequential / runs <= 0.05
    assert fixed / runs > 0.2


def kept(draw, share, count):
    return (draw.random(count) < share).astype(float)


@pytest.mark.parametrize("base", [0.95, 0.05])
@pytest.mark.parametrize(("sent", "held"), [(180, 20), (270, 30)])
def test_intervals_of_a_small_control_group_with_extreme_shares_cover(base, sent, held):
    """1,000 campaigns with shares of 90/10. Coverage may exceed 97 %: the interval is
    conservative."""
    draw, hits, of_cuped, of_means = np.random.default_rng(23), 0, 0, 0
    for _ in range(1_000):
        y, z = kept(draw, base, sent), kept(draw, base, held)
        arms = tuple(Moments.of(v, v + draw.normal(0, 0.3, len(v))) for v in (y, z))
        of_share, adjusted = share_difference(*arms), cuped(*arms, is_share=True)
        hits += of_share.low <= 0 <= of_share.high
        of_cuped += adjusted.low <= 0 <= adjusted.high
        welch = difference(*arms)
        of_means += welch is not None and welch.low <= 0 <= welch.high
    assert hits / 1_000 >= 0.93
    assert of_cuped / 1_000 >= 0.93
    # For comparison: Welch's interval fails for arms in which y is constant.
    assert of_means / 1_000 < 0.9


@pytest.mark.parametrize("without", [0.95, 0.5, 0.05])
@pytest.mark.parametrize("effect", [0.04, -0.04])
def test_intervals_of_shares_cover_an_effect_of_four_points(without, effect):
    draw, hits = np.random.default_rng(24), 0
    for _ in range(1_000):
        arms = kept(draw, without + effect, 180), kept(draw, without, 20)
        interval = share_difference(*(Moments.of(y) for y in arms))
        hits += interval.low <= effect <= interval.high
    assert hits / 1_000 >= 0.93


@pytest.mark.parametrize("effect", [0.0, 0.04, -0.04])
@pytest.mark.parametrize("customers", [200, 1_000])
def test_intervals_within_segments_cover_where_one_in_ten_is_in_an_arm(customers, effect):
    draw, hits = np.random.default_rng(25), 0
    for _ in range(1_000):
        strata = [
            tuple(
                Moments.of(kept(draw, share, count))
                for share, count in ((base + effect, customers // 50), (base, customers * 9 // 50))
            )
            for base in (0.91, 0.92, 0.93, 0.94, 0.95)
        ]
        interval = stratified(strata, is_share=True)
        hits += interval.low <= effect <= interval.high
    assert hits / 1_000 >= 0.93


@pytest.mark.parametrize("base", [0.95, 0.5, 0.05])
def test_daily_looks_at_a_small_hold_out_alarm_in_5_of_100_at_most(base):
    """60 days with 9 treated and 1 control customer per day and no effect: shares against means."""
    draw, of_shares, of_means = np.random.default_rng(26), 0, 0
    for run in range(1_000):
        sums = kept(draw, base, (60, 10)).cumsum(axis=0)
        sent, held = sums[:, 1:].sum(axis=1), sums[:, 0]
        looks = [
            tuple(Moments(n, y, y) for n, y in ((9 * day, sent[day - 1]), (day, held[day - 1])))
            for day in range(2, 61)
        ]
        shares = [share_difference(*look) for look in looks]
        of_shares += any(anytime_p_value(look, 0.05) < 0.05 for look in shares)
        # For comparison, Welch's test on the first 100 runs.
        welch = [difference(*look) for look in looks if run < 100]
        of_means += any(anytime_p_value(look, 0.05) < 0.05 for look in welch if look is not None)
    assert of_shares / 1_000 <= 0.05
    assert base == 0.5 or of_means / 100 > 0.2
