"""Parameters of a learner: Optuna's TPE over the space of conf, judged on held-out dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# A trial that ranks below the median of those before it, at the same step, is stopped.
TRIALS_BEFORE_PRUNING = 5


@dataclass(frozen=True)
class Trial:
    """One set of parameters and how it did; value None: stopped before its last step."""

    number: int
    parameters: Mapping[str, Any]
    value: float | None


Report = Callable[[float], None]
Objective = Callable[[Mapping[str, Any], Report], float]


def search(
    space: Mapping[str, Mapping[str, Any]],
    start: Mapping[str, Any],
    trials: int,
    seed: int,
    objective: Objective,
    finished: Callable[[Trial], None],
) -> Trial:
    """The best of `trials` trials (higher is better); the first has the values of `start`.

    `objective(parameters, report)` reports its value after each step but the last, which it
    returns; a trial that reports nothing is never stopped.
    A space entry has `choices`, or `low` and `high` (whole where both are) with `log`. What `start`
    has and the space has not stays as it is.
    """
    import optuna

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
            one = Trial(trial.number, parameters, value)
            done.append(one)
            finished(one)

    study.optimize(run, n_trials=trials)
    return max((t for t in done if t.value is not None), key=lambda t: (t.value, -t.number))


def _coded(value: Any, entry: Mapping[str, Any]) -> Any:
    """Optuna's categories must be plain values: a list goes as the position of its choice."""
    return list(entry["choices"]).index(value) if "choices" in entry else value


def _drawn(trial: Any, name: str, entry: Mapping[str, Any]) -> Any:
    if "choices" in entry:
        choices = list(entry["choices"])
        return choices[trial.suggest_categorical(name, range(len(choices)))]
    low, high, log = entry["low"], entry["high"], bool(entry.get("log", False))
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, log=log)
    return trial.suggest_float(name, float(low), float(high), log=log)
