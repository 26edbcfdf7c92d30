"""What learners say of offers on simulated companies goes with the truth that none of them saw."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import uplift_told, uplift_truth
from models.uplift.learners import LEARNERS

# Nobody has tuned anything on these.
SEEDS = (321, 322, 323)

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def found():
    return uplift_truth.measured(SEEDS)


@pytest.mark.parametrize("learner", LEARNERS)
def test_estimated_effects_correlate_with_the_true_ones(found, learner):
    assert np.mean([one.correlation for one in found[learner]]) > 0


def test_the_same_for_all_says_nothing_of_anybody():
    assert uplift_truth.correlation(np.full(3, 0.1), np.array([0.0, 0.1, 0.2])) == 0.0


def test_the_oracle_and_who_knows_more_come_first(found):
    """Truth judges itself as the whole; trees that saw another company's truth beat all others."""
    rows = uplift_truth.Company(SEEDS[0]).trials
    last = rows[rows["campaign"] == uplift_truth.JUDGED]
    truth = last[[f"true_{k}" for k in range(1, 6)]].to_numpy(float)
    value = last["value"].to_numpy(float)
    assert uplift_truth.share_of_oracle(truth, truth, value, np.zeros_like(truth)) == 1.0
    kept = {name: np.mean([one.kept for one in judged]) for name, judged in found.items()}
    assert max(kept, key=kept.get) == uplift_truth.CEILING


def test_outcomes_of_companies_that_know_all_are_those_of_their_truth():
    """A randomised arm's mean fall in churn is the mean true effect, within its standard error."""
    rows = uplift_told.trials(341, 20_000)
    held = rows.loc[rows["arm"] == 0, "churned"]
    for arm in range(1, 6):
        sent = rows[rows["arm"] == arm]
        error = np.hypot(held.sem(), sent["churned"].sem())
        measured = held.mean() - sent["churned"].mean()
        assert abs(measured - sent[f"true_{arm}"].mean()) < 4 * error < 0.03
