"""The metadata of a model: its dates, its definition of churn and the cold-start base rate."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from contracts.features import FEATURE_TABLES
from models.portable import PortableModel
from models.profit import CampaignEconomics, threshold_of_groups
from models.reasons import reason_features
from pipelines.churn.economics import campaign_economics
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_registry import Registered
from runtime.serving_models import refuse_other_meaning
from transforms.training_samples import cold_start_counts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# With fewer new customers than this, the churn rate of all customers is the better estimate.
FEWEST_COLD = 30


def served_facts(
    context: Context, plan: Schedule, known: DataFrame, *, horizon_days: int
) -> dict[str, Any]:
    """The metadata of a model of one horizon. `known`: its rows before the test date."""
    settings = context.settings
    features = [c.name for t in FEATURE_TABLES for c in context.table(t).columns]
    cold_rate = cold_start_rate(known, settings.training.cold_start_days)
    economics = campaign_economics(settings.training)
    return {
        "reason_features": reason_features(
            features, settings.training.reasons.features, settings.training.feature_families
        ),
        "horizon_days": horizon_days,
        "lead_days": settings.churn.lead_days,
        "definition": settings.churn.definition,
        "cold_start_days": settings.training.cold_start_days,
        "cold_start_rate": cold_rate,
        "cold_start_threshold": cold_start_threshold(cold_rate, economics),
        "trained_on": [d.isoformat() for d in plan.known_dates],
        "tested_on": plan.test.isoformat(),
    }


def check_meaning(context: Context, model: Registered, outcome: str) -> None:
    """Raise ModelGateError if a registered model has another horizon, lead or definition than conf.

    outcome: what was not done, as a sentence.
    """
    facts = PortableModel.from_json(model.portable).metadata
    refuse_other_meaning(context.settings.churn, model, facts, outcome=outcome)


def cold_start_rate(known: DataFrame, days: int) -> float:
    """The churn rate of customers known for less than `days`.

    If there are fewer than FEWEST_COLD of them, it is the churn rate of all customers.
    """
    counts = cold_start_counts(known, days).collect()[0]  # one row
    is_enough = counts["cold_rows"] >= FEWEST_COLD
    return float(counts["cold_rate"] if is_enough else counts["base_rate"])


def cold_start_threshold(rate: float, economics: CampaignEconomics) -> float:
    """The decision threshold of customers with the cold-start base rate.

    It is the rate itself if contacting all of them pays, else slightly above it.
    """
    one_group = np.array([rate])
    return threshold_of_groups(one_group, np.ones(1), one_group, economics=economics)


class NewerModelError(ModelGateError):
    """A registered model knows the labels that a run tests on."""


def check_untaught(
    context: Context, model: Registered, plan: Schedule, *, alias: str, outcome: str
) -> None:
    """Raise NewerModelError if a model was trained with labels of this run's test date.

    A model was trained only on labels whose horizon ended by its own test date. outcome: what was
    not done, as a sentence.
    """
    tested_on = PortableModel.from_json(model.portable).metadata["tested_on"]
    later = dt.date.fromisoformat(tested_on) - plan.test
    if later > dt.timedelta(0):
        raise NewerModelError(
            f"as_of {context.as_of}: the {alias}, version {model.version}, was trained with "
            f"labels up to {tested_on}, but this run tests on {plan.test}, so the {alias} knows "
            f"the test labels. {outcome} Use as_of {context.as_of + later} or later, or "
            "another mlflow.model_name."
        )
