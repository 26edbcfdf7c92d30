"""Evaluation of survival models: concordance, Brier score and calibration by decile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from contracts.wording import plural
from models.survival.kaplan_meier import KaplanMeier
from models.survival.rows import ALWAYS, Array, SurvivalError, Whole, whole_days

DECILES = 10


@dataclass(frozen=True)
class Brier:
    """Brier scores: lower is better.

    score: mean squared error of the curve on each of `days`. integrated: mean of the scores.
    reference: the integrated score of the Kaplan-Meier curve, which uses no covariates.
    """

    days: Whole
    score: Array
    integrated: float
    reference: float


@dataclass(frozen=True)
class CalibrationBin:
    """One decile of the customers by predicted probability of the event within the horizon.

    predicted: mean prediction. observed: 1 - Kaplan-Meier. low, high: its 95 % interval.
    """

    decile: int
    customers: int
    predicted: float
    observed: float
    low: float
    high: float


def concordance(
    stop: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weight: ArrayLike | None = None,
) -> float:
    """Share of the comparable pairs in which the row with the earlier event has the higher risk.

    Harrell 1982. A pair is comparable if one row had the event while the other was at risk: it had
    entered before that day, and left later or was censored on that day. Ties of risk count 1/2. The
    weight of a pair is the product of the two weights. stop, start: age in days; without `start`
    all rows are observed from the beginning. SurvivalError where no pair is comparable.
    """
    days, risks = whole_days("stop", stop), np.asarray(risk, dtype=float)
    begin = np.full(len(days), ALWAYS) if start is None else whole_days("start", start)
    weights = np.ones(len(days)) if weight is None else np.asarray(weight, dtype=float)
    died = np.asarray(event).astype(np.int64)
    _, rank = np.unique(risks, return_inverse=True)
    agree, pairs = _pairs(
        days,
        begin,
        died,
        rank,
        weights,
        np.argsort(begin, kind="stable"),
        # Within a day, events come before censorings: rows with an event on the same day are not
        # comparable.
        np.lexsort((1 - died, days)),
    )
    if not pairs > 0:
        raise SurvivalError(
            f"concordance: none of {plural(len(days), 'row')} had an event while another row was "
            "at risk. Evaluate on more customers, or over a longer time."
        )
    return float(agree / pairs)


@njit(nogil=True)
def _pairs(stop, start, event, rank, weight, by_start, by_stop):  # type: ignore[no-untyped-def]
    """Weights of the concordant and of the comparable pairs.

    Goes through the days in order, with the ranks of the rows at risk in a Fenwick tree.
    """
    tree = np.zeros(rank.max() + 2)
    agree = pairs = inside = 0.0
    next_in = next_out = at = 0
    count = len(stop)
    while at < count:
        day = stop[by_stop[at]]
        end = at
        while end < count and stop[by_stop[end]] == day and event[by_stop[end]] == 1:
            end += 1
        if end == at:  # censored
            at += 1
            continue
        while next_in < count and start[by_start[next_in]] < day:
            row = by_start[next_in]
            inside += weight[row]
            _add(tree, rank[row], weight[row])
            next_in += 1
        while next_out < end:  # rows that left before, and rows with the event on that day
            row = by_stop[next_out]
            inside -= weight[row]
            _add(tree, rank[row], -weight[row])
            next_out += 1
        for k in range(at, end):
            row = by_stop[k]
            below, through = _sum(tree, rank[row]), _sum(tree, rank[row] + 1)
            agree += weight[row] * (below + 0.5 * (through - below))
            pairs += weight[row] * inside
        at = end
    return agree, pairs


@njit(nogil=True)
def _add(tree, rank, weight):  # type: ignore[no-untyped-def]
    at = rank + 1
    while at < len(tree):
        tree[at] += weight
        at += at & -at


@njit(nogil=True)
def _sum(tree, ranks):  # type: ignore[no-untyped-def]
    """Total weight of the first `ranks` ranks."""
    total = 0.0
    at = ranks
    while at > 0:
        total += tree[at]
        at -= at & -at
    return total


def brier(survival: Array, days: ArrayLike, elapsed: ArrayLike, *, event: ArrayLike) -> Brier:
    """Brier score with inverse probability of censoring weights (Graf et al. 1999).

    Time starts at the landmark. survival: P(survival beyond each day), of shape (rows, days).
    elapsed: days from the landmark to the event or to the end of observation. Raises SurvivalError
    for a day on or after the last observed day, where no score exists.
    """
    when, lived = whole_days("days", days), whole_days("elapsed", elapsed)
    died = np.asarray(event).astype(bool)
    watched = _StillWatched(lived, died)
    last = int(lived.max())
    if when.max() >= last:
        raise SurvivalError(
            f"days: must be before day {last}, the last day on which anyone was observed, got "
            f"{int(when.max())}. Evaluate a shorter horizon."
        )
    before = watched(lived - 1)
    reference = _kaplan_meier(lived, died).at(when)
    scores = np.empty((2, len(when)))
    for k, day in enumerate(when):
        gone = died & (lived <= day)
        weight = np.where(gone, 1.0 / before, np.where(lived > day, 1.0 / watched(day), 0.0))
        truth = (~gone).astype(float)
        for line, curve in enumerate((survival[:, k], reference[k])):
            scores[line, k] = (weight * (truth - curve) ** 2).mean()
    return Brier(when, scores[0], float(scores[0].mean()), float(scores[1].mean()))


class _StillWatched:
    """The Kaplan-Meier curve of censoring. On the same day, events come before censorings."""

    def __init__(self, lived: Whole, died: NDArray[np.bool_]) -> None:
        size = int(lived.max()) + 1
        events = np.bincount(lived[died], minlength=size)
        censored = np.bincount(lived[~died], minlength=size)
        left = np.cumsum((events + censored)[::-1])[::-1] - events
        share = np.divide(censored, left, out=np.zeros(size), where=left > 0)
        self.curve = np.concatenate([[1.0], np.cumprod(1.0 - share)])

    def __call__(self, day: ArrayLike) -> Array:
        return self.curve[np.asarray(day) + 1]


def _kaplan_meier(lived: Whole, died: NDArray[np.bool_]) -> KaplanMeier:
    size = int(lived.max()) + 2
    entries = np.zeros(size)
    entries[0] = len(lived)
    exits = np.bincount(lived + 1, minlength=size).astype(float)
    events = np.bincount(lived + 1, died, size).astype(float)
    return KaplanMeier.of_counts(entries, exits, events)


def calibration_by_decile(
    predicted: ArrayLike, elapsed: ArrayLike, event: ArrayLike, *, horizon: int
) -> list[CalibrationBin]:
    """One bin per decile of the predicted probability of the event within the horizon, ascending.

    Censored customers count for as long as they were observed (Kaplan-Meier within the decile).
    Ties are split in the order of the rows. Fewer than ten rows give fewer bins. horizon: days.
    """
    p, lived = np.asarray(predicted, dtype=float), whole_days("elapsed", elapsed)
    died = np.asarray(event).astype(bool)
    order = np.argsort(p, kind="stable")
    bins = []
    for decile, rows in enumerate(np.array_split(order, DECILES), start=1):
        if not len(rows):
            continue
        curve = _kaplan_meier(lived[rows], died[rows])
        place = int(np.searchsorted(curve.days, horizon, side="right")) - 1
        gone = (1.0 - curve.at(horizon), 0.0, 0.0)
        if place >= 0:
            gone = (gone[0], 1.0 - curve.high[place], 1.0 - curve.low[place])
        bins.append(
            CalibrationBin(decile, len(rows), float(p[rows].mean()), *[float(g) for g in gone])
        )
    return bins
