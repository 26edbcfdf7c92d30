"""Survey of the rows: validation, numbers at risk per day, and moments of the covariates.

It takes one pass. The size of the result depends on days, strata and columns, not on rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from contracts.wording import plural
from models.survival.rows import Array, Block, Layout, Rows, SurvivalError

# A column with at most this share of its variance not explained by other columns is collinear.
COLLINEAR_SHARE = 1e-8


@dataclass(frozen=True)
class Survey:
    """Sums over all rows.

    Tables per day have the shape (strata, last_day + 2); day d is at position d + 1, ALWAYS at 0.
    count, weight: number of rows and their total weight.
    entries, exits, events: weights by start, by stop, and by stop of the rows with an event.
    event_count: number of events by stop, without weights.
    mean, covariance: weighted moments of the columns.
    origin: a value of each column. spread: sum of |value - origin|; 0 for a constant column.
    unknown: number of rows without a finite value, per column.
    """

    strata: Sequence[str]
    count: int
    weight: float
    entries: Array
    exits: Array
    events: Array
    event_count: Array
    origin: Array
    spread: Array
    mean: Array
    covariance: Array
    unknown: Array

    @property
    def scale(self) -> Array:
        """Standard deviation of each column; 1 for a constant column."""
        deviation = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return np.where((self.spread > 0) & (deviation > 0), deviation, 1.0)

    def with_columns(self, columns: Sequence[int]) -> Survey:
        """The survey of `rows.with_columns(columns)`, without another pass."""
        chosen = list(columns)
        return replace(
            self,
            origin=self.origin[chosen],
            spread=self.spread[chosen],
            mean=self.mean[chosen],
            covariance=self.covariance[np.ix_(chosen, chosen)],
            unknown=self.unknown[chosen],
        )

    def independent_columns(self) -> list[int]:
        """Positions of the columns that a model can use together.

        They are not constant, have no missing values, and are not a linear function of the columns
        before them. Gram-Schmidt on the correlations, in the order of the columns.
        """
        correlation = self.covariance / np.outer(self.scale, self.scale)
        chosen: list[int] = []
        for column in range(len(self.mean)):
            if self.spread[column] <= 0 or self.unknown[column]:
                continue
            inside = correlation[np.ix_(chosen, chosen)]
            with_it = correlation[np.ix_(chosen, [column])]
            explained = with_it.T @ np.linalg.solve(inside, with_it) if chosen else np.zeros((1, 1))
            if correlation[column, column] - float(explained[0, 0]) > COLLINEAR_SHARE:
                chosen.append(column)
        return chosen


def survey(rows: Rows) -> Survey:
    """Survey the rows in one pass.

    Raises SurvivalError for rows that are never at risk, weights that are not above 0, and events
    other than 0 or 1.
    """
    columns, strata, days = len(rows.origin), len(rows.strata), rows.last_day + 2
    origin = np.where(np.isfinite(rows.origin), rows.origin, 0.0)
    layout = _layout(columns, strata, days)
    return _checked(rows, origin, layout.views(rows.total(_Counts(layout, origin))))


def _layout(columns: int, strata: int, days: int) -> Layout:
    return Layout(
        rows=(),
        never_at_risk=(),
        bad_weights=(),
        bad_events=(),
        entries=(strata, days),
        exits=(strata, days),
        events=(strata, days),
        event_count=(strata, days),
        weight=(),
        unknown=(columns,),
        spread=(columns,),
        first=(columns,),
        second=(columns, columns),
    )


@dataclass(frozen=True)
class _Counts:
    """Counts of one partition, and moments of its covariates about the origin."""

    layout: Layout
    origin: Array

    def __call__(self, blocks: Iterable[Block]) -> Array:
        vector, sums = self.layout.zeros()
        for block in blocks:
            _count(block, sums)
            known = np.isfinite(block.x)
            shifted = np.where(known, block.x - self.origin, 0.0)
            weighted = shifted * block.weight[:, None]
            sums["unknown"] += (~known).sum(axis=0)
            sums["spread"] += np.abs(shifted).sum(axis=0)
            sums["first"] += weighted.sum(axis=0)
            sums["second"] += weighted.T @ shifted
        return vector


def _count(block: Block, sums: dict[str, Array]) -> None:
    """Add the numbers of rows and of invalid rows, and the weights by stratum and day."""
    sums["rows"] += len(block)
    sums["never_at_risk"] += (block.start >= block.stop).sum()
    sums["bad_weights"] += (~(block.weight > 0)).sum()
    sums["bad_events"] += ((block.event != 0) & (block.event != 1)).sum()
    sums["weight"] += block.weight.sum()
    strata, days = sums["entries"].shape
    size = strata * days
    at_start = block.stratum * days + np.clip(block.start + 1, 0, days - 1)
    at_stop = block.stratum * days + np.clip(block.stop + 1, 0, days - 1)
    for name, place, weight in (
        ("entries", at_start, block.weight),
        ("exits", at_stop, block.weight),
        ("events", at_stop, block.weight * block.event),
        ("event_count", at_stop, block.event.astype(float)),
    ):
        sums[name] += np.bincount(place, weight, size).reshape(strata, days)


def _checked(rows: Rows, origin: Array, sums: dict[str, Array]) -> Survey:
    count = int(sums["rows"])
    if int(sums["never_at_risk"]):
        raise SurvivalError(
            f"start: must be before stop, got {int(sums['never_at_risk']):,} of "
            f"{plural(count, 'row')} that are never at risk. Leave them out, or count the day of "
            "the event as day 1."
        )
    if int(sums["bad_weights"]):
        raise SurvivalError(
            f"weight: must be above 0, got {int(sums['bad_weights']):,} of {plural(count, 'row')} "
            "that are not. Leave out rows of weight 0."
        )
    if int(sums["bad_events"]):
        raise SurvivalError(
            f"event: must be 0 or 1, got {int(sums['bad_events']):,} of {plural(count, 'row')} "
            "that are neither. Write 1 for an event and 0 for a censored row."
        )
    weight = float(sums["weight"])
    shift = sums["first"] / weight
    return Survey(
        strata=rows.strata,
        count=count,
        weight=weight,
        entries=sums["entries"],
        exits=sums["exits"],
        events=sums["events"],
        event_count=sums["event_count"],
        origin=origin,
        spread=sums["spread"],
        mean=origin + shift,
        covariance=sums["second"] / weight - np.outer(shift, shift),
        unknown=sums["unknown"],
    )


def refuse_unusable(surveyed: Survey, names: Sequence[str], model: str) -> None:
    """Raise SurvivalError where `model` cannot be fitted on the columns `names`.

    The reasons are too few rows, no event, no covariate, a wrong number of names, missing values,
    a constant column and collinear columns.
    """
    events = int(surveyed.event_count.sum())
    if surveyed.count < 2:
        raise SurvivalError(
            f"{model}: needs at least two rows, got {surveyed.count}. Fit on more customers."
        )
    if not events:
        raise SurvivalError(
            f"{model}: needs rows with an event, got none in {plural(surveyed.count, 'row')}. "
            "Observe the customers for longer, or choose an earlier landmark."
        )
    if len(names) != len(surveyed.mean):
        raise SurvivalError(
            f"{model}: needs one name per column, got {len(names)} names for "
            f"{plural(len(surveyed.mean), 'column')}. Select the same columns in rows, survey and "
            "names (with_columns)."
        )
    if not len(names):
        raise SurvivalError(
            f"{model}: needs at least one covariate, got none. Use the Kaplan-Meier curve instead."
        )
    for column, name in enumerate(names):
        if surveyed.unknown[column]:
            raise SurvivalError(
                f"{name}: must be finite in all rows, got {int(surveyed.unknown[column]):,} of "
                f"{plural(surveyed.count, 'row')} without a value. Fill the missing values, or "
                "leave the covariate out."
            )
        if surveyed.spread[column] <= 0:
            raise SurvivalError(
                f"{name}: must vary, got {surveyed.origin[column]:g} in all "
                f"{plural(surveyed.count, 'row')}. Leave the covariate out."
            )
    dependent = [names[k] for k in range(len(names)) if k not in surveyed.independent_columns()]
    if dependent:
        raise SurvivalError(
            f"{', '.join(dependent)}: covariates must be linearly independent, but these are "
            "linear functions of the columns before them. Leave them out "
            "(Survey.independent_columns returns the columns to keep)."
        )
