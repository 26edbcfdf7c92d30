"""The backtest judges and learns only on customers who could still be kept that day."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipelines.lifetime import backtest
from runtime.settings import load
from tests.unit.models.btyd.test_worth import model
from tests.unit.models.survival.test_worth import customers, worth

CUT, HORIZON = dt.date(2017, 9, 1), 30
BACKTEST = {"coverage_horizons_days": [HORIZON, 365]}
SETTINGS = load("demo", lifetime={"backtest": BACKTEST}, training={"bootstrap_samples": 50})


def people(count=200):
    """Customers who differ only in past purchases; the last one's contract ended the day before."""
    past = np.arange(count) % 9
    rows = customers(count).assign(
        recency_days=49.0, past_days_30=past, past_value_30=10.0 * past, next_value_30=12.0 * past
    )
    rows["is_terminated"] = np.arange(count) == count - 1
    # The survival model has no row for a customer who has left.
    rows["entry_days"] = rows["entry_days"].where(~rows["is_terminated"])
    return rows


@pytest.fixture
def judged():
    """A function: rows of the cut -> rows of the backtest at that cut, of all approaches."""
    models = {"btyd": model(), "survival": worth()}
    cuts = backtest.Cuts((CUT,), (HORIZON,), dt.date(2017, 1, 1))

    def make(rows):
        on_driver = {CUT: rows, cuts.earlier(CUT, HORIZON): people()}
        landmarks = SimpleNamespace(on_driver=on_driver, as_of=dt.date(2018, 1, 1))
        return pd.DataFrame(backtest._of_cut(SETTINGS, landmarks, cuts, CUT, models))

    return make


def test_a_customer_whose_contract_ended_is_not_judged(judged):
    rows = judged(people(50)).query("metric == 'value_mae'").set_index("approach")
    assert rows["customers"].to_dict() == {
        "last_period": 49,
        "btyd": 49,
        "survival": 49,
        "boosted_trees": 49,
    }
    alone = judged(people(50).iloc[:49]).query("metric == 'value_mae'").set_index("approach")
    pd.testing.assert_series_equal(rows["value"], alone["value"])


def test_without_amounts_the_error_of_the_value_is_unknown_not_0(judged):
    rows = judged(people(50).assign(past_value_30=0.0, next_value_30=0.0))
    by_value = rows[rows["metric"].str.startswith("value_")]
    assert len(by_value) and by_value["value"].isna().all()
    assert rows.query("metric == 'purchases_mae'")["value"].notna().all()


def test_metrics_of_all_customers_include_the_lost_ones(judged):
    rows = judged(people(50)).query("metric == 'value_mae_all'")
    assert rows["customers"].tolist() == [50] * 4


def test_boosted_trees_do_not_learn_from_a_contract_that_ended(monkeypatch):
    learned = []
    monkeypatch.setattr(backtest.BoostedTrees, "fit", lambda rows, *_: learned.append(len(rows)))
    landmarks = SimpleNamespace(on_driver={CUT: people()})
    backtest._trees(load("demo"), landmarks, CUT, HORIZON)
    assert learned == [199]


def figures(rows, approach):
    """metric -> (value, customers)."""
    part = rows[rows["approach"] == approach]
    return {r.metric: (r.value, r.customers) for r in part.itertuples()}


def test_bias_by_tenure_is_forecast_over_outcome(judged):
    """Known for 7, 8, 60 and 61 days: one class each. The next 30 days bring 1.2 of the last 30."""
    rows = people(40).assign(T_days=np.repeat([6, 7, 59, 60], 10), recency_days=0)
    measured = figures(judged(rows), "last_period")
    names = ("1_7", "8_14", "15_60", "61_")
    counts = [measured[f"value_bias_tenure_{n}"][1] for n in names]
    assert counts == [10, 10, 10, 9]  # The contract of the last customer has ended.
    for name in names:
        value, low, high = (
            measured[f"value_bias_tenure_{name}{e}"][0] for e in ("", "_low", "_high")
        )
        assert (value, low, high) == pytest.approx((1 / 1.2,) * 3)
    # One purchase comes within 30 days: 0 + ... + 8 and 0 were bought before.
    assert measured["purchases_bias_tenure_1_7"][0] == pytest.approx(36 / 10)


class Fixed:
    """A model that forecasts 100 with an interval of 50 to 150, 50 to 120 at the level .8."""

    def forecast(self, rows, horizon):
        return pd.DataFrame({"purchases": 1.0, "value": 100.0 + np.arange(len(rows))}, rows.index)

    def interval(self, rows, horizon, *, level):
        high = 120.0 if level == 0.8 else 150.0
        return pd.DataFrame({"low": 50.0, "high": high}, rows.index)


def test_coverage_by_hand():
    """Four quarters of 10 customers, in which 10, 9, 5 and 0 lie inside .9; one less inside .8.

    The others came with 0. A lost customer is no part of a quarter. 365 days have not passed.
    """
    inside = np.repeat([10, 9, 5, 0], 10) > np.tile(np.arange(10), 4)
    came = np.where(inside, 100.0, 0.0)
    came[0] = 150.0
    rows = people(41).assign(
        recency_days=[49] * 20 + [9] * 20 + [0], T_days=[49] * 40 + [149], is_terminated=False
    )
    rows["next_value_30"] = [*came, 60.0]
    measured = backtest.coverage_rows(
        SETTINGS, dt.date(2018, 1, 1), CUT, rows=rows, models={"btyd": Fixed()}
    )
    shares = figures(pd.DataFrame(measured), "btyd")
    assert {r["horizon_days"] for r in measured} == {30}
    assert shares["coverage_measured_until_days"] == (30.0, 40)
    expected = {"": 24 / 40, "_quarter_1": 1.0, "_quarter_2": 0.9, "_quarter_3": 0.5}
    expected |= {"_quarter_4": 0.0, "_active": 19 / 20, "_silent": 5 / 20, "_lost": 1.0}
    for name, share in expected.items():
        assert shares[f"value_coverage_90{name}"][0] == pytest.approx(share), name
    assert shares["value_coverage_80"] == (pytest.approx(23 / 40), 40)
    assert shares["value_coverage_90_lost"][1] == 1
    # Wilson's interval of 24 of 40.
    bounds = [shares[f"value_coverage_90{end}"][0] for end in ("_low", "_high")]
    assert bounds == pytest.approx([0.4460, 0.7365], abs=5e-5)
