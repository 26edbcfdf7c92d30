"""monitor on a trained lake: all tables, an alert at a local webhook, and a second run."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.jobs.feature_lake import AS_OF, DATES
from tests.jobs.trained_lake import training_context
from tests.unit.pipelines.outreach.conftest import receiver  # noqa: F401
from tests.unit.pipelines.outreach.receivers import Webhook

# A training and three runs: minutes. tests/unit/pipelines/monitoring runs the same on DuckDB.
pytestmark = [pytest.mark.spark_only, pytest.mark.acceptance]
# Its labels have matured at AS_OF: 30 days and 7 of label_wait_days.
SCORED = DATES[2]


def rows_of(context, name):
    return [row.asDict() for row in context.read(name).collect()]


def shifted(context, by):
    """The features of AS_OF with `revenue_trend` moved, for all customers."""
    from pyspark.sql import functions as F

    from runtime.lakehouse.writes import Write

    name = "features.transactions"
    moved = context.lake.keep(
        context.slice(name, AS_OF).withColumn("revenue_trend", F.col("revenue_trend") + by)
    )
    moved.count()
    context.lake.commit([Write(context.table(name), moved, [AS_OF])])


@pytest.fixture(scope="module")
def monitored(trained, tmp_path_factory):
    """The root of a lake with scores of two dates, after one run of monitor."""
    from pyspark.sql import functions as F

    from pipelines.churn import customer_scoring
    from pipelines.monitoring import monitor_run
    from runtime.lakehouse.writes import Write

    root = tmp_path_factory.mktemp("monitored") / "lakehouse"
    shutil.copytree(trained, root)
    context = training_context(root, as_of=SCORED)
    customer_scoring.run(context)
    # The same scores for AS_OF: scoring takes long, and the dates have the same distributions.
    table = context.table("gold.customer_scores")
    copied = context.slice(table.name).withColumn("as_of", F.lit(AS_OF))
    context.lake.commit([Write(table, copied, [AS_OF])])
    monitor_run.run(training_context(root))
    return root


def test_without_drift_no_feature_alerts(monitored):
    drift = rows_of(training_context(monitored), "gold.drift")
    of_model = [r for r in drift if r["model_version"] == "1"]
    assert {"revenue_trend", "plan", "churn_probability"} <= {r["feature"] for r in of_model}
    assert {r["statistic"] for r in of_model if r["feature"] == "plan"} == {
        *("missing_share", "psi", "total_variation", "new_category_share")
    }
    assert [r for r in of_model if r["is_alert"]] == []


def test_a_source_without_news_alerts(monitored):
    context = training_context(monitored)
    # Receipts of 2017-01-01 and of AS_OF: the second one is not known before AS_OF.
    messages = [r["message"] for r in rows_of(context, "gold.alerts") if r["source"] == "data"]
    assert messages == [] or "silver.transactions: the newest row is 365 days old" in messages[0]


def test_matured_scores_have_a_realised_figure_and_surprise_leavers(monitored):
    context = training_context(monitored)
    figures = rows_of(context, "gold.model_performance")
    # Nobody bought after SCORED, so everybody churned and no ROC AUC exists.
    assert {(r["scored_on"], r["basis"], r["metric"]) for r in figures} == {
        (SCORED, "realised", metric) for metric in ("roc_auc", "brier", "churn_rate")
    }
    assert {r["verdict"] for r in figures} == {"cannot be told: all customers churned, or none"}
    leavers = rows_of(context, "gold.surprise_leavers")
    safe = [
        r
        for r in rows_of(context, "gold.customer_scores")
        if r["as_of"] == SCORED and r["churn_prediction"] == 0
    ]
    assert {r["customer_id"] for r in leavers} <= {r["customer_id"] for r in safe}
    assert leavers and all(r["rate"] == 1.0 and r["top_factors"] for r in leavers)


def test_drift_reaches_a_webhook_once_with_what_to_do(
    monitored,
    receiver,  # noqa: F811
    monkeypatch,
):
    from pipelines.monitoring import monitor_run

    monkeypatch.setenv("HOLDFAST_WEBHOOK_SECRET", "a secret of the test")
    webhook = receiver(Webhook)
    context = training_context(monitored)
    shifted(context, 2.0)
    alerts = {"alerts": {"webhook_url": webhook.url, "email_to": None}}
    values = {**context.settings.monitoring.model_dump(), **alerts}
    try:
        for _ in range(2):
            again = training_context(monitored)
            conf = type(again.settings)(**{**again.settings.model_dump(), "monitoring": values})
            again.settings = conf
            monitor_run.run(again)
    finally:
        shifted(training_context(monitored), -2.0)
    bodies = [json.loads(body) for _, body in webhook.heard]
    [drift] = [b for b in bodies if b["source"] == "drift" and "revenue_trend" in b["message"]]
    assert drift["what_to_do"].startswith("Compare the sources of these features")
    assert len(webhook.heard) == len(webhook.taken)  # the second run sent nothing again
    stored = {r["alert_id"]: r for r in rows_of(training_context(monitored), "gold.alerts")}
    assert stored[drift["alert_id"]]["sent_to"] == "webhook"
    assert "revenue_trend" in (monitored / "monitoring.html").read_text()
