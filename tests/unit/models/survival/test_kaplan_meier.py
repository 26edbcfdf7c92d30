"""Kaplan-Meier: published figures on Telco, lifelines, and hand calculations."""

from __future__ import annotations

import numpy as np
import pytest

from models.survival.kaplan_meier import kaplan_meier
from models.survival.rows import ArrayRows, SurvivalError
from models.survival.survey import survey


def curve(stop, event, **more):
    return kaplan_meier(survey(ArrayRows.of(stop, event, **more)))


def test_four_customers_on_paper():
    # Day 2: 1 of 4 leaves. Day 3: one is censored. Day 5: 1 of 2 leaves. The last one stays.
    curve_of_four = curve([2, 3, 5, 7], [1, 0, 1, 0])
    assert curve_of_four.days.tolist() == [2, 5]
    assert curve_of_four.at_risk.tolist() == [4, 2]
    assert curve_of_four.survival == pytest.approx([3 / 4, 3 / 4 * 1 / 2])
    assert curve_of_four.at([1, 2, 4, 5, 100]) == pytest.approx([1, 3 / 4, 3 / 4, 3 / 8, 3 / 8])
    assert curve_of_four.before([2, 3, 5, 6]) == pytest.approx([1, 3 / 4, 3 / 4, 3 / 8])
    assert curve_of_four.median == 5


def test_a_late_entry_is_not_at_risk_before():
    # Day 2: 1 of 2 (the third enters on day 2 and is at risk from day 3). Day 5: 1 of 2.
    late = curve([2, 5, 7], [1, 1, 0], start=[0, 0, 2])
    assert late.at_risk.tolist() == [2, 2]
    assert late.survival == pytest.approx([1 / 2, 1 / 4])


def test_a_weight_equals_repeated_customers():
    weighted = curve([2, 5, 7], [1, 1, 0], weight=[2, 1, 3])
    other = curve([2, 2, 5, 7, 7, 7], [1, 1, 1, 0, 0, 0])
    assert weighted.survival == pytest.approx(other.survival)
    assert (weighted.low, weighted.high) == (pytest.approx(other.low), pytest.approx(other.high))


def test_telco_has_the_published_figures(telco):
    telco_curve = curve(telco["tenure"], telco["churn"] == "Yes")
    # Published with four digits.
    assert telco_curve.at([12, 24, 60]) == pytest.approx([0.8432, 0.7887, 0.6644], abs=5e-5)
    assert telco_curve.median is None


def test_telco_by_contract_month_to_month_is_left_after_35_months(telco):
    strata = survey(
        ArrayRows.of(telco["tenure"], telco["churn"] == "Yes", stratum=telco["contract"].tolist())
    )
    assert kaplan_meier(strata, "Month-to-month").median == 35
    assert kaplan_meier(strata, "Two year").median is None
    together = curve(telco["tenure"], telco["churn"] == "Yes")
    assert kaplan_meier(strata).survival == pytest.approx(together.survival)


def test_telco_month_to_month_with_internet_is_left_after_34_months(telco):
    chosen = telco[(telco["contract"] == "Month-to-month") & (telco["internet_service"] != "No")]
    assert len(chosen) == 3_351
    assert curve(chosen["tenure"], chosen["churn"] == "Yes").median == 34


def test_curve_and_interval_are_those_of_lifelines(sample):
    from lifelines import KaplanMeierFitter

    frame = sample()
    # Almost nobody is at risk on the first days. The weights are whole, as lifelines needs.
    other = KaplanMeierFitter().fit(
        frame["stop"], frame["event"], entry=frame["start"], weights=frame["weight"]
    )
    ours = curve(frame["stop"], frame["event"], start=frame["start"], weight=frame["weight"])
    assert ours.survival == pytest.approx(other.survival_function_at_times(ours.days), abs=1e-12)
    bounds = other.confidence_interval_survival_function_.loc[ours.days]
    inside = (ours.survival > 0) & (ours.survival < 1)
    assert ours.low[inside] == pytest.approx(bounds.iloc[:, 0][inside], abs=1e-10)
    assert ours.high[inside] == pytest.approx(bounds.iloc[:, 1][inside], abs=1e-10)


def test_without_events_nobody_leaves():
    flat = curve([3, 4], [0, 0])
    assert flat.at([10]).tolist() == [1.0] and flat.median is None


def test_all_leave_and_nothing_is_left():
    falling = curve([1, 2], [1, 1])
    assert falling.survival.tolist() == [0.5, 0.0]
    assert (falling.low[-1], falling.high[-1]) == (0.0, 0.0)
    assert np.isfinite(falling.low).all() and np.isfinite(falling.high).all()


def test_an_unknown_stratum_is_refused():
    surveyed = survey(ArrayRows.of([1, 2], [1, 0], stratum=["basic", "gold"]))
    with pytest.raises(SurvivalError, match="stratum: must be one of basic, gold, got 'iron'"):
        kaplan_meier(surveyed, "iron")
