"""What the Cox likelihood needs of the rows: sums by event day.

With time in whole days, the risk set of an event day is everyone who left on that day or later,
less everyone who entered on it or later. So each row adds w exp(xb) (1, x, xx') where it leaves and
takes it away where it entered, and sums from the last day backwards give every risk set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit

from models.survival.rows import Array, Block, Layout, SurvivalError, Whole, cluster_sums
from models.survival.survey import Survey

# Doubles of one pass that the driver holds: 128 MB. 1,000 days x 40 covariates are 1.7 million.
MOST_SUMS = 16_000_000


@dataclass(frozen=True)
class Cells:
    """The event days of all strata, one after the other: a cell is a (stratum, event day).

    begins: first cell of each stratum, and the number of cells at the end.
    place: (strata, days + 2) last cell whose day is not after the day at that position; -1: none.
    count, weight: events of each cell, and their weights.
    mean, scale: what the covariates are centred and divided by.
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
        """Cells of the days with an event. SurvivalError where their sums would not fit."""
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
                f"cox: {len(position):,} event days x strata with {len(survey.mean)} covariates "
                f"take {cells.layout.size:,} sums, at most {MOST_SUMS:,} fit. Use fewer "
                "covariates or strata, or weeks for days."
            )
        return cells

    @property
    def columns(self) -> int:
        """Number of covariates."""
        return len(self.mean)

    @property
    def layout(self) -> Layout:
        """Sums of one pass; `moments` are 1, x and the lower triangle of xx'."""
        moments = 1 + self.columns + self.columns * (self.columns + 1) // 2
        cells = len(self.day)
        return Layout(net=(cells, moments), tied=(cells, moments), event_x=(cells, self.columns))

    def located(self, block: Block) -> tuple[Array, Whole, Whole]:
        """Standardised covariates, and the cells up to which each row has entered and left."""
        last = self.place.shape[1] - 1
        x = np.ascontiguousarray((block.x - self.mean) / self.scale)
        entered = self.place[block.stratum, np.clip(block.start + 1, 0, last)]
        left = self.place[block.stratum, np.clip(block.stop + 1, 0, last)]
        return x, entered, left

    def by_stratum_sum(self, values: Array, backwards: bool = False) -> Array:
        """Running sums within each stratum, from its first cell on or from its last."""
        out = np.empty_like(values)
        for begin, end in zip(self.begins[:-1], self.begins[1:], strict=True):
            part = values[begin:end][::-1] if backwards else values[begin:end]
            summed = np.cumsum(part, axis=0)
            out[begin:end] = summed[::-1] if backwards else summed
        return out


@dataclass(frozen=True)
class RiskSums:
    """One partition's sums at beta (of standardised covariates): `Cells.layout`."""

    cells: Cells
    beta: Array

    def __call__(self, blocks: Iterable[Block]) -> Array:
        vector, sums = self.cells.layout.zeros()
        for block in blocks:
            x, entered, left = self.cells.located(block)
            # An overflow gives an infinite likelihood, and the step is halved.
            with np.errstate(over="ignore"):
                risk = block.weight * np.exp(x @ self.beta)
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
        # Plain loops: as slices of arrays the additions take twice as long.
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
    """What the fitted model expects, by cell: for the residuals of single rows.

    hazard, mean_hazard: running sums of dH and of the risk set's mean x times dH.
    tied_hazard, tied_mean_hazard: what a row that dies in the cell is spared of the cell's own dH
        (Efron: it is at risk for its share of the ties only; Breslow: nothing).
    event_mean: mean x of the risk set, over the ties.
    """

    hazard: Array
    mean_hazard: Array
    tied_hazard: Array
    tied_mean_hazard: Array
    event_mean: Array


@dataclass(frozen=True)
class ScoreProducts:
    """One partition's sum over customers of score x score', (columns^2,).

    A row's score residual is w [event (x - mean) - integral of (x - mean) exp(xb) dH over its days
    at risk] (Therneau & Grambsch 2000, section 4.6; the ties of Efron as in R's survival).
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
        """(rows, columns) score residuals, weighted."""
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
