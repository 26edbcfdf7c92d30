"""Bad input to training and scoring: a clear error, nothing registered, the champion unchanged."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest

from pipelines.churn import churn_run, churn_training, customer_scoring
from runtime.errors import ModelGateError
from runtime.model_registry import CHALLENGER, CHAMPION, PREVIOUS, Registry
from tests.jobs.trained_lake import training_context

pytestmark = pytest.mark.spark_only
KEY = ("customer_id", "as_of")


def of_one_class(rows):
    from pyspark.sql import functions as F

    return rows.withColumn("churned", F.lit(1))


def of_terminations(rows):
    """A table keeps such labels after conf has changed, until build_features runs again."""
    from pyspark.sql import functions as F

    return rows.withColumn("definition", F.lit("termination"))


def without_values(rows):
    from pyspark.sql import functions as F

    columns = [(f.name, f.dataType) for f in rows.schema if f.name not in KEY]
    return rows.select(*KEY, *[F.lit(None).cast(kind).alias(name) for name, kind in columns])


def with_infinity(rows, days="as_of < DATE'2018-01-01'"):
    """Infinite values of one customer."""
    from pyspark.sql import functions as F

    is_one = (F.col("customer_id") == "c0007") & F.expr(days)
    infinite = F.when(is_one, float("inf")).otherwise(F.col("revenue_trend"))
    return rows.withColumn("revenue_trend", infinite)


def with_infinity_on(day):
    return lambda rows: with_infinity(rows, f"as_of = DATE'{day}'")


def without_a_feature(rows):
    return rows.drop("revenue_trend")


def before_the_test_date(rows):
    return rows.where("as_of < DATE'2017-12-02'")


TABLES = ("features.transactions", "features.behavior", "features.demographics")
LACKING = (
    "churn version 1 uses features that the feature tables do not have: revenue_trend. Nothing was "
    "written. Restore them (features.windows_days, sources), or remove the alias champion from "
    "that version."
)
REFUSALS = {
    "one class": (
        churn_training,
        {"features.labels": of_one_class},
        {},
        "features.labels: all 900 rows of the train dates have churned = 1, but a model needs "
        "both classes. Choose another horizon (churn.primary_horizon_days) or more dates "
        "(training.train_dates).",
    ),
    "no feature has a value": (
        churn_training,
        dict.fromkeys(TABLES, without_values),
        {},
        r"features: none of \d+ features has a value on the dates before the test date. Nothing "
        "was trained. Run build_features for these dates again.",
    ),
    "infinite values": (  # of one customer at five dates
        churn_training,
        {"features.transactions": with_infinity},
        {},
        "revenue_trend (5 rows): infinite, or too large for float32. A feature must be a finite "
        "number or null. Nothing was trained. Fix the source of the values and run build_features "
        "again.",
    ),
    "an infinite value on the test date": (
        churn_training,
        {"features.transactions": with_infinity_on("2017-12-02")},
        {},
        "revenue_trend (1 row): infinite, or too large for float32. A feature must be a finite "
        "number or null. Nothing was trained. Fix the source of the values and run build_features "
        "again.",
    ),
    "an infinite value at scoring": (
        customer_scoring,
        {"features.transactions": with_infinity_on("2018-01-01")},
        {},
        "revenue_trend (1 row): infinite, or too large for float32. A feature must be a finite "
        "number or null. Nothing was written. Fix the source of the values and run build_features "
        "again.",
    ),
    "fewer customers than folds": (
        churn_training,
        {},
        {"stability": {"folds": 5_000, "learners": ["xgboost"]}},
        r"training.stability.folds = 5000: there are too few customers, only 2\d\d folds have any. "
        r"Set it to at most 2\d\d.",
    ),
    "labels that have not matured": (
        churn_training,
        {"features.labels": before_the_test_date},
        {},
        "features.labels: has no row for the test dates. Run `holdfast "
        "build_features --env demo` for as_of 2018-01-01 first.",
    ),
    "labels of another definition": (
        churn_training,
        {"features.labels": of_terminations},
        {},
        "features.labels: has no row for the train dates. Run `holdfast "
        "build_features --env demo` for as_of 2018-01-01 first.",
    ),
    "an as_of without labels": (
        churn_training,
        {},
        {"as_of": dt.date(2017, 5, 1)},
        "features.labels: has no row for the train dates. Run `holdfast "
        "build_features --env demo` for as_of 2017-05-01 first.",
    ),
    "a feature of the champion is gone": (
        churn_training,
        {"features.transactions": without_a_feature},
        {},
        LACKING,
    ),
    "a feature is missing at scoring": (
        customer_scoring,
        {"features.transactions": without_a_feature},
        {},
        LACKING,
    ),
}


def test_a_run_that_fails_moves_no_alias_and_the_next_run_is_compared_with_the_champion(
    trained, tmp_path, monkeypatch
):
    root = tmp_path / "lakehouse"
    shutil.copytree(trained, root)
    context = training_context(root, seed=7)
    registry = Registry(context.settings)

    def failing(*_, **__):
        raise RuntimeError("no card")

    monkeypatch.setattr(churn_run, "model_card", failing)
    with pytest.raises(RuntimeError, match="no card"):
        churn_training.run(context)
    context.lake.forget()
    assert [registry.by_alias(a).version for a in (CHAMPION, CHALLENGER)] == ["1", "1"]
    assert registry.by_alias(PREVIOUS) is None

    monkeypatch.undo()
    again = training_context(root, seed=7)
    churn_training.run(again)
    challenger = registry.by_alias(CHALLENGER)
    assert int(challenger.version) > 1
    rows = again.read("gold.model_comparison").toPandas()
    rows = rows[rows["trained_at"] == rows["trained_at"].max()]
    rows = rows.query("horizon_days == 30 and population == 'all'")
    values = rows.set_index(["model_name", "model_version", "metric"])["value"]
    gain = values["xgboost", challenger.version, "roc_auc_difference"]
    areas = (
        values["xgboost", challenger.version, "roc_auc"],
        values["champion", "1", "roc_auc"],
    )
    assert gain == pytest.approx(areas[0] - areas[1])
    metrics = registry.client.get_run(challenger.run_id).data.metrics
    assert metrics["test.all.roc_auc_difference"] == gain
    assert metrics["test.all.f1_threshold_half.ci_low"] <= metrics["test.all.f1_threshold_half"]


def left_by(context):
    """The champion, all registered versions, and the versions of the tables."""
    registry = Registry(context.settings)
    versions = registry.client.search_model_versions(f"name = '{registry.model_name}'")
    tables = {n: context.lake.version(n) for n in context.tables if context.lake.exists(n)}
    return registry.by_alias(CHAMPION), sorted(v.version for v in versions), tables


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_model_does_not_replace_the_champion(trained, name):
    job, changes, given, text = REFUSALS[name]
    # With another seed the fingerprint differs from that of the fixture's run.
    context = training_context(trained, **{"seed": 7, **given})
    before, read = left_by(context), context.read
    context.__dict__["read"] = lambda table: changes.get(table, lambda rows: rows)(read(table))
    with pytest.raises(ModelGateError) as caught:
        job.run(context)
    context.lake.forget()
    pattern = text if "\\d" in text else None
    if pattern:
        assert caught.match(f"^{pattern}$")
    else:
        assert str(caught.value) == text
    assert left_by(training_context(trained)) == before
    assert before[0] is not None and before[0].version == "1"
