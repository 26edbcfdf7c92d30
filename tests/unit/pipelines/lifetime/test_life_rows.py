"""Rows of gold.lifetime_models say from how many customers a figure comes, not from how many rows."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from models.encoding import FeatureEncoder
from models.survival.spend_rate import SpendRate
from pipelines.lifetime import survival_fits
from pipelines.lifetime.life_rows import rate_rows
from runtime.settings import load


def customers_of(rows):
    return {r["parameter"]: r["customers"] for r in rows}


def test_a_customer_of_many_landmarks_is_one_customer_of_a_rate():
    # Thirty days have passed since two landmarks, ninety since the first alone.
    past = {
        90: pd.DataFrame({"customer_id": ["a"]}),
        30: pd.DataFrame({"customer_id": ["a", "a", "b"]}),
    }
    rate = SpendRate("days", (30,), 0.1, (0.2, 0.3), (0.4, 0.5), rows=3)
    found = rate_rows(SimpleNamespace(value=None, purchases=rate), past)
    assert customers_of(found) == {
        **{"days_base": 2, "days_30d": 2, "days_whole_past": 2},
        # The variance is that of the longest horizon.
        **{"days_variance_of_mean_squared": 1, "days_variance_of_mean": 1},
    }
    assert [r["value"] for r in found] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_customer_of_many_periods_is_one_customer_of_the_hazard(monkeypatch):
    hazard = SimpleNamespace(rows=7, names=("x",))
    monkeypatch.setattr(survival_fits, "_hazard", lambda *_: hazard)
    context = SimpleNamespace(settings=load("demo"))
    seen = SimpleNamespace(customers=2, encoder=FeatureEncoder(numeric=("x",)))
    _, (row,) = survival_fits.fit_one(context, seen, "discrete_hazard")
    assert (row["parameter"], row["value"], row["customers"]) == ("person_periods", 7.0, 2)
