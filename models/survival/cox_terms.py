"""Terms of the Cox likelihood per event day, from the sums of one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.survival.baseline import Baseline
from models.survival.cox_sums import Cells, Expected
from models.survival.kaplan_meier import weight_at_risk
from models.survival.newton import Point
from models.survival.rows import Array, Whole
from models.survival.survey import Survey

Ties = Literal["efron", "breslow"]
# The risk of a risk set is above 0. Rounding can make its sum 0 or negative, and 1 / d^2 overflows
# below 1e-154. Then the terms are NaN, and the Newton step is halved.
SMALLEST_SUM = 1e-100
# Events per block when ties are processed: a block takes a few MB.
TIES_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class DayTerms:
    """Terms of the likelihood, one entry per cell.

    s1, s2: sums of w exp(xb) (x, xx') over the risk set. e1, e2: the same over its events only.
    a0, a1: sums over the ties l of 1/D and f/D, with D = s0 - f e0 and f = l / events (Efron) or 0.
    b0, b1, b2: sums of 1/D^2, f/D^2, f^2/D^2. log_sum: sum of log D. share: mean weight of the
        events. event_x: sum of w x over the events.
    """

    cells: Cells
    s1: Array
    s2: Array
    e1: Array
    e2: Array
    event_x: Array
    a0: Array
    a1: Array
    b0: Array
    b1: Array
    b2: Array
    log_sum: Array
    share: Array

    @classmethod
    def of(cls, cells: Cells, sums: dict[str, Array], ties: Ties) -> DayTerms:
        """The terms from the sums of one pass, by name as in `Cells.layout`."""
        risk, tied = cells.by_stratum_sum(sums["net"], backwards=True), sums["tied"]
        p = cells.columns
        a0, a1, b0, b1, b2, log_sum = _tie_sums(cells.count, risk[:, 0], tied[:, 0], ties)
        return cls(
            cells,
            risk[:, 1 : 1 + p],
            _square(risk[:, 1 + p :], p),
            tied[:, 1 : 1 + p],
            _square(tied[:, 1 + p :], p),
            sums["event_x"],
            a0,
            a1,
            b0,
            b1,
            b2,
            log_sum,
            cells.weight / cells.count,
        )

    def point(self, beta: Array) -> Point:
        """Log-likelihood, gradient and information at beta."""
        weighted = self.share * self.log_sum
        value = float(self.event_x.sum(axis=0) @ beta - weighted.sum())
        gradient = self.schoenfeld.sum(axis=0)
        outer = np.einsum("c,cj,ck->jk", self.share * self.b0, self.s1, self.s1)
        crossed = np.einsum("c,cj,ck->jk", self.share * self.b1, self.s1, self.e1)
        tied = np.einsum("c,cj,ck->jk", self.share * self.b2, self.e1, self.e1)
        second = np.einsum("c,cjk->jk", self.share * self.a0, self.s2)
        second -= np.einsum("c,cjk->jk", self.share * self.a1, self.e2)
        information = second - (outer - crossed - crossed.T + tied)
        return Point(beta, value, gradient, (information + information.T) / 2)

    @property
    def event_mean(self) -> Array:
        """Mean covariates of the risk set, averaged over the ties of each cell."""
        total = self.s1 * self.a0[:, None] - self.e1 * self.a1[:, None]
        return total / self.cells.count[:, None]

    @property
    def schoenfeld(self) -> Array:
        """Weighted sum over the events of each cell of x minus the mean x of the risk set."""
        return self.event_x - self.cells.weight[:, None] * self.event_mean

    @property
    def hazard(self) -> Array:
        """Step of the cumulative baseline hazard at each cell."""
        return self.share * self.a0

    def expected(self) -> Expected:
        """Cumulative sums for the residuals of single rows."""
        share = self.share[:, None]
        mean_hazard = share * (self.s1 * self.b0[:, None] - self.e1 * self.b1[:, None])
        untied = share * (
            self.s1 * (self.b0 - self.b1)[:, None] - self.e1 * (self.b1 - self.b2)[:, None]
        )
        return Expected(
            hazard=self.cells.by_stratum_sum(self.hazard),
            mean_hazard=self.cells.by_stratum_sum(mean_hazard),
            tied_hazard=self.share * self.a1,
            tied_mean_hazard=mean_hazard - untied,
            event_mean=self.event_mean,
        )

    def baselines(self, surveyed: Survey) -> tuple[dict[str, Baseline], Baseline]:
        """Baselines by stratum, and their mean weighted by the number at risk per day."""
        hazards = np.zeros_like(surveyed.events)
        hazards[self.cells.stratum, self.cells.day + 1] = self.hazard
        hazards, at_risk = hazards[:, 1:], weight_at_risk(surveyed.entries, surveyed.exits)[:, 1:]
        each = {name: Baseline.of(hazards[k], at_risk[k]) for k, name in enumerate(surveyed.strata)}
        total = at_risk.sum(axis=0)
        mean = (hazards * at_risk).sum(axis=0) / np.where(total > 0, total, 1.0)
        return each, Baseline.of(mean, total)


def _square(triangle: Array, columns: int) -> Array:
    """Symmetric matrices of shape (cells, columns, columns) from lower triangles by row."""
    out = np.empty((len(triangle), columns, columns))
    j, k = np.tril_indices(columns)
    out[:, j, k] = triangle
    out[:, k, j] = triangle
    return out


def _tie_sums(count: Whole, s0: Array, e0: Array, ties: Ties) -> tuple[Array, ...]:
    """a0, a1, b0, b1, b2 and log_sum of DayTerms, computed in blocks of TIES_AT_ONCE events."""
    out = tuple(np.zeros(len(count)) for _ in range(6))
    ends = np.cumsum(count)
    begin = 0
    while begin < len(count):
        before = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + TIES_AT_ONCE, side="right")))
        cell = np.repeat(np.arange(begin, end), count[begin:end])
        f = np.zeros(len(cell))
        if ties == "efron":
            first = np.repeat(ends[begin:end] - count[begin:end], count[begin:end])
            f = (before + np.arange(len(cell)) - first) / count[cell]
        d = s0[cell] - f * e0[cell]
        d = np.where(d > SMALLEST_SUM, d, np.nan)
        terms = (1 / d, f / d, 1 / d**2, f / d**2, f**2 / d**2, np.log(d))
        for total, term in zip(out, terms, strict=True):
            total += np.bincount(cell, term, len(count))
        begin = end
    return out
