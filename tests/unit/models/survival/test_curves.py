"""Remaining lifetime: geometric lifetimes with known figures, and the limit of 36 months."""

from __future__ import annotations

import numpy as np
import pytest

from models.survival.baseline import Baseline
from models.survival.cox import fit_cox
from models.survival.curves import HORIZON_DAYS, MONTH_ENDS, remaining_life
from models.survival.rows import ArrayRows, SurvivalError
from models.survival.weibull_aft import fit_weibull


class Geometric:
    """Each day a share `daily` of the remaining customers leaves. The covariate is `daily`."""

    names = ("daily",)

    def conditional_survival(self, x, age, days, stratum=None):
        return (1.0 - x) ** days[None, :]

    def observed_days(self, age, stratum=None):
        return np.full(len(age), 100.0)


def life_of(*daily, horizons=(30,), **more):
    x = np.array(daily)[:, None]
    return remaining_life(Geometric(), x, np.zeros(len(x)), horizons=horizons, **more)


def test_months_end_on_whole_days_and_36_are_three_years():
    assert (MONTH_ENDS[0], MONTH_ENDS[11], MONTH_ENDS[35]) == (30, 365, 1096)
    assert HORIZON_DAYS == 1096


def test_figures_of_a_geometric_life():
    life = life_of(0.01, horizons=(1, 30))
    # .99^68 = .5049, .99^69 = .4998; .99^10 = .9044, .99^11 = .8953; .99^229 = .1001, ^230 = .0991
    assert life.median_days.tolist() == [69]
    assert (life.low_days.tolist(), life.high_days.tolist()) == ([11], [230])
    assert life.churn[1] == pytest.approx([0.01])
    assert life.churn[30] == pytest.approx([1 - 0.99**30])
    # sum of .99^u over u = 0..1095
    assert life.expected_days == pytest.approx([(1 - 0.99**1096) / 0.01])
    assert life.by_month[0, [0, 11, 35]] == pytest.approx([0.99**30, 0.99**365, 0.99**1096])
    assert life.observed_days.tolist() == [100]


def test_a_chance_of_exactly_one_half_is_not_below_it():
    # S(1) = 1/2 and S(2) = 1/4. The 80 % interval: S is below .9 on day 1 and below .1 on day 4.
    life = life_of(0.5)
    assert life.median_days.tolist() == [2]
    assert (life.low_days.tolist(), life.high_days.tolist()) == ([1], [4])


def test_a_median_beyond_36_months_is_nan():
    life = life_of(0.0, 0.0005)
    assert np.isnan(life.median_days[0]) and np.isnan(life.low_days[0])
    assert life.expected_days[0] == 1096 and life.churn[30][0] == 0
    # .9995^1096 = .578
    assert np.isnan(life.median_days[1]) and life.low_days[1] == 211


def test_many_rows_are_the_same_as_each_alone():
    daily = np.linspace(0.001, 0.2, 5000)
    many = life_of(*daily)
    for row in (0, 127, 128, 4999):
        alone = life_of(daily[row])
        assert many.expected_days[row] == alone.expected_days[0]
        assert many.by_month[row].tolist() == alone.by_month[0].tolist()


def test_no_rows_give_no_figures():
    life = remaining_life(Geometric(), np.empty((0, 1)), np.empty(0), horizons=(30,))
    assert life.expected_days.shape == (0,) and life.by_month.shape == (0, 36)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            {"horizons": (30, 1097)},
            "horizons: must be from 1 to 1096 days (36 months), got 1097. Choose a horizon in this "
            "range.",
        ),
        (
            {"horizons": (0,)},
            "horizons: must be from 1 to 1096 days (36 months), got 0. Choose a horizon in this "
            "range.",
        ),
        (
            {"level": 1.0},
            "level: must be between 0 and 1, got 1. Use 0.8 for an 80 % interval.",
        ),
    ],
)
def test_a_horizon_or_level_outside_its_range_is_refused(more, text):
    with pytest.raises(SurvivalError) as error:
        life_of(0.1, **more)
    assert str(error.value) == text


