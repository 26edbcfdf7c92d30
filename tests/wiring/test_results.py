"""measure_campaigns and compare_models: what came of offers and of models."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from tests.wiring import company_files as files
from tests.wiring.company_files import LAST_DAY, PLAN_2

pytestmark = pytest.mark.spark_only


def test_a_horizon_has_thirty_days(company):
    """Planted: the treated bought on the thirtieth day, for 9.00 or 11.00; the held-out a day later."""
    rows = company.table("gold.campaign_results", "campaign_id = 'edge' AND segment = 'all'")
    rows = rows.set_index("metric")
    for metric, treated in (("conversion", 1.0), ("retained_revenue", 10.0)):
        assert rows.loc[metric, "value_treated"] == pytest.approx(treated)
        assert rows.loc[metric, "value_held_out"] == 0.0
    assert (rows["treated"] == 10).all() and (rows["held_out"] == 10).all()


def test_a_campaign_is_measured_once_its_horizon_has_passed(company):
    """Measured on 1 October: the contact of 2 September lies 29 days before."""
    assert (LAST_DAY - files.OPEN_DAY).days == 29
    measured = set(company.table("gold.campaign_results")["campaign_id"])
    assert {"trial-4", "trial-5", "trial-6", "edge", "plan-2024-07-30"} <= measured
    assert "open" not in measured and "newsletter" not in measured


def test_each_model_is_evaluated_on_the_customers_that_it_scored(company):
    rows = company.sql(
        "SELECT s.model_version, s.churn_probability AS p, l.churned FROM {gold.customer_scores} s "
        "JOIN {features.labels} l USING (customer_id, as_of) "
        f"WHERE as_of = DATE '{PLAN_2}'"
    )
    results = company.table("gold.model_ab", "metric = 'brier'").set_index("arm")
    for arm, version in (("champion", "1"), ("challenger", "2")):
        own = rows[rows["model_version"] == version]
        brier = ((own["p"] - own["churned"]) ** 2).mean()
        assert results.loc[arm, "customers"] == len(own)
        np.testing.assert_allclose(results.loc[arm, "value"], brier, rtol=1e-9)
    assert results.loc["champion"].isna()["effect"] and not np.isnan(
        results.loc["challenger", "effect"]
    )
    assert PLAN_2 + dt.timedelta(days=30) <= LAST_DAY
