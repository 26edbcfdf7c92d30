"""train_churn with all learners on a small lake: search, stability, feature sets, horizons."""

from __future__ import annotations

import datetime as dt
import shutil

import numpy as np
import pandas as pd
import pytest

from models.calibration import Calibration
from models.portable import PortableModel
from pipelines.churn import churn_training, customer_scoring
from pipelines.churn.dataset import training_plans
from pipelines.churn.horizons import through_gates
from runtime.errors import ModelGateError
from runtime.model_registry import CHAMPION, Registry
from tests.jobs.feature_lake import AS_OF, write_feature_lake
from tests.jobs.trained_lake import train_and_deploy

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
LEARNERS = ["xgboost", "random_forest", "multilayer_perceptron", "logistic_regression"]
SMALL_STARTS = {
    "xgboost": {"n_estimators": 15, "max_depth": 3, "learning_rate": 0.2, "subsample": 0.9},
    "random_forest": {"numTrees": 10, "maxDepth": 4, "minInstancesPerNode": 5},
    "multilayer_perceptron": {"hidden": [8], "maxIter": 40, "patience": 1, "stepSize": 0.03},
    "logistic_regression": {"regParam": 0.001, "elasticNetParam": 0.5, "maxIter": 30},
}


def small_context(root, **training):
    """The settings of demo, with fits that take seconds."""
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import Settings, load

    values = load("demo").model_dump()
    values["lakehouse"]["root"] = str(root)
    values["training"] |= {
        "train_dates": 3,
        "dated_attributes": ["plan"],
        # One partition, because sums of partitions are added in the order in which they arrive.
        "partitions": 1,
        "bootstrap_samples": 60,
        "rolling_dates": 2,
        "leak_alarm_roc_auc": 0.99,
        "leak_alarm_roc_auc_active_90d": 0.99,
        "starts": SMALL_STARTS,
        "spaces": {"logistic_regression": {"regParam": {"low": 0.0001, "high": 0.1, "log": True}}},
        "search": "two",
        "searches": {"two": {"folds": 2, "trials": {"logistic_regression": 2}}},
        "stability": {"folds": 3, "learners": ["logistic_regression"]},
        "feature_families": {"silence": ["recency_days"]},
    } | training
    return Context(Settings(**values), RunInfo("test"), Progress(is_quiet=True), given_as_of=AS_OF)


def labels_of_three_horizons(context):
    """Add labels of 60 days (half of the customers who churned within 30) and of 7 days (one
    churned customer per date)."""
    from runtime.lakehouse.writes import Write

    table = context.table("features.labels")
    labels = context.read("features.labels").toPandas()
    sixty = labels.assign(horizon_days=60)
    sixty = sixty[sixty["as_of"] <= AS_OF - dt.timedelta(days=60)]
    keep = sixty["customer_id"].str[-1].astype(int) % 2
    sixty["churned"] = (sixty["churned"] * keep).astype(int)
    seven = labels.assign(horizon_days=7, churned=(labels["customer_id"] == "c0007").astype(int))
    combined = pd.concat([labels, sixty, seven])[list(table.column_names)]
    frame = context.spark.createDataFrame(combined, table.ddl)
    context.lake.commit([Write(table, frame, sorted(combined["as_of"].unique()))])


@pytest.fixture(scope="module")
def compared(spark, tmp_path_factory):
    root = tmp_path_factory.mktemp("compared") / "lakehouse"
    context = small_context(root)
    write_feature_lake(context, customers=240)
    labels_of_three_horizons(context)
    train_and_deploy(context)
    customer_scoring.run(small_context(root))
    return root


@pytest.fixture(scope="module")
def table(compared):
    return small_context(compared).read("gold.model_comparison").toPandas()


def _value(table, name, metric, horizon=30, split="test"):
    rows = table.query(
        "model_name == @name and metric == @metric and population == 'all' "
        "and horizon_days == @horizon and split == @split"
    )
    assert len(rows) == 1, (name, metric, horizon, split)
    return rows.iloc[0]