# ---------------------------------------------------------------------- the baseline's end


def test_the_baseline_is_extrapolated_by_its_last_quarter():
    # Days 0 to 8: hazard .1 on days 1 to 6, .3 on days 7 and 8. The last quarter is 3 days.
    hazard = np.array([0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 0.3])
    baseline = Baseline.of(hazard, np.full(9, 50.0))
    assert baseline.last_day == 8
    assert baseline.daily == pytest.approx(0.7 / 3)
    assert baseline.at(np.array([-1, 0, 2, 8, 11])) == pytest.approx([0, 0, 0.2, 1.2, 1.2 + 0.7])
    gained = baseline.gained(np.array([2, 8]), np.array([0, 1, 3]))
    assert gained == pytest.approx(np.array([[0, 0.1, 0.3], [0, 0.7 / 3, 0.7]]))


def test_days_with_few_at_risk_are_not_used():
    # On the last two days 5 and 1 customers are at risk: their hazards of 1/5 and 1 are not used.
    baseline = Baseline.of(
        np.array([0, 0.02, 0.02, 0.02, 0.2, 1.0]), np.array([50, 50, 49, 48, 5, 1.0])
    )
    assert baseline.last_day == 3
    assert baseline.at(np.array([3, 5])) == pytest.approx([0.06, 0.06 + 2 * 0.02])


def test_early_ages_with_few_at_risk_have_the_hazard_of_the_next_days():
    # Nobody is at risk before day 90, and too few before day 100. Of the next 40 days, the first
    # and the last quarter are 10 days each.
    hazard, at_risk = np.zeros(140), np.zeros(140)
    hazard[90:100], at_risk[90:100] = 0.5, 2
    hazard[100:110], hazard[110:], at_risk[100:] = 0.01, 0.03, 30
    baseline = Baseline.of(hazard, at_risk)
    assert baseline.daily == pytest.approx(0.03)
    gained = baseline.gained(np.array([0, 95]), np.array([1, 10]))
    assert gained == pytest.approx(np.array([[0.01, 0.1], [0.01, 0.1]]))


@pytest.mark.parametrize("fit", [fit_cox, fit_weibull])
def test_an_extreme_covariate_gives_0_or_1_and_no_nan(sample, fit):
    frame = sample()
    model = fit(ArrayRows.of(frame["stop"], frame["event"], frame[["x0"]]), ["x0"])
    life = remaining_life(model, [[1e9], [-1e9]], [40, 40], horizons=(30,))
    # x0 raises the hazard.
    assert life.churn[30].tolist() == pytest.approx([1, 0])
    # An event on day 41 makes the baseline hazard of the first day after age 40 positive.
    assert (frame.loc[frame["event"] == 1, "stop"] == 41).any()
    assert life.median_days[0] == 1 and np.isnan(life.median_days[1])
    assert np.isfinite(life.by_month).all() and life.expected_days[1] == 1096


def test_a_cox_model_without_effect_predicts_the_shares_that_left(sample):
    # 2 of 200 customers leave each day, one per value of the covariate: S(u) = 1 - u/100.
    stop = np.repeat(np.arange(1, 101), 2)
    model = fit_cox(ArrayRows.of(stop, np.ones(200), np.tile([-1, 1], 100)), ["x"], "breslow")
    life = remaining_life(model, np.zeros((1, 1)), np.array([0]), horizons=(30, 50))
    # Breslow's curve is exp(-sum of 2 / n), close to these shares.
    assert life.churn[30][0] == pytest.approx(0.30, abs=0.01)
    assert life.churn[50][0] == pytest.approx(0.50, abs=0.01)
    assert life.observed_days.tolist() == [96]  # fewer than ten are at risk after day 96
