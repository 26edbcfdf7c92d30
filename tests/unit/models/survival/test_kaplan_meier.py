"""Kaplan-Meier: the published Telco figures, lifelines, and arithmetic on paper."""

from __future__ import annotations

import numpy as np
import pytest

from models.survival.kaplan_meier import kaplan_meier
from models.survival.rows import ArrayRows, SurvivalError
from models.survival.survey import survey


def curve(stop, event, **more):
    return kaplan_meier(survey(ArrayRows.of(stop, event, **more)))


def test_four_customers_on_paper():
    # Day 2: 1 of 4 leaves; day 3: one is censored; day 5: 1 of 2 leaves; the last stays.
    found = curve([2, 3, 5, 7], [1, 0, 1, 0])
    assert found.days.tolist() == [2, 5]
    assert found.at_risk.tolist() == [4, 2]
    assert found.survival == pytest.approx([3 / 4, 3 / 4 * 1 / 2])
    assert found.at([1, 2, 4, 5, 100]) == pytest.approx([1, 3 / 4, 3 / 4, 3 / 8, 3 / 8])
    assert found.before([2, 3, 5, 6]) == pytest.approx([1, 3 / 4, 3 / 4, 3 / 8])
    assert found.median == 5


def test_who_enters_late_is_not_at_risk_before():
    # Day 2: 1 of 2 (the third enters on day 2, so is at risk from day 3 on); day 5: 1 of 2.
    found = curve([2, 5, 7], [1, 1, 0], start=[0, 0, 2])
    assert found.at_risk.tolist() == [2, 2]
    assert found.survival == pytest.approx([1 / 2, 1 / 4])


def test_a_weight_is_so_many_customers():
    one = curve([2, 5, 7], [1, 1, 0], weight=[2, 1, 3])
    other = curve([2, 2, 5, 7, 7, 7], [1, 1, 1, 0, 0, 0])
    assert one.survival == pytest.approx(other.survival)
    assert (one.low, one.high) == (pytest.approx(other.low), pytest.approx(other.high))


def test_telco_has_the_published_figures(telco):
    found = curve(telco["tenure"], telco["churn"] == "Yes")
    # Published to four digits.
    assert found.at([12, 24, 60]) == pytest.approx([0.8432, 0.7887, 0.6644], abs=5e-5)
    assert found.median is None


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
    # The first days have almost nobody at risk; lifelines' interval is for whole numbers.
    other = KaplanMeierFitter().fit(
        frame["stop"], frame["event"], entry=frame["start"], weights=frame["weight"]
    )
    found = curve(frame["stop"], frame["event"], start=frame["start"], weight=frame["weight"])
    assert found.survival == pytest.approx(other.survival_function_at_times(found.days), abs=1e-12)
    bounds = other.confidence_interval_survival_function_.loc[found.days]
    inside = (found.survival > 0) & (found.survival < 1)
    assert found.low[inside] == pytest.approx(bounds.iloc[:, 0][inside], abs=1e-10)
    assert found.high[inside] == pytest.approx(bounds.iloc[:, 1][inside], abs=1e-10)


def test_without_events_nobody_leaves():
    found = curve([3, 4], [0, 0])
    assert found.at([10]).tolist() == [1.0] and found.median is None


def test_all_leave_and_nothing_is_left():
    found = curve([1, 2], [1, 1])
    assert found.survival.tolist() == [0.5, 0.0]
    assert (found.low[-1], found.high[-1]) == (0.0, 0.0)
    assert np.isfinite(found.low).all() and np.isfinite(found.high).all()


def test_an_unknown_stratum_is_refused():
    found = survey(ArrayRows.of([1, 2], [1, 0], stratum=["basic", "gold"]))
    with pytest.raises(SurvivalError, match="stratum: must be one of basic, gold, got 'iron'"):
        kaplan_meier(found, "iron")
