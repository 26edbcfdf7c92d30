"""The first look at the rows: what is wrong with them, who is at risk on which day, and how the
covariates lie. One pass; its size depends on days, strata and columns, not on rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.survival.rows import Array, Block, Layout, Rows, SurvivalError

# A column that others explain but for this share of its variance adds nothing but noise.
COLLINEAR_SHARE = 1e-8


@dataclass(frozen=True)
class Survey:
    """Sums over all rows.

    Tables by day are (strata, last_day + 2), day d at position d + 1 (position 0: ALWAYS).
    entries, exits, events: weights by start, by stop, and by stop of those with an event.
    event_count: events by stop, without weights.
    mean, covariance: of the columns, weighted.
    origin: a value of each column. spread: sum of |value - origin|, 0 for a constant column.
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
        """Standard deviation of each column, 1 for a constant one."""
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
        """Columns that a model can tell apart: not constant, without unknown values, and not a
        linear function of columns before them.

        Gram-Schmidt on the correlations, in the order of the columns.
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
    """Count and add. SurvivalError for rows that no model can use."""
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
    """One partition's counts, and moments of its covariates about the origin."""

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
    """Rows, and weights by stratum and day."""
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
            f"start: must lie before stop, got {int(sums['never_at_risk']):,} of {count:,} rows "
            "that were never at risk. Leave them out, or count the day of the event as day 1."
        )
    if int(sums["bad_weights"]):
        raise SurvivalError(
            f"weight: must be above 0, got {int(sums['bad_weights']):,} of {count:,} rows that "
            "are not. Leave out rows of weight 0."
        )
    if int(sums["bad_events"]):
        raise SurvivalError(
            f"event: must be 0 or 1, got {int(sums['bad_events']):,} of {count:,} rows that are "
            "neither. Write 1 for an event and 0 for a censored row."
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


def refuse_unusable(found: Survey, names: Sequence[str], model: str) -> None:
    """SurvivalError where a regression of `model` on the columns `names` cannot be learnt."""
    events = int(found.event_count.sum())
    if found.count < 2:
        raise SurvivalError(
            f"{model}: needs at least two rows, got {found.count}. Fit on more customers."
        )
    if not events:
        raise SurvivalError(
            f"{model}: none of {found.count:,} rows has an event, so nothing says what hastens "
            "it. Observe for longer, or choose an earlier landmark."
        )
    if len(names) != len(found.mean):
        raise SurvivalError(
            f"{model}: needs one name a column, got {len(names)} names for {len(found.mean)} "
            "columns. Choose the columns of rows, survey and names alike (with_columns)."
        )
    if not len(names):
        raise SurvivalError(
            f"{model}: got no covariate. Use the Kaplan-Meier curve where there is none."
        )
    for column, name in enumerate(names):
        if found.unknown[column]:
            raise SurvivalError(
                f"{name}: must be finite in every row, got {int(found.unknown[column]):,} of "
                f"{found.count:,} rows without a value. Fill it, or leave the covariate out."
            )
        if found.spread[column] <= 0:
            raise SurvivalError(
                f"{name}: must vary, got {found.origin[column]:g} in all {found.count:,} rows. "
                "Leave the covariate out."
            )
    dependent = [names[k] for k in range(len(names)) if k not in found.independent_columns()]
    if dependent:
        raise SurvivalError(
            f"{', '.join(dependent)}: covariates must differ from sums of each other, got "
            "columns that those before them determine. Leave them out "
            "(Survey.independent_columns names those to keep)."
        )
