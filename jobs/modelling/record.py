"""What a training run writes down: the facts to repeat it from, its figures, its gold rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from jobs.modelling.evaluation import Evaluated
from jobs.modelling.plots import training_plots
from jobs.modelling.rows import Design
from jobs.runtime.context import Context
from jobs.runtime.registry import CHAMPION
from jobs.runtime.run_info import code_version
from jobs.runtime.schedule import Schedule
from jobs.runtime.writes import Write


def fingerprint(context: Context, plan: Schedule) -> str:
    """The same for the same inputs, settings and code."""
    settings = context.settings
    facts = {
        "inputs": {n: v for n, v in context.run.inputs.items() if n.startswith("features.")},
        "training": settings.training.model_dump(),
        "churn": settings.churn.model_dump(),
        "dates": [d.isoformat() for d in plan.all_dates],
        "code": code_version(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def log_inputs(context: Context, plan: Schedule, design: Design, mark: str) -> None:
    """The facts that a run can be repeated from."""
    import mlflow

    settings = context.settings
    mlflow.log_params(
        {f"xgboost.{k}": v for k, v in settings.training.xgboost.model_dump().items()}
    )
    mlflow.log_params({"seed": settings.training.seed, "workers": settings.training.workers})
    mlflow.set_tags({"fingerprint": mark, "code": code_version(), "env": settings.env})
    mlflow.log_dict(
        settings.model_dump(mode="json", exclude={"lakehouse", "mlflow"}), "config.json"
    )
    mlflow.log_dict(context.run.inputs, "input_versions.json")
    mlflow.log_dict(
        {"as_of": context.as_of.isoformat()}
        | {day.isoformat(): split for day, split in plan.split_of().items()},
        "split.json",
    )
    mlflow.log_dict(
        {"features": list(design.encoder.feature_names), "left_out": design.left_out},
        "features.json",
    )


def log_results(
    context: Context,
    found: list[dict[str, Any]],
    model: Any,
    evaluated: Evaluated,
    name: str,
    is_better: bool,
) -> None:
    """Metrics with their intervals, and the plots."""
    import mlflow

    for row in found:
        if row["model_name"] == name:
            key = f"{row['split']}.{row['population']}.{row['metric']}"
            parts = {"": row["value"], ".ci_low": row["ci_low"], ".ci_high": row["ci_high"]}
            mlflow.log_metrics({key + end: v for end, v in parts.items() if v is not None})
    for file, figure in training_plots(evaluated, model, name).items():
        mlflow.log_figure(figure, f"plots/{file}")


def comparison_write(context: Context, result: dict[str, Any]) -> Write:
    """gold.model_comparison from a run's own record, so that it can be made again."""
    from pyspark.sql import functions as F

    from transforms.conform import conform

    trained_at = dt.datetime.fromtimestamp(result["trained_at"] // 1000, dt.UTC).replace(
        tzinfo=None
    )
    table = context.table("gold.model_comparison")
    kept = [r for r in result["rows"] if r["model_name"] != CHAMPION]
    rows = context.spark.createDataFrame(
        [
            (
                r["model_name"],
                r["population"],
                r["split"],
                r["metric"],
                r["value"],
                r["ci_low"],
                r["ci_high"],
            )
            for r in kept
        ],
        "model_name string, population string, split string, metric string, value double, "
        "ci_low double, ci_high double",
    )
    version = F.when(F.col("model_name") == result["name"], result["version"]).otherwise("-")
    full = rows.select(
        "*",
        F.lit(trained_at.isoformat(sep=" ")).cast("timestamp").alias("trained_at"),
        version.alias("model_version"),
        F.lit(context.settings.env).alias("data_set"),
        F.lit(context.settings.churn.primary_horizon_days).alias("horizon_days"),
    )
    return Write(table, conform(full, table), [trained_at.isoformat(sep=" ")])
