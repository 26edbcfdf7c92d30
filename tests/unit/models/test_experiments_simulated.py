"""Intervals and looks on what simulated customers do: heavy tails, many who buy nothing.

Five companies of seeds that nothing was tuned on. A company's customers are the population: what
each of them does with the offer and without it is known, and so is the true mean effect.
"""

from __future__ import annotations

import numpy as np
import pytest

from models.experiments import Moments, anytime_p_value, cuped, difference
from simulator.responses import responses
from simulator.world import OFFERS, World

SEEDS = (901, 902, 903, 904, 905)
CUSTOMERS, DAY, RUNS = 3_000, 330, 200
METRICS = ("conversion", "revenue")


@pytest.fixture(scope="module")
def companies():
    """(without, with the offer) of each company: columns conversion, revenue, and the revenue of
    another month of the same customers, for CUPED."""
    ids = np.arange(CUSTOMERS)
    found = []
    for seed in SEEDS:
        world = World(seed, CUSTOMERS)
        none = np.full(CUSTOMERS, -1)
        offer = np.full(CUSTOMERS, OFFERS.index("discount_20"))
        before = responses(ids, none, world, DAY - 30)["revenue"].to_numpy()
        pair = []
        for offers in (none, offer):
            rows = responses(ids, offers, world, DAY)
            conversion = 1.0 - rows["churned"].to_numpy()
            pair.append({"conversion": conversion, "revenue": rows["revenue"].to_numpy()})
        found.append((*pair, before))
    return found


def campaigns(companies, draw):
    """1,000 campaigns of 900 customers drawn at random, a third of them held out."""
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
        one, other = difference(*arms), cuped(*arms)
        plain += one.low <= truth <= one.high
        better += other.low <= truth <= other.high
        narrower += other.error < one.error
    runs = RUNS * len(SEEDS)
    assert 0.93 <= plain / runs <= 0.97
    assert 0.93 <= better / runs <= 0.97
    # What was bought before says something of what is bought after.
    assert narrower / runs > 0.95


@pytest.mark.parametrize("metric", METRICS)
def test_daily_looks_at_a_campaign_without_effect_alarm_in_5_of_100_at_most(companies, metric):
    """30 looks, 30 more customers each, nobody is sent anything."""
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
