"""Train a fraud model, log it to MLflow and set its aliases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import mlflow
import pandas as pd

from models.fraud.features import CATEGORY, NUMERIC
from models.fraud.fitting import Fitted, Plan, fitted, is_better
from models.fraud.training import Capacity
from models.portable import PortableModel
from pipelines import fraud
from pipelines.fraud.payment_rows import micros, payments_between
from runtime.context import Context
from runtime.errors import TableError
from runtime.fingerprint import mark_of
from runtime.model_registry import CHALLENGER, CHAMPION, Registry
from runtime.run_info import code_version
from transforms.payments import labelled_before

PAYMENTS, LABELS = "silver.payments", "silver.fraud_labels"


def run(context: Context) -> None:
    """Train on the payments whose labels are complete at as_of; promote the model if better.

    Without enough labelled frauds an anomaly score is trained. A run with the same inputs,
    settings and code is skipped.
    """
    settings, say = context.settings.fraud, context.progress.say
    begin = context.as_of - dt.timedelta(settings.training_days)
    payments = payments_between(context, begin, context.as_of)
    if context.is_dry:
        return say(f"      would train on up to {len(payments):,} payments")
    registry = Registry(context.settings, settings.model_name)
    mark = fingerprint(context)
    finished = registry.finished_run(mark)
    if finished is not None:
        run_id = finished.info.run_id[:12]
        return say(f"      unchanged   skipped: run {run_id} trained on the same inputs")
    try:
        result = fitted(payments, labelled_frauds(context), plan_of(context))
    except ValueError as error:
        raise TableError(
            f"{PAYMENTS}: {error}. Ingest more payments, or shorten fraud.label_days or "
            "fraud.validation_days."
        ) from None
    register(context, registry, result, mark=mark)
    return None


def plan_of(context: Context) -> Plan:
    """The plan of conf at as_of."""
    conf = context.settings.fraud
    capacity = Capacity(conf.reviews_per_day, conf.validation_days, conf.block_precision)
    return Plan(
        as_of=micros(context.as_of),
        label_days=conf.label_days,
        validation_days=conf.validation_days,
        fewest_frauds=conf.fewest_frauds,
        capacity=capacity,
        seed=conf.seed,
    )


def labelled_frauds(context: Context) -> set[str]:
    """Ids of payments that are known as fraud before as_of. Reviews and chargebacks both count."""
    if not context.has(LABELS):
        return set()
    known = labelled_before(context.read(LABELS), micros(context.as_of))
    rows = known.where("is_fraud").select("payment_id")
    return {row["payment_id"] for row in rows.collect()}  # one per fraud


def fingerprint(context: Context) -> str:
    """Fingerprint of inputs, settings and code."""
    versions = {name: context.lake.content_version(name) for name in (PAYMENTS, LABELS)}
    conf = context.settings.fraud
    facts = {
        "job": "train_fraud",
        "as_of": context.as_of.isoformat(),
        "fraud": conf.model_dump(),
    }
    return mark_of(context, conf.model_name, versions, facts=facts)


def register(context: Context, registry: Registry, result: Fitted, *, mark: str) -> None:
    """Log the run, register a version, and move the aliases last."""
    conf = context.settings.fraud
    basis = result.model.metadata["basis"]
    champion = registry.by_alias(CHAMPION)
    before = None if champion is None else PortableModel.from_json(champion.portable)
    better = is_better(result, before)
    with mlflow.start_run(
        experiment_id=registry.experiment_id(), run_name=f"fraud-{context.as_of}"
    ) as active:
        mlflow.set_tags({"fingerprint": mark, "code": code_version(), "env": context.settings.env})
        mlflow.set_tags({"basis": basis, "is_promoted": str(better)})
        mlflow.log_params({k: str(v) for k, v in conf.model_dump().items()})
        mlflow.log_params({"as_of": context.as_of.isoformat(), "frauds": result.frauds})
        facts = result.model.metadata
        thresholds = {k: facts[k] for k in ("review_from", "block_from") if facts[k] is not None}
        mlflow.log_metrics({**result.metrics, **thresholds})
        mlflow.log_dict(context.run.inputs, "input_versions.json")
        example = example_of(result.model)
        version = registry.register(
            active.info.run_id,
            Path(fraud.__file__).with_name("fraud_pyfunc.py"),
            result.model.to_json(),
            example=example,
            answer=pd.DataFrame({"score": result.model.predict_proba(example)}),
            tags={"code": code_version(), "as_of": context.as_of.isoformat(), "basis": basis},
        )
        with context.leases.on(["models.fraud"]):
            registry.set_alias(CHALLENGER, version)
            if better:
                registry.promote(version)
    verdict = "promoted to champion" if better else "not promoted"
    context.progress.say(f"      {basis} trained with {result.frauds} frauds")
    context.progress.say(f"      version {version} {verdict}")


def example_of(model: PortableModel) -> pd.DataFrame:
    """Input of the served model for two made-up payments."""
    values = dict(model.encoder.categories)[CATEGORY] or (None,)
    numbers = {name: [0.0, 1.0] for name in NUMERIC}
    return pd.DataFrame({**numbers, CATEGORY: [values[0], values[-1]]})
