"""Fit the model of the next purchase on past dates, and measure it where the outcome is known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from models.fit_attempts import LeftOut, fit_or_reason
from models.next_purchase import NAME, NextPurchase, fit, measures
from models.return_rate import silent_days
from pipelines.lifetime.backtest import Cuts
from pipelines.lifetime.model_rows import Row, plain_row
from pipelines.lifetime.summaries import Summaries
from runtime.context import Context
from transforms.next_purchases import next_purchases

if TYPE_CHECKING:
    from runtime.settings import Settings

# Customers per date. Five parameters are then known to some percent, and a fit takes a second.
MOST_CUSTOMERS = 5_000


class Span(NamedTuple):
    """A date, and the date until which the purchases after it are known."""

    as_of: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        return (self.until - self.as_of).days


@dataclass(frozen=True)
class NextPurchases:
    """The fit of as_of; None: there is none. models, backtest: rows of the gold tables."""

    model: NextPurchase | None = None
    models: list[Row] = field(default_factory=list)
    backtest: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def fit_span(context: Context, cuts: Cuts, day: dt.date) -> Span:
    """The days before `day` that a fit of that day learns from.

    They are the longest horizon of the backtest, but at most half of the history.
    """
    history = (day - context.observed_from).days
    followed = dt.timedelta(days=min(max(cuts.horizons), history // 2))
    return Span(day - followed, day)


def dates_needed(context: Context, cuts: Cuts) -> set[dt.date]:
    """The dates whose purchase summary this module needs."""
    fits = {fit_span(context, cuts, day).as_of for day in (context.as_of, *cuts.judged)}
    return {day for day in (*fits, *cuts.judged) if day > context.observed_from}


def fit_next_purchases(context: Context, summaries: Summaries, cuts: Cuts) -> NextPurchases:
    """Fit on the days before as_of, and judge fits of the past cuts by what came after them."""
    now = fit_span(context, cuts, context.as_of)
    fits = {cut: fit_span(context, cuts, cut) for cut in cuts.judged}
    judged = {cut: Span(cut, context.as_of) for cut in cuts.judged}
    spans = {now, *fits.values(), *judged.values()}
    rows = _rows(context, summaries, sorted(s for s in spans if s.as_of > context.observed_from))
    model = _fit(context.settings, rows, now)
    if isinstance(model, LeftOut):
        warning = f"no date of the next purchase at {context.as_of}: {model.reason}"
        return NextPurchases(warnings=[warning])
    customers = len(_of(rows, now))
    models = [
        plain_row(NAME, name, value, customers=customers, is_chosen=True)
        for name, value in vars(model).items()
    ]
    tests = [r for cut in cuts.judged for r in _judged(context, rows, fits[cut], judged[cut])]
    return NextPurchases(model, models, tests)


def _fit(settings: Settings, rows: pd.DataFrame, span: Span) -> NextPurchase | LeftOut:
    fewest = settings.lifetime.fewest_customers
    return fit_or_reason(lambda: fit(_of(rows, span), span.days, fewest))


def _judged(context: Context, rows: pd.DataFrame, learned: Span, after: Span) -> list[Row]:
    """Rows of gold.clv_backtest for the customers who could be kept at the cut."""
    model = _fit(context.settings, rows, learned)
    if isinstance(model, LeftOut):
        return []
    customers = _of(rows, after)
    kept = customers[silent_days(customers) <= context.settings.lifecycle.silent_days]
    values = measures(model.predict(kept), kept["next_days"], after.days)
    count = int(values.pop("customers") or 0)
    return [
        {
            "cut": after.as_of.isoformat(),
            "approach": NAME,
            "horizon_days": after.days,
            "metric": f"next_purchase_{name}",
            "value": value,
            "customers": count,
        }
        for name, value in values.items()
    ]


def _rows(context: Context, summaries: Summaries, spans: Sequence[Span]) -> pd.DataFrame:
    """The rows of all spans: at most MOST_CUSTOMERS per span."""
    if not spans:
        return pd.DataFrame(columns=["as_of", "until", "frequency", "next_days"])
    has_ends = context.has("silver.terminations")
    ends = context.read("silver.terminations") if has_ends else None
    rows: pd.DataFrame = next_purchases(
        summaries.days, summaries.summary, ends, spans=spans, most=MOST_CUSTOMERS
    ).toPandas()
    # The fit then does not depend on the order in which the partitions arrive.
    return rows.sort_values(["as_of", "until", "customer_id"]).reset_index(drop=True)


def _of(rows: pd.DataFrame, span: Span) -> pd.DataFrame:
    return rows[(rows["as_of"] == span.as_of) & (rows["until"] == span.until)]
