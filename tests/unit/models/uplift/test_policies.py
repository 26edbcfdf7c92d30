"""The value of policies by hand and against the truth, and the limits of the budget."""

from __future__ import annotations

import numpy as np
import pytest

from models.uplift.policies import Trial, best_within, first_within, policy_value


def trial(**changed):
    """Four customers with a value of 10. The offer costs 1 and half receive it. All predicted risks
    are .5."""
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
    """Corrected churn without the offer: .5 + .5/.5 = 1.5, .5, 1.5, .5. With the offer: .5, .5 - 1 =
    -.5, .5, 1.5.

    Gains: 10 * (1.0, 1.0, 1.0, -1.0) - 1 = 9, 9, 9, -11, with mean 4 and standard deviation 10.
    """
    estimate = policy_value(trial(), np.ones(4, dtype=np.int64))
    assert estimate.value == pytest.approx(4.0)
    assert estimate.high - estimate.value == pytest.approx(1.96 * 10 / 4**0.5)


def test_to_send_nothing_is_worth_exactly_nothing():
    estimate = policy_value(trial(), np.zeros(4, dtype=np.int64))
    assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("wrong", ["risk", "share"])
def test_it_is_right_where_either_risks_or_chances_are(wrong):
    """Doubly robust: the interval covers the truth although the risks or the shares are wrong."""
    draw = np.random.default_rng(4)
    rows = 40_000
    x = draw.uniform(size=rows)
    risk = np.column_stack([0.3 + 0.4 * x, 0.3 + 0.1 * x])
    share = np.column_stack([1 - 0.2 - 0.6 * x, 0.2 + 0.6 * x])
    arm = (draw.random(rows) < share[:, 1]).astype(np.int64)
    assumed = {"risk": risk, "share": share, wrong: np.full((rows, 2), 0.5)}
    churned = (draw.random(rows) < risk[np.arange(rows), arm]).astype(float)
    flat = {"value": np.full(rows, 10.0), "cost": np.zeros((rows, 2))}
    estimate = policy_value(
        trial(arm=arm, churned=churned, **flat, **assumed), np.ones(rows, np.int64)
    )
    # The effect is .3 x with x uniform: .15 on average, times the value of 10.
    assert estimate.low - 0.05 < 1.5 < estimate.high + 0.05
    assert estimate.high - estimate.low < 0.3


def test_the_highest_priorities_come_first_within_the_budget():
    chosen = first_within(np.array([0.2, 0.9, 0.0, 0.5]), np.array([1.0, 2.0, 1.0, 1.0]), 3.0)
    assert chosen.tolist() == [False, True, False, True]


def test_the_greatest_gain_for_the_money():
    """The best gains per unit of budget are 5, 2 and 4. A budget of 3 pays the first and third."""
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
