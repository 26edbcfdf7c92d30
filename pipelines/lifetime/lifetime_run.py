"""What a lifetime run writes down in MLflow, and its tables made again from that record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from models.survival.worth import SurvivalWorth
from pipelines import lifetime
from pipelines.lifetime.btyd_fits import Fits
from pipelines.lifetime.survival_fits import Staying
from runtime.context import Context
from runtime.fingerprint import mark_of
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHAMPION, Registry
from runtime.run_info import code_version

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
    return mark_of(context, settings.lifetime.registered_model, versions, facts)


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


def register(
    context: Context,
    registry: Registry,
    run_id: str,
    found: Fits,
    staying: Staying,
) -> dict[str, str]:
    """The versions registered, by kind of model (btyd, survival)."""
    import mlflow

    versions: dict[str, str] = {}
    served = Path(lifetime.__file__).with_name("lifetime_pyfunc.py")
    model = found.model
    if model is not None:
        given = (served, model.to_json(), EXAMPLE, model.predict(EXAMPLE))
        others = {f"lifetime_{n}": m.to_json() for n, m in found.others.items()}
        versions["btyd"] = _registered(context, registry, run_id, given, others)
        mlflow.set_tags({"version": versions["btyd"], "chosen": model.name})
    if staying.model is not None:
        # A run of its own: a run holds one portable model.
        name, where = f"survival-{context.as_of}", registry.experiment_id()
        own = Registry(context.settings, context.settings.lifetime.survival.registered_model)
        with mlflow.start_run(experiment_id=where, run_name=name, nested=True) as active:
            example = example_of(staying.model)
            given = (served, staying.model.to_json(), example, staying.model.predict(example))
            others = {f"survival_{n}": m.to_json() for n, m in staying.others.items()}
            versions["survival"] = _registered(context, own, active.info.run_id, given, others)
            mlflow.set_tags({"version": versions["survival"], "chosen": staying.model.kind})
    return versions


def _registered(
    context: Context,
    registry: Registry,
    run_id: str,
    given: tuple[Path, str, pd.DataFrame, pd.DataFrame],
    further: Mapping[str, str] | None = None,
) -> str:
    """A version in the registry; champion, unless the one there knows a later date."""
    tags = {"code": code_version(), "as_of": context.as_of.isoformat()}
    version = registry.register(run_id, *given, tags, further)
    champion = registry.by_alias(CHAMPION)
    if champion is None or champion.tags.get("as_of", "") <= context.as_of.isoformat():
        registry.promote(version)
    return version


def example_of(model: SurvivalWorth) -> pd.DataFrame:
    """Two customers as the served model takes them: a frequent buyer and one of whom little is
    known."""
    features = {name: [1.0, 1.0] for name in model.life.encoder.feature_names}
    past = {
        f"past_{what}_{w}": [float(w) / 10, 0.0]
        for what in ("value", "days")
        for w in model.purchases.windows
    }
    known = {"entry_days": [300.0, 40.0], "frequency": [30.0, 0.0], "T_days": [299.0, 39.0]}
    return pd.DataFrame({**known, "monetary_value": [20.0, 0.0], **past, **features})


def has_later_run(context: Context) -> bool:
    """Whether a later as_of was fitted: its back-test of the same cuts, which knows more, stays."""
    if not context.has("gold.customer_lifetime"):
        return False
    later = context.read("gold.customer_lifetime").where(f"as_of > DATE'{context.as_of}'")
    return bool(later.take(1))


def writes_of(context: Context, record: dict[str, Any]) -> list[Write]:
    """gold.lifetime_models, clv_backtest and model_comparison of a record."""
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
        began = dt.datetime.fromtimestamp(record["trained_at"] // 1000, dt.UTC).replace(tzinfo=None)
        version_of = {
            record["chosen"][kind]: version for kind, version in record["versions"].items()
        }
        compared = [
            {
                **r,
                "trained_at": began,
                "model_version": version_of.get(r["model_name"], "-"),
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
