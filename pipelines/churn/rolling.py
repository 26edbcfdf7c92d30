"""Several test dates: is a learner better than rfm_logistic, and which learner may be champion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from models.baselines import RFM
from models.metrics import Estimate
from pipelines.churn.candidates import Candidate, TrainingData, fitted
from pipelines.churn.dataset import sample
from pipelines.churn.evaluation import (
    NO_SIGNAL,
    PAIRED,
    SCORED,
    Evaluated,
    against_rfm,
    mean_gain,
    predicted,
    result_row,
    row_of,
)
from runtime.errors import ModelGateError
from transforms.slices import at_date

# The learner that is tried if the chosen one is not better than rfm_logistic.
SIMPLER = "logistic_regression"


class EarlierFits:
    """Candidates as they would have been fitted on an earlier date, which is then their test date.

    They know no label that had not passed by that date. Each is fitted once.
    """

    def __init__(self, data: TrainingData) -> None:
        self.data = data
        self._lock = Lock()
        self._of_day: dict[dt.date, TrainingData | None] = {}
        self._candidates: dict[tuple[dt.date, str], Candidate] = {}

    def data_on(self, day: dt.date) -> TrainingData | None:
        """The training data as known on `day`. None: too few dates before it."""
        with self._lock:
            if day not in self._of_day:
                self._of_day[day] = self.data.tested_on(day)
            return self._of_day[day]

    def candidate(self, chosen: Candidate, day: dt.date) -> Candidate:
        """The learner of `chosen`, with its parameters, as fitted on `day` (see `data_on`)."""
        data, key = self.data_on(day), (day, chosen.name)
        if data is None:
            raise ModelGateError(f"{day}: too few dates before it to train and validate a model.")
        if key not in self._candidates:
            self._candidates[key] = fitted(data, chosen.name, chosen.parameters)
        return self._candidates[key]


def test_dates(fits: EarlierFits, count: int) -> list[dt.date]:
    """The last count - 1 dates before the test date on which models can be tested, latest first."""
    days = sorted(fits.data.plan.known_dates, reverse=True)[: max(count - 1, 0)]
    return [day for day in days if fits.data_on(day) is not None]


def tests_of(
    fits: EarlierFits, candidate: Candidate, rfm: Candidate, *, days: Sequence[dt.date]
) -> list[Evaluated]:
    """The probabilities of a learner and of rfm_logistic on earlier test dates."""
    pairs = [(day, learner) for day in days for learner in (candidate, rfm)]
    name = f"{candidate.name} and {rfm.name} on earlier test dates, fit"
    fits.data.side_by_side(lambda pair: fits.candidate(pair[1], pair[0]), pairs, name)
    tests = []
    for day in days:
        rows = sample(at_date(fits.data.rows, day), fits.data.plan.split_of()[day])
        scores = {
            learner.name: predicted(fits.candidate(learner, day).model, rows)
            for learner in (candidate, rfm)
        }
        tests.append(Evaluated("test", rows, scores, {}))
    return tests


def proven(
    fits: EarlierFits,
    chosen: Candidate,
    others: Sequence[Candidate],
    *,
    evaluated: Evaluated,
    rfm: Candidate,
) -> tuple[Candidate, list[dict[str, Any]]]:
    """The learner that may become champion, and the rows of its gain over rfm_logistic.

    It is the chosen learner if the interval of its mean gain in ROC AUC over rfm_logistic, among
    the scored and over the last test dates, lies above 0. Otherwise it is logistic regression if
    its interval does, else rfm_logistic: if a gain may be chance, the simpler learner serves.

    The rows: the difference of each metric of PAIRED on each earlier test date, and as the mean.
    """
    context = fits.data.context
    settings = context.settings.training
    if not settings.rolling_dates:
        return chosen, []
    days = test_dates(fits, settings.rolling_dates)
    simpler = [c for c in others if c.name == SIMPLER and c is not chosen]
    rows: list[dict[str, Any]] = []
    for candidate in (chosen, *simpler):
        earlier = tests_of(fits, candidate, rfm, days=days)
        gains = mean_gains([evaluated, *earlier], candidate.name, settings.bootstrap_samples)
        by_day = dict(zip(days, earlier, strict=True))
        rows += gain_rows(candidate.name, gains, by_day, samples=settings.bootstrap_samples)
        gain = gains["roc_auc"]
        dates = f"mean of {len(days) + 1} test dates, {SCORED}"
        if gain.low is not None and gain.low > 0:
            context.progress.say(
                f"      {candidate.name} is better than {RFM}: {told(gains)} ({dates})"
            )
            return candidate, rows
        context.progress.say(
            f"      {candidate.name} is not better than {RFM} beyond chance: {told(gains)} "
            f"({dates}). The simpler learner is preferred."
        )
    return rfm, rows


def mean_gains(tests: Sequence[Evaluated], name: str, samples: int) -> dict[str, Estimate]:
    """The mean gain over rfm_logistic by metric of PAIRED."""
    return {metric: mean_gain(tests, name, metric, samples=samples) for metric in PAIRED}


def gain_rows(
    name: str,
    gains: Mapping[str, Estimate],
    earlier: Mapping[dt.date, Evaluated],
    *,
    samples: int,
) -> list[dict[str, Any]]:
    """Rows of gold.model_comparison: the mean over all dates, and each earlier date."""
    rows = [
        result_row(name, f"{against_rfm(metric)}_mean", gain, population=SCORED)
        for metric, gain in gains.items()
    ]
    for day, test in earlier.items():
        for metric in PAIRED:
            gain = mean_gain([test], name, metric, samples=samples)
            row = result_row(name, against_rfm(metric), gain, population=SCORED)
            rows.append({**row, "test_on": day.isoformat()})
    return rows


def told(gains: Mapping[str, Estimate]) -> str:
    """The gains as text, for the log and the MLflow tag."""
    names = {"roc_auc": "ROC AUC", "log_loss": "log loss", "lift_at_10": "lift in the first tenth"}
    parts = []
    for metric, gain in gains.items():
        if gain.value is None or gain.low is None or gain.high is None:
            parts.append(f"{names[metric]} undefined")
        else:
            digits = 2 if metric.startswith("lift") else 4
            value, low, high = (f"{v:+.{digits}f}" for v in (gain.value, gain.low, gain.high))
            parts.append(f"{names[metric]} {value} ({low} to {high})")
    return ", ".join(parts)


def lack_of_signal(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """A sentence if no learner ranks the scored customers better than chance. "" otherwise.

    Better than chance: the interval of ROC AUC on the test date lies above 0.5. rows: as of
    `comparison`.
    """
    areas = [row_of(rows, name, "roc_auc", population=SCORED) for name in names]
    known = [row for row in areas if row and row["value"] is not None]
    if any(row["ci_low"] is not None and row["ci_low"] > 0.5 for row in known):
        return ""
    if not known:
        return f"{NO_SIGNAL}: ROC AUC is undefined among the active and silent customers"
    best = max(known, key=lambda row: (row["value"], row["model_name"]))
    interval = f" ({best['ci_low']:.3f} to {best['ci_high']:.3f})" if best["ci_low"] else ""
    return (
        f"{NO_SIGNAL}: no learner ranks the active and silent customers of the test date better "
        f"than chance. The best one, {best['model_name']}, has a ROC AUC of {best['value']:.3f}"
        f"{interval}; chance is 0.5"
    )
