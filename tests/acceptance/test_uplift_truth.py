"""Estimated effects of offers in simulated companies, compared with the true effects."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import uplift_told, uplift_truth
from models.uplift.learners import LEARNERS

# Nothing was tuned on these seeds.
SEEDS = (321, 322, 323)

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def results():
    return uplift_truth.measured(SEEDS)


@pytest.mark.parametrize("learner", LEARNERS)
def test_estimated_effects_correlate_with_the_true_ones(results, learner):
    assert np.mean([result.correlation for result in results[learner]]) > 0


def test_equal_effects_for_all_customers_have_correlation_zero():
    assert uplift_truth.correlation(np.full(3, 0.1), np.array([0.0, 0.1, 0.2])) == 0.0


def test_the_oracle_and_trees_with_the_truth_of_another_company_come_first(results):
    """The truth keeps the whole value. Trees fitted on the truth of another company come next."""
    rows = uplift_truth.Company(SEEDS[0]).trials
    last = rows[rows["campaign"] == uplift_truth.JUDGED]
    truth = last[[f"true_{k}" for k in range(1, 6)]].to_numpy(float)
    value = last["value"].to_numpy(float)
    assert uplift_truth.share_of_oracle(truth, truth, value, np.zeros_like(truth)) == 1.0
    kept = {name: np.mean([j.kept for j in judged]) for name, judged in results.items()}
    assert max(kept, key=kept.get) == uplift_truth.CEILING


def test_outcomes_agree_with_the_true_effects():
    """The mean fall in churn of a randomised arm is the mean true effect, up to sampling error."""
    rows = uplift_told.trials(341, 20_000)
    held = rows.loc[rows["arm"] == 0, "churned"]
    for arm in range(1, 6):
        sent = rows[rows["arm"] == arm]
        error = np.hypot(held.sem(), sent["churned"].sem())
        measured = held.mean() - sent["churned"].mean()
        assert abs(measured - sent[f"true_{arm}"].mean()) < 4 * error < 0.03
