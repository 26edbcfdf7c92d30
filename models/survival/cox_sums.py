"""Sums per event day that the Cox likelihood needs.

With time in whole days, the risk set of an event day is all rows that leave on that day or later,
minus all rows that enter on that day or later. So each row adds w exp(xb) (1, x, xx') at the day
where it leaves and subtracts the same where it enters. Cumulative sums from the last day backwards
then give each risk set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit

from contracts.wording import plural
from models.survival.rows import Array, Block, Layout, SurvivalError, Whole, cluster_sums
from models.survival.survey import Survey

# Limit of the doubles per pass on the driver: 128 MB. 1,000 days x 40 covariates are 1.7 million.
MOST_SUMS = 16_000_000
# Largest linear predictor of a fit: its square times that of a covariate is far from overflow. Far
# beyond e^36 = 1 / rounding error, a single row already hides all others of its risk set.
MOST_PREDICTOR = 200.0


@dataclass(frozen=True)
class Cells:
    """All cells, ordered by stratum and day. A cell is one (stratum, event day).

    begins: first cell of each stratum, then the number of cells.
    place: (strata, days + 2), the last cell on or before the day at that position; -1: none.
    count, weight: number of events per cell, and their total weight.
    mean, scale: center and divisor of the covariates.
    """

    day: Whole
    stratum: Whole
    begins: Whole
    place: Whole
    count: Whole
    weight: Array
    mean: Array
    scale: Array

    @classmethod
    def of(cls, survey: Survey) -> Self:
        """The cells of the days with an event. SurvivalError above MOST_SUMS."""
        stratum, position = np.nonzero(survey.event_count)
        begins = np.searchsorted(stratum, np.arange(len(survey.strata) + 1))
        so_far = np.cumsum(survey.event_count > 0, axis=1)
        place = np.where(so_far > 0, so_far - 1 + begins[:-1, None], -1)
        cells = cls(
            day=position - 1,
            stratum=stratum,
            begins=begins,
            place=place,
            count=survey.event_count[stratum, position].astype(np.int64),
            weight=survey.events[stratum, position],
            mean=survey.mean,
            scale=survey.scale,
        )
        if cells.layout.size > MOST_SUMS:
            raise SurvivalError(
                f"cox: {len(position):,} event days x strata with "
                f"{plural(len(survey.mean), 'covariate')} "
                f"need {plural(cells.layout.size, 'sum')}, the limit is {MOST_SUMS:,}. Use fewer "
                "covariates or strata, or weeks instead of days."
            )
        return cells

    @property
    def columns(self) -> int:
        """Number of covariates."""
        return len(self.mean)

    @property
    def layout(self) -> Layout:
        """Layout of the sums of one pass. The moments are 1, x and the lower triangle of xx'."""
        moments = 1 + self.columns + self.columns * (self.columns + 1) // 2
        cells = len(self.day)
        return Layout(net=(cells, moments), tied=(cells, moments), event_x=(cells, self.columns))

    def located(self, block: Block) -> tuple[Array, Whole, Whole]:
        """Standardised covariates, and the last cells on or before each row's start and stop.

        The row is at risk in the cells after the first of them, up to the second.
        """
        last = self.place.shape[1] - 1
        x = np.ascontiguousarray((block.x - self.mean) / self.scale)
        entered = self.place[block.stratum, np.clip(block.start + 1, 0, last)]
        left = self.place[block.stratum, np.clip(block.stop + 1, 0, last)]
        return x, entered, left

    def by_stratum_sum(self, values: Array, backwards: bool = False) -> Array:
        """Cumulative sums within each stratum, forwards or backwards."""
        out = np.empty_like(values)
        for begin, end in zip(self.begins[:-1], self.begins[1:], strict=True):
            part = values[begin:end][::-1] if backwards else values[begin:end]
            summed = np.cumsum(part, axis=0)
            out[begin:end] = summed[::-1] if backwards else summed
        return out


