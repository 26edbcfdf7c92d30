"""The MLflow run of fit_lifetime, and the gold tables that are written from its record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mlflow
import pandas as pd

from contracts.table import Table
from models.survival.worth import SurvivalWorth
from pipelines.lifetime.btyd_fits import Fits
from pipelines.lifetime.model_rows import Row
from pipelines.lifetime.survival_fits import SurvivalFits
from runtime.context import Context
from runtime.fingerprint import mark_of
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHAMPION, Registry
from runtime.run_info import code_version

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The content of RECORD: all that the gold tables are written from, as JSON values.
Record = dict[str, Any]
RECORD = "lifetime.json"
# MLflow accepts 1,000 metrics per call.
METRICS_AT_ONCE = 500
PYFUNC = Path(__file__).with_name("lifetime_pyfunc.py")
EXAMPLE = pd.DataFrame(
    {
        "frequency": [0.0, 3.0, 12.0],
        "recency_days": [0.0, 80.0, 200.0],
        "T_days": [30.0, 100.0, 210.0],
        "monetary_value": [0.0, 24.0, 31.0],
    }
)


class Served(NamedTuple):
    """A model as it is registered: its portable text, and its output for an example."""

    portable: str
    example: pd.DataFrame
    answer: pd.DataFrame


def fingerprint(context: Context) -> str:
    """Fingerprint of inputs, settings and code. A finished run with the same one is skipped."""
    settings = context.settings
    used = (
        "silver.transactions",
        "silver.terminations",
        "features.labels",
        "features.transactions",
        "features.behavior",
        "features.demographics",
    )
    facts = {
        "job": "fit_lifetime",
        "as_of": context.as_of.isoformat(),
        "lifetime": settings.lifetime.model_dump(),
        "churn": settings.churn.model_dump(),
        "lifecycle": settings.lifecycle.model_dump(),
        "segments": [settings.rfm.model_dump(), settings.segments],
        "samples": [settings.training.bootstrap_samples, settings.training.seed],
    }
    versions = {name: context.lake.version(name) for name in used}
    return mark_of(context, settings.lifetime.registered_model, versions, facts=facts)


def log_run(context: Context, record: Record, mark: str) -> None:
    """Log parameters, metrics, warnings and the record to the active run. mark: its fingerprint."""
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


def register(
    context: Context, registry: Registry, run_id: str, *, fits: Fits, survival: SurvivalFits
) -> dict[str, str]:
    """Register the chosen models. Returns their versions by approach (btyd, survival)."""
    versions: dict[str, str] = {}
    model = fits.model
    if model is not None:
        served = Served(model.to_json(), EXAMPLE, model.predict(EXAMPLE))
        others = {f"lifetime_{n}": m.to_json() for n, m in fits.others.items()}
        versions["btyd"] = _registered(context, registry, run_id, served=served, others=others)
        mlflow.set_tags({"version": versions["btyd"], "chosen": model.name})
    if survival.model is not None:
        # A run of its own, because a run holds one portable model.
        name, experiment = f"survival-{context.as_of}", registry.experiment_id()
        own = Registry(context.settings, context.settings.lifetime.survival.registered_model)
        with mlflow.start_run(experiment_id=experiment, run_name=name, nested=True) as active:
            example = example_of(survival.model)
            served = Served(survival.model.to_json(), example, survival.model.predict(example))
            others = {f"survival_{n}": m.to_json() for n, m in survival.others.items()}
            run_id = active.info.run_id
            versions["survival"] = _registered(context, own, run_id, served=served, others=others)
            mlflow.set_tags({"version": versions["survival"], "chosen": survival.model.kind})
    return versions


def _registered(
    context: Context,
    registry: Registry,
    run_id: str,
    *,
    served: Served,
    others: Mapping[str, str],
) -> str:
    """A new version. It becomes champion unless the present champion has a later as_of."""
    tags = {"code": code_version(), "as_of": context.as_of.isoformat()}
    version = registry.register(
        run_id,
        PYFUNC,
        served.portable,
        example=served.example,
        answer=served.answer,
        tags=tags,
        further=others,
    )
    champion = registry.by_alias(CHAMPION)
    if champion is None or champion.tags.get("as_of", "") <= context.as_of.isoformat():
        registry.promote(version)
    return version


def example_of(model: SurvivalWorth) -> pd.DataFrame:
    """Input of the served model for two customers: a frequent buyer, and a new one-time buyer."""
    features = {name: [1.0, 1.0] for name in model.life.encoder.feature_names}
    past = {
        f"past_{what}_{w}": [float(w) / 10, 0.0]
        for what in ("value", "days")
        for w in model.purchases.windows
    }
    known = {"entry_days": [300.0, 40.0], "frequency": [30.0, 0.0], "T_days": [299.0, 39.0]}
    return pd.DataFrame({**known, "monetary_value": [20.0, 0.0], **past, **features})


def has_later_run(context: Context) -> bool:
    """Whether a later as_of was fitted. Its backtest has newer data and must not be overwritten."""
    if not context.has("gold.customer_lifetime"):
        return False
    later = context.read("gold.customer_lifetime").where(f"as_of > DATE'{context.as_of}'")
    return bool(later.take(1))


def writes_of(context: Context, record: Record) -> list[Write]:
    """gold.lifetime_models, clv_backtest, segment_survival and model_comparison of a record."""
    day = context.as_of
    models = [{"as_of": day, **r} for r in record["models"]]
    cuts = sorted({r["cut"] for r in record["backtest"]})
    rows = [{**r, "cut": dt.date.fromisoformat(r["cut"])} for r in record["backtest"]]
    writes = [Write(*_frame(context, "gold.lifetime_models", models), [day])]
    if rows and not has_later_run(context):
        writes.append(Write(*_frame(context, "gold.clv_backtest", rows), cuts))
    if record["segments"]:
        curves = [{"as_of": day, **r} for r in record["segments"]]
        writes.append(Write(*_frame(context, "gold.segment_survival", curves), [day]))
    if record["comparison"]:
        writes.append(_comparison_write(context, record))
    return writes


def _comparison_write(context: Context, record: Record) -> Write:
    """The rows of gold.model_comparison, under the start time of the MLflow run."""
    began = dt.datetime.fromtimestamp(record["trained_at"] // 1000, dt.UTC)
    versions = {record["chosen"][kind]: version for kind, version in record["versions"].items()}
    rows = [
        {
            **r,
            "trained_at": began,
            "test_on": dt.date.fromisoformat(r["test_on"]),
            "model_version": versions.get(r["model_name"], "-"),
            "data_set": context.settings.env,
            "horizon_days": context.settings.churn.primary_horizon_days,
        }
        for r in record["comparison"]
    ]
    table, frame = _frame(context, "gold.model_comparison", rows)
    return Write(table, frame, [began.isoformat(sep=" ")])


def _frame(context: Context, name: str, rows: list[Row]) -> tuple[Table, DataFrame]:
    """A few hundred rows as a frame with the columns of the table's contract."""
    table = context.table(name)
    values = [tuple(row.get(c) for c in table.column_names) for row in rows]
    return table, context.spark.createDataFrame(values, table.ddl)
