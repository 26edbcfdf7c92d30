"""The column customers of gold.lifetime_models counts customers, not rows."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.new_customers import NewCustomers
from models.return_rate import ReturnRate
from models.survival.spend_rate import SpendRate
from models.value_interval import Spread
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
    new = NewCustomers((7, 14), ((1.0, 1.1, 1.2), (1.3, 1.4, 1.5)), 16.0, 9)
    lost = ReturnRate(91, (120,), (0.9, 0.8), 0.7, 5)
    rate = SpendRate("days", (30,), 0.1, (0.2, 0.3), rows=3, new=new, lost=lost)
    staying = SimpleNamespace(purchases=Spread(0.4, 0.5, 0.6))
    rows = rate_rows(SimpleNamespace(value=None, purchases=rate, staying=staying), past)
    assert set(customers_of(rows).values()) == {2}
    assert {r["parameter"]: r["value"] for r in rows} == pytest.approx(
        {
            **{"days_base": 0.1, "days_30d": 0.2, "days_whole_past": 0.3},
            **{"days_variance_of_mean_squared": 0.4, "days_variance_of_mean": 0.5},
            **{"days_variance_of_mean_per_day": 0.6, "days_new_half_days": 16.0},
            **{f"days_new_7d_repeats_{n}": 1.0 + n / 10 for n in range(3)},
            **{f"days_new_14d_repeats_{n}": 1.3 + n / 10 for n in range(3)},
            **{"days_return_rate_120d": 0.9, "days_return_rate_later": 0.8},
            "days_return_rate_weight": 0.7,
        }
    )


def test_a_customer_of_many_periods_is_one_customer_of_the_hazard(monkeypatch):
    hazard = SimpleNamespace(rows=7, names=("x",))
    monkeypatch.setattr(survival_fits, "_hazard", lambda *_: hazard)
    seen = SimpleNamespace(customers=2, encoder=FeatureEncoder(numeric=("x",)))
    _, (row,) = survival_fits.fit_one(load("demo"), seen, "discrete_hazard")
    assert (row["parameter"], row["value"], row["customers"]) == ("person_periods", 7.0, 2)
