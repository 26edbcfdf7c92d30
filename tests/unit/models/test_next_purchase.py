"""The next purchase: closed forms on paper, properties, both null rules, and a planted rhythm."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from models.btyd.rows import NotFittableError
from models.lifetime_scoring import next_purchase_batch
from models.next_purchase import NextPurchase, fit, measures
from models.portable_text import PortableModelError

# Every customer buys at random times, once in `GAP` days: the gaps are exponential.
GAP = 20.0
ALIKE = NextPurchase(shape=1.0, r=1e9, alpha=1e9 * GAP, evidence=1e9, never=0.0)
MIXED = NextPurchase(shape=1.3, r=1.2, alpha=9.0, evidence=8.0, never=0.001)


def customers(frequency, recency, T):
    return pd.DataFrame({"frequency": frequency, "recency_days": recency, "T_days": T})


def columns(rows):
    names = ("frequency", "recency_days", "T_days")
    return [np.atleast_1d(np.asarray(rows[n], dtype=float)) for n in names]


def test_an_exponential_gap_has_the_median_ln_2_over_the_rate():
    """Rate 1 / 20: median 20 ln 2 = 13.86, and it stays 13.86 from any silence on."""
    for silence in (0, 30):
        x, recency, T = columns(customers([4], [80], [80 + silence]))
        middle = ALIKE.days_until(x, recency, T, level=0.5)
        assert middle == pytest.approx([GAP * np.log(2)], rel=1e-6)
        none = ALIKE.p_no_purchase(x, recency, T, days=10.0)
        assert none == pytest.approx([np.exp(-10 / GAP)], rel=1e-6)


def test_whole_days_of_an_exponential_gap():
    """The 0.1 quantile is 20 ln(1 / 0.9) = 2.11, to the nearest end of a day: 2, the first two
    days left out. These have probability 1 - e^(-2 / 20) = 0.095, so the interval ends at
    20 ln(1 / (1 - 0.895)) = 45.1, to the nearest end of a day: 45, the end of day 44. The median
    13.86 lies in day 13. Usual gap: 14 whole days; silence 31 days, so 17 overdue. Of the gaps,
    1 - e^(-30 / 20) = 77.69 % are shorter than 31 days.
    """
    row = ALIKE.predict(customers([4], [80], [110])).iloc[0]
    assert row["next_purchase_low_days"] == 2
    assert row["next_purchase_high_days"] == 44
    assert row["next_purchase_days"] == 13
    assert row["days_overdue"] == 31 - 14
    assert row["overdue_percentile"] == pytest.approx(100 * (1 - np.exp(-1.5)), abs=1e-3)


def test_few_gaps_stay_near_the_population_and_many_near_the_customer():
    """Shape 1, r = 2, alpha = 10: gaps are Lomax, median (alpha + t_x) (2^(1 / (r + x)) - 1).

    Gaps of 40 days: no gap gives 4.1, four give 20.8, 400 give 27.6 (40 ln 2 = 27.7).
    """
    model = NextPurchase(shape=1.0, r=2.0, alpha=10.0, evidence=1e12, never=0.0)
    x, recency, _ = columns(customers([0, 4, 400], [0, 160, 16_000], [0, 160, 16_000]))
    half = np.full(3, 0.5)
    expected = [10 * (2**0.5 - 1), 170 * (2 ** (1 / 6) - 1), 16_010 * (2 ** (1 / 402) - 1)]
    assert model.gap_quantile(x, recency, half) == pytest.approx(expected, rel=1e-6)


def test_many_gaps_count_as_at_most_evidence():
    """x = 8 with evidence 8 counts as 8 · 8 / 16 = 4 gaps, with the customer's rate unchanged:
    scale (alpha + t_x) · 6 / 10, so the Lomax median is 0.6 (10 + 80) (2^(1 / 6) - 1)."""
    model = NextPurchase(shape=1.0, r=2.0, alpha=10.0, evidence=8.0, never=0.0)
    x, recency, _ = columns(customers([8], [80], [80]))
    expected = 0.6 * 90 * (2 ** (1 / 6) - 1)
    assert model.gap_quantile(x, recency, np.array([0.5])) == pytest.approx([expected], rel=1e-6)


def test_longer_days_scale_all_times():
    """All times and alpha in half days: quantiles double, shares stay."""
    rows = customers([0, 3, 12], [0, 50, 90], [20, 61, 300])
    x, recency, T = columns(rows)
    double = NextPurchase(MIXED.shape, MIXED.r, 2 * MIXED.alpha, MIXED.evidence, MIXED.never)
    once = MIXED.days_until(x, recency, T, level=0.5)
    assert double.days_until(x, 2 * recency, 2 * T, level=0.5) == pytest.approx(2 * once)
    shares = MIXED.shorter_gaps(x, recency, T - recency)
    assert double.shorter_gaps(x, 2 * recency, 2 * (T - recency)) == pytest.approx(shares)


def test_a_longer_silence_is_more_overdue():
    silence = np.arange(0, 200)
    rows = customers(np.full(200, 5), np.full(200, 60), 60 + silence)
    predicted = MIXED.predict(rows)
    assert (np.diff(predicted["overdue_percentile"]) > 0).all()
    assert set(np.diff(predicted["days_overdue"])) == {0.0, 1.0}
    assert predicted["overdue_percentile"].between(0, 100).all()
    assert predicted["overdue_percentile"].iloc[0] == 0 == predicted["days_overdue"].iloc[0]


def test_the_interval_holds_the_median_and_the_stated_probability():
    rows = customers([0, 3, 12, 90], [0, 50, 90, 300], [20, 61, 110, 301])
    predicted = MIXED.predict(rows)
    low, middle, high = (
        predicted[f"next_purchase_{n}days"].to_numpy() for n in ("low_", "", "high_")
    )
    assert (low <= middle).all() and (middle <= high).all()
    x, recency, T = columns(rows)
    inside = MIXED.p_no_purchase(x, recency, T, days=low)
    inside = inside - MIXED.p_no_purchase(x, recency, T, days=high + 1)
    # To the nearest day: half a day's probability on one side, at most 0.1 for these customers.
    assert inside == pytest.approx(np.full(4, 0.8), abs=0.1)


def test_no_date_where_no_purchase_within_a_year_is_more_likely():
    """Gaps of 20 days, but 1 in 100 purchases is the last. After 30 days of silence the odds
    against another purchase are 0.01 / (0.99 e^-1.5) = 0.045, after 150 days
    0.01 / (0.99 e^-7.5) = 18: no date."""
    model = NextPurchase(1.0, 1e9, 1e9 * GAP, 1e9, never=0.01)
    predicted = model.predict(customers([4, 4], [80, 80], [110, 230]))
    dates = predicted.filter(regex="next_purchase")
    assert dates.iloc[0].notna().all() and dates.iloc[1].isna().all()
    assert predicted["overdue_percentile"].notna().all()
    x, recency, T = columns(customers([4], [80], [110]))
    odds = 0.01 / (0.99 * np.exp(-1.5))
    none = model.p_no_purchase(x, recency, T, days=3650.0)
    assert none == pytest.approx([odds / (1 + odds)], rel=1e-4)


def test_the_last_day_is_null_where_a_tenth_never_comes_back():
    """After 70 days of silence the odds of no purchase are 0.01 / (0.99 e^-3.5) = 0.33."""
    model = NextPurchase(1.0, 1e9, 1e9 * GAP, 1e9, never=0.01)
    row = model.predict(customers([4], [80], [150])).iloc[0]
    assert np.isnan(row["next_purchase_high_days"]) and row["next_purchase_days"] > 0


def test_a_single_purchase_day_has_a_date_and_no_rhythm():
    row = MIXED.predict(customers([0], [0], [3])).iloc[0]
    assert row[["days_overdue", "overdue_percentile"]].isna().all()
    assert row.filter(regex="next_purchase").notna().all()


def test_an_impossible_silence_gives_no_date_and_no_nan_elsewhere():
    regular = NextPurchase(shape=140.0, r=1e6, alpha=5e4, evidence=1e3, never=0.0)
    row = regular.predict(customers([50], [350], [4000])).iloc[0]
    assert row.filter(regex="next_purchase").isna().all()
    assert row["overdue_percentile"] == 100 and row["days_overdue"] == 4000 - 350 + 1 - 7


def test_a_daily_buyer_who_bought_yesterday_is_not_overdue():
    """The usual gap is a day at least: yesterday is 0 days overdue, the day before yesterday 1."""
    daily = NextPurchase(shape=1.0, r=1e9, alpha=1e7, evidence=1e9, never=0.001)
    overdue = daily.predict(customers([200, 200], [200, 200], [200, 201]))["days_overdue"]
    assert overdue.tolist() == [0, 1]


def test_the_portable_form_is_equal():
    assert NextPurchase.from_json(MIXED.to_json()) == MIXED


@pytest.mark.parametrize("text", ["[" * 200_000, "[]", '{"r": 1.0}', "{"])
def test_a_text_that_is_no_model_is_refused(text):
    with pytest.raises(PortableModelError, match=r"^model: "):
        NextPurchase.from_json(text)


def test_scoring_adds_the_days_to_as_of_and_gives_nulls_without_a_model():
    rows = customers([4, 4], [80, 80], [110, 110]).assign(as_of=dt.date(2026, 1, 31))
    scored = next_purchase_batch(ALIKE, rows)
    # The whole days of `test_whole_days_of_an_exponential_gap`: 2, 13 and 44.
    assert scored["next_purchase_low"].tolist() == [dt.date(2026, 2, 2)] * 2
    assert scored["next_purchase_on"].tolist() == [dt.date(2026, 2, 13)] * 2
    assert scored["next_purchase_high"].tolist() == [dt.date(2026, 3, 16)] * 2
    assert scored["days_overdue"].tolist() == [17, 17]
    unknown = next_purchase_batch(None, rows)
    assert list(unknown) == list(scored) and unknown.isna().all().all() and len(unknown) == 2
    assert list(next_purchase_batch(ALIKE, rows.iloc[:0])) == list(scored)


def past(shape, count=1_500, seed=4):
    """Customers with a gamma rhythm, at day 200, and the days until the next purchase by day 290."""
    draw = np.random.default_rng(seed)
    rows = []
    for mean in draw.gamma(6, 3, count):
        days = np.floor(np.cumsum(draw.gamma(shape, mean / shape, 400)) + draw.uniform(0, 30))
        before, after = days[days < 200], days[(days >= 200) & (days < 290)]
        if len(before):
            first, last = before[0], before[-1]
            following = after[0] - 200 if len(after) else np.nan
            rows.append((len(set(before)) - 1, last - first, 199 - first, following))
    names = ["frequency", "recency_days", "T_days", "next_days"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize("shape", [1.0, 6.0])
def test_a_planted_rhythm_is_covered(shape):
    """The interval of other customers of the same kind holds 80 %, four standard errors of
    sqrt(0.8 · 0.2 / 1,500) = 0.0103 aside. The shape is within a quarter."""
    model = fit(past(shape), 90, fewest=50)
    assert model.shape == pytest.approx(shape, rel=0.25)
    others = past(shape, seed=5)
    result = measures(model.predict(others), others["next_days"], 90)
    assert result["coverage_80"] == pytest.approx(0.8, abs=4 * 0.0103)


def test_measures_on_paper():
    """Interval 2 to 9, median 4, followed for 10 days: purchases on day 2 and 9 are inside, on
    day 1 not, no purchase counts as day 10. Errors 2, 5, 3, 6: median 4. An interval that ends on
    day 10 is not judged."""
    predicted = pd.DataFrame(
        {
            "next_purchase_days": 4.0,
            "next_purchase_low_days": 2.0,
            "next_purchase_high_days": [9.0, 9.0, 9.0, 9.0, 10.0, np.nan],
        }
    )
    actual = pd.Series([2, 9, 1, np.nan, 3, 3])
    expected = {"coverage_80": 2 / 4, "median_error_days": 4.0, "customers": 4.0}
    assert measures(predicted, actual, 10) == expected
    nobody = {"coverage_80": None, "median_error_days": None, "customers": 0.0}
    assert measures(predicted.iloc[:0], actual.iloc[:0], 10) == nobody


def test_too_few_customers_are_refused_with_the_rule():
    rows = customers([1] * 60, [10] * 60, [30] * 60).assign(next_days=[2.0] * 20 + [np.nan] * 40)
    with pytest.raises(
        NotFittableError, match=r"60 customers, 60 of them .*; 20 bought in the 30 days"
    ):
        fit(rows, 30, fewest=50)
