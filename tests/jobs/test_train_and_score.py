"""train_churn and score_customers on a small lake with a real MLflow registry."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyspark
import pytest

from contracts.table import Column
from models.metrics import Estimate
from models.portable import PortableModel
from pipelines.churn import churn_training, customer_scoring
from pipelines.churn.evaluation import check_leak, result_row
from runtime.errors import ModelGateError
from runtime.model_registry import CHALLENGER, CHAMPION, Registry
from runtime.run_info import code_version
from tests.jobs.feature_lake import write_feature_lake
from tests.jobs.trained_lake import train_and_deploy, training_context
from udfs.risk_bands import decision_threshold
from udfs.shares import is_in_share

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]


def _versions(context):
    names = [n for n in context.tables if context.lake.exists(n)]
    return {name: context.lake.version(name) for name in names}


def test_the_first_model_that_beats_recency_alone_becomes_champion(trained):
    registry = Registry(training_context(trained).settings)
    champion, challenger = registry.by_alias(CHAMPION), registry.by_alias(CHALLENGER)
    assert champion is not None and challenger is not None
    assert champion.version == challenger.version == "1"


def test_a_run_can_be_repeated_from_what_it_logged(trained):
    registry = Registry(training_context(trained).settings)
    champion = registry.by_alias(CHAMPION)
    run = registry.client.get_run(champion.run_id)
    assert {"fingerprint", "code", "env"} <= set(run.data.tags)
    assert registry.run_json(champion.run_id, "config.json")["training"]["seed"] == 20180101
    versions = registry.run_json(champion.run_id, "input_versions.json")
    assert {"features.transactions", "features.behavior", "features.labels"} <= set(versions)
    split = registry.run_json(champion.run_id, "split.json")
    assert list(split.values()).count("test") == 1
    features = registry.run_json(champion.run_id, "features.json")
    assert "recency_days" in features["features"]
    assert "login_frequency_30d" in features["left_out"]


def test_a_second_run_on_the_same_inputs_changes_nothing(trained):
    context = training_context(trained)
    before = _versions(context)
    churn_training.run(context)
    assert _versions(training_context(trained)) == before
    assert Registry(context.settings).by_alias(CHALLENGER).version == "1"


def test_a_deleted_comparison_is_restored_unchanged(trained, spark):
    context = training_context(trained)
    address = context.lake.address("gold.model_comparison")
    before = spark.sql(f"SELECT * FROM {address}").toPandas()
    spark.sql(f"DELETE FROM {address}")
    churn_training.run(context)
    after = spark.sql(f"SELECT * FROM {address}").toPandas()
    key = ["model_name", "population", "metric"]
    pd.testing.assert_frame_equal(
        before.sort_values(key).reset_index(drop=True),
        after.sort_values(key).reset_index(drop=True),
    )


def test_a_run_repeated_from_its_logged_inputs_gives_the_same_predictions(trained, spark, tmp_path):
    """The second run uses only five facts of the first: config, code, input versions, split,
    features."""
    registry = Registry(training_context(trained).settings)
    champion = registry.by_alias(CHAMPION)
    config, versions, split, features = (
        registry.run_json(champion.run_id, f"{name}.json")
        for name in ("config", "input_versions", "split", "features")
    )
    logged = registry.client.get_run(champion.run_id).data
    assert logged.tags["code"] == code_version()
    assert (logged.params["learner"], "max_depth" in logged.params) == ("xgboost", True)
    packages = mlflow.artifacts.load_text(f"runs:/{champion.run_id}/packages.txt")
    assert f"pyspark=={pyspark.__version__}" in packages.splitlines()
    # Half of the rows are deleted after the first run. Only the versions tell what it read.
    changed = Path(shutil.copytree(trained, tmp_path / "changed"))
    for name in ("features.transactions", "features.labels"):
        address = f"delta.`{changed / name.replace('.', '/')}`"
        spark.sql(f"DELETE FROM {address} WHERE crc32(customer_id) % 2 = 0")
    again = tmp_path / "again"
    for name, version in versions.items():
        folder = name.replace(".", "/")
        then = spark.read.format("delta").option("versionAsOf", version).load(f"{changed}/{folder}")
        then.write.format("delta").save(f"{again}/{folder}")

    other = training_context(again, config, as_of=dt.date.fromisoformat(split["as_of"]))
    train_and_deploy(other)

    repeated = Registry(other.settings)
    two = repeated.by_alias(CHAMPION)
    for name, content in (("split", split), ("features", features)):
        assert repeated.run_json(two.run_id, f"{name}.json") == content
    rows = customer_scoring.features_at(training_context(trained)).toPandas()
    first, second = (
        PortableModel.from_json(champion.portable),
        PortableModel.from_json(two.portable),
    )
    rows = rows[list(first.encoder.feature_names)]
    assert np.abs(first.predict_proba(rows) - second.predict_proba(rows)).max() <= 1e-9
    figures = [
        {
            (r["model_name"], r["population"], r["metric"], r["split"]): r["value"]
            for r in at.run_json(run_id, "comparison.json")["rows"]
            if r["metric"] != "training_seconds"
        }
        for at, run_id in ((registry, champion.run_id), (repeated, two.run_id))
    ]
    assert figures[0] == pytest.approx(figures[1], abs=1e-9, nan_ok=True)


def test_each_active_or_silent_customer_has_exactly_one_score(trained):
    context = training_context(trained)
    customer_scoring.run(context)
    scores = context.read("gold.customer_scores").toPandas()
    segments = context.read("gold.customer_segments").toPandas()
    kept = segments[segments["lifecycle"].isin(["active", "silent"])]
    assert sorted(scores["customer_id"]) == sorted(kept["customer_id"])
    assert scores["churn_probability"].between(0, 1).all()
    assert set(scores["score_basis"]) == {"model"}
    assert set(scores["model_version"]) == {"1"}
    factors = context.read("gold.risk_factors").toPandas()
    assert (
        factors.groupby("customer_id")["rank"].apply(sorted).map(tuple) == (1, 2, 3, 4, 5)
    ).all()
    assert ((factors["impact"] > 0) == (factors["direction"] == "increase")).all()
    # The score in Spark equals that of the portable model on the same features.
    model = PortableModel.from_json(Registry(context.settings).by_alias(CHAMPION).portable)
    rows = customer_scoring.features_at(context).toPandas().set_index("customer_id")
    names = list(model.encoder.feature_names)
    expected = model.predict_proba(rows.loc[scores["customer_id"], names])
    assert np.abs(scores["churn_probability"].to_numpy() - expected).max() <= 1e-6
    assert set(scores["decision_threshold"]) == {decision_threshold(model.threshold)}
    is_at_risk = scores["churn_probability"] >= scores["decision_threshold"]
    assert ((scores["churn_prediction"] == 1) == is_at_risk).all()
    assert ((scores["risk_level"] != "LOW") == is_at_risk).all()
    assert scores.loc[is_at_risk, "recommended_actions"].notna().all()
    contributions, _ = model.contributions(rows.loc[scores["customer_id"], names])
    raising = [
        names[k] if c[k] > 0 else None
        for k, c in zip(contributions.argmax(1), contributions, strict=True)
    ]
    assert scores["top_risk_factor"].tolist() == raising
    before = _versions(context)
    customer_scoring.run(training_context(trained))
    assert _versions(training_context(trained)) == before


def test_a_share_of_the_customers_is_scored_by_the_challenger(trained, tmp_path):
    """The challenger is the same model under another version number, so only the version differs."""
    root = tmp_path / "lakehouse"
    shutil.copytree(trained, root)
    context = training_context(root)
    context.settings.model_ab.__dict__["challenger_share"] = 0.3
    registry = Registry(context.settings)
    version = registry.client.create_model_version(
        registry.model_name,
        registry.client.get_model_version(registry.model_name, "1").source,
        run_id=registry.by_alias(CHAMPION).run_id,
    ).version
    registry.set_alias(CHALLENGER, str(version))
    alone = training_context(root)
    customer_scoring.run(alone)
    before = alone.read("gold.customer_scores").toPandas().sort_values("customer_id")
    customer_scoring.run(context)
    scores = context.read("gold.customer_scores").toPandas().sort_values("customer_id")
    experiment = f"{registry.model_name}-v1-v{version}"
    challenged = {c for c in scores["customer_id"] if is_in_share(0.3, experiment, c)}
    assert 0 < len(challenged) < len(scores)
    assert set(scores.loc[scores["model_version"] == str(version), "customer_id"]) == challenged
    same = ["customer_id", "churn_probability", "churn_prediction", "top_risk_factor"]
    pd.testing.assert_frame_equal(
        scores[same].reset_index(drop=True), before[same].reset_index(drop=True)
    )
    arms = context.read("gold.model_arms").toPandas().set_index("arm")
    assert arms["share"].to_dict() == {"champion": 0.7, "challenger": 0.3}
    assert arms["model_version"].to_dict() == {"champion": "1", "challenger": str(version)}
    assert set(arms["experiment_id"]) == {experiment}


def test_without_a_champion_customers_are_scored_by_recency_alone(spark, tmp_path):
    context = training_context(tmp_path / "lakehouse")
    write_feature_lake(context, customers=60)
    customer_scoring.run(context)
    scores = context.read("gold.customer_scores").toPandas()
    assert set(scores["score_basis"]) == {"rule"}
    assert scores["model_version"].isna().all()
    features = customer_scoring.features_at(context).toPandas()
    merged = scores.merge(features[["customer_id", "recency_days"]])
    ordered = merged.sort_values("recency_days")["churn_probability"]
    assert ordered.is_monotonic_increasing
    assert scores["decision_threshold"].nunique() == 1
    assert set(scores["reason_basis"]) == {"rule"}


def test_labels_with_one_class_are_refused_and_nothing_is_registered(spark, tmp_path):
    context = training_context(tmp_path / "lakehouse")
    write_feature_lake(context, customers=40, label=lambda days, chance: days * 0)
    with pytest.raises(ModelGateError) as caught:
        churn_training.run(context)
    assert str(caught.value) == (
        "features.labels: all 120 rows of the train dates have churned = 0, but a model needs "
        "both classes. Choose another horizon (churn.primary_horizon_days) or more dates "
        "(training.train_dates)."
    )
    assert Registry(context.settings).by_alias(CHALLENGER) is None


def test_a_leaking_feature_is_refused_and_named(spark, tmp_path):
    """A typical leak: a profile field that is filled when a contract is cancelled."""
    context = training_context(tmp_path / "lakehouse")
    demographics = context.table("features.demographics")
    planted = Column("cancel_reason", "string", "Why the contract was cancelled")
    demographics = replace(demographics, columns=(*demographics.columns, planted))
    context.__dict__["tables"] = {**context.tables, demographics.name: demographics}
    write_feature_lake(
        context,
        customers=100,
        profile=lambda churned: {"cancel_reason": np.where(churned == 1, "too expensive", None)},
    )

    with pytest.raises(ModelGateError) as caught:
        churn_training.run(context)

    # Dates are one horizon apart. The last one with labels tests, the one before it validates.
    assert str(caught.value) == (
        "cancel_reason (ROC AUC 1.000): on 2017-11-02 this feature alone predicts churn better than "
        "training.leak_alarm_roc_auc = 0.99 allows. It probably contains information from the "
        "future. Nothing was trained. Remove it from sources.<name>.mapping in conf, or raise the "
        "limit."
    )
    assert caught.value.exit_code == 4
    assert Registry(context.settings).by_alias(CHALLENGER) is None
    assert not context.lake.exists("gold.model_comparison")


def test_a_model_too_good_to_be_true_is_refused(tmp_path):
    context = training_context(tmp_path / "lakehouse", leak_alarm_roc_auc=0.9)
    rows = [result_row("xgboost", "roc_auc", Estimate(value)) for value in (0.9, 0.901)]
    check_leak(context, rows[:1], ["xgboost"])
    with pytest.raises(ModelGateError) as caught:
        check_leak(context, rows[1:], ["xgboost"])
    assert str(caught.value) == (
        "xgboost: ROC AUC 0.901 on the test date (all) is above training.leak_alarm_roc_auc = 0.9. "
        "A feature probably contains information from the future. This model was not registered. "
        "Look for the feature among the top factors, or raise the limit."
    )


def test_the_model_served_by_mlflow_predicts_like_the_portable_form(trained):
    registry = Registry(training_context(trained).settings)
    served = mlflow.pyfunc.load_model(f"models:/{registry.model_name}@{CHAMPION}")
    model = PortableModel.from_json(registry.by_alias(CHAMPION).portable)
    example = served.input_example
    answer = served.predict(example)["churn_probability"].to_numpy()
    assert np.abs(answer - model.predict_proba(example)).max() <= 1e-6
    json.dumps(model.metadata)
