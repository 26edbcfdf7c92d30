"""What is stored of how well an uplift ranks: every metric, with its interval, as rows."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from contracts import catalog
from pipelines.offers import uplift_campaigns
from runtime import settings

TABLE = catalog.tables()["gold.uplift_results"]
ROWS = 4_000


@pytest.fixture(scope="module")
def stored():
    """By metric: an arm that keeps .4 x of x in (0, 1), told to keep twice as much."""
    draw = np.random.default_rng(6)
    x, arm = draw.uniform(size=ROWS), draw.integers(0, 2, ROWS).astype(float)
    churned = (draw.random(ROWS) < 0.6 - 0.4 * x * arm).astype(float)
    sample = pd.DataFrame({"x": x, "arm": arm, "churned": churned})
    context = SimpleNamespace(settings=settings.load("demo"), as_of=dt.date(2026, 1, 1))
    model = SimpleNamespace(arms=("ten",), effects=lambda matrix: 0.8 * matrix)
    rows = uplift_campaigns.results(context, "t_learner", "test", model, sample, ["x"])
    assert {tuple(sorted(r)) for r in rows} == {tuple(sorted(TABLE.column_names))}
    return {r["metric"]: r for r in rows}


def test_every_measure_has_its_interval(stored):
    measures = ("qini", "auuc", "average_effect", "calibration_slope")
    deciles = {f"decile_{n}{of}" for n in range(1, 11) for of in ("", "_predicted")}
    assert set(stored) == {*measures, *deciles}
    # The best share s gains .4 (1 - s / 2): curve .4 s - .2 s^2, area .2 - .0667, line to .2: .1.
    truth = {"qini": 0.0333, "auuc": 0.1333, "average_effect": 0.2, "calibration_slope": 0.5}
    for name, value in truth.items():
        assert stored[name]["ci_low"] < value < stored[name]["ci_high"], name
    assert {r["verdict"] for r in stored.values()} == {
        None,
        "target: the effect differs between customers",
    }


def test_a_decile_says_what_was_predicted_beside_what_was_seen(stored):
    for n in range(1, 11):
        # The best tenth has x of .95 in the mean, the next .85.
        told, seen = (stored[f"decile_{n}{of}"] for of in ("_predicted", ""))
        middle = 1.05 - n / 10
        assert told["value"] == pytest.approx(0.8 * middle, abs=0.02)
        # 200 a side: a standard error of .05.
        assert seen["value"] == pytest.approx(0.4 * middle, abs=4 * 0.05)
        assert told["customers"] == seen["customers"] == ROWS / 10
