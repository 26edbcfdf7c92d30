"""Promised and measured effect of an offer, cohort by cohort, with an always-valid test.

A cohort holds the customers of one plan: treated, and held out at random. Promises are too high
where the plan chose the customers with the largest estimates, so each promise is first shrunk to
what earlier cohorts kept.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.experiments import Moments, minimum_detectable_effect, share_difference, widened

# Prior of the kept share of a promise: 1, with this standard deviation.
PRIOR_DEVIATION = 0.5
# Cohorts that share one weight in the mixture over the first cohort that did not keep its promise:
# a year of weekly plans.
BLOCK = 52


@dataclass(frozen=True)
class Cohort:
    """decided_on: day of the plan. known_on: day on which all outcomes are known.

    treated, held_out: moments of the outcome, 0 or 1. promised: mean effect that the plan assumed.
    """

    decided_on: dt.date
    known_on: dt.date
    treated: Moments
    held_out: Moments
    promised: float


@dataclass(frozen=True)
class Kept:
    """The result of one cohort. None: an arm has under two customers.

    promised: shrunk. p_value: always-valid, of all cohorts up to this one. smallest_decay:
    shortfall that this cohort alone finds 4 times in 5; None: even the loss of the whole effect is
    not kept. is_kept: None if too few to tell.
    """

    promised: float
    measured: float | None
    low: float | None
    high: float | None
    p_value: float | None
    smallest_decay: float | None
    is_kept: bool | None


def results(cohorts: Sequence[Cohort], share_kept: float, alpha: float) -> list[Kept]:
    """One result per cohort, in order of decided_on.

    share_kept: the alternative of the test is that this share of the promise is kept.
    """
    kept: list[Kept] = []
    steps: list[float] = []
    for place, cohort in enumerate(cohorts):
        promised = cohort.promised * kept_share(cohorts[:place], cohort.decided_on)
        measured = share_difference(cohort.treated, cohort.held_out)
        if measured is None:
            kept.append(Kept(promised, None, None, None, None, None, None))
            continue
        error = _error(cohort)
        steps.append(_log_ratio(measured.effect, promised, share_kept * promised, error))
        p_value = min(1.0, 1 / max(evidence(steps), 1e-300))
        p_value = min([p_value, *(k.p_value for k in kept if k.p_value is not None)])
        decay = minimum_detectable_effect(
            cohort.treated.count,
            cohort.held_out.count,
            math.sqrt(widened(cohort.treated + cohort.held_out).variance),
        )
        smallest = decay if decay < promised else None
        is_kept = False if p_value < alpha else (None if smallest is None else True)
        kept.append(
            Kept(promised, measured.effect, measured.low, measured.high, p_value, smallest, is_kept)
        )
    return kept


def kept_share(earlier: Sequence[Cohort], day: dt.date) -> float:
    """The share of their promises that cohorts kept whose outcomes were known on `day`.

    The slope of measured on promised through 0, weighted by precision, with the prior 1 +-
    PRIOR_DEVIATION, bounded to [0, 1]. Without earlier cohorts 1.
    """
    above = below = 1 / PRIOR_DEVIATION**2
    for cohort in earlier:
        measured = share_difference(cohort.treated, cohort.held_out)
        if cohort.known_on <= day and measured is not None:
            precision = 1 / _error(cohort) ** 2
            above += cohort.promised * measured.effect * precision
            below += cohort.promised**2 * precision
    return min(1.0, max(0.0, above / below))


def evidence(log_ratios: Sequence[float]) -> float:
    """Evidence that promises stopped being kept at some cohort: a mixture over the first cohort.

    The sum over k of w_k times the product of the likelihood ratios from cohort k on, and the
    weight that is left for cohorts to come. The weights sum to 1: block b of BLOCK cohorts shares 1
    / (b (b + 1)) equally. The mean of the evidence is at most 1 while promises are kept, so 1 /
    evidence is a p-value that is valid at every look (Ville's inequality; the mixture is that of
    Shiryaev and Roberts).
    """
    k = np.arange(len(log_ratios))
    tails = np.cumsum(np.asarray(log_ratios, float)[::-1])[::-1]
    block = k // BLOCK + 1
    weights = 1 / (block * (block + 1) * BLOCK)
    return float((weights * np.exp(np.minimum(tails, 600))).sum() + 1 - weights.sum())


def _log_ratio(measured: float, promised: float, less: float, error: float) -> float:
    """Log likelihood ratio of a normal measurement: mean `less` against mean `promised`."""
    return ((measured - promised) ** 2 - (measured - less) ** 2) / (2 * error**2)


def _error(cohort: Cohort) -> float:
    arms = [widened(m) for m in (cohort.treated, cohort.held_out)]
    return math.sqrt(sum(m.variance / m.count for m in arms))
