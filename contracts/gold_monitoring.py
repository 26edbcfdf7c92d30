"""Gold tables of monitoring: drift, model performance, surprise leavers, promises and alerts."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

DRIFT = Table(
    name="gold.drift",
    row="One row per feature, prediction or source table, and statistic.",
    key=("as_of", "feature", "statistic"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column(
            "feature",
            "string",
            "Feature of the champion, churn_probability, or a silver table",
            False,
        ),
        Column(
            "statistic",
            "string",
            "Of numbers: psi, wasserstein (in standard deviations of the training sample), "
            "out_of_range_share. Of texts: psi, total_variation, new_category_share. Of both: "
            "missing_share (minus that of the training sample). Of a silver table: freshness_days, "
            "volume_ratio (rows of the last window, divided by the mean of the windows before)",
            False,
        ),
        Column("value", "double", "Value of the statistic; null: undefined, as without any row"),
        Column("threshold", "double", "monitoring in conf; an alert needs a value beyond it"),
        Column(
            "p_value",
            "double",
            "Probability of such a difference without drift, corrected for all rows of as_of "
            "(Holm); null: not tested",
        ),
        Column(
            "is_alert",
            "boolean",
            "True: the value is beyond the threshold, and p_value is below "
            "monitoring.false_alarm_rate or null",
            False,
        ),
        Column("rows", "bigint", "Customers or rows that the value was computed from", False),
        Column("model_version", "string", "Version of the champion; null: a silver table"),
    ),
)

MODEL_PERFORMANCE = Table(
    name="gold.model_performance",
    row="One row per scored date, basis and metric of the champion, as known at as_of.",
    key=("as_of", "scored_on", "basis", "metric"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("scored_on", "date", "as_of of the scores in gold.customer_scores", False),
        Column(
            "basis",
            "string",
            "estimated (the horizon has not passed: purchases so far and calibrated "
            "probabilities) or realised (labels)",
            False,
        ),
        Column("metric", "string", "roc_auc, brier or churn_rate", False),
        Column("customers", "bigint", "Scored customers", False),
        Column("value", "double", "Value of the metric; null: it cannot be told"),
        Column("ci_low", "double", "Lower bound of the interval (90 % estimated, 95 % realised)"),
        Column("ci_high", "double", "Upper bound of the interval"),
        Column(
            "reference_value",
            "double",
            "Value on the test date of the training run (churn_rate: mean probability); null: "
            "unknown",
        ),
        Column(
            "verdict",
            "string",
            "fine; fallen: the whole interval is worse than reference_value by "
            "monitoring.relative_fall or more; not judged (churn_rate); or cannot be told, with "
            "the reason",
            False,
        ),
    ),
)

SURPRISE_LEAVERS = Table(
    name="gold.surprise_leavers",
    row="One row per customer whose probability was below the decision threshold and who churned.",
    key=("as_of", "customer_id"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("churn_probability", "double", "Probability at as_of", False),
        Column("risk_level", "string", "Risk level at as_of", False),
        Column(
            "left_on",
            "date",
            "inactivity: day of the last purchase known at the end of the horizon; termination: "
            "day on which the contract ended; null: unknown",
        ),
        Column("ended", "string", "What ended: purchases or contract", False),
        Column(
            "top_factors",
            "string",
            "The features with the largest |SHAP| at as_of, with their values, separated by '; '; "
            "null: no model scored the customer",
        ),
        Column(
            "null_features",
            "string",
            "Features of the model that were null at as_of, separated by ', '; null: none",
        ),
        Column(
            "promised_rate",
            "double",
            "Mean probability of the customers below the threshold at as_of",
            False,
        ),
        Column("rate", "double", "Share of these customers who churned", False),
        Column("ci_low", "double", "Lower bound of the 95 % interval of rate (Wilson)", False),
        Column("ci_high", "double", "Upper bound of the 95 % interval of rate (Wilson)", False),
    ),
)

DECISION_LEDGER = Table(
    name="gold.decision_ledger",
    row="One row per decision of a plan for a customer: offer sent, or control group.",
    key=("as_of", "decision_id"),
    slice_by="as_of",
    columns=(
        Column("decision_id", "string", "Hash of campaign, customer and offer", False),
        AS_OF,
        CUSTOMER_ID,
        Column("campaign_id", "string", "Campaign of the plan", False),
        Column("policy", "string", "personalised or mass", False),
        Column("offer_id", "string", "Offer in conf/offers.yaml", False),
        Column("segment", "string", "Segment at the decision", False),
        Column(
            "promised_value",
            "double",
            "Reduction of the churn probability that the plan assumed; null: unknown",
        ),
        Column("is_held_out", "boolean", "True: control group, no offer was sent", False),
        Column(
            "outcome_value",
            "double",
            "1: the customer bought within the horizon, 0: not; null: not known yet",
        ),
        Column(
            "outcome_known_at", "timestamp", "00:00 of the first day with a complete outcome", False
        ),
    ),
)

PROMISE_RESULTS = Table(
    name="gold.promise_results",
    row="One row per campaign, offer, segment and month: promised and measured value.",
    key=("campaign_id", "offer_id", "segment", "month"),
    columns=(
        Column("campaign_id", "string", "Campaign of the plan; all: every campaign", False),
        Column("offer_id", "string", "Offer in conf/offers.yaml", False),
        Column("segment", "string", "Segment at the decision; all: every segment", False),
        Column("month", "string", "Month of the plan, such as 2018-01", False),
        Column("treated", "bigint", "Customers who were sent the offer", False),
        Column("held_out", "bigint", "Customers of the control group", False),
        Column(
            "promised_value",
            "double",
            "Mean promised reduction of churn, shrunk to what past campaigns kept; null: unknown",
        ),
        Column("measured_value", "double", "Retained share, treated minus control; null: no test"),
        Column("ci_low", "double", "Lower bound of the 95 % interval of measured_value"),
        Column("ci_high", "double", "Upper bound of the 95 % interval of measured_value"),
        Column("anytime_p_value", "double", "Always-valid p-value of measured below promised"),
        Column(
            "smallest_decay",
            "double",
            "Smallest shortfall that would be found 4 times in 5; null: too few to tell",
        ),
        Column(
            "is_kept",
            "boolean",
            "False: measured_value is significantly below promised_value; null: too few to tell",
        ),
    ),
)

ALERTS = Table(
    name="gold.alerts",
    row="One row per alert of a monitoring run.",
    key=("as_of", "alert_id"),
    slice_by="as_of",
    columns=(
        Column("alert_id", "string", "Hash of as_of, source and subject", False),
        AS_OF,
        Column("raised_at", "timestamp", "When the alert was first raised (UTC)", False),
        Column("severity", "string", "warning or critical", False),
        Column(
            "source",
            "string",
            "drift, data, performance, promise, surprise_leavers or test",
            False,
        ),
        Column("message", "string", "What happened, with the value and the threshold", False),
        Column("what_to_do", "string", "The next step for a person", False),
        Column(
            "sent_to",
            "string",
            "Sinks that accepted the alert, separated by ', '; null: none yet, the next run of "
            "the date tries again",
        ),
    ),
)

GOLD_MONITORING = (
    DRIFT,
    MODEL_PERFORMANCE,
    SURPRISE_LEAVERS,
    DECISION_LEDGER,
    PROMISE_RESULTS,
    ALERTS,
)
