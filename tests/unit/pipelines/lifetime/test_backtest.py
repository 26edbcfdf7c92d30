"""Whom the back-test judges on and learns from: who could still be kept that day."""

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
    """As many customers alike, of whom the last has ended the contract the day before."""
    past = np.arange(count) % 9
    rows = customers(count).assign(
        recency_days=49.0, past_days_30=past, past_value_30=10.0 * past, next_value_30=12.0 * past
    )
    rows["is_terminated"] = np.arange(count) == count - 1
    # Survival says nothing of who has left.
    rows["entry_days"] = rows["entry_days"].where(~rows["is_terminated"])
    return rows


@pytest.fixture
def judged(monkeypatch):
    """A function: rows of the cut -> rows of the back-test at it, of all approaches."""
    ready = {"btyd": model(), "survival": worth()}
    monkeypatch.setattr(backtest, "_models", lambda *_: ready)
    context = SimpleNamespace(settings=load("demo"))
    cuts = backtest.Cuts((CUT,), (HORIZON,), dt.date(2017, 1, 1))

    def make(rows):
        on_driver = {CUT: rows, cuts.earlier(CUT, HORIZON): people()}
        landmarks = SimpleNamespace(on_driver=on_driver)
        return pd.DataFrame(backtest._of_cut(context, None, landmarks, cuts, CUT, {}))

    return make


def test_who_has_ended_the_contract_is_not_judged_on(judged):
    found = judged(people(50)).query("metric == 'value_mae'").set_index("approach")
    assert found["customers"].to_dict() == {
        "last_period": 49,
        "btyd": 49,
        "survival": 49,
        "boosted_trees": 49,
    }
    alone = judged(people(50).iloc[:49]).query("metric == 'value_mae'").set_index("approach")
    pd.testing.assert_series_equal(found["value"], alone["value"])


def test_everyone_is_everyone(judged):
    found = judged(people(50)).query("metric == 'value_mae_all'")
    assert found["customers"].tolist() == [50] * 4


def test_boosted_trees_do_not_learn_from_who_has_ended_the_contract(monkeypatch):
    learnt = []
    monkeypatch.setattr(backtest.BoostedTrees, "fit", lambda rows, *_: learnt.append(len(rows)))
    landmarks = SimpleNamespace(on_driver={CUT: people()})
    backtest._trees(SimpleNamespace(settings=load("demo")), landmarks, CUT, HORIZON)
    assert learnt == [199]
