"""Gold: what BI tools read. Flat, commented, no NaN; a `_latest` view where there is an as_of."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.gold_lifetime import GOLD_LIFETIME, OF_SCORES
from contracts.silver import CUSTOMER_ID, REASONS
from contracts.table import Column, Table

_KEY = ("as_of", "customer_id")

CUSTOMER_SCORES = Table(
    name="gold.customer_scores",
    row="One customer who can still be kept (active or silent at as_of), with the risk of leaving.",
    key=_KEY,
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("horizon_days", "int", "Days within which the customer may leave", False),
        Column(
            "churn_probability", "double", "Probability of no purchase within the horizon", False
        ),
        Column(
            "churn_prediction",
            "int",
            "1: churn_probability at or above the model's threshold",
            False,
        ),
        Column("risk_level", "string", "Band of churn_probability, as conf names them", False),
        Column("confidence_score", "double", "|p - 0.5| * 2: 0 undecided, 1 certain", False),
        Column(
            "recommended_actions", "string", "Actions whose rule fired, parted by '; '; null: none"
        ),
        Column(
            "top_risk_factor", "string", "The feature that raises the risk most; null: none known"
        ),
        *OF_SCORES,
        Column(
            "main_reason",
            "string",
            f"The likeliest of {', '.join(REASONS)}; null: nothing raises the risk, or no model",
        ),
        Column(
            "reason_basis",
            "string",
            "named (by the customer, in an exit survey since the last purchase), labelled (from "
            "what other leavers named) or shap_families; null: no main_reason",
        ),
        Column("model_name", "string", "Learner of the champion; null under score_basis rule"),
        Column("model_version", "string", "Version in the registry; null under score_basis rule"),
        Column(
            "score_basis",
            "string",
            "model, cold_start (history too short) or rule (no champion)",
            False,
        ),
    ),
)

RISK_FACTORS = Table(
    name="gold.risk_factors",
    row="One of the five features that move a customer's risk most, by exact SHAP value.",
    key=(*_KEY, "rank"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("rank", "int", "1: the largest |impact|", False),
        Column("feature", "string", "Name of the feature", False),
        Column("value", "string", "The customer's value as text; null: unknown"),
        Column(
            "impact",
            "double",
            "SHAP value in log-odds of churn, a random forest's in probability; above 0 raises the "
            "risk",
            False,
        ),
        Column("direction", "string", "increase or decrease of the risk", False),
    ),
)

CUSTOMER_SEGMENTS = Table(
    name="gold.customer_segments",
    row="One known customer at as_of, in exactly one of the twelve segments.",
    key=_KEY,
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("lifecycle", "string", "active, silent, lost, prospect or terminated", False),
        Column("recency_days", "bigint", "Days since the last purchase day; null: no purchase"),
        Column("frequency", "bigint", "Purchases in the RFM window", False),
        Column("monetary", "double", "Net revenue in the RFM window, currency", False),
        Column(
            "r_score", "int", "1 to 5, 5 the most recent; null for lost customers and prospects"
        ),
        Column(
            "f_score", "int", "1 to 5, 5 the most frequent; null for lost customers and prospects"
        ),
        Column(
            "m_score", "int", "1 to 5, 5 the most revenue; null for lost customers and prospects"
        ),
        Column("rfm_score", "string", "The three digits; null for lost customers and prospects"),
        Column("rfm_priority", "double", "Weighted sum of the three scores; null likewise"),
        Column("segment", "string", "One of twelve", False),
        Column("segment_group", "string", "Roll-up of the segment", False),
        Column("engagement_score", "double", "0 to 1; null: no source of engagement"),
        Column("engagement_basis", "string", "The components behind engagement_score; null: none"),
        Column(
            "clv_score", "double", "Rule of thumb for lifetime value, currency; null: no tenure"
        ),
        Column(
            "high_risk_churn",
            "boolean",
            "The rule flag: long silent, little engaged, many tickets",
            False,
        ),
    ),
)

SEGMENT_MIGRATION = Table(
    name="gold.segment_migration",
    row="How many customers went from one segment to another between two as_of dates.",
    key=("as_of", "previous_as_of", "from_segment", "to_segment"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column(
            "previous_as_of", "date", "The as_of before, of those in gold.customer_segments", False
        ),
        Column("from_segment", "string", "Segment then; New customer: not known then", False),
        Column("to_segment", "string", "Segment now", False),
        Column("customers", "bigint", "Customers who took this way", False),
        Column(
            "revenue_12m", "double", "Their net revenue in the RFM window at as_of, currency", False
        ),
    ),
)

MODEL_COMPARISON = Table(
    name="gold.model_comparison",
    row="One metric of one model on one set of customers and dates.",
    key=(
        "trained_at",
        "model_name",
        "model_version",
        "data_set",
        "population",
        "horizon_days",
        "split",
        "metric",
    ),
    slice_by="trained_at",
    columns=(
        Column("trained_at", "timestamp", "When the training run began (UTC)", False),
        Column("model_name", "string", "Learner, baseline, or the champion at the time", False),
        Column(
            "model_version",
            "string",
            "Version in the registry; '-' for what is not registered",
            False,
        ),
        Column("data_set", "string", "The environment that the data came from", False),
        Column(
            "population", "string", "all, or active_90d (a purchase in the last 90 days)", False
        ),
        Column("horizon_days", "int", "Horizon of the label, days", False),
        Column(
            "split",
            "string",
            "train, validation or test; validation too where a further horizon's own test date had "
            "a part in choosing learner and parameters, which are those of the primary horizon",
            False,
        ),
        Column(
            "metric",
            "string",
            "Name as in scikit-learn; ..._threshold_half, ..._threshold_f1: at .5, and where F1 is "
            "best; roc_auc_difference: less that of the champion at the time, else of the learner "
            "chosen, with an interval paired by customer: it counts only where that excludes zero; "
            "calibration_<tenth>_predicted, _observed: mean probability and share that left in a "
            "tenth of the customers, 1 the lowest probabilities",
            False,
        ),
        Column("value", "double", "Value of the metric; null: undefined here"),
        Column("ci_low", "double", "Lower end of the 95 % bootstrap interval; null: none computed"),
        Column(
            "ci_high", "double", "Upper end of the 95 % bootstrap interval; null: none computed"
        ),
    ),
)

FEATURE_SETS = Table(
    name="gold.feature_sets",
    row="One metric of the chosen learner on a set of features, measured on the validation date.",
    key=("trained_at", "model_name", "feature_set", "metric"),
    slice_by="trained_at",
    columns=(
        Column("trained_at", "timestamp", "When the training run began (UTC)", False),
        Column("model_name", "string", "Learner", False),
        Column("model_version", "string", "Version in the registry of that run", False),
        Column("data_set", "string", "The environment that the data came from", False),
        Column(
            "feature_set",
            "string",
            "all, selected (the strongest by SHAP), or without_<family>",
            False,
        ),
        Column(
            "metric",
            "string",
            "features (how many), roc_auc, average_precision, brier, or roc_auc_difference to all",
            False,
        ),
        Column("value", "double", "Value of the metric; null: undefined here"),
        Column("ci_low", "double", "Lower end of the 95 % bootstrap interval; null: none computed"),
        Column(
            "ci_high", "double", "Upper end of the 95 % bootstrap interval; null: none computed"
        ),
    ),
)

CHURN_REASONS = Table(
    name="gold.churn_reasons",
    row="How likely one reason is that of one customer who can still be kept.",
    key=(*_KEY, "reason"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("reason", "string", f"One of {', '.join(REASONS)}", False),
        Column(
            "probability",
            "double",
            "named: 1 for the reason that the customer gave; labelled: that a leaver like this "
            "names it; shap_families: the share of the risk that would go without the push of its "
            "features",
            False,
        ),
        Column("reason_basis", "string", "named, labelled or shap_families", False),
    ),
)

CHURN_BY_HORIZON = Table(
    name="gold.churn_by_horizon",
    row="The risk of one customer who can still be kept, within one horizon.",
    key=(*_KEY, "horizon_days"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("horizon_days", "int", "Days within which the customer may leave", False),
        Column(
            "churn_probability",
            "double",
            "Probability of churn within the horizon; the primary one as in customer_scores",
            False,
        ),
    ),
)

GOLD = (
    CUSTOMER_SCORES,
    RISK_FACTORS,
    CHURN_BY_HORIZON,
    CHURN_REASONS,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATION,
    MODEL_COMPARISON,
    FEATURE_SETS,
    *GOLD_LIFETIME,
)
