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
        landmarks = SimpleNamespace(on_driver=on_driver)
        return pd.DataFrame(backtest._of_cut(load("demo"), landmarks, cuts, CUT, models))

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
