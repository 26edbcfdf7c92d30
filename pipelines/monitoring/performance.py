"""Performance of the scores: estimated before labels have matured, then realised."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from models.early_performance import (
    FALLEN,
    METRICS,
    Cells,
    Early,
    Estimate,
    Returns,
    estimated,
    realised,
    verdict,
)
from pipelines.monitoring.alert import CRITICAL, Alert
from runtime.context import Context
from runtime.model_registry import Registered
from transforms.early_returns import (
    matured_returns,
    probability_cells,
    realised_cells,
    scored_dates,
    value_band,
    with_first_return,
)
from transforms.labels import inactivity_labels, purchase_days, termination_labels
from transforms.visibility import keep_visible

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# Last value of each band but the last one: days since the last purchase, and purchases in the RFM
# window. Frequent buyers return sooner: with bands of recency alone, the returns of a correct model
# contradicted it in 18 of 40 simulated companies of 5,000 customers; with both in none.
RECENCY, FREQUENCY = (3, 7, 14, 30, 60), (2, 5, 10, 20)
# Matured dates that S(d) is measured on.
PAST_DATES = 3
SEED = 20180101


def matured_on(context: Context, scored_on: dt.date) -> dt.date:
    """The first as_of on which the labels of scores are final."""
    churn = context.settings.churn
    days = churn.lead_days + churn.primary_horizon_days + churn.label_wait_days
    return scored_on + dt.timedelta(days=days)


def performance(context: Context, champion: Registered | None) -> list[dict[str, Any]]:
    """Rows of gold.model_performance, without as_of.

    Realised for the newest scored date whose labels have matured; estimated for the newest one that
    is at least monitoring.early_days old and has not matured.
    """
    if not context.has("gold.customer_scores"):
        return []
    scores = context.read("gold.customer_scores")
    # One row per scored date.
    dates = [r["as_of"] for r in scored_dates(scores, context.as_of).collect()]
    matured = [d for d in dates if matured_on(context, d) <= context.as_of]
    early = dt.timedelta(days=context.settings.monitoring.early_days)
    young = [d for d in dates if d not in matured and d + early <= context.as_of]
    references = reference_values(context, champion)
    rows: list[dict[str, Any]] = []
    if matured:
        rows += realised_rows(context, max(matured), references)
    if young:
        rows += estimated_rows(context, max(young), references)
    return rows


def reference_values(context: Context, champion: Registered | None) -> dict[str, float]:
    """ROC AUC and Brier score of the champion on its test date, active and silent customers."""
    if champion is None or not context.has("gold.model_comparison"):
        return {}
    rows = context.read("gold.model_comparison").where(
        f"model_version = '{champion.version}' AND split = 'test' AND population = 'active_90d' "
        f"AND horizon_days = {context.settings.churn.primary_horizon_days} "
        "AND metric IN ('roc_auc', 'brier')"
    )
    # Two metrics per learner and training run.
    newest = sorted(rows.collect(), key=lambda r: (r["trained_at"], r["test_on"]))
    return {r["metric"]: r["value"] for r in newest}


def labels_of(context: Context, scored_on: dt.date) -> DataFrame:
    """customer_id, as_of and churned of the scores of one date, as known at as_of."""
    churn = context.settings.churn
    transactions = keep_visible(context.read("silver.transactions"), "purchased_at", context.as_of)
    population = context.slice("gold.customer_scores", scored_on).select("customer_id", "as_of")
    is_contract = churn.definition == "termination"
    events = context.read("silver.terminations") if is_contract else purchase_days(transactions)
    labelled = termination_labels if is_contract else inactivity_labels
    made = labelled(
        events,
        population,
        [churn.primary_horizon_days],
        lead_days=churn.lead_days,
        wait_days=churn.label_wait_days,
        observed_until=context.as_of,
    )
    return made.select("customer_id", "as_of", "churned")


def realised_rows(
    context: Context, scored_on: dt.date, references: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The metrics of matured labels."""
    scores = context.slice("gold.customer_scores", scored_on).select(
        "customer_id", "as_of", "churn_probability"
    )
    labelled = scores.join(
        labels_of(context, scored_on), on=["customer_id", "as_of"], how="inner"
    ).select("churn_probability", "churned")
    # At most 1,000 cells.
    cells = [r.asDict() for r in realised_cells(labelled).collect()]
    p, churned, stayed = (
        np.array([float(c[name]) for c in cells]) for name in ("probability", "churned", "stayed")
    )
    metrics = realised(p, churned, stayed, seed=SEED)
    if cells:
        total = churned + stayed
        references = {**references, "churn_rate": float((p * total).sum() / total.sum())}
    missing = "all customers churned, or none"
    customers = int(churned.sum() + stayed.sum())
    return list(
        _rows(
            context,
            scored_on,
            "realised",
            Early(metrics, "" if metrics else missing),
            references=references,
            customers=customers,
        )
    )


