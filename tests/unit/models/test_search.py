"""Hyperparameter search: the first trial, the best trial, pruning and the seed."""

from __future__ import annotations

from models.search import Trial, search

SPACE = {"x": {"low": 0.0, "high": 1.0}, "layers": {"choices": [[100], [200], [100, 50]]}}
START = {"x": 0.25, "layers": [200], "fixed": 7}


def _run(trials, objective):
    seen: list[Trial] = []
    return search(SPACE, START, trials, seed=1, objective=objective, finished=seen.append), seen


def test_the_first_trial_is_the_start():
    best, seen = _run(1, lambda parameters, report: parameters["x"])
    assert seen == [best]
    assert best.parameters == START


def test_the_best_of_all_trials_is_kept():
    best, seen = _run(12, lambda parameters, report: -((parameters["x"] - 0.7) ** 2))
    assert best.value == max(t.value for t in seen)
    assert abs(best.parameters["x"] - 0.7) < 0.25
    assert best.parameters["fixed"] == 7


def test_the_same_seed_gives_the_same_trials():
    first, second = (_run(6, lambda parameters, report: parameters["x"])[1] for _ in range(2))
    assert [t.parameters for t in first] == [t.parameters for t in second]


def test_a_trial_below_the_median_is_stopped_after_its_first_step():
    steps: list[int] = []

    def objective(parameters, report):
        # The first five trials have a high value at the first step, later trials a low one.
        value = 1.0 if len(steps) < 5 else 0.0
        steps.append(1)
        report(value)
        steps[-1] += 1
        return value

    best, seen = _run(8, objective)
    assert steps == [2] * 5 + [1] * 3
    assert [t.value for t in seen] == [1.0] * 5 + [None] * 3
    assert best.number == 0


def test_a_trial_that_reports_nothing_is_never_stopped():
    best, seen = _run(12, lambda parameters, report: -parameters["x"])
    assert len(seen) == 12 and None not in [t.value for t in seen]
    assert best.value == max(t.value for t in seen)
