"""The column customers of gold.lifetime_models counts customers, not rows."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from models.encoding import FeatureEncoder
from models.survival.spend_rate import SpendRate
from pipelines.lifetime import survival_fits
from pipelines.lifetime.model_rows import rate_rows
from runtime.settings import load


def customers_of(rows):
    return {r["parameter"]: r["customers"] for r in rows}


def test_a_customer_of_many_landmarks_is_one_customer_of_a_rate():
    # 30 days have passed since two landmarks, 90 days only since the first one.
    past = {
        90: pd.DataFrame({"customer_id": ["a"]}),
        30: pd.DataFrame({"customer_id": ["a", "a", "b"]}),
    }
    rate = SpendRate("days", (30,), 0.1, (0.2, 0.3), (0.4, 0.5), rows=3)
    rows = rate_rows(SimpleNamespace(value=None, purchases=rate), past)
    assert customers_of(rows) == {
        **{"days_base": 2, "days_30d": 2, "days_whole_past": 2},
        # The variances come from the longest horizon.
        **{"days_variance_of_mean_squared": 1, "days_variance_of_mean": 1},
    }
    assert [r["value"] for r in rows] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_customer_of_many_periods_is_one_customer_of_the_hazard(monkeypatch):
    hazard = SimpleNamespace(rows=7, names=("x",))
    monkeypatch.setattr(survival_fits, "_hazard", lambda *_: hazard)
    seen = SimpleNamespace(customers=2, encoder=FeatureEncoder(numeric=("x",)))
    _, (row,) = survival_fits.fit_one(load("demo"), seen, "discrete_hazard")
    assert (row["parameter"], row["value"], row["customers"]) == ("person_periods", 7.0, 2)