def estimated_rows(
    context: Context, scored_on: dt.date, references: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The metrics that are estimated from the purchases so far."""
    churn = context.settings.churn
    passed = (context.as_of - scored_on).days - churn.lead_days
    scores = context.slice("gold.customer_scores", scored_on)
    if churn.definition != "inactivity":
        early = Early({}, "an estimate needs purchases, but churn is a termination")
        return list(
            _rows(
                context,
                scored_on,
                "estimated",
                early,
                references=references,
                customers=scores.count(),
            )
        )
    days = context.lake.keep(
        purchase_days(
            keep_visible(context.read("silver.transactions"), "purchased_at", context.as_of)
        )
    )
    cells = cells_of(context, scores, days, after_days=passed)
    returns = returns_before(context, days, after_days=passed)
    early = estimated(
        cells, returns, calibration_error=context.settings.monitoring.calibration_error, seed=SEED
    )
    customers = int(cells.customers.sum())
    if customers:
        mean = float((cells.probability * cells.customers).sum() / customers)
        references = {**references, "churn_rate": mean}
    return list(
        _rows(context, scored_on, "estimated", early, references=references, customers=customers)
    )


def bands() -> Column:
    """The band of recency_days and frequency, from 0 on: frequency changes first."""
    return value_band("recency_days", RECENCY) * (len(FREQUENCY) + 1) + value_band(
        "frequency", FREQUENCY
    )


def cells_of(context: Context, scores: DataFrame, days: DataFrame, *, after_days: int) -> Cells:
    """The scored customers of one date as cells."""
    churn = context.settings.churn
    segments = context.read("gold.customer_segments")
    recency = segments.select("customer_id", "as_of", "recency_days", "frequency")
    banded = scores.select("customer_id", "as_of", "churn_probability").join(
        recency, on=["customer_id", "as_of"], how="inner"
    )
    banded = banded.select(
        "customer_id",
        "as_of",
        "churn_probability",
        bands().alias("band"),
    )
    seen = with_first_return(
        banded, days, lead_days=churn.lead_days, horizon_days=churn.primary_horizon_days
    )
    # At most 1,000 bins x 30 bands.
    rows = [r.asDict() for r in probability_cells(seen, after_days).collect()]
    p, waiting, returned = (
        np.array([float(r[name]) for r in rows]) for name in ("probability", "waiting", "returned")
    )
    return Cells(p, waiting, returned, np.array([r["band"] for r in rows], dtype=np.int64))


def returns_before(context: Context, days: DataFrame, *, after_days: int) -> Returns:
    """The matured returners of the newest PAST_DATES dates, by recency band."""
    churn = context.settings.churn
    ends = churn.lead_days + churn.primary_horizon_days
    until = context.as_of - dt.timedelta(days=ends)
    rows = context.read("gold.customer_segments")
    # One row per date.
    dates = sorted(r["as_of"] for r in scored_dates(rows, until).collect())[-PAST_DATES:]
    shape = (len(RECENCY) + 1, len(FREQUENCY) + 1)
    counts = np.zeros((2, shape[0] * shape[1]))
    if dates:
        listed = ", ".join(f"DATE'{d}'" for d in dates)
        past = rows.where(f"as_of IN ({listed}) AND lifecycle IN ('active', 'silent')").select(
            "customer_id", "as_of", bands().alias("band")
        )
        seen = with_first_return(
            past, days, lead_days=churn.lead_days, horizon_days=churn.primary_horizon_days
        )
        # At most 30 bands.
        for row in matured_returns(seen, after_days).collect():
            counts[:, row["band"]] = row["returners"], row["later"]
    return Returns.pooled(counts[0].reshape(shape), counts[1].reshape(shape))


def _rows(
    context: Context,
    scored_on: dt.date,
    basis: str,
    early: Early,
    *,
    references: Mapping[str, float],
    customers: int,
) -> Iterator[dict[str, Any]]:
    for metric in METRICS:
        value: Estimate | None = early.estimates.get(metric)
        reference = references.get(metric)
        fall = context.settings.monitoring.relative_fall
        yield {
            "scored_on": scored_on,
            "basis": basis,
            "metric": metric,
            "customers": customers,
            "value": value and value.value,
            "ci_low": value and value.low,
            "ci_high": value and value.high,
            "reference_value": reference,
            "verdict": verdict(metric, value, reference, fall=fall)
            if value
            else f"cannot be told: {early.reason}",
        }


def performance_alerts(context: Context, rows: list[dict[str, Any]]) -> list[Alert]:
    """One alert per metric that has fallen, and one if the newest scores contradict returns."""
    alerts = [
        Alert(
            context.as_of,
            "performance",
            f"{r['basis']} {r['metric']} of {r['scored_on']}",
            CRITICAL,
            f"{r['basis']} {r['metric']} of the scores of {r['scored_on']} is {r['value']:.3f} "
            f"({r['ci_low']:.3f} to {r['ci_high']:.3f}); it was {r['reference_value']:.3f} on the "
            f"test date (monitoring.relative_fall {context.settings.monitoring.relative_fall:g}).",
            "Look at gold.drift for a broken source. Then run train_churn; if the new model is not "
            "better, stop campaigns that rely on the scores.",
        )
        for r in rows
        if r["verdict"] == FALLEN
    ]
    doubted = [r for r in rows if r["basis"] == "estimated" and "contradict" in r["verdict"]]
    if doubted:
        alerts.append(
            Alert(
                context.as_of,
                "performance",
                f"returns of {doubted[0]['scored_on']}",
                CRITICAL,
                f"The customers who bought since {doubted[0]['scored_on']} contradict the churn "
                "probabilities of that date, so the performance of the model cannot be told.",
                "Look at gold.drift for a broken source or a campaign. Run train_churn as soon as "
                "labels of these weeks have matured.",
            )
        )
    return alerts
