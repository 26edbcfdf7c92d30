"""estimate_uplift on Spark: a planted effect is estimated per customer and used by the plan."""

from __future__ import annotations

import datetime as dt
import shutil

import numpy as np
import pytest

from pipelines.offers import (
    offer_planning,
    policy_choice,
    uplift_campaigns,
    uplift_estimation,
    uplift_learning,
)
from runtime.context import Context
from runtime.errors import ModelGateError, TableError
from runtime.lakehouse.writes import Write
from runtime.model_registry import Registry
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import load
from tests.jobs.decision_lake import rows_of
from tests.jobs.feature_lake import AS_OF, DATES, write_feature_lake
from tests.jobs.ingest_lake import Said
from transforms.experiments import randomised_contacts, trial_contacts

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]

# One campaign per labelled date: the first chose its customers, the others are randomised.
TARGETED, *CAMPAIGNS = sorted(DATES)[:-1]
SMALL = {
    "uplift": {
        "learners": ["t_learner", "dr_learner"],
        "fewest_rows": 50,
        "bootstrap_samples": 100,
    },
    "training": {
        "dated_attributes": ["plan"],
        "starts": {"xgboost": {"n_estimators": 30, "max_depth": 3, "learning_rate": 0.1}},
        "spaces": {"xgboost": {"n_estimators": {"low": 30, "high": 300}}},
    },
}


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """900 customers. discount_20 lowers the churn of the basic plan by 50 percentage points only."""
    root = tmp_path_factory.mktemp("uplift") / "lake"
    context = at(root)
    write_feature_lake(context, customers=900)
    plans = context.read("features.demographics").toPandas()
    plan = {(r.customer_id, r.as_of): r.plan for r in plans.itertuples()}
    draw = np.random.default_rng(3)
    contacts, labels = [], []
    for (customer, day), name in sorted(plan.items()):
        if day not in (TARGETED, *CAMPAIGNS):
            continue
        is_random = day in CAMPAIGNS
        sent = bool(draw.random() < (0.5 if is_random else {"basic": 0.25, "plus": 0.75}[name]))
        offer = "discount_20" if is_random else "loyalty_bonus"
        if sent or is_random:
            contacts.append(
                {
                    "customer_id": customer,
                    "campaign_id": f"t{day}",
                    "is_treated": sent,
                    "offer_id": offer if sent else None,
                    "is_randomised": is_random,
                    "contacted_at": dt.datetime.combine(day, dt.time(9)),
                }
            )
        risk = 0.7 - 0.5 * (sent and name == "basic")
        if not is_random:
            risk = {"basic": 0.8, "plus": 0.3}[name] - 0.1 * sent
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
        {
            "customer_id": s["customer_id"],
            "as_of": AS_OF,
            "churn_probability": 0.6,
            "churn_prediction": 1,
        }
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
    uplift_estimation.run(at(root))
    return root


def at(root, **uplift_more):
    small = {**SMALL, "uplift": {**SMALL["uplift"], **uplift_more}}
    settings = load("demo", lakehouse={"root": str(root), "catalog": None}, **small)
    return Context(settings, RunInfo("test"), Progress(is_quiet=True), AS_OF)


def test_the_effect_is_estimated_per_plan(lake):
    context = at(lake)
    effects = context.read("gold.offer_effects").where("offer_id = 'discount_20'").toPandas()
    plans = context.read("features.demographics").where(f"as_of = DATE'{AS_OF}'").toPandas()
    by = effects.merge(plans[["customer_id", "plan"]], on="customer_id").groupby("plan")["effect"]
    assert set(effects["basis"]) == {"individual"}
    # Planted: 0.5 and 0. About 1,300 rows per plan: the standard error of a difference is 0.027.
    assert by.mean()["basic"] == pytest.approx(0.5, abs=0.12)
    assert by.mean()["plus"] == pytest.approx(0.0, abs=0.12)


def test_the_results_have_the_ranking_quality(lake):
    results = at(lake).read("gold.uplift_results").toPandas()
    test = results[results["split"] == "test"].set_index("metric")
    assert test.loc["qini", "ci_low"] > 0
    assert test.loc["qini", "verdict"].startswith("target")
    # Half of the customers, with an effect of 50 percentage points each.
    assert test.loc["average_effect", "value"] == pytest.approx(0.25, abs=4 * 0.033)
    chosen = results[(results["split"] == "validation") & (results["metric"] == "qini")]
    assert test["learner"].iloc[0] == chosen.loc[chosen["value"].idxmax(), "learner"]


def test_the_plan_gives_the_offer_to_the_customers_with_an_effect(lake):
    context = at(lake)
    offer_planning.run(context)
    decided = context.read("gold.offer_decisions").toPandas()
    assert set(decided["policy"]) == {"uplift"}
    plans = context.read("features.demographics").where(f"as_of = DATE'{AS_OF}'").toPandas()
    chosen = decided[decided["offer_id"].notna()].merge(plans, on="customer_id")
    assert set(chosen["offer_id"]) == {"discount_20"}
    assert set(chosen["effect_basis"]) == {"experiment"}
    assert len(chosen) <= 180  # a fifth of 900
    # Customers who got it in the last 90 days may not get it again. All others with an effect do.
    contacts = context.read("silver.campaign_contacts").where("is_treated").toPandas()
    lately = contacts["contacted_at"] > "2017-10-05"
    barred = set(contacts.loc[lately, "customer_id"])
    assert not barred & set(chosen["customer_id"])
    helped = set(plans.loc[plans["plan"] == "basic", "customer_id"]) - barred
    assert 80 < len(helped) < 180
    assert helped <= set(chosen["customer_id"])


