"""Hyperparameter search with Optuna's TPE sampler over the search space in conf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna

# The number of trials before pruning starts. A trial is then stopped if its value is below the
# median of earlier trials at the same step.
TRIALS_BEFORE_PRUNING = 5


@dataclass(frozen=True)
class Trial:
    """One set of parameters and its objective value. None: pruned before its last step."""

    number: int
    parameters: Mapping[str, Any]
    value: float | None


Report = Callable[[float], None]
Objective = Callable[[Mapping[str, Any], Report], float]


def search(
    space: Mapping[str, Mapping[str, Any]],
    start: Mapping[str, Any],
    trials: int,
    *,
    seed: int,
    objective: Objective,
    finished: Callable[[Trial], None],
) -> Trial:
    """The trial with the highest value. Ties go to the earliest trial.

    `start`: parameters of the first trial. Parameters that are not in `space` keep these values.
    `space`: an entry has `choices`, or `low` and `high` (integer if both are) and optionally `log`.
    `objective(parameters, report)`: reports its value after each step except the last and returns
    the last value. A trial that reports nothing is never pruned.
    `finished`: called after each trial.
    """

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=TRIALS_BEFORE_PRUNING),
    )
    study.enqueue_trial({name: _coded(start[name], entry) for name, entry in space.items()})
    done: list[Trial] = []

    def run(trial: optuna.Trial) -> float:
        parameters = {**start, **{name: _drawn(trial, name, e) for name, e in space.items()}}
        steps = iter(range(1_000_000))

        def report(value: float) -> None:
            trial.report(value, next(steps))
            if trial.should_prune():
                raise optuna.TrialPruned

        value = None
        try:
            value = objective(parameters, report)
            return value
        finally:
            completed = Trial(trial.number, parameters, value)
            done.append(completed)
            finished(completed)

    study.optimize(run, n_trials=trials)
    return max((t for t in done if t.value is not None), key=lambda t: (t.value, -t.number))


def _coded(value: Any, entry: Mapping[str, Any]) -> Any:
    """The value for Optuna. A choice is passed as its position, because Optuna's categories must be
    scalars."""
    return list(entry["choices"]).index(value) if "choices" in entry else value


def _drawn(trial: Any, name: str, entry: Mapping[str, Any]) -> Any:
    if "choices" in entry:
        choices = list(entry["choices"])
        return choices[trial.suggest_categorical(name, range(len(choices)))]
    low, high, log = entry["low"], entry["high"], bool(entry.get("log", False))
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, log=log)
    return trial.suggest_float(name, float(low), float(high), log=log)
