"""Fit the spend rates, return rates and intervals of a survival model on past dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from models.btyd.terms import Terms
from models.new_customers import Tenure
from models.return_rate import ReturnRate
from models.survival.days_lived import lived
from models.survival.portable import LifetimeModel
from models.survival.rows import Array
from models.survival.spend_rate import SpendRate, What, whole_past_rate
from models.survival.worth import SurvivalWorth
from models.value_interval import Calibrated, Intervals, Moments, Spread, levels_of

# Rows per horizon for the intervals: the share inside an interval is then exact to half a point.
MOST_ROWS = 5000


@dataclass(frozen=True)
class Past:
    """Rows of past dates, by horizon h in days; h days had passed since each of them.

    Outcomes are next_value_<h> and next_days_<h>. staying: customers alive at the date. lost:
    customers who were lost at the date, by the definition lost_from (days of silence); empty where
    the end of a contract counts. return_classes: as in ReturnRate.fit.
    """

    staying: Mapping[int, pd.DataFrame]
    lost: Mapping[int, pd.DataFrame] = field(default_factory=dict)
    lost_from: int = 0
    return_classes: tuple[int, ...] = ()


def fit_worth(
    life: LifetimeModel,
    past: Past,
    windows: Sequence[int],
    *,
    terms: Terms,
    tenure: Tenure | None = None,
) -> SurvivalWorth:
    """Fit spend rates on the shortest of the windows, and intervals on all horizons of `past`.

    windows: horizons whose past sums give the rates. tenure: which customers are new; None: none.
    """
    shortest = min(h for h in windows if h in past.staying)
    rows = past.staying[shortest]
    days = lived(life, rows, shortest).days

    def rate(what: What) -> SpendRate:
        came = rows[f"next_{what}_{shortest}"]
        fitted = SpendRate.fit(what, windows, rows, days=days, came=came)
        if tenure is not None:
            fitted = fitted.with_new(tenure, rows, days=days, came=came)
        return replace(fitted, lost=_return_rate(past, windows, what))

    has_amounts = bool((rows[f"next_value_{shortest}"] > 0).any())
    worth = SurvivalWorth(life, rate("value") if has_amounts else None, rate("days"), terms)
    if worth.value is None:
        return worth
    new_until = tenure.classes[-1] if tenure is not None else 0
    staying = _intervals(worth, past.staying, new_until)
    returning = _intervals(worth, past.lost, 0) if worth.value.lost else None
    return replace(worth, staying=staying, returning=returning)


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_ROWS rows, evenly spaced."""
    return rows.iloc[:: -(-len(rows) // MOST_ROWS)]


def _return_rate(past: Past, windows: Sequence[int], what: What) -> ReturnRate | None:
    """On the longest of the windows with enough lost customers."""
    for horizon in sorted((h for h in windows if h in past.lost), reverse=True):
        rows = past.lost[horizon]
        rate = ReturnRate.fit(
            rows,
            whole_past_rate(what, rows),
            lost_from=past.lost_from,
            classes=past.return_classes,
            horizon=horizon,
            came=rows[f"next_{what}_{horizon}"].to_numpy(dtype=float),
        )
        if rate is not None:
            return rate
    return None


def _intervals(
    worth: SurvivalWorth, past: Mapping[int, pd.DataFrame], new_until: int
) -> Intervals | None:
    """Spreads and levels from the errors of past forecasts; None: there are no past rows."""
    filled = {h: _thinned(rows) for h, rows in past.items() if len(rows)}
    if not filled:
        return None
    counts = {
        h: worth.expected(worth.purchases, rows, h, stay=worth.lived(rows, h))
        for h, rows in filled.items()
    }
    spread = Spread.fit(
        np.concatenate([mean for mean, _ in counts.values()]),
        np.concatenate([rows[f"next_days_{h}"] for h, rows in filled.items()]),
        np.concatenate([np.full(len(rows), float(h)) for h, rows in filled.items()]),
        of_model=np.concatenate([variance for _, variance in counts.values()]),
    )
    moments: dict[int, tuple[Moments, Array]] = {
        h: (worth.moments(rows, h, spread), rows[f"next_value_{h}"].to_numpy(dtype=float))
        for h, rows in filled.items()
    }
    wanted = levels_of(worth.terms.interval)
    value = Calibrated.fit(moments, wanted, is_added=True, new_until=new_until)
    return None if value is None else Intervals(value, spread)
