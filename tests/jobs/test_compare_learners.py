"""train_churn with every learner: search, stability, feature sets, horizons, on a small lake."""

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

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
LEARNERS = ["xgboost", "random_forest", "multilayer_perceptron", "logistic_regression"]
SMALL_STARTS = {
    "xgboost": {"n_estimators": 15, "max_depth": 3, "learning_rate": 0.2, "subsample": 0.9},
    "random_forest": {"numTrees": 10, "maxDepth": 4, "minInstancesPerNode": 5},
    "multilayer_perceptron": {"hidden": [8], "maxIter": 40, "patience": 1, "stepSize": 0.03},
    "logistic_regression": {"regParam": 0.001, "elasticNetParam": 0.5, "maxIter": 30},
}


def small_context(root, **training):
    """demo with fits that take seconds."""
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import Settings, load

    values = load("demo").model_dump()
    values["lakehouse"]["root"] = str(root)
    values["training"] |= {
        "train_dates": 3,
        # Sums of several partitions are added in the order in which they arrive.
        "partitions": 1,
        "bootstrap_samples": 60,
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
    """features.labels with 60 days too, where whoever is silent for 60 was silent for 30, and with
    7 days, where one customer a date is."""
    from runtime.lakehouse.writes import Write

    table = context.table("features.labels")
    labels = context.read("features.labels").toPandas()
    sixty = labels.assign(horizon_days=60)
    sixty = sixty[sixty["as_of"] <= AS_OF - dt.timedelta(days=60)]
    keep = sixty["customer_id"].str[-1].astype(int) % 2
    sixty["churned"] = (sixty["churned"] * keep).astype(int)
    seven = labels.assign(horizon_days=7, churned=(labels["customer_id"] == "c0007").astype(int))
    every = pd.concat([labels, sixty, seven])[list(table.column_names)]
    frame = context.spark.createDataFrame(every, table.ddl)
    context.lake.commit([Write(table, frame, sorted(every["as_of"].unique()))])


@pytest.fixture(scope="module")
def compared(spark, tmp_path_factory):
    root = tmp_path_factory.mktemp("compared") / "lakehouse"
    context = small_context(root)
    write_feature_lake(context, customers=240)
    labels_of_three_horizons(context)
    churn_training.run(context)
    customer_scoring.run(small_context(root))
    return root


@pytest.fixture(scope="module")
def table(compared):
    return small_context(compared).read("gold.model_comparison").toPandas()


def _value(table, name, metric, horizon=30, split="test"):
    found = table.query(
        "model_name == @name and metric == @metric and population == 'all' "
        "and horizon_days == @horizon and split == @split"
    )
    assert len(found) == 1, (name, metric, horizon, split)
    return found.iloc[0]


def test_every_learner_stands_beside_the_baselines_on_one_test_date(table):
    thirty = table[(table["horizon_days"] == 30) & (table["split"] == "test")]
    expected = {*LEARNERS, "recency_only", "rfm_logistic", "everyone_stays"}
    assert set(thirty["model_name"]) == expected
    # recency and plan drive these labels; all but the trivial baseline must see it.
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


def test_the_calibration_curve_has_ten_tenths_with_intervals_and_adds_up(table):
    for name in LEARNERS:
        told = [_value(table, name, f"calibration_{n}_predicted") for n in range(1, 11)]
        came = [_value(table, name, f"calibration_{n}_observed") for n in range(1, 11)]
        assert all(row["ci_low"] <= row["value"] <= row["ci_high"] for row in (*told, *came))
        assert [row["value"] for row in told] == sorted(row["value"] for row in told)
        # 240 customers, 24 a tenth: the curve says how many left.
        matrix = (_value(table, name, m)["value"] for m in ("true_positives", "false_negatives"))
        assert 24 * sum(row["value"] for row in came) == pytest.approx(sum(matrix))


def test_stability_is_that_of_the_folds(table):
    figures = {
        m: _value(table, "logistic_regression", f"cv_roc_auc_{m}", split="train")["value"]
        for m in ("mean", "sd", "min", "max", "variance", "stability")
    }
    assert 0.5 < figures["min"] < figures["mean"] < figures["max"]
    assert figures["stability"] == pytest.approx(1 - figures["sd"] / figures["mean"])
    # Three folds: their mean and ends give the middle one, and so the deviation.
    middle = 3 * figures["mean"] - figures["min"] - figures["max"]
    folds = [figures["min"], middle, figures["max"]]
    assert figures["sd"] == pytest.approx(np.std(folds, ddof=1))


def test_leaving_out_what_drives_the_labels_costs_most(compared):
    sets = small_context(compared).read("gold.feature_sets").toPandas()
    difference = sets[sets["metric"] == "roc_auc_difference"].set_index("feature_set")
    assert difference.loc["all", "value"] == 0
    assert difference.loc["without_silence", "ci_high"] < 0
    counts = sets[sets["metric"] == "features"].set_index("feature_set")["value"]
    assert counts["without_silence"] == counts["all"] - 1
    assert counts["selected"] < counts["all"]


def test_another_horizon_has_a_model_of_its_own(compared, table):
    context = small_context(compared)
    # Dates two apart on the grid: 2017-11-02 tests, 2017-09-03 tunes; one lies before these.
    # That is the date that tuned the horizon of 30 days, and so no test.
    figure = _value(table, "recency_only", "roc_auc", horizon=60, split="validation")
    assert figure["value"] > 0.5
    assert set(table.loc[table["horizon_days"] == 60, "split"]) == {"validation"}
    registry = Registry(context.settings)
    models = registry.further_models(registry.by_alias(CHAMPION).run_id, "horizon")
    model = PortableModel.from_json(models["60"])
    assert model.metadata["tested_on"] == "2017-11-02"
    assert model.metadata["trained_on"][-1] == "2017-09-03"
    # Nobody here is new: the rate of the new is that of all, by the labels of this horizon.
    labels = context.read("features.labels").toPandas().query("horizon_days == 60")
    taught = labels["as_of"].astype(str).isin(model.metadata["trained_on"])
    assert model.metadata["cold_start_rate"] == pytest.approx(labels[taught]["churned"].mean())
    rows = context.read("gold.churn_by_horizon").toPandas()
    wide = rows.pivot(index="customer_id", columns="horizon_days", values="churn_probability")
    assert (wide[60] <= wide[30]).all()
    scores = context.read("gold.customer_scores").toPandas().set_index("customer_id")
    assert np.abs(wide[30] - scores["churn_probability"].loc[wide.index]).max() == 0


def test_one_leaver_a_date_is_enough_for_a_horizon_and_too_few_to_calibrate_on(compared, table):
    registry = Registry(small_context(compared).settings)
    models = registry.further_models(registry.by_alias(CHAMPION).run_id, "horizon")
    assert PortableModel.from_json(models["7"]).calibration == Calibration()
    assert 0 <= _value(table, "recency_only", "roc_auc", horizon=7)["value"] <= 1


def test_an_infinite_value_on_a_horizons_own_test_date_leaves_it_out(compared, tmp_path):
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
    # The learner does not matter: nothing is fitted.
    with pytest.raises(ModelGateError, match=r"revenue_trend .* infinite"):
        through_gates(context, 60, plan, chosen=None)


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


def test_the_comparison_can_be_made_again_from_mlflow_alone(compared, table):
    """Models, versions and split of the run give the figures of the table."""
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
    labelled = labelled_rows(feature_rows(frames), labels, 30, "inactivity", 0)
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
        found = roc_auc_score(rows["churned"], p)
        assert found == pytest.approx(
            _value(table, run.info.run_name, "roc_auc")["value"], abs=1e-9
        )


def test_who_came_back_after_a_silence_is_counted_as_by_hand(compared):
    """silences.json: label by label, over the dates before the test date whose window had ended."""
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
    found = registry.run_json(run_id, "silences.json")["rows"]
    assert {
        (r["silent_days"], r["horizon_days"]): [r["rows"], r["returned"]] for r in found
    } == counts
    metrics = registry.client.get_run(run_id).data.metrics
    for (silent, horizon), (rows, returned) in counts.items():
        share = metrics[f"silence_{silent}.returned_in_{horizon}"]
        assert share == pytest.approx(returned / rows)
    # Planted: the longer the silence, the fewer come back; the longer one waits, the more do.
    back = {key: returned / rows for key, (rows, returned) in counts.items()}
    assert 1 > back[1, 30] > back[30, 30] > back[60, 30] > 0
    assert back[60, 60] > back[60, 30]
    dates = {
        (r["silent_days"], r["horizon_days"]): (r["first_as_of"], r["last_as_of"]) for r in found
    }
    assert dates[30, 60] == ("2017-08-04", "2017-10-03")


def test_plots_and_card_are_logged(compared):
    registry = Registry(small_context(compared).settings)
    champion = registry.by_alias(CHAMPION)
    plots = {f.path for f in registry.client.list_artifacts(champion.run_id, "plots")}
    assert {"plots/roc.png", "plots/calibration.png"} <= plots
    assert {"plots/beeswarm.png", "plots/dependence_recency_days.png"} <= plots
    card = registry.run_text(champion.run_id, "model_card.md")
    version = registry.client.get_model_version(registry.model_name, champion.version)
    assert version.description == card
    assert "- tested once, on 2017-12-02" in card
    assert "the test dates of 60 days: these figures have split `validation`" in card
    assert "recency_days" in card


def test_the_test_date_changes_no_model(compared, tmp_path):
    """Other labels and features on the test date: every fitted model stays to the last byte."""
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
    one, two = (_candidates(Registry(c.settings)) for c in (small_context(compared), context))
    assert one.keys() == two.keys() == set(LEARNERS)
    for name in LEARNERS:
        assert one[name] == two[name], name


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
