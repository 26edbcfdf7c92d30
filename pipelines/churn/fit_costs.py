"""Which fits a training run makes, what they cost, and the settings that change their number."""

from __future__ import annotations

from collections.abc import Sequence

from models.forest import MOST_ROWS_A_TREE
from models.learners import MOST_NETWORK_ROWS
from pipelines.churn.candidates import Candidate
from runtime.settings.training import TrainingSettings
from runtime.wording import duration, plural

# Seconds of one fit of 100,000 rows and 58 columns in one thread, with the parameters of
# training.starts. Measured on two cores (benchmarks/RESULTS.md). They grow with rows and columns.
SECONDS = {
    "xgboost": 3.6,
    "random_forest": 48.0,
    "multilayer_perceptron": 39.0,
    "logistic_regression": 0.5,
}
ROWS, COLUMNS = 100_000, 58
# Beyond so many rows a fit takes no longer.
MOST_ROWS = {"random_forest": MOST_ROWS_A_TREE, "multilayer_perceptron": MOST_NETWORK_ROWS}


def fits_text(settings: TrainingSettings) -> str:
    """What the search and the checks fit, and the settings that change it, as one line."""
    trials = sum(trials_of(settings, name) for name in settings.learners)
    parts = [f"{plural(trials, 'trial')} of {plural(len(settings.learners), 'learner')}"]
    if settings.stability.learners:
        names = ["the chosen learner" if n == "chosen" else n for n in settings.stability.learners]
        folds = plural(settings.stability.folds, "fold")
        parts.append(f"{folds} of {' and of '.join(names)} (training.stability.learners)")
    if settings.rolling_dates > 1:
        parts.append(f"{plural(settings.rolling_dates - 1, 'earlier test date')}")
    if settings.compare_feature_sets:
        parts.append("feature sets (training.compare_feature_sets)")
    return f"fits: {', '.join(parts)}, then the other horizons"


def costs_text(settings: TrainingSettings, rows: int, columns: int, *, share: float) -> str:
    """What the search of each learner costs before it starts, as one line.

    rows, columns: of the training rows. share: the seconds that a learner may take. The estimate is
    that of first trials in one thread; a busy machine or larger models take longer.
    """
    costs = [
        f"{name} {plural(fits, 'fit')}, about {duration(fits * fit_seconds(name, rows, columns))}"
        for name in settings.learners
        for fits in (trials_of(settings, name) + 1,)
    ]
    return (
        f"search on {plural(rows, 'row')}: {'; '.join(costs)}. A learner is stopped after "
        f"{duration(share)} (training.budget_minutes)"
    )


def trials_of(settings: TrainingSettings, name: str) -> int:
    """The trials of a learner, at least one."""
    return max(settings.plan.trials.get(name, 1), 1)  # type: ignore[call-overload]


def fit_seconds(name: str, rows: int, columns: int) -> float:
    """Seconds of one fit of a learner.

    >>> fit_seconds("xgboost", 50_000, 58), fit_seconds("random_forest", 900_000, 58)
    (1.8, 48.0)
    """
    counted = min(rows, MOST_ROWS.get(name, rows))
    return SECONDS[name] * counted / ROWS * columns / COLUMNS


def is_asked(candidate: Candidate, chosen: Candidate, asked: Sequence[str]) -> bool:
    """Whether training.stability.learners names the learner, or it is the chosen one."""
    return candidate.name in asked or ("chosen" in asked and candidate is chosen)
