"""The rule for a new champion: paired tests of the challenger on the newest matured labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Array, Estimate, bootstrap_weights, stable_seed
from models.paired import paired_difference

EVERYONE = "all"
# Names of the checks, as in column `check_name` of gold.model_validations.
EXPLAINED, SIGNAL, BEATS_RULE = "exact_explanations", "signal", "roc_auc_over_recency_only"
BRIER, LOG_LOSS, SPEED = "brier_rise", "log_loss_rise", "inference_ms"


@dataclass(frozen=True)
class Bounds:
    """The bounds of conf (`model_gate`), and the number of bootstrap samples."""

    brier_rise: float
    log_loss_rise: float
    fewest_in_segment: int
    inference_ms: float
    samples: int


@dataclass(frozen=True)
class Labelled:
    """One row per scored customer of the date with the newest matured labels.

    challenger, rule and champion are probabilities. champion: None if there is none.
    """

    customers: Sequence[str]
    segments: NDArray[np.object_]
    label: Array
    challenger: Array
    rule: Array
    champion: Array | None = None


@dataclass(frozen=True)
class Facts:
    """What does not depend on the labels.

    no_signal: why the training found none, else "". inference_ms: None without any customer.
    """

    is_explained: bool
    no_signal: str
    inference_ms: float | None


@dataclass(frozen=True)
class Check:
    """One condition. value: the measured figure, with its interval; bound: what it must keep."""

    name: str
    is_passed: bool
    customers: int
    segment: str = EVERYONE
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None


def judge(rows: Labelled, facts: Facts, bounds: Bounds) -> list[Check]:
    """The checks of a challenger. It may become champion if all of them are passed.

    Always: exact explanations, a signal, the time of one prediction, and a ROC AUC above that of
    `recency_only` (the lower end of the paired 95 % interval lies above 0).
    Beside a champion also: the Brier score has not risen by more than `brier_rise` (upper end), and
    in no segment of at least `fewest_in_segment` customers has the log loss certainly risen by more
    than `log_loss_rise` (lower end). A difference that is undefined does not pass.
    """
    count = len(rows.label)
    gain = _difference("roc_auc", rows, rows.rule, np.ones(count, dtype=bool), bounds.samples)
    checks = [
        Check(EXPLAINED, facts.is_explained, count),
        Check(SIGNAL, not facts.no_signal, count),
        _check(BEATS_RULE, gain, count, bound=0.0, is_passed=gain.low is not None and gain.low > 0),
        Check(
            SPEED,
            facts.inference_ms is not None and facts.inference_ms <= bounds.inference_ms,
            count,
            value=facts.inference_ms,
            bound=bounds.inference_ms,
        ),
    ]
    if rows.champion is None:
        return checks
    rise = _difference("brier", rows, rows.champion, np.ones(count, dtype=bool), bounds.samples)
    is_kept = rise.high is not None and rise.high <= bounds.brier_rise
    checks.append(_check(BRIER, rise, count, bound=bounds.brier_rise, is_passed=is_kept))
    return checks + _segment_checks(rows, rows.champion, bounds)


def _segment_checks(rows: Labelled, champion: Array, bounds: Bounds) -> list[Check]:
    """The log loss of each segment that is large enough, in order of the names."""
    names, sizes = np.unique(rows.segments.astype(str), return_counts=True)
    checks = []
    for name, size in zip(names.tolist(), sizes.tolist(), strict=True):
        if size < bounds.fewest_in_segment:
            continue
        inside = rows.segments == name
        rise = _difference("log_loss", rows, champion, inside, bounds.samples)
        checks.append(
            _check(
                LOG_LOSS,
                rise,
                size,
                bound=bounds.log_loss_rise,
                is_passed=rise.low is not None and rise.low <= bounds.log_loss_rise,
                segment=name,
            )
        )
    return checks


def _difference(
    metric: str, rows: Labelled, other: Array, inside: NDArray[np.bool_], samples: int
) -> Estimate:
    """The challenger's metric minus that of `other`, on the same customers."""
    if not inside.any():
        return Estimate(None)
    customers = np.asarray(rows.customers)[inside].tolist()
    weights = bootstrap_weights(customers, samples, stable_seed(metric))
    return paired_difference(
        metric, rows.label[inside], rows.challenger[inside], other=other[inside], weights=weights
    )


def _check(
    name: str,
    measured: Estimate,
    customers: int,
    *,
    bound: float,
    is_passed: bool,
    segment: str = EVERYONE,
) -> Check:
    value, low, high = measured.value, measured.low, measured.high
    return Check(name, is_passed, customers, segment, value, low, high, bound)


def is_accepted(checks: Sequence[Check]) -> bool:
    """Whether every check is passed."""
    return all(check.is_passed for check in checks)


def told(check: Check) -> str:
    """A check in words, with the figure and the bound.

    >>> told(Check(BRIER, False, 900, value=0.004, low=0.001, high=0.0071, bound=0.002))
    'Brier score +0.0040 (+0.0010 to +0.0071) against the champion, allowed up to +0.002'
    >>> told(Check(EXPLAINED, False, 900))
    'has no exact explanations'
    """
    if check.name == EXPLAINED:
        return "exact explanations" if check.is_passed else "has no exact explanations"
    if check.name == SIGNAL:
        return "signal in the data" if check.is_passed else "no signal in these data"
    if check.name == SPEED:
        figure = "undefined" if check.value is None else f"{check.value:.2f} ms"
        return f"{figure} per prediction, allowed up to {check.bound:g} ms"
    if check.name == BEATS_RULE:
        return f"ROC AUC {_interval(check)} against recency_only, must be above 0"
    is_brier = check.name == BRIER
    what = "Brier score" if is_brier else f"log loss of {check.segment} ({check.customers:,})"
    return f"{what} {_interval(check)} against the champion, allowed up to {check.bound:+g}"


def _interval(check: Check) -> str:
    if check.value is None or check.low is None or check.high is None:
        return "undefined"
    return f"{check.value:+.4f} ({check.low:+.4f} to {check.high:+.4f})"
