"""Fit and backtest of the next purchase: the days that are learned from, and the rows written."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipelines.lifetime import next_purchases
from pipelines.lifetime.backtest import Cuts
from pipelines.lifetime.next_purchases import Span, dates_needed, fit_next_purchases, fit_span
from runtime.settings import load
from tests.unit.models.test_next_purchase import past

FIRST, AS_OF, CUT = dt.date(2017, 1, 1), dt.date(2018, 1, 1), dt.date(2017, 10, 3)
CUTS = Cuts((CUT,), (30, 90), dt.date(2017, 3, 1))


@pytest.fixture
def context():
    return SimpleNamespace(
        as_of=AS_OF, observed_from=FIRST, settings=load("demo"), has=lambda name: False
    )


def test_a_fit_learns_from_the_longest_horizon_or_half_of_the_history(context):
    assert fit_span(context, CUTS, AS_OF) == Span(dt.date(2017, 10, 3), AS_OF)
    # 60 days of history: 30 to observe customers, 30 to see when they return.
    day = dt.date(2017, 3, 2)
    assert fit_span(context, CUTS, day) == Span(dt.date(2017, 1, 31), day)
    assert fit_span(context, CUTS, day).days == 30


def test_the_dates_needed_are_the_cuts_and_the_starts_of_the_fits(context):
    assert dates_needed(context, CUTS) == {CUT, dt.date(2017, 7, 5)}
    # A day of history has nothing to learn from.
    context.as_of = FIRST + dt.timedelta(days=1)
    assert fit_span(context, Cuts((), (30,), FIRST), context.as_of).days == 0


@pytest.fixture
def fitted(context, monkeypatch):
    """A function: customers per span -> the fits. Each span has its own draws of a weekly rhythm."""

    def make(count):
        spans = {
            Span(CUT - dt.timedelta(days=90), CUT): 1,
            Span(CUT, AS_OF): 2,
        }
        rows = pd.concat(
            past(4.0, count, seed).assign(as_of=span.as_of, until=span.until)
            for span, seed in spans.items()
        )
        # The last customer of each span has been silent for 91 days, one too many to be kept.
        last = ~rows["until"].duplicated(keep="last")
        rows["T_days"] = np.where(last, rows["recency_days"] + 90, rows["T_days"])
        monkeypatch.setattr(next_purchases, "_rows", lambda *_: rows)
        return fit_next_purchases(context, SimpleNamespace(), CUTS), rows

    return make


def test_the_backtest_has_the_coverage_and_the_error_of_customers_who_can_be_kept(fitted):
    fits, rows = fitted(800)
    tests = pd.DataFrame(fits.backtest).set_index("metric")
    assert set(tests["approach"]) == {"gamma_gap"} and set(tests["cut"]) == {"2017-10-03"}
    assert set(tests["horizon_days"]) == {90}
    after = rows[rows["as_of"] == CUT]
    kept = after[after["T_days"] - after["recency_days"] + 1 <= 90]
    assert len(kept) < len(after)
    assert set(tests["customers"]) <= set(range(len(kept) + 1))
    # Four standard errors of sqrt(0.8 · 0.2 / 800) = 0.014.
    coverage = tests.loc["next_purchase_coverage_80", "value"]
    assert coverage == pytest.approx(0.8, abs=4 * 0.014)
    assert 1 <= tests.loc["next_purchase_median_error_days", "value"] <= 10
    assert {r["parameter"]: r["value"] for r in fits.models} == vars(fits.model)
    assert all(r["is_chosen"] and r["model_name"] == "gamma_gap" for r in fits.models)


def test_too_few_customers_give_a_warning_and_no_rows(fitted):
    fits, rows = fitted(30)
    assert fits.model is None and not fits.models and not fits.backtest
    came = int(np.isfinite(rows[rows["as_of"] == CUT]["next_days"]).sum())
    assert len(fits.warnings) == 1
    assert fits.warnings[0].startswith("no date of the next purchase at 2018-01-01: 30 customers, ")
    assert f"{came} bought in the 90 days" in fits.warnings[0]
