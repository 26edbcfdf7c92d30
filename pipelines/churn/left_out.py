"""Learners that cannot be fitted: the run goes on with the others, and says which and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from models.fit_attempts import LeftOut, fit_or_reason
from pipelines.churn.candidates import Candidate, TrainingData
from pipelines.churn.evaluation import left_out_row
from runtime.errors import ModelGateError


def trained(
    data: TrainingData, fit: Callable[[str], Candidate], names: Sequence[str]
) -> tuple[list[Candidate], list[dict[str, Any]]]:
    """The learners that can be fitted, and a row of gold.model_comparison for each other one.

    Raises ModelGateError where none can be fitted.
    """
    attempts = data.side_by_side(lambda name: fit_or_reason(partial(fit, name)), names, "learner")
    candidates, rows = [], []
    for name, attempt in zip(names, attempts, strict=True):
        if isinstance(attempt, LeftOut):
            data.context.progress.warn(f"{name} is left out: {attempt.reason}")
            rows.append(left_out_row(name, attempt.reason))
        else:
            candidates.append(attempt)
    if not candidates:
        raise ModelGateError(
            f"training.learners: none of {', '.join(names)} could be fitted. Nothing was "
            f"registered. The first reason: {rows[0]['reason']} Add other learners, or use a later "
            "as_of with more customers."
        )
    return candidates, rows
