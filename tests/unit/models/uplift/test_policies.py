"""The value of policies, by hand and against the truth; the budget holds."""

from __future__ import annotations

import numpy as np
import pytest

from models.uplift.policies import Trial, best_within, first_within, policy_value


def trial(**changed):
    """Four customers worth 10; the offer costs 1; half are sent it. All risks are expected .5."""
    fields = {
        "arm": np.array([0, 1, 0, 1]),
        "churned": np.array([1.0, 0.0, 1.0, 1.0]),
        "value": np.full(4, 10.0),
        "risk": np.full((4, 2), 0.5),
        "share": np.full((4, 2), 0.5),
        "cost": np.column_stack([np.zeros(4), np.ones(4)]),
    }
    return Trial(**{**fields, **changed})


def test_a_policy_by_hand():
    """Corrected churn without: .5 + .5/.5 = 1.5, .5, 1.5, .5; with: .5, .5 - 1 = -.5, .5, 1.5.

    Gained: 10 * (1.0, 1.0, 1.0, -1.0) - 1 = 9, 9, 9, -11: mean 4, standard deviation 10.
    """
    found = policy_value(trial(), np.ones(4, dtype=np.int64))
    assert found.value == pytest.approx(4.0)
    assert found.high - found.value == pytest.approx(1.96 * 10 / 4**0.5)


def test_to_send_nothing_is_worth_exactly_nothing():
    found = policy_value(trial(), np.zeros(4, dtype=np.int64))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("wrong", ["risk", "share"])
def test_it_is_right_where_either_risks_or_chances_are(wrong):
    """Doubly robust: the truth lies in the interval though one of both is far off."""
    draw = np.random.default_rng(4)
    rows = 40_000
    x = draw.uniform(size=rows)
    risk = np.column_stack([0.3 + 0.4 * x, 0.3 + 0.1 * x])
    share = np.column_stack([1 - 0.2 - 0.6 * x, 0.2 + 0.6 * x])
    arm = (draw.random(rows) < share[:, 1]).astype(np.int64)
    told = {"risk": risk, "share": share, wrong: np.full((rows, 2), 0.5)}
    churned = (draw.random(rows) < risk[np.arange(rows), arm]).astype(float)
    flat = {"value": np.full(rows, 10.0), "cost": np.zeros((rows, 2))}
    found = policy_value(trial(arm=arm, churned=churned, **flat, **told), np.ones(rows, np.int64))
    # Fall .3 x, x uniform: .15 of 10.
    assert found.low - 0.05 < 1.5 < found.high + 0.05
    assert found.high - found.low < 0.3


def test_the_highest_priorities_come_first_within_the_budget():
    chosen = first_within(np.array([0.2, 0.9, 0.0, 0.5]), np.array([1.0, 2.0, 1.0, 1.0]), 3.0)
    assert chosen.tolist() == [False, True, False, True]


def test_the_greatest_gain_for_the_money():
    """Rates 5, 2 and 4; the budget of 3 pays the first and the third."""
    gain = np.array([[5.0, -1.0], [4.0, 3.0], [-1.0, 8.0]])
    use = np.array([[1.0, 1.0], [2.0, 2.0], [2.0, 2.0]])
    assert best_within(gain, use, 3.0).tolist() == [1, 0, 2]
    assert best_within(gain, use, 9.0).tolist() == [1, 1, 2]
    assert best_within(-np.abs(gain), use, 9.0).tolist() == [0, 0, 0]


def test_each_correction_is_divided_by_the_chance_of_the_arm_that_was_chosen():
    """Arms have the chances .1 (none) and .9 (offer), or .5 each in the last row.

    Corrected churn without an offer: .5 + .5 / .1 = 5.5, .5, .5 - .5 / .1 = -4.5, .5; with it: .5,
    .5 - .5 / .9 = -1/18, .5, .5 + .5 / .5 = 1.5. Gained by sending the offer to all:
    10 * (5, 10/18, -5, -1) - 1 = 49, 41/9, -51, -11.
    """
    unequal = trial(
        churned=np.array([1.0, 0.0, 0.0, 1.0]),
        share=np.array([[0.1, 0.9], [0.1, 0.9], [0.1, 0.9], [0.5, 0.5]]),
    )
    gained = np.array([49.0, 41 / 9, -51.0, -11.0])
    to_all = policy_value(unequal, np.ones(4, dtype=np.int64))
    assert to_all.value == pytest.approx(gained.mean())
    assert to_all.high - to_all.low == pytest.approx(2 * 1.96 * gained.std(ddof=1) / 4**0.5)
    # The other customers get no offer: no gain and no cost.
    to_second = policy_value(unequal, np.array([0, 1, 0, 0]))
    assert to_second.value == pytest.approx(41 / 9 / 4)
