"""Customers called safe who left, at the newest scored date whose labels have matured."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from contracts.features import FEATURE_TABLES
from models.portable import PortableModel
from pipelines.monitoring.alert import WARNING, Alert
from pipelines.monitoring.performance import labels_of, matured_on
from runtime.context import Context
from runtime.lakehouse.writes import Write
from runtime.model_registry import Registered
from transforms.early_returns import scored_dates
from transforms.labels import purchase_days
from transforms.surprise_leavers import (
    last_purchases,
    last_terminations,
    surprise_leavers,
)
from transforms.training_rows import feature_rows
from transforms.visibility import keep_visible

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def leaver_writes(context: Context, champion: Registered | None) -> tuple[list[Write], list[Alert]]:
    """The write of gold.surprise_leavers and its alerts. Empty if no scored date has matured."""
    scored_on = newest_matured(context)
    if scored_on is None:
        return [], []
    leavers = context.lake.keep(leavers_of(context, scored_on, champion))
    table = context.table("gold.surprise_leavers")
    write = Write(table, leavers.select(*table.column_names), [scored_on])
    rates = leavers.select("promised_rate", "rate", "ci_low", "ci_high").limit(1).collect()
    return [write], [
        rate_alert(context, scored_on, r.asDict())
        for r in rates
        if r["ci_low"] > r["promised_rate"]
    ]


def newest_matured(context: Context) -> dt.date | None:
    """The newest scored date whose labels have matured by as_of."""
    if not context.has("gold.customer_scores"):
        return None
    dates = scored_dates(context.read("gold.customer_scores"), context.as_of).collect()
    matured = [r["as_of"] for r in dates if matured_on(context, r["as_of"]) <= context.as_of]
    return max(matured, default=None)


def leavers_of(context: Context, scored_on: dt.date, champion: Registered | None) -> DataFrame:
    """gold.surprise_leavers of one scored date."""
    features = feature_rows({name: context.slice(name, scored_on) for name in FEATURE_TABLES})
    names: list[str] = []
    if champion is not None:
        used = PortableModel.from_json(champion.portable).encoder.feature_names
        names = [name for name in used if name in features.columns]
    is_contract = context.settings.churn.definition == "termination"
    return surprise_leavers(
        context.slice("gold.customer_scores", scored_on),
        labels_of(context, scored_on).select("customer_id", "churned"),
        context.slice("gold.risk_factors", scored_on),
        features=features,
        ends=terminated(context) if is_contract else bought(context),
        model_features=names,
        ended="contract" if is_contract else "purchases",
    )


def bought(context: Context) -> DataFrame:
    """The last purchase of each customer that is known at as_of."""
    lines = keep_visible(context.read("silver.transactions"), "purchased_at", context.as_of)
    return last_purchases(purchase_days(lines))


def terminated(context: Context) -> DataFrame:
    """The last day of each contract that is known at as_of."""
    ends = keep_visible(context.read("silver.terminations"), "terminated_at", context.as_of)
    return last_terminations(ends)


def rate_alert(context: Context, scored_on: dt.date, rates: dict[str, float]) -> Alert:
    """More customers called safe left than calibration promised."""
    return Alert(
        context.as_of,
        "surprise_leavers",
        scored_on.isoformat(),
        WARNING,
        f"Of the customers called safe on {scored_on}, {rates['rate']:.1%} churned "
        f"({rates['ci_low']:.1%} to {rates['ci_high']:.1%}); {rates['promised_rate']:.1%} were "
        "expected.",
        "Read top_factors and null_features in gold.surprise_leavers: a feature that is mostly "
        "null is a source to fix. Then run train_churn.",
    )
