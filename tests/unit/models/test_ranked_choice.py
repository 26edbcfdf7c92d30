"""Who is chosen under a budget, and what would change the choice."""

from __future__ import annotations

import numpy as np
import pytest

from models.ranked_choice import (
    Ranking,
    chosen_by_customers,
    chosen_by_money,
    gain_needed,
    smallest_budget,
    with_gain,
    within_caps,
)

# Five customers by gain; the last offer costs more than it keeps.
COST = np.array([4.0, 4.0, 1.0, 2.0, 3.0])
GAIN = np.array([9.0, 7.0, 5.0, 3.0, -1.0])
FREE = np.ones(5, dtype=bool)
RANKING = Ranking(COST, GAIN, FREE, needs_gain=True)


@pytest.mark.parametrize(
    ("customers", "count"),
    [(0, 0), (1, 1), (4, 4), (5, 4), (100 * 0.29 / 29 * 3, 3)],
    ids=["no budget", "one", "all who pay", "the last costs more than it keeps", "rounding"],
)
def test_a_budget_in_customers(customers, count):
    assert chosen_by_customers(RANKING, customers).sum() == count


def test_a_budget_in_money_stops_at_the_first_offer_that_does_not_fit():
    # 4 + 4 = 8, 8 + 1 = 9, 9 + 2 = 11
    assert chosen_by_money(RANKING, 9).tolist() == [True, True, True, False, False]
    assert chosen_by_money(RANKING, 10.9).tolist() == [True, True, True, False, False]


def test_another_strategy_also_takes_offers_that_cost_more_than_they_keep():
    assert chosen_by_customers(Ranking(COST, GAIN, FREE, needs_gain=False), 5).all()


def test_an_unknown_gain_counts_and_an_unknown_cost_does_not_fit_into_money():
    unknown = np.full(2, np.nan)
    ranking = Ranking(unknown, unknown, np.ones(2, dtype=bool), needs_gain=True)

    assert chosen_by_customers(ranking, 1).tolist() == [True, False]
    assert chosen_by_money(ranking, 100).tolist() == [False, False]


def test_an_offer_that_is_used_up_takes_no_place():
    offers = ["a", "a", "b", "a", "b"]
    capped = Ranking(COST, GAIN, within_caps(offers, {"a": 1}), needs_gain=True)

    assert chosen_by_customers(capped, 2).tolist() == [True, False, True, False, False]


def test_the_smallest_budget_that_reaches_a_customer():
    assert smallest_budget(RANKING, 3, "customers") == 4
    assert smallest_budget(RANKING, 3, "money") == 4 + 4 + 1 + 2


def test_no_budget_reaches_an_offer_that_costs_more_than_it_keeps():
    assert smallest_budget(RANKING, 4, "customers") is None


@pytest.mark.parametrize(
    ("budget", "unit", "needed"),
    [
        (2, "customers", 7.0),  # must pass the second
        (4, "customers", 3.0),
        (5, "customers", 0.0),  # there is room: the offer only has to pay
        (11, "money", 5.0),  # before the third: 4 + 4 + 3 = 11; before the fourth 12 > 11
        (2, "money", None),  # the offer costs 3
    ],
)
def test_the_gain_from_which_the_last_customer_is_chosen(budget, unit, needed):
    assert gain_needed(RANKING, 4, budget, unit=unit) == needed


def test_a_customer_with_another_gain_moves():
    moved, place = with_gain(RANKING, 4, 6.0)

    assert place == 2
    assert moved.gain.tolist() == [9.0, 7.0, 6.0, 5.0, 3.0]
    assert moved.cost.tolist() == [4.0, 4.0, 3.0, 1.0, 2.0]