def test_a_campaign_to_chosen_customers_is_adjusted_and_marked_as_not_randomised(lake):
    """Mostly customers on plus got the offer, and they stay anyway.

    Of 100 untreated customers 75 x 0.8 + 25 x 0.3 = 67.5 churn, of 100 treated 25 x 0.7 + 75 x 0.2 =
    32.5. The unadjusted difference is 35 percentage points; the true effect is 10.
    """
    context = at(lake)
    results = context.read("gold.uplift_results").toPandas()
    assert results.loc[results["is_randomised"], "offer_id"].unique().tolist() == ["discount_20"]
    seen = results[~results["is_randomised"]].set_index("metric")
    assert set(seen["offer_id"]) == {"loyalty_bonus"} and set(seen["split"]) == {"observed"}
    # 450 per arm: a standard error of 0.031; 225 and 675 within the plans: 0.045.
    assert seen.loc["naive_difference", "value"] == pytest.approx(0.35, abs=4 * 0.031)
    adjusted = seen.loc["average_effect"]
    assert adjusted["value"] == pytest.approx(0.10, abs=3 * 0.045)
    assert adjusted["ci_low"] < 0.10 < adjusted["ci_high"]
    assert seen.loc["overlap_share", "verdict"].startswith("not randomised: adjusted")
    assert seen.loc["overlap_share", "value"] > 0.9
    assert seen.loc["imbalance_before", "value"] > 0.8 > 0.25 > seen.loc["imbalance_after", "value"]
    quantiles = seen["value"]
    assert quantiles["treated_propensity_p50"] > 0.6 > 0.4 > quantiles["untreated_propensity_p50"]
    # All customers have an effect in the table, but no plan uses it.
    effects = context.read("gold.offer_effects").where("offer_id = 'loyalty_bonus'").toPandas()
    assert set(effects["basis"]) == {"observational"} and len(effects) == 900
    offer_planning.run(context)
    assert context.read("gold.offer_decisions").where("offer_id = 'loyalty_bonus'").count() == 0


def test_the_overlap_is_logged(lake):
    registry = Registry(at(lake).settings)
    runs = registry.client.search_runs([registry.experiment_id()], "tags.is_randomised = 'false'")
    assert [r.info.run_name for r in runs] == [f"uplift-observed-{AS_OF}"]
    seen = at(lake).read("gold.uplift_results").where("metric = 'overlap_share'").collect()
    assert runs[0].data.metrics["loyalty_bonus.overlap_share"] == seen[0]["value"]


def test_without_experiments_the_plan_uses_the_rules(lake, tmp_path):
    """The same lake without randomised campaigns."""
    root = tmp_path / "lake"
    shutil.copytree(lake, root)
    targeted = at(lake).read("silver.campaign_contacts").where("NOT is_randomised")
    rows = [r.asDict() for r in targeted.collect()]
    # Delete before the first read: a session caches the state of a table.
    shutil.rmtree(root / "silver" / "campaign_contacts")
    shutil.rmtree(root / "gold" / "policy_comparison")
    context = at(root)
    table = context.table("silver.campaign_contacts")
    frame = rows_of(context, table.name, rows)
    context.lake.commit([Write(table, frame, ["x"], is_checked=False)])
    uplift_estimation.run(context)
    effects = context.read("gold.offer_effects").select("offer_id", "basis").distinct().collect()
    assert [tuple(r) for r in effects] == [("loyalty_bonus", "observational")]
    assert not context.has("gold.policy_comparison")
    offer_planning.run(context)
    decided = context.read("gold.offer_decisions").select("policy").distinct().collect()
    assert [r["policy"] for r in decided] == ["rules"]