@dataclass(frozen=True)
class RiskSums:
    """Sums of one partition at `beta`, which belongs to the standardised covariates.

    The result has the layout `Cells.layout`. All sums are NaN if a linear predictor is above
    MOST_PREDICTOR, so that the Newton step is halved.
    """

    cells: Cells
    beta: Array

    def __call__(self, blocks: Iterable[Block]) -> Array:
        vector, sums = self.cells.layout.zeros()
        for block in blocks:
            x, entered, left = self.cells.located(block)
            predictor = x @ self.beta
            if not (predictor <= MOST_PREDICTOR).all():
                vector[:] = np.nan
                return vector
            risk = block.weight * np.exp(predictor)
            _add_rows(
                x,
                risk,
                block.weight,
                entered,
                left,
                block.event,
                sums["net"],
                sums["tied"],
                sums["event_x"],
            )
        return vector


@njit(nogil=True)
def _add_rows(x, risk, weight, entered, left, event, net, tied, event_x):  # type: ignore[no-untyped-def]
    columns = x.shape[1]
    moments = np.empty(net.shape[1])
    for row in range(len(risk)):
        begin, end = entered[row], left[row]
        if begin == end:
            continue  # at risk on no event day
        moments[0] = risk[row]
        at = 1 + columns
        for j in range(columns):
            scaled = risk[row] * x[row, j]
            moments[1 + j] = scaled
            for k in range(j + 1):
                moments[at + k] = scaled * x[row, k]
            at += j + 1
        # Plain loops: array slices take twice as long here.
        for k in range(len(moments)):
            net[end, k] += moments[k]
        if begin >= 0:
            for k in range(len(moments)):
                net[begin, k] -= moments[k]
        if event[row] == 1:
            for k in range(len(moments)):
                tied[end, k] += moments[k]
            for j in range(columns):
                event_x[end, j] += weight[row] * x[row, j]


@dataclass(frozen=True)
class Expected:
    """Expected values of the fitted model per cell, for the residuals of single rows.

    hazard, mean_hazard: cumulative sums of dH, and of dH times the risk set's mean x.
    tied_hazard, tied_mean_hazard: the part of the cell's own dH that does not apply to a row with
        an event in the cell (Efron: the row is at risk for its share of the ties; Breslow: 0).
    event_mean: mean x of the risk set, averaged over the ties.
    """

    hazard: Array
    mean_hazard: Array
    tied_hazard: Array
    tied_mean_hazard: Array
    event_mean: Array


@dataclass(frozen=True)
class ScoreProducts:
    """Sum over the customers of one partition of score x score', of shape (columns^2,).

    A row's score residual is w [event (x - mean) - integral of (x - mean) exp(xb) dH over its days
    at risk] (Therneau & Grambsch 2000, section 4.6; Efron ties as in R's package survival).
    """

    cells: Cells
    beta: Array
    expected: Expected

    def __call__(self, blocks: Iterable[Block]) -> Array:
        total = np.zeros((self.cells.columns, self.cells.columns))
        for customers in cluster_sums((block.cluster, self.scores(block)) for block in blocks):
            total += customers.T @ customers
        return total.ravel()

    def scores(self, block: Block) -> Array:
        """Weighted score residuals, of shape (rows, columns)."""
        x, entered, left = self.cells.located(block)
        # Position -1: before the first event day.
        hazard = np.concatenate([self.expected.hazard, [0.0]])
        mean_hazard = np.vstack([self.expected.mean_hazard, np.zeros(self.cells.columns)])
        risk = np.exp(x @ self.beta)
        died = block.event[:, None] == 1
        time = (hazard[left] - hazard[entered])[:, None]
        time = time - np.where(died, self.expected.tied_hazard[left][:, None], 0.0)
        mean = mean_hazard[left] - mean_hazard[entered]
        mean = mean - np.where(died, self.expected.tied_mean_hazard[left], 0.0)
        seen = np.where(died, x - self.expected.event_mean[left], 0.0)
        return block.weight[:, None] * (seen - risk[:, None] * (x * time - mean))
