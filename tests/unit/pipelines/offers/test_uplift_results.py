"""Rows of gold.uplift_results: all metrics of a learner with their intervals."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from contracts import catalog
from pipelines.offers import uplift_learning
from runtime import settings

TABLE = catalog.tables()["gold.uplift_results"]
ROWS = 4_000


@pytest.fixture(scope="module")
def stored():
    """Rows by metric. The true effect is 0.4 x for x in (0, 1); the model predicts twice as much."""
    draw = np.random.default_rng(6)
    x, arm = draw.uniform(size=ROWS), draw.integers(0, 2, ROWS).astype(float)
    churned = (draw.random(ROWS) < 0.6 - 0.4 * x * arm).astype(float)
    sample = pd.DataFrame({"x": x, "arm": arm, "churned": churned})
    context = SimpleNamespace(settings=settings.load("demo"), as_of=dt.date(2026, 1, 1))
    model = SimpleNamespace(arms=("ten",), effects=lambda matrix: 0.8 * matrix)
    rows = uplift_learning.results(
        context, "t_learner", "test", model=model, sample=sample, names=["x"]
    )
    assert {tuple(sorted(r)) for r in rows} == {tuple(sorted(TABLE.column_names))}
    return {r["metric"]: r for r in rows}


def test_every_measure_has_its_interval(stored):
    measures = ("qini", "auuc", "average_effect", "calibration_slope")
    deciles = {f"decile_{n}{of}" for n in range(1, 11) for of in ("", "_predicted")}
    assert set(stored) == {*measures, *deciles}
    # The top share s gains 0.4 (1 - s / 2): curve 0.4 s - 0.2 s^2, area 0.2 - 0.0667, diagonal 0.1.
    truth = {"qini": 0.0333, "auuc": 0.1333, "average_effect": 0.2, "calibration_slope": 0.5}
    for name, value in truth.items():
        assert stored[name]["ci_low"] < value < stored[name]["ci_high"], name
    assert {r["verdict"] for r in stored.values()} == {
        None,
        "target: the effect differs between customers",
    }


def test_a_decile_has_the_predicted_and_the_observed_effect(stored):
    for n in range(1, 11):
        # The mean of x is 0.95 in the top decile, 0.85 in the next.
        predicted, observed = (stored[f"decile_{n}{of}"] for of in ("_predicted", ""))
        middle = 1.05 - n / 10
        assert predicted["value"] == pytest.approx(0.8 * middle, abs=0.02)
        # 200 customers per arm: a standard error of 0.05.
        assert observed["value"] == pytest.approx(0.4 * middle, abs=4 * 0.05)
        assert predicted["customers"] == observed["customers"] == ROWS / 10