def test_the_hold_out_of_a_plan_is_used_by_the_next_run(lake, tmp_path):
    """On the last day 300 customers were not in the trial but in a plan.

    The plan chose discount_20 for all of them and held out every second one. Treated customers
    stayed, held-out customers churned.
    """
    root = tmp_path / "lake"
    shutil.copytree(lake, root)
    context, day = at(root), CAMPAIGNS[-1]
    ids = [f"c{n:04d}" for n in range(300)]
    decisions = [
        {
            "customer_id": c,
            "as_of": day,
            "campaign_id": f"plan-{day}",
            "offer_id": "discount_20",
            "effect": 0.1,
            "is_held_out": bool(n % 2),
            "send_on": day + dt.timedelta(days=1),
        }
        for n, c in enumerate(ids)
    ]
    of_day = context.read("features.labels").where(f"as_of = DATE'{day}'").collect()
    labels = [r.asDict() for r in of_day]
    for row in labels:
        if row["customer_id"] in ids:
            row["churned"] = int(row["customer_id"][-1]) % 2
    contacts = [r.asDict() for r in context.read("silver.campaign_contacts").collect()]
    kept = [r for r in contacts if r["contacted_at"].date() != day or r["customer_id"] not in ids]
    tables = {
        "gold.offer_decisions": (decisions, [day]),
        "features.labels": (labels, [day]),
        "silver.campaign_contacts": (kept, ["x"]),
    }
    context.lake.commit(
        [
            Write(context.table(n), rows_of(context, n, rows), slices, is_checked=False)
            for n, (rows, slices) in tables.items()
        ]
    )
    # A queued message shows that the offer of the plan was approved.
    queued = rows_of(context, "gold.outbox", [{**decisions[0], "rule": f"plan-{day}"}])
    context.lake.commit([Write(context.table("gold.outbox"), queued, mode="merge")])
    uplift_estimation.run(at(root))

    def on_plus(where):
        effects = at(where).read("gold.offer_effects").where("offer_id = 'discount_20'").toPandas()
        plans = at(where).read("features.demographics").where(f"as_of = DATE'{AS_OF}'").toPandas()
        return effects.merge(plans[plans["plan"] == "plus"], on="customer_id")["effect"].mean()

    # About 150 of them are on plus, with an effect of 1, next to 4 x 450 with 0: the mean moves by 0.08.
    assert on_plus(root) - on_plus(lake) > 0.04
    # They are not in the test, which has the 600 remaining customers of the trial.
    qini = at(root).read("gold.uplift_results").where("split = 'test' AND metric = 'qini'")
    assert [r["customers"] for r in qini.collect()] == [600]


def test_days_of_plans_are_training_days_if_their_horizon_ended_by_the_validation_day(lake):
    context = at(lake)
    splits = {CAMPAIGNS[-2]: "validation", CAMPAIGNS[-1]: "test"}
    days = [TARGETED, CAMPAIGNS[-3], CAMPAIGNS[-2], CAMPAIGNS[-1], dt.date(2017, 3, 3)]
    own = context.spark.createDataFrame([("a", d) for d in days], "customer_id string, as_of date")
    # The dates are 30 days apart, which is the horizon. 3 March has no features.
    assert uplift_campaigns.own_splits(context, own, splits) == {
        TARGETED: "train",
        CAMPAIGNS[-3]: "train",
        CAMPAIGNS[-2]: "later",
        CAMPAIGNS[-1]: "later",
    }


def test_policies_are_compared_and_the_best_within_the_budget_is_chosen(lake):
    compared = at(lake).read("gold.policy_comparison").toPandas().set_index("policy")
    # No day before as_of has scores, so there are no factors for the rules.
    assert set(compared.index) == {"uplift", "by_risk", "random", "treat_all", "treat_none"}
    assert compared.loc["treat_none", "value_a_customer"] == 0.0
    assert not compared.loc["treat_all", "is_within_budget"]
    within = compared[compared["is_within_budget"]]
    assert compared.index[compared["is_chosen"]].tolist() == [within["value_a_customer"].idxmax()]
    assert compared["is_chosen"].idxmax() == "uplift"
    assert compared.loc["uplift", "treated_share"] <= 0.2
    assert (compared["ci_low"] <= compared["value_a_customer"]).all()


def test_the_driver_gets_a_limited_sample_of_a_campaign(lake):
    """300 of 900 customers, the same ones from the matrix and the facts. The user is told."""
    context = at(lake, most_rows_on_driver=300)
    context.progress = Said()
    contacts = randomised_contacts(context.read("silver.campaign_contacts"))
    splits = uplift_campaigns.campaign_splits(context, contacts)
    trials = trial_contacts(contacts, uplift_campaigns.own_contacts_of(context))
    armed, rows, _ = uplift_estimation.experiment_rows(
        context, trials, ["discount_20"], splits=splits, own_splits={}
    )
    sample = uplift_learning.sampled(context, rows, "test")
    facts = policy_choice.facts(context, armed.repartition(7), CAMPAIGNS[-1]).toPandas()
    assert len(sample) == 300
    assert set(sample["customer_id"]) == set(facts["customer_id"])
    assert facts["value"].notna().all()
    said = (
        "test: 300 of 900 customers, selected by a hash of customer_id (uplift.most_rows_on_driver)"
    )
    assert context.progress.lines.count(said) == 1
    context.lake.forget()


def test_too_few_campaigns_and_missing_features_are_refused(lake, tmp_path):
    context = at(lake)
    contacts = context.spark.createDataFrame(
        [("a", CAMPAIGNS[0], "discount_20")], "customer_id string, as_of date, offer_id string"
    )
    with pytest.raises(
        ModelGateError, match="1 randomised campaigns are at least 30 days before 2018-01-01"
    ):
        uplift_campaigns.campaign_splits(context, contacts)
    with pytest.raises(TableError) as refused:
        uplift_campaigns.check_features(context, [dt.date(2017, 3, 3)])
    assert "build_features.py --env demo --as-of 2017-03-03` first." in str(refused.value)
