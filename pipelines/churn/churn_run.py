"""The MLflow record of a training run: inputs, settings, metrics and rows of gold tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import Metric

from pipelines.churn.candidates import Candidate, TrainingData
from pipelines.churn.dataset import Design
from pipelines.churn.drift_reference import log_reference
from pipelines.churn.evaluation import Evaluated
from pipelines.churn.model_card import model_card
from pipelines.churn.named_reasons import SOURCES
from pipelines.churn.plots import training_plots
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.fingerprint import mark_of
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHAMPION, Registry
from runtime.run_info import code_version
from transforms.training_records import feature_set_results, model_comparison

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


# The sections of conf that a training run logs: those that its result depends on. Sources, delivery
# and messages hold addresses, paths and keys, and are left out.
LOGGED_SECTIONS = {
    *("env", "as_of", "features", "lifecycle", "churn", "engagement", "high_risk_churn"),
    *("clv_score", "rfm", "segments", "risk", "training", "lifetime"),
}


def fingerprint(context: Context, plans: Mapping[int, Schedule]) -> str:
    """Fingerprint of inputs, settings, code and registered model.

    The inputs are the feature tables, and the sources of reasons, which are read at the end of a
    run.
    """
    settings = context.settings
    features = [n for n in context.run.inputs if n.startswith("features.")]
    versions = {name: context.lake.content_version(name) for name in (*features, *SOURCES)}
    facts = {
        "training": settings.training.model_dump(),
        "churn": settings.churn.model_dump(),
        "dates": {h: [d.isoformat() for d in plan.all_dates] for h, plan in plans.items()},
    }
    return mark_of(context, settings.mlflow.model_name, versions, facts=facts)


def log_inputs(context: Context, plan: Schedule, design: Design, *, mark: str) -> None:
    """Log everything that is needed to repeat the run. mark: the fingerprint."""
    settings = context.settings
    training = settings.training
    mlflow.log_params({"seed": training.seed, "workers": training.workers})
    mlflow.log_params({"search": training.search, "learners": ", ".join(training.learners)})
    mlflow.set_tags({"fingerprint": mark, "code": code_version(), "env": settings.env})
    mlflow.log_dict(settings.model_dump(mode="json", include=LOGGED_SECTIONS), "config.json")
    mlflow.log_dict(context.run.inputs, "input_versions.json")
    mlflow.log_dict(
        {"as_of": context.as_of.isoformat()}
        | {day.isoformat(): split for day, split in plan.split_of().items()},
        "split.json",
    )
    mlflow.log_dict(
        {
            "features": list(design.encoder.feature_names),
            "left_out": design.left_out,
            "undated": design.undated,
        },
        "features.json",
    )
    installed = {f"{d.name}=={d.version}" for d in metadata.distributions()}
    mlflow.log_text("\n".join(sorted(installed, key=str.lower)), "packages.txt")


def log_results(
    context: Context,
    data: TrainingData,
    candidates: Sequence[Candidate],
    *,
    chosen: Candidate,
    evaluated: Evaluated,
    result: Mapping[str, Any],
) -> None:
    """Log metrics with intervals to the run and to each learner's run, plots and the model card.

    The histograms that drift is measured against are logged too.

    The run also gets the parameters of the registered learner; the other learners' stand in their
    own runs.
    """
    client, active = mlflow.MlflowClient(), mlflow.active_run()
    assert active is not None
    moment = active.info.start_time
    # A second time, because the sources of reasons were read after `log_inputs`.
    mlflow.log_dict(context.run.inputs, "input_versions.json")
    mlflow.log_params({"learner": chosen.name, **chosen.parameters})
    for candidate in candidates:
        metrics = _metrics_of(result["rows"], candidate.name)
        runs = [candidate.run_id, *([active.info.run_id] if candidate is chosen else [])]
        # rfm_logistic has no search and so no run of its own.
        for run_id in filter(None, runs):
            client.log_batch(run_id, [Metric(k, v, moment, 0) for k, v in metrics.items()])
    plots = training_plots(evaluated, chosen.model, chosen.name, rows=result["rows"])
    for file, figure in plots.items():
        mlflow.log_figure(figure, f"plots/{file}")
    card = model_card(context, data, chosen, result=result)
    mlflow.log_text(card, "model_card.md")
    log_reference(data, evaluated, chosen)
    Registry(context.settings).describe(result["version"], card)


def _metrics_of(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for row in rows:
        if row["model_name"] == name and not {"horizon_days", "test_on"} & row.keys():
            key = f"{row['split']}.{row['population']}.{row['metric']}"
            parts = {"": row["value"], ".ci_low": row["ci_low"], ".ci_high": row["ci_high"]}
            metrics |= {key + end: v for end, v in parts.items() if v is not None}
    return metrics


_ROW = (
    "test_on date, model_name string, population string, split string, metric string, "
    "horizon_days int, value double, ci_low double, ci_high double, reason string"
)
_SET = "feature_set string, metric string, value double, ci_low double, ci_high double"


def result_writes(context: Context, result: Mapping[str, Any]) -> list[Write]:
    """gold.model_comparison and gold.feature_sets from comparison.json of a run.

    Both tables can be rebuilt from MLflow without a new training.
    """
    moment = dt.datetime.fromtimestamp(result["trained_at"] // 1000, dt.UTC)
    trained_at, data_set = moment.isoformat(sep=" "), context.settings.env
    primary = context.settings.churn.primary_horizon_days
    general = {"horizon_days": primary, "test_on": result["tested_on"]}
    rows = [general | r for r in result["rows"]]
    rows = [{**r, "test_on": dt.date.fromisoformat(r["test_on"])} for r in rows]
    frames = {
        "gold.model_comparison": model_comparison(
            _frame(context, rows, _ROW),
            result["name"],
            result["version"],
            champion=CHAMPION,
            champion_version=result["champion"],
            trained_at=trained_at,
            data_set=data_set,
        ),
        "gold.feature_sets": feature_set_results(
            _frame(context, result["feature_sets"], _SET),
            result["name"],
            result["version"],
            trained_at=trained_at,
            data_set=data_set,
        ),
    }
    return [Write(context.table(name), frame, [trained_at]) for name, frame in frames.items()]


def _frame(context: Context, rows: Sequence[Mapping[str, Any]], ddl: str) -> DataFrame:
    names = [column.split()[0] for column in ddl.split(", ")]
    return context.spark.createDataFrame([tuple(r.get(n) for n in names) for r in rows], ddl)