def test_every_learner_and_baseline_is_evaluated_on_the_same_test_date(table):
    thirty = table[(table["horizon_days"] == 30) & (table["split"] == "test")]
    expected = {*LEARNERS, "recency_only", "rfm_logistic", "everyone_stays"}
    assert set(thirty["model_name"]) == expected
    # recency_days and plan drive these labels, so each learner must find the signal.
    for name in LEARNERS:
        row = _value(table, name, "roc_auc")
        assert row["value"] > 0.75, name
        assert row["ci_low"] < row["value"] < row["ci_high"]


def test_the_confusion_matrix_at_the_threshold_adds_up(table):
    for name in LEARNERS:
        tp, fp, fn, tn = (
            _value(table, name, m)["value"]
            for m in ("true_positives", "false_positives", "false_negatives", "true_negatives")
        )
        assert tp + fp + fn + tn == 240
        assert _value(table, name, "accuracy")["value"] == pytest.approx((tp + tn) / 240)
        assert _value(table, name, "recall")["value"] == pytest.approx(tp / (tp + fn))


def test_the_calibration_curve_has_ten_bins_with_intervals_and_adds_up(table):
    for name in LEARNERS:
        told = [_value(table, name, f"calibration_{n}_predicted") for n in range(1, 11)]
        came = [_value(table, name, f"calibration_{n}_observed") for n in range(1, 11)]
        assert all(row["ci_low"] <= row["value"] <= row["ci_high"] for row in (*told, *came))
        assert [row["value"] for row in told] == sorted(row["value"] for row in told)
        # 240 customers, 24 per decile: the observed rates give the number of churned customers.
        matrix = (_value(table, name, m)["value"] for m in ("true_positives", "false_negatives"))
        assert 24 * sum(row["value"] for row in came) == pytest.approx(sum(matrix))


def test_stability_is_computed_from_the_folds(table):
    figures = {
        m: _value(table, "logistic_regression", f"cv_roc_auc_{m}", split="train")["value"]
        for m in ("mean", "sd", "min", "max", "variance", "stability")
    }
    assert 0.5 < figures["min"] < figures["mean"] < figures["max"]
    assert figures["stability"] == pytest.approx(1 - figures["sd"] / figures["mean"])
    # Of three folds the mean, min and max give the middle value, and so the standard deviation.
    middle = 3 * figures["mean"] - figures["min"] - figures["max"]
    folds = [figures["min"], middle, figures["max"]]
    assert figures["sd"] == pytest.approx(np.std(folds, ddof=1))


def test_removing_the_family_that_drives_the_labels_lowers_roc_auc(compared):
    sets = small_context(compared).read("gold.feature_sets").toPandas()
    difference = sets[sets["metric"] == "roc_auc_difference"].set_index("feature_set")
    assert difference.loc["all", "value"] == 0
    assert difference.loc["without_silence", "ci_high"] < 0
    counts = sets[sets["metric"] == "features"].set_index("feature_set")["value"]
    assert counts["without_silence"] == counts["all"] - 1
    assert counts["selected"] < counts["all"]


def test_another_horizon_has_its_own_model(compared, table):
    context = small_context(compared)
    # Two grid steps apart: 2017-11-02 tests, 2017-09-03 tunes, and one date trains. 2017-11-02 tuned
    # the horizon of 30 days, so it is no test date.
    figure = _value(table, "recency_only", "roc_auc", horizon=60, split="validation")
    assert figure["value"] > 0.5
    assert set(table.loc[table["horizon_days"] == 60, "split"]) == {"validation"}
    registry = Registry(context.settings)
    models = registry.further_models(registry.by_alias(CHAMPION), "horizon")
    model = PortableModel.from_json(models["60"])
    assert model.metadata["tested_on"] == "2017-11-02"
    assert model.metadata["trained_on"][-1] == "2017-09-03"
    # It continues the horizon of 30 days. There are no new customers, so the cold-start rate is the
    # share of those who churned within 30 days who also churned within 60.
    assert model.metadata["given_horizon_days"] == 30
    labels = context.read("features.labels").toPandas().query("horizon_days in (30, 60)")
    labels = labels[labels["as_of"].astype(str).isin(model.metadata["trained_on"])]
    both = labels.pivot(index=["customer_id", "as_of"], columns="horizon_days", values="churned")
    assert model.metadata["cold_start_rate"] == pytest.approx(both.loc[both[30] == 1, 60].mean())
    rows = context.read("gold.churn_by_horizon").toPandas()
    wide = rows.pivot(index="customer_id", columns="horizon_days", values="churn_probability")
    # A product, so that it never needs to be bounded: it is lower by the step.
    assert (wide[60] < wide[30]).all()
    names = rows.groupby("horizon_days")["model_name"].unique().map(list).to_dict()
    assert names[30] == [
        registry.client.get_model_version(
            registry.model_name, registry.by_alias(CHAMPION).version
        ).tags["learner"]
    ]
    assert names[60] == [model.metadata["model_name"]]
    scores = context.read("gold.customer_scores").toPandas().set_index("customer_id")
    assert np.abs(wide[30] - scores["churn_probability"].loc[wide.index]).max() == 0


