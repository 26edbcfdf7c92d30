"""compare_models on Spark: two versions, one date whose horizon has passed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from pipelines.churn import champion_challenger
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from tests.jobs.decision_lake import AS_OF, rows_of

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
SCORED = AS_OF - dt.timedelta(days=30)


def commit(context, tables):
    context.lake.commit(
        [
            Write(
                context.table(name),
                rows_of(context, name, rows),
                ["x"] if name.startswith("silver") else [SCORED, AS_OF],
                is_checked=False,
            )
            for name, rows in tables.items()
        ]
    )


def test_each_version_is_evaluated_on_the_outcomes_of_its_customers(make_context, tmp_path):
    """400 customers, 200 per version. Half of each arm churned. Version 1 predicts 0.4 or 0.6,
    version 2 predicts 0.2 or 0.8. Each customer who stayed bought for 10."""

    def at():
        return make_context(tmp_path / "lake").at(AS_OF)

    champion_challenger.run(at())  # no experiment: a warning, no table
    assert not at().has("gold.model_ab")
    arms = [
        {"as_of": day, "experiment_id": "churn-v1-v2", "arm": a, "model_version": v, "share": 0.5}
        for a, v in (("champion", "1"), ("challenger", "2"))
        for day in (SCORED, AS_OF)
    ]
    ids = [(n, f"c{n}", n % 2, "12"[n // 2 % 2]) for n in range(400)]
    said = {("1", 0): 0.4, ("1", 1): 0.6, ("2", 0): 0.2, ("2", 1): 0.8}
    scores = [
        {
            **{"as_of": SCORED, "customer_id": i, "model_version": version},
            # One in ten predictions is wrong, so that the losses vary.
            "churn_probability": said[version, left if n % 10 else 1 - left],
        }
        for n, i, left, version in ids
    ]
    labels = [
        {
            **{"as_of": SCORED, "customer_id": i, "horizon_days": 30, "churned": left},
            **{"definition": "inactivity", "lead_days": 0},
        }
        for _, i, left, _ in ids
    ]
    commit(at(), {"gold.model_arms": arms, "gold.customer_scores": scores})
    with pytest.raises(TableError, match="has no label for 2017-12-02"):
        champion_challenger.run(at())
    receipts = [
        {
            **{"customer_id": i, "order_id": i, "amount": Decimal("10.00")},
            "purchased_at": dt.datetime(2017, 12, 5),
        }
        for _, i, left, _ in ids
        if not left
    ]
    commit(at(), {"features.labels": labels, "silver.transactions": receipts})
    champion_challenger.run(at())
    champion_challenger.run(at())  # merged on the key: the same rows
    results = at().read("gold.model_ab").toPandas().set_index(["arm", "metric"])
    assert len(results) == 8 and set(results["customers"]) == {200}
    # 40 predictions are wrong, 20 in each arm: 0.6^2 and 0.8^2 instead of 0.4^2 and 0.2^2.
    first, second = (180 * 0.16 + 20 * 0.36) / 200, (180 * 0.04 + 20 * 0.64) / 200
    assert results.loc[("champion", "brier"), "value"] == pytest.approx(first)
    assert results.loc[("challenger", "brier"), "effect"] == pytest.approx(second - first)
    assert results.loc[("challenger", "retained"), "effect"] == pytest.approx(0.0)
    assert results.loc[("challenger", "retained_revenue"), "value"] == pytest.approx(5.0)
    assert results.loc[("challenger", "brier"), "anytime_p_value"] < 0.05
    assert results.loc[("challenger", "retained"), "anytime_p_value"] > 0.5
    assert set(results["srm_p_value"]) == {1.0}
