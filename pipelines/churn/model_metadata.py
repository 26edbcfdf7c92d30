"""What scoring must know beside a model: its dates, and the rate of customers who are too new."""

from __future__ import annotations

from typing import Any

from contracts.features import FEATURE_TABLES
from models.reasons import reason_features
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_registry import Registered

# Thirty like them make a rate; with fewer the rate of all is the better guess.
FEWEST_COLD = 30
# What a model's probability is of: its metadata, and where conf says the same in section churn.
MEANING = {
    "horizon_days": "primary_horizon_days",
    "lead_days": "lead_days",
    "definition": "definition",
}


def served_facts(context: Context, plan: Schedule, known: Any, horizon: int) -> dict[str, Any]:
    """The metadata of a model of that horizon (days). `known`: its rows before the test date."""
    settings = context.settings
    features = [c.name for t in FEATURE_TABLES for c in context.table(t).columns]
    return {
        "reason_features": reason_features(features, settings.training.reasons.features),
        "horizon_days": horizon,
        "lead_days": settings.churn.lead_days,
        "definition": settings.churn.definition,
        "cold_start_days": settings.training.cold_start_days,
        "cold_start_rate": cold_start_rate(known, settings.training.cold_start_days),
        "trained_on": [d.isoformat() for d in (*plan.train, plan.validation)],
        "tested_on": plan.test.isoformat(),
    }


def check_meaning(context: Context, model: Registered, outcome: str) -> None:
    """Raise ModelGateError where a registered model's probability is of something else than conf's.

    outcome: what was not done, a sentence.
    """
    from models.portable import PortableModel

    facts = PortableModel.from_json(model.portable).metadata
    asked = {fact: getattr(context.settings.churn, name) for fact, name in MEANING.items()}
    # Models registered before these facts were noted do not tell: they count as conf's.
    others = [
        f"churn.{MEANING[fact]} = {facts[fact]} (conf: {value})"
        for fact, value in asked.items()
        if facts.get(fact, value) != value
    ]
    if others:
        raise ModelGateError(
            f"{model.name} version {model.version} was taught with {', '.join(others)}: its "
            f"probability is of something else. {outcome} Set conf back, train under another "
            "mlflow.model_name, or roll back to a version that was taught as conf says."
        )


def cold_start_rate(known: Any, days: int) -> float:
    """The share that churned of customers known for less than so many days; without thirty of
    them, of all."""
    from pyspark.sql import functions as F

    is_cold = F.coalesce(F.col("tenure_days"), F.lit(0)) < days
    found = known.agg(
        F.avg("churned").alias("everyone"),
        F.avg(F.when(is_cold, F.col("churned"))).alias("cold"),
        F.count(F.when(is_cold, F.lit(1))).alias("count"),
    ).collect()[0]  # one row
    return float(found["cold"] if found["count"] >= FEWEST_COLD else found["everyone"])
