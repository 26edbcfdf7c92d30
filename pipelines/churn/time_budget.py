"""The time that each learner may take: a share of training.budget_minutes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from models.fit_limit import checked_by
from models.matrix_rows import MatrixRows
from pipelines.churn.candidates import Candidate, TrainingData
from runtime.settings.training import TrainingSettings
from runtime.time_limit import TimeLimit
from runtime.wording import duration, plural


def seconds_of_share(settings: TrainingSettings) -> float:
    """Seconds per learner. The learners that run in parallel each have a share of their own."""
    learners = len(settings.learners)
    return settings.budget_minutes * 60 * min(settings.fits_at_once, learners) / learners


def within_budget(
    data: TrainingData, fit: Callable[[str], Candidate]
) -> Callable[[str], Candidate]:
    """`fit`, which ends with OverTimeError when the learner has used its share of the budget."""
    settings = data.context.settings.training
    share = seconds_of_share(settings)

    def limited(name: str) -> Candidate:
        limit = TimeLimit(
            share,
            f"stopped after {duration(share)}, its share of training.budget_minutes = "
            f"{settings.budget_minutes:g} for {plural(len(settings.learners), 'learner')}. Raise "
            f"the setting, or remove {name} from training.learners.",
        )
        is_local = isinstance(data.plain.rows, MatrixRows)
        with (
            checked_by(limit.check),
            nullcontext() if is_local else limit.on(data.context.spark),
        ):
            return fit(name)

    return limited
