"""Hashed draws: uniform, independent of the order, and with the stated distributions."""

from __future__ import annotations

import numpy as np
from scipy import stats

from simulator import draws

IDS = np.arange(20_000)


def test_draws_are_uniform_and_differ_by_seed_name_and_key():
    drawn = draws.uniform(1, "a", IDS)
    assert stats.kstest(drawn, "uniform").pvalue > 0.001
    for other in (draws.uniform(2, "a", IDS), draws.uniform(1, "b", IDS)):
        # 20,000 independent pairs: the correlation's standard error is 1 / sqrt(20,000) = 0.007.
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 4 / np.sqrt(20_000)
    assert draws.uniform(1, "a", IDS, 0)[5] != draws.uniform(1, "a", IDS, 1)[5]


def test_a_draw_depends_only_on_its_own_keys():
    np.testing.assert_array_equal(draws.uniform(1, "a", IDS)[[7, 3]], draws.uniform(1, "a", [7, 3]))


def test_keys_are_not_interchangeable():
    assert draws.uniform(1, "a", 2, 3) != draws.uniform(1, "a", 3, 2)


def test_distributions_have_their_means():
    u = draws.uniform(1, "law", IDS)
    gamma, waits = draws.gamma(u, 1.6), draws.exponential(u)
    # Standard errors of the means: sqrt(1/1.6/20,000) = 0.0056, sqrt(1/20,000) = 0.0071.
    assert abs(gamma.mean() - 1) < 4 * 0.0056
    assert abs(waits.mean() - 1) < 4 * 0.0071
    assert abs(draws.poisson(u, np.full(len(u), 2.0)).mean() - 2) < 4 * np.sqrt(2 / 20_000)
    assert draws.poisson(u[:3], np.zeros(3)).tolist() == [0, 0, 0]


def test_choice_takes_one_list_or_a_row_for_each():
    u = np.array([0.1, 0.6, 0.6])
    assert draws.choice(u, [1, 1]).tolist() == [0, 1, 1]
    assert draws.choice(u, [[1, 1, 0], [1, 1, 0], [0, 0, 1]]).tolist() == [0, 1, 2]


def test_events_are_numbered_within_their_row():
    row, number = draws.events(1, "e", np.array([0.0, 50.0, 50.0]), np.arange(3))
    assert set(row) == {1, 2}
    for own in (row == 1, row == 2):
        assert number[own].tolist() == list(range(own.sum()))
