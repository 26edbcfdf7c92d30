"""Which fits a training run makes, and the settings that change their number."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.churn.candidates import Candidate
from runtime.settings.training import TrainingSettings
from runtime.wording import plural


def fits_text(settings: TrainingSettings) -> str:
    """What the search and the checks fit, and the settings that change it, as one line."""
    trials = sum(max(settings.plan.trials.get(name, 1), 1) for name in settings.learners)
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


def is_asked(candidate: Candidate, chosen: Candidate, asked: Sequence[str]) -> bool:
    """Whether training.stability.learners names the learner, or it is the chosen one."""
    return candidate.name in asked or ("chosen" in asked and candidate is chosen)
