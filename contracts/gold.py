"""Gold: the tables for BI tools. Flat, no NaN. A table with an as_of has a `_latest` view."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.gold_lifetime import GOLD_LIFETIME, OF_SCORES
from contracts.gold_models import FEATURE_SETS, MODEL_COMPARISON, MODEL_VALIDATIONS
from contracts.silver import CUSTOMER_ID, REASONS, UNKNOWN_REASON
from contracts.table import Column, Table

_KEY = ("as_of", "customer_id")

CUSTOMER_SCORES = Table(
    name="gold.customer_scores",
    row="One row per retainable customer (active or silent at as_of), with their churn risk.",
    key=_KEY,
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("horizon_days", "int", "Length of the churn horizon in days", False),
        Column("churn_probability", "double", "Probability of churn within the horizon", False),
        Column(
            "churn_prediction",
            "int",
            "1: churn_probability is at or above decision_threshold, else 0",
            False,
        ),
        Column(
            "decision_threshold",
            "double",
            "Churn probability from which contacting the customer is expected to pay; logged with "
            "the model, the cold-start rate or the rule that gave the probability",
        ),
        Column(
            "risk_level",
            "string",
            "Band of churn_probability by risk_scheme. In scheme relative it is LOW exactly where "
            "churn_prediction is 0",
            False,
        ),
        Column(
            "risk_scheme",
            "string",
            "Scheme of risk_level in conf: relative (odds of churn compared with those at "
            "decision_threshold), four_bands or three_bands (fixed probabilities)",
        ),
        Column(
            "confidence_score",
            "double",
            "|churn_probability - 0.5| * 2: 0 undecided, 1 certain",
            False,
        ),
        Column(
            "recommended_actions",
            "string",
            "What to do: the actions of the rules in conf that apply, separated by '; ', else the "
            "action of risk_level; null: nothing to do",
        ),
        Column(
            "top_risk_factor",
            "string",
            "Feature that raises the risk most, of all features of the model; null: none raises "
            "it, or score_basis is cold_start or rule",
        ),
        *OF_SCORES,
        Column(
            "risk_percentile",
            "int",
            "1 + the per cent of customers in the table at this as_of with a lower "
            "churn_probability, 1 to 100",
        ),
        Column(
            "risk_percentile_in_segment",
            "int",
            "As risk_percentile, among the customers of the same segment",
        ),
        Column(
            "main_reason",
            "string",
            f"Most likely reason: {', '.join(REASONS)}; {UNKNOWN_REASON}: the risk comes from "
            "something else, such as buying less often, which is no evidence for a reason; null: "
            "nothing raises the risk, or no model",
        ),
        Column(
            "reason_basis",
            "string",
            "named (by the customer in an exit survey since the last purchase), labelled (model of "
            "the reasons that other churned customers named), shap_families (SHAP values of the "
            "features of each reason) or no_evidence (main_reason is unknown); cold_start or rule: "
            "no reason, because no model scored the customer; null: nothing raises the risk",
        ),
        Column("model_name", "string", "Learner of the champion; null if score_basis is rule"),
        Column(
            "model_version", "string", "Version in the model registry; null if score_basis is rule"
        ),
        Column(
            "score_basis",
            "string",
            "model, cold_start (history too short for the model) or rule (no champion)",
            False,
        ),
    ),
)

RISK_FACTORS = Table(
    name="gold.risk_factors",
    row="One row per retainable customer and feature, for the five features with the largest "
    "|SHAP|.",
    key=(*_KEY, "rank"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("rank", "int", "Rank by |impact|, 1: the largest", False),
        Column("feature", "string", "Name of the feature", False),
        Column("value", "string", "Value of the feature as text; null: unknown"),
        Column(
            "impact",
            "double",
            "Exact SHAP value in log-odds of churn (random forest: in probability); above 0 raises "
            "the risk",
            False,
        ),
        Column("direction", "string", "increase or decrease: effect on the risk", False),
    ),
)

CUSTOMER_SEGMENTS = Table(
    name="gold.customer_segments",
    row="One row per known customer at as_of, in exactly one of the twelve segments.",
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
            "r_score", "int", "Recency score, 1 to 5 (most recent); null: lost customer or prospect"
        ),
        Column(
            "f_score",
            "int",
            "Frequency score, 1 to 5 (most frequent); null: lost customer or prospect",
        ),
        Column(
            "m_score",
            "int",
            "Monetary score, 1 to 5 (most revenue); null: lost customer or prospect",
        ),
        Column(
            "rfm_score",
            "string",
            "The three scores as digits, R first; null: lost customer or prospect",
        ),
        Column(
            "rfm_priority",
            "double",
            "Weighted sum of the three scores; null: lost customer or prospect",
        ),
        Column(
            "segment",
            "string",
            "One of the twelve segments, by segment_r and (segment_f + segment_m) / 2; by "
            "segment_r and segment_f where M is the same for all, as in a company without amounts",
            False,
        ),
        Column("segment_group", "string", "Group of the segment", False),
        Column(
            "engagement_score", "double", "Engagement score, 0 to 1; null: no source of engagement"
        ),
        Column("engagement_basis", "string", "Components used in engagement_score; null: none"),
        Column(
            "clv_score", "double", "Lifetime value by a rule of thumb, currency; null: no tenure"
        ),
        Column(
            "high_risk_churn",
            "boolean",
            "True: the churn rule fired (long silence, low engagement, many tickets)",
            False,
        ),
        *[
            Column(
                f"segment_{letter}",
                "int",
                f"Score that decides the segment: that of the previous as_of where {letter}_score "
                "differs from it by less than rfm.segment_margin_percent of the customers; null: "
                "lost customer or prospect",
            )
            for letter in "rfm"
        ],
    ),
)

SEGMENT_MIGRATION = Table(
    name="gold.segment_migration",
    row="One row per pair of segments, with the customers who moved between two as_of dates.",
    key=("as_of", "previous_as_of", "from_segment", "to_segment"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("previous_as_of", "date", "Previous as_of in gold.customer_segments", False),
        Column(
            "from_segment",
            "string",
            "Segment at previous_as_of; New customer: not known then",
            False,
        ),
        Column("to_segment", "string", "Segment at as_of", False),
        Column("customers", "bigint", "Customers who moved from from_segment to to_segment", False),
        Column(
            "revenue_12m",
            "double",
            "Net revenue of these customers in the RFM window at as_of",
            False,
        ),
    ),
)

CHURN_REASONS = Table(
    name="gold.churn_reasons",
    row="One row per retainable customer and churn reason, with its probability.",
    key=(*_KEY, "reason"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("reason", "string", f"One of {', '.join((*REASONS, UNKNOWN_REASON))}", False),
        Column(
            "probability",
            "double",
            "named: 1 for the reason that the customer named; labelled: probability that a similar "
            "churned customer names the reason; shap_families: share of the risk that is removed "
            "without the contribution of the reason's features (unknown: of the strongest other "
            "family of features)",
            False,
        ),
        Column(
            "reason_basis",
            "string",
            "named, labelled or shap_families, see gold.customer_scores",
            False,
        ),
    ),
)

CHURN_BY_HORIZON = Table(
    name="gold.churn_by_horizon",
    row="One row per retainable customer and horizon, with the churn risk.",
    key=(*_KEY, "horizon_days"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("horizon_days", "int", "Length of the churn horizon in days", False),
        Column(
            "churn_probability",
            "double",
            "Probability of churn within the horizon. For the primary horizon it is that of "
            "gold.customer_scores",
            False,
        ),
        Column(
            "model_name",
            "string",
            "Learner of the horizon: that of the champion, or rfm_logistic where it ranked the "
            "active and silent customers of the horizon's own test date better; null: no model",
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
    MODEL_VALIDATIONS,
    *GOLD_LIFETIME,
)
