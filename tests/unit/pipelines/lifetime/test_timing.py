"""Regular purchases and seasons: rates over all days of the history, and the warnings."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

from pipelines.lifetime.timing import _peak, contracts, timing

DAYS = "customer_id string, day date, visible_from date, cents bigint, is_purchase int"
SUMMARY = "customer_id string, as_of date"


def by_day(counts):
    return pd.DataFrame({"day": list(counts), "customers": list(counts.values())})


def test_a_day_without_a_purchase_counts_as_none():
    """Four weeks from Monday, 2 January 2017: 3 customers on each Monday, 1 on one Friday."""
    counts = {dt.date(2017, 1, 2 + 7 * n): 3 for n in range(4)} | {dt.date(2017, 1, 13): 1}
    # Rates by weekday: 12 / 4 = 3, 0, 0, 0, 1 / 4, 0, 0. Their mean is 3.25 / 7.
    peak = _peak(by_day(counts), "weekday", dt.date(2017, 1, 30))
    assert peak == pytest.approx(3 / (3.25 / 7))


def test_months_are_whole_up_to_the_date():
    """31 purchases on one day of January, one on each day of February, none in March."""
    counts = {dt.date(2017, 1, 1): 31} | {dt.date(2017, 2, n): 1 for n in range(1, 29)}
    # The rate is 1 per day in both months, and 0 in the ten days of March: the mean is 2 / 3.
    assert _peak(by_day(counts), "month", dt.date(2017, 3, 11)) == pytest.approx(1 / (2 / 3))
    assert _peak(by_day(counts), "month", dt.date(2017, 3, 1)) == pytest.approx(1)


def test_without_a_purchase_there_is_no_peak():
    assert _peak(by_day({}), "month", dt.date(2017, 3, 1)) is None


def test_contracts_leave_a_model_that_can_be_called(session):
    """Of 60 contracts 60 / 2, 60 / 3, ..., 60 / 6 survive the first to fifth renewal.

    This is the case of uniformly distributed probabilities of leaving: alpha and beta are 1.
    """
    as_of, began = dt.date(2017, 6, 20), dt.date(2017, 1, 10)
    leaves = (30, 10, 5, 3, 2)
    ended = [dt.date(2017, 2 + k, 10) for k, count in enumerate(leaves) for _ in range(count)]
    noon = [dt.datetime.combine(day, dt.time(12)) for day in ended]
    rows = [(f"c{n}", as_of, (as_of - began).days - 1) for n in range(60)]
    over = [(f"c{n}", at, at) for n, at in enumerate(noon)]
    known = "customer_id string, terminated_at timestamp, known_at timestamp"
    summaries = SimpleNamespace(
        summary_at=lambda day: session.createDataFrame(rows, f"{SUMMARY}, T_days bigint"),
    )
    terminations = session.createDataFrame(over, known)
    context = SimpleNamespace(has=lambda name: True, read=lambda name: terminations)
    fits = contracts(context, summaries, as_of)
    model = fits.others["shifted_beta_geometric"]
    values = {r["parameter"]: (r["value"], r["customers"]) for r in fits.rows}
    assert values == {"alpha": (model.alpha, 60), "beta": (model.beta, 60)}
    assert (model.alpha, model.beta) == pytest.approx((1, 1), rel=1e-4)


@pytest.fixture
def timed(session):
    """A function: purchase days of one customer, as_of -> the warnings, {parameter: value}."""

    def make(bought, as_of):
        rows = [("a", d, d + dt.timedelta(days=1), 100, 1) for d in bought]
        summaries = SimpleNamespace(
            days=session.createDataFrame(rows, DAYS),
            summary_at=lambda day: session.createDataFrame([("a", as_of)], SUMMARY),
        )
        fits = timing(summaries, as_of)
        return fits.warnings, {r["parameter"]: r["value"] for r in fits.rows}

    return make


def test_a_fixed_rhythm_gives_a_warning(timed):
    mondays = [dt.date(2017, 1, 2) + dt.timedelta(days=7 * n) for n in range(52)]
    warnings, values = timed(mondays, dt.date(2018, 1, 1))
    assert values["gap_std_over_mean"] == 0
    # All purchases are on Mondays: 1 per Monday, over a mean of 1 / 7.
    assert values["busiest_weekday_over_mean"] == pytest.approx(7)
    assert warnings == [
        "purchases are regular (std / mean of the gaps is 0.00, about 1 for random purchases). The "
        "models assume random purchases, so they detect a silence later than possible."
    ]


def test_a_season_gives_a_warning(timed):
    """Purchases on 1 January and on 2, 4, 8 and 16 November. The gaps are 305, 2, 4 and 8 days."""
    bought = [dt.date(2017, 1, 1)] + [dt.date(2017, 11, n) for n in (2, 4, 8, 16)]
    warnings, values = timed(bought, dt.date(2018, 1, 1))
    # 4 / 30 per day, over a mean of (1 / 31 + 4 / 30) / 12.
    expected = 4 / 30 / ((1 / 31 + 4 / 30) / 12)
    assert values["busiest_month_over_mean"] == pytest.approx(expected)
    assert warnings == [
        f"the busiest month has {expected:.1f} times the mean number of purchases. The models have "
        "no seasons: forecasts start from the mean over the year."
    ]
