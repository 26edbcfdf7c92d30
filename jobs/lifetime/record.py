"""What a lifetime run writes down in MLflow, and its tables made again from that record."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from jobs import lifetime
from jobs.runtime.context import Context
from jobs.runtime.registry import CHAMPION, Registry
from jobs.runtime.run_info import code_version
from jobs.runtime.writes import Write
from models.btyd.worth import LifetimeModel

RECORD = "lifetime.json"
# MLflow takes a thousand a call.
METRICS_AT_ONCE = 500
EXAMPLE = pd.DataFrame(
    {
        "frequency": [0.0, 3.0, 12.0],
        "recency_days": [0.0, 80.0, 200.0],
        "T_days": [30.0, 100.0, 210.0],
        "monetary_value": [0.0, 24.0, 31.0],
    }
)


def fingerprint(context: Context) -> str:
    """The same for the same inputs, settings and code."""
    settings = context.settings
    used = (
        "silver.transactions",
        "silver.terminations",
        "features.labels",
        "features.transactions",
    )
    facts = {
        "job": "fit_lifetime",
        "as_of": context.as_of.isoformat(),
        "inputs": {n: context.lake.version(n) for n in used if context.lake.exists(n)},
        "lifetime": settings.lifetime.model_dump(),
        "churn": settings.churn.model_dump(),
        "samples": [settings.training.bootstrap_samples, settings.training.seed],
        "code": code_version(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def log_run(context: Context, record: dict[str, Any], mark: str) -> None:
    """Parameters, metrics, warnings and the record in the open run."""
    import mlflow

    settings = context.settings
    mlflow.set_tags({"fingerprint": mark, "code": code_version(), "env": settings.env})
    mlflow.set_tag("warnings", "\n".join(record["warnings"]) or "none")
    mlflow.log_params({k: str(v) for k, v in settings.lifetime.model_dump().items()})
    mlflow.log_dict(context.run.inputs, "input_versions.json")
    metrics = {f"{r['model_name']}.{r['parameter']}": r["value"] for r in record["models"]}
    for r in record["backtest"]:
        metrics[f"{r['approach']}.{r['horizon_days']}d.{r['cut']}.{r['metric']}"] = r["value"]
    for r in record["comparison"]:
        metrics[f"{r['model_name']}.{r['population']}.{r['metric']}"] = r["value"]
    known = sorted((name, value) for name, value in metrics.items() if value is not None)
    for start in range(0, len(known), METRICS_AT_ONCE):
        mlflow.log_metrics(dict(known[start : start + METRICS_AT_ONCE]))
    mlflow.log_dict(record, RECORD)


def register(context: Context, registry: Registry, run_id: str, model: LifetimeModel) -> str:
    """A version in the registry; champion, unless the one there knows a later date."""
    import mlflow

    served = Path(lifetime.__file__).with_name("served_model.py")
    tags = {"code": code_version(), "as_of": context.as_of.isoformat()}
    answer = model.predict(EXAMPLE)
    version = registry.register(run_id, served, model.to_json(), EXAMPLE, answer, tags)
    champion = registry.by_alias(CHAMPION)
    if champion is None or champion.tags.get("as_of", "") <= context.as_of.isoformat():
        registry.promote(version)
    mlflow.set_tags({"version": version, "chosen": model.name})
    return version


def writes_of(context: Context, record: dict[str, Any]) -> list[Write]:
    """gold.lifetime_models, clv_backtest and model_comparison of a record."""
    day = context.as_of
    models = [{"as_of": day, **r} for r in record["models"]]
    cuts = sorted({r["cut"] for r in record["backtest"]})
    rows = [{**r, "cut": dt.date.fromisoformat(r["cut"])} for r in record["backtest"]]
    writes = [Write(*_frame(context, "gold.lifetime_models", models), [day])]
    if rows:
        writes.append(Write(*_frame(context, "gold.clv_backtest", rows), cuts))
    if record["comparison"]:
        began = dt.datetime.fromtimestamp(record["trained_at"] // 1000, dt.UTC).replace(tzinfo=None)
        version = record["version"]
        compared = [
            {
                **r,
                "trained_at": began,
                "model_version": version if r["model_name"] == record["chosen"] else "-",
                "data_set": context.settings.env,
                "horizon_days": context.settings.churn.primary_horizon_days,
            }
            for r in record["comparison"]
        ]
        frame = _frame(context, "gold.model_comparison", compared)
        writes.append(Write(*frame, [began.isoformat(sep=" ")]))
    return writes


def _frame(context: Context, name: str, rows: list[dict[str, Any]]) -> tuple[Any, Any]:
    """Some hundred rows as a frame of the table's contract."""
    table = context.table(name)
    values = [tuple(row.get(c) for c in table.column_names) for row in rows]
    return table, context.spark.createDataFrame(values, table.ddl)