def test_one_leaver_per_date_is_enough_to_fit_a_horizon_but_not_to_calibrate_it(compared, table):
    registry = Registry(small_context(compared).settings)
    models = registry.further_models(registry.by_alias(CHAMPION), "horizon")
    assert PortableModel.from_json(models["7"]).calibration == Calibration()
    assert 0 <= _value(table, "recency_only", "roc_auc", horizon=7)["value"] <= 1


def test_a_horizon_with_an_infinite_value_on_its_own_test_date_is_skipped(compared, tmp_path):
    from pyspark.sql import functions as F

    from runtime.lakehouse.writes import Write

    shutil.copytree(compared, tmp_path / "lakehouse")
    context = small_context(tmp_path / "lakehouse")
    plan, table = training_plans(context)[60], context.table("features.transactions")
    (test,) = (day for day, split in plan.split_of().items() if split == "test")
    infinite = context.read(table.name).withColumn(
        "revenue_trend", F.when(F.col("as_of") == F.lit(test), float("inf"))
    )
    of_test = infinite.where(F.col("as_of") == F.lit(test))
    context.lake.commit([Write(table, of_test, [test], is_checked=False)])
    # Nothing is fitted, so the learner does not matter.
    with pytest.raises(ModelGateError, match=r"revenue_trend .* infinite"):
        through_gates(context, 60, plan, chosen=None, primary=None)


def test_each_learner_and_trial_is_a_nested_run(compared):
    registry = Registry(small_context(compared).settings)
    champion = registry.by_alias(CHAMPION)
    experiment = registry.experiment_id()
    runs = registry.client.search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{champion.run_id}'"
    )
    names = sorted(r.info.run_name for r in runs)
    assert names == sorted(LEARNERS)
    for run in runs:
        trials = registry.client.search_runs(
            [experiment], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
        )
        assert len(trials) == (2 if run.info.run_name == "logistic_regression" else 1)
        assert {"validation.roc_auc", "test.all.roc_auc"} <= set(run.data.metrics)
        PortableModel.from_json(registry.run_text(run.info.run_id, "portable/portable.json"))


def test_the_comparison_can_be_rebuilt_from_mlflow_alone(compared, table):
    """The models, input versions and split of the run give the figures of the table."""
    from sklearn.metrics import roc_auc_score

    context = small_context(compared)
    registry = Registry(context.settings)
    run_id = registry.by_alias(CHAMPION).run_id
    split = registry.run_json(run_id, "split.json")
    test = next(day for day, part in split.items() if part == "test")
    versions = registry.run_json(run_id, "input_versions.json")
    frames = {
        name: context.spark.read.format("delta")
        .option("versionAsOf", version)
        .load(f"{compared}/{name.replace('.', '/')}")
        for name, version in versions.items()
        if name.startswith("features.")
    }
    from transforms.training_rows import feature_rows, labelled_rows

    labels = frames.pop("features.labels")
    labelled = labelled_rows(feature_rows(frames), labels, 30, definition="inactivity", lead_days=0)
    rows = labelled.where(f"as_of = DATE'{test}'").toPandas()
    runs = registry.client.search_runs(
        [registry.experiment_id()], f"tags.`mlflow.parentRunId` = '{run_id}'"
    )
    assert len(runs) == len(LEARNERS)
    for run in runs:
        model = PortableModel.from_json(
            registry.run_text(run.info.run_id, "portable/portable.json")
        )
        p = model.predict_proba(rows[list(model.encoder.feature_names)])
        area = roc_auc_score(rows["churned"], p)
        assert area == pytest.approx(_value(table, run.info.run_name, "roc_auc")["value"], abs=1e-9)


