"""Metrics of gold tables: what a BI tool may sum, count or average, and by which columns.

Expressions are SQL that Databricks and DuckDB both run. A measure is an aggregate.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.gold import CUSTOMER_SCORES, CUSTOMER_SEGMENTS
from contracts.gold_experiments import CAMPAIGN_RESULTS
from contracts.gold_models import MODEL_VALIDATIONS
from contracts.gold_monitoring import ALERTS
from contracts.gold_plans import OFFER_DECISIONS


@dataclass(frozen=True)
class Metric:
    """A dimension or a measure: its name, SQL expression and comment with the unit."""

    name: str
    expr: str
    comment: str


@dataclass(frozen=True)
class MetricView:
    """One metric view of Unity Catalog over one table. `condition`: the rows that count, in SQL.

    dimensions: columns of the table, with their own comments.
    """

    name: str
    comment: str
    source: str
    dimensions: tuple[str, ...]
    measures: tuple[Metric, ...]
    condition: str = ""


RETENTION = MetricView(
    name="gold.retention_metrics",
    comment="Risk and value of the customers who can still be kept. Use one as_of, or group by it.",
    source=CUSTOMER_SCORES.name,
    dimensions=("as_of", "risk_level", "main_reason", "score_basis", "model_version"),
    measures=(
        Metric("customers", "COUNT(*)", "Scored customers"),
        Metric(
            "customers_at_risk",
            "SUM(churn_prediction)",
            "Customers with predicted churn (churn_prediction 1): a contact is expected to pay",
        ),
        Metric("at_risk_share", "AVG(churn_prediction)", "Share of customers at risk, 0 to 1"),
        Metric("mean_churn_probability", "AVG(churn_probability)", "Mean probability, 0 to 1"),
        Metric("value_at_stake", "SUM(value_at_stake)", "12-month value if they stay, currency"),
        Metric(
            "expected_loss",
            "SUM(churn_probability * value_at_stake)",
            "Value that is expected to leave within the horizon, currency",
        ),
    ),
)

SEGMENTS = MetricView(
    name="gold.segment_metrics",
    comment="Size and revenue of the segments. Use one as_of, or group by it.",
    source=CUSTOMER_SEGMENTS.name,
    dimensions=("as_of", "segment", "segment_group", "lifecycle"),
    measures=(
        Metric("customers", "COUNT(*)", "Known customers"),
        Metric(
            "active_share",
            "AVG(CASE WHEN lifecycle = 'active' THEN 1.0 ELSE 0.0 END)",
            "Share of active customers, 0 to 1",
        ),
        Metric("revenue", "SUM(monetary)", "Net revenue in the RFM window, currency"),
    ),
)

OFFERS = MetricView(
    name="gold.offer_metrics",
    comment="The plan that is sent. Use one as_of, or group by it.",
    source=OFFER_DECISIONS.name,
    dimensions=("as_of", "campaign_id", "offer_id", "timing", "policy", "no_offer_reason"),
    measures=(
        Metric("customers", "COUNT(*)", "Customers who were decided on"),
        Metric(
            "offers",
            "COUNT(CASE WHEN offer_id IS NOT NULL AND NOT is_held_out THEN 1 END)",
            "Offers that are sent",
        ),
        Metric(
            "held_out",
            "COUNT(CASE WHEN offer_id IS NOT NULL AND is_held_out THEN 1 END)",
            "Customers of the control group",
        ),
        Metric(
            "expected_cost",
            "SUM(CASE WHEN NOT is_held_out THEN expected_cost END)",
            "Expected cost of the offers that are sent, currency",
        ),
        Metric(
            "expected_gain",
            "SUM(CASE WHEN NOT is_held_out THEN expected_gain END)",
            "Expected net value of the offers that are sent, currency",
        ),
    ),
)

CAMPAIGNS = MetricView(
    name="gold.campaign_metrics",
    comment="Measured conversion of offers against their control groups.",
    source=CAMPAIGN_RESULTS.name,
    dimensions=("campaign_id", "policy", "offer_id", "month"),
    condition="metric = 'conversion' AND segment = 'all'",
    measures=(
        Metric("treated", "SUM(treated)", "Customers who were sent the offer"),
        Metric("held_out", "SUM(held_out)", "Customers of the control group"),
        Metric(
            "extra_conversions",
            "SUM(effect * treated)",
            "Conversions that the offer caused: effect times treated customers",
        ),
        Metric(
            "mean_effect",
            "SUM(effect * treated) / NULLIF(SUM(treated), 0)",
            "Effect per treated customer, difference of two shares",
        ),
    ),
)

ALERT_COUNTS = MetricView(
    name="gold.alert_metrics",
    comment="Alerts of monitoring.",
    source=ALERTS.name,
    dimensions=("as_of", "severity", "source"),
    measures=(
        Metric("alerts", "COUNT(*)", "Alerts"),
        Metric(
            "unsent",
            "COUNT(CASE WHEN sent_to IS NULL THEN 1 END)",
            "Alerts that no sink has accepted yet",
        ),
    ),
)

GATE = MetricView(
    name="gold.model_gate_metrics",
    comment="Checks of challengers before a deployment.",
    source=MODEL_VALIDATIONS.name,
    dimensions=("tested_on", "model_name", "model_version", "champion_version", "check_name"),
    measures=(
        Metric("checks", "COUNT(*)", "Checks"),
        Metric("failed_checks", "COUNT(CASE WHEN NOT is_passed THEN 1 END)", "Checks that failed"),
        Metric(
            "refused_models",
            "COUNT(DISTINCT CASE WHEN NOT is_accepted THEN comparison END)",
            "Comparisons that ended with a refusal",
        ),
    ),
)

METRIC_VIEWS = (RETENTION, SEGMENTS, OFFERS, CAMPAIGNS, ALERT_COUNTS, GATE)
