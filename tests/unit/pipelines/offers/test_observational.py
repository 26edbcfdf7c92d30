"""Estimates of campaigns that chose their customers, and campaigns without a comparison group."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from contracts import catalog
from models.uplift.propensity import ADJUSTED, NO_OVERLAP
from pipelines.offers import observational
from runtime import settings

TABLE = catalog.tables()["gold.uplift_results"]
DAYS = [dt.date(2025, 3, 1), dt.date(2025, 6, 1)]


@pytest.fixture(scope="module")
def context():
    return SimpleNamespace(settings=settings.load("demo"), as_of=dt.date(2026, 1, 1))


def campaign(reach, rows=2_400):
    """Two days. Customers with a high x0 stay. `reach` is the probability to get the offer."""
    draw = np.random.default_rng(5)
    x, day = draw.normal(size=rows), np.arange(rows) % 2
    arm = (draw.random(rows) < reach(x, day)).astype(float)
    churned = (draw.random(rows) < np.clip(0.5 - 0.2 * x - 0.1 * arm, 0, 1)).astype(float)
    return pd.DataFrame(
        {
            "customer_id": [f"c{n // 2}" for n in range(rows)],
            "as_of": [DAYS[d] for d in day],
            "x0": x,
            "arm": arm,
            "churned": churned,
            "fold": (np.arange(rows) // 2) % 2.0,
        }
    )


def test_the_report_has_the_columns_of_its_table(context):
    """The targeting differs by day: 1 / (1 + e^-x0) on the first day, the opposite on the second."""
    sample = campaign(lambda x, day: 1 / (1 + np.exp(np.where(day == 0, -x, x))))
    rows, model = observational.estimate(context, "ten", sample, names=["x0"])
    assert model.arms == ("ten",)
    assert {tuple(sorted(r)) for r in rows} == {tuple(sorted(TABLE.column_names))}
    by = {r["metric"]: r for r in rows}
    quantiles = [
        f"{s}_propensity_p{q}" for s in ("treated", "untreated") for q in (5, 25, 50, 75, 95)
    ]
    expected = {q.replace("_p5", "_p05") if q.endswith("_p5") else q for q in quantiles}
    expected |= {"naive_difference", "average_effect", "overlap_share"}
    assert set(by) == expected | {"imbalance_before", "imbalance_after"}
    assert by["overlap_share"]["verdict"] == ADJUSTED
    # Propensities per day differ much from 0.5. A single model for both days would give 0.5.
    assert by["treated_propensity_p50"]["value"] > 0.6
    assert by["average_effect"]["ci_low"] < 0.1 < by["average_effect"]["ci_high"]
    assert by["average_effect"]["customers"] == by["imbalance_after"]["customers"] <= len(sample)


def test_without_a_comparison_group_the_only_row_says_no_overlap(context):
    rows, model = observational.estimate(
        context, "ten", campaign(lambda x, day: np.ones(len(x))), names=["x0"]
    )
    assert model is None
    assert [(r["metric"], r["value"], r["verdict"]) for r in rows] == [
        ("overlap_share", 0.0, NO_OVERLAP)
    ]


def test_a_deterministic_targeting_rule_has_an_overlap_report_and_no_estimate(context):
    rows, model = observational.estimate(
        context, "ten", campaign(lambda x, day: x > 0), names=["x0"]
    )
    assert model is None
    by = {r["metric"]: r for r in rows}
    assert "average_effect" not in by and "imbalance_after" not in by
    assert by["overlap_share"]["verdict"] == NO_OVERLAP
    assert by["naive_difference"]["value"] > 0.3
    # A fold may by chance have one arm only. This is also a case of no overlap, and no error.
    one_sided = campaign(lambda x, day: 0.5 + 0 * x)
    one_sided["fold"] = one_sided["arm"]
    rows, model = observational.estimate(context, "ten", one_sided, names=["x0"])
    assert (model, rows[1]["verdict"]) == (None, NO_OVERLAP)
