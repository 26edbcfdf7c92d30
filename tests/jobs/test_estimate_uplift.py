"""estimate_uplift on Spark: a planted effect is found for whom it holds, and reaches the plan."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from jobs import decide_offers, estimate_uplift
from jobs.runtime.errors import ModelGateError, TableError
from jobs.runtime.writes import Write
from tests.jobs.decision_lake import rows_of
from tests.jobs.feature_lake import AS_OF, DATES, write_feature_lake

pytestmark = pytest.mark.spark_only

# Campaigns at every date whose label is there.
CAMPAIGNS = sorted(DATES)[:-1]
SMALL = {
    "uplift": {
        "learners": ["t_learner", "dr_learner"],
        "fewest_rows": 50,
        "bootstrap_samples": 100,
    },
    "training": {
        "starts": {"xgboost": {"n_estimators": 30, "max_depth": 3, "learning_rate": 0.1}},
        "spaces": {"xgboost": {"n_estimators": {"low": 30, "high": 300}}},
    },
}


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """900 customers; discount_20 helps those on the basic plan by 50 points, and nobody else."""
    root = tmp_path_factory.mktemp("uplift") / "lake"
    context = at(root)
    write_feature_lake(context, customers=900)
    plans = context.read("features.demographics").toPandas()
    plan = {(r.customer_id, r.as_of): r.plan for r in plans.itertuples()}
    draw = np.random.default_rng(3)
    contacts, labels = [], []
    for (customer, day), name in sorted(plan.items()):
        if day not in CAMPAIGNS:
            continue
        sent = bool(draw.random() < 0.5)
        contacts.append(
            {
                "customer_id": customer,
                "campaign_id": f"t{day}",
                "is_treated": sent,
                "offer_id": "discount_20" if sent else None,
                "is_randomised": True,
                "contacted_at": dt.datetime.combine(day, dt.time(9)),
            }
        )
        risk = 0.7 - 0.5 * (sent and name == "basic")
        labels.append(
            {
                "customer_id": customer,
                "as_of": day,
                "horizon_days": 30,
                "lead_days": 0,
                "definition": "inactivity",
                "churned": int(draw.random() < risk),
            }
        )
    segments = [
        {"customer_id": c, "as_of": AS_OF, "lifecycle": "active", "segment": "Loyal"}
        for c, day in plan
        if day == AS_OF
    ]
    scores = [
        {"customer_id": s["customer_id"], "as_of": AS_OF, "churn_probability": 0.6}
        for s in segments
    ]
    tables = {
        "silver.campaign_contacts": (contacts, ["x"]),
        "features.labels": (labels, DATES),
        "gold.customer_segments": (segments, [AS_OF]),
        "gold.customer_scores": (scores, [AS_OF]),
    }
    context.lake.commit(
        [
            Write(context.table(n), rows_of(context, n, rows), slices, is_checked=False)
            for n, (rows, slices) in tables.items()
        ]
    )
    estimate_uplift.run(at(root))
    return root


def at(root):
    from jobs.runtime.context import Context
    from jobs.runtime.progress import Progress
    from jobs.runtime.run_info import RunInfo
    from jobs.runtime.settings import load

    settings = load("demo", lakehouse={"root": str(root), "catalog": None}, **SMALL)
    return Context(settings, RunInfo("test"), Progress(is_quiet=True), AS_OF)


def test_the_effect_is_found_for_whom_it_holds(lake):
    context = at(lake)
    effects = context.read("gold.offer_effects").toPandas()
    plans = context.read("features.demographics").where(f"as_of = DATE'{AS_OF}'").toPandas()
    by = effects.merge(plans[["customer_id", "plan"]], on="customer_id").groupby("plan")["effect"]
    assert set(effects["basis"]) == {"individual"}
    # Planted: 0.5 and 0. About 1,300 rows a plan: standard error of a difference 0.027.
    assert by.mean()["basic"] == pytest.approx(0.5, abs=0.12)
    assert by.mean()["plus"] == pytest.approx(0.0, abs=0.12)


def test_the_results_say_how_well_it_ranks(lake):
    found = at(lake).read("gold.uplift_results").toPandas()
    test = found[found["split"] == "test"].set_index("metric")
    assert test.loc["qini", "ci_low"] > 0
    assert test.loc["qini", "verdict"].startswith("target")
    # Half of the customers, 50 points each.
    assert test.loc["average_effect", "value"] == pytest.approx(0.25, abs=4 * 0.033)
    chosen = found[(found["split"] == "validation") & (found["metric"] == "qini")]
    assert test["learner"].iloc[0] == chosen.loc[chosen["value"].idxmax(), "learner"]


def test_the_plan_gives_the_offer_to_those_whom_it_helps(lake):
    context = at(lake)
    decide_offers.run(context)
    decided = context.read("gold.offer_decisions").toPandas()
    assert set(decided["policy"]) == {"uplift"}
    plans = context.read("features.demographics").where(f"as_of = DATE'{AS_OF}'").toPandas()
    chosen = decided[decided["offer_id"].notna()].merge(plans, on="customer_id")
    assert set(chosen["offer_id"]) == {"discount_20"}
    assert set(chosen["effect_basis"]) == {"experiment"}
    assert len(chosen) <= 180  # a fifth of 900
    # Who was sent it in the last 90 days may not get it again; all others whom it helps do.
    contacts = context.read("silver.campaign_contacts").where("is_treated").toPandas()
    lately = contacts["contacted_at"] > "2017-10-05"
    barred = set(contacts.loc[lately, "customer_id"])
    assert not barred & set(chosen["customer_id"])
    helped = set(plans.loc[plans["plan"] == "basic", "customer_id"]) - barred
    assert 80 < len(helped) < 180
    assert helped <= set(chosen["customer_id"])


def test_policies_are_compared_and_the_best_that_fits_is_followed(lake):
    found = at(lake).read("gold.policy_comparison").toPandas().set_index("policy")
    # No day before as_of was scored, so there are no factors for the rules.
    assert set(found.index) == {"uplift", "by_risk", "random", "treat_all", "treat_none"}
    assert found.loc["treat_none", "value_a_customer"] == 0.0
    assert not found.loc["treat_all", "is_within_budget"]
    within = found[found["is_within_budget"]]
    assert found.index[found["is_chosen"]].tolist() == [within["value_a_customer"].idxmax()]
    assert found["is_chosen"].idxmax() == "uplift"
    assert found.loc["uplift", "treated_share"] <= 0.2
    assert (found["ci_low"] <= found["value_a_customer"]).all()


def test_too_few_campaigns_and_missing_features_are_said(lake, tmp_path):
    from jobs.deciding import uplift

    context = at(lake)
    contacts = context.spark.createDataFrame(
        [("a", CAMPAIGNS[0], "discount_20")], "customer_id string, as_of date, offer_id string"
    )
    with pytest.raises(
        ModelGateError, match="1 randomised campaigns lie 30 days before 2018-01-01"
    ):
        uplift.campaign_splits(context, contacts)
    with pytest.raises(TableError) as refused:
        uplift.check_features(context, [dt.date(2017, 3, 3)])
    assert "build_features.py --env demo --as-of 2017-03-03` first." in str(refused.value)