def test_customers_who_returned_after_a_silence_are_counted_as_by_hand(compared):
    """silences.json against a count label by label, over the dates before the test date."""
    context = small_context(compared)
    registry = Registry(context.settings)
    run_id = registry.by_alias(CHAMPION).run_id
    split = registry.run_json(run_id, "split.json")
    test = next(dt.date.fromisoformat(d) for d, part in split.items() if part == "test")
    known = {dt.date.fromisoformat(d) for d, p in split.items() if p in ("train", "validation")}
    silent_for = {
        (r.customer_id, r.as_of): r.recency_days
        for r in context.read("features.transactions").toPandas().itertuples()
    }
    counts: dict[tuple[int, int], list[int]] = {}
    for r in context.read("features.labels").toPandas().itertuples():
        if r.as_of in known and r.as_of + dt.timedelta(days=r.horizon_days) <= test:
            for window in context.settings.churn.horizons_days:
                if silent_for[r.customer_id, r.as_of] > window:
                    both = counts.setdefault((window, r.horizon_days), [0, 0])
                    both[0] += 1
                    both[1] += not r.churned
    rows = registry.run_json(run_id, "silences.json")["rows"]
    assert {
        (r["silent_days"], r["horizon_days"]): [r["rows"], r["returned"]] for r in rows
    } == counts
    metrics = registry.client.get_run(run_id).data.metrics
    for (silent, horizon), (count, returned) in counts.items():
        share = metrics[f"silence_{silent}.returned_in_{horizon}"]
        assert share == pytest.approx(returned / count)
    # By construction: after a longer silence fewer come back, in a longer horizon more do.
    back = {key: returned / count for key, (count, returned) in counts.items()}
    assert 1 > back[1, 30] > back[30, 30] > back[60, 30] > 0
    assert back[60, 60] > back[60, 30]
    dates = {
        (r["silent_days"], r["horizon_days"]): (r["first_as_of"], r["last_as_of"]) for r in rows
    }
    assert dates[30, 60] == ("2017-08-04", "2017-10-03")


def test_plots_and_model_card_are_logged(compared):
    registry = Registry(small_context(compared).settings)
    champion = registry.by_alias(CHAMPION)
    plots = {f.path for f in registry.client.list_artifacts(champion.run_id, "plots")}
    assert {"plots/roc.png", "plots/calibration.png"} <= plots
    assert {"plots/beeswarm.png", "plots/dependence_recency_days.png"} <= plots
    card = registry.run_text(champion.run_id, "model_card.md")
    version = registry.client.get_model_version(registry.model_name, champion.version)
    assert version.description == card
    assert "- tested once, on 2017-12-02" in card
    assert "the test dates of the horizons of 60 days. Their figures have split" in card
    assert "recency_days" in card


def test_rows_of_the_test_date_do_not_change_any_model(compared, tmp_path):
    """With other labels and features on the test date every fitted model has the same bytes."""
    from pyspark.sql import functions as F

    from runtime.lakehouse.writes import Write

    root = tmp_path / "lakehouse"
    context = small_context(root)
    write_feature_lake(context, customers=240)
    labels_of_three_horizons(context)
    test = dt.date(2017, 12, 2)
    is_test = F.col("as_of") == F.lit(test)
    for name, column, value in (
        ("features.labels", "churned", 1 - F.col("churned")),
        ("features.transactions", "recency_days", F.lit(1).cast("bigint")),
    ):
        table = context.table(name)
        changed = context.read(name).withColumn(
            column, F.when(is_test, value).otherwise(F.col(column)).cast(table.column(column).type)
        )
        context.lake.commit([Write(table, changed.where(is_test), [test])])
    churn_training.run(context)
    before, after = (_candidates(Registry(c.settings)) for c in (small_context(compared), context))
    assert before.keys() == after.keys() == set(LEARNERS)
    for name in LEARNERS:
        assert before[name] == after[name], name


def _candidates(registry):
    runs = registry.client.search_runs(
        [registry.experiment_id()],
        "tags.`mlflow.parentRunId` != ''",
        order_by=["attributes.start_time ASC"],
    )
    return {
        r.info.run_name: registry.run_text(r.info.run_id, "portable/portable.json")
        for r in runs
        if r.info.run_name in LEARNERS
    }
