"""Gold tables of lifetime: expected purchases and customer value."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.gold_lifetime_models import CLV_BACKTEST, LIFETIME_MODELS
from contracts.gold_plans import RETENTION_PLAN, STRATEGY_COMPARISON
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

_KEY = ("as_of", "customer_id")

# Columns that gold.customer_scores copies from gold.customer_lifetime, in this order.
OF_SCORES = (
    Column("p_alive", "double", "Probability of still being a customer; null: see p_alive_basis"),
    Column(
        "p_alive_basis",
        "string",
        "Model of p_alive, or why it is null: no_dropout (the purchases do not show that customers "
        "leave for good), not_precise (customers leave for good, but the purchases do not show "
        "clearly enough who has left), no_repeat (one purchase only; in bg_nbd no customer leaves "
        "before a second purchase), not_fitted (too little data); null: fit_lifetime has not run",
    ),
    Column("expected_purchases_30d", "double", "Expected purchase days in 30 days; null: no model"),
    Column("expected_purchases_90d", "double", "Expected purchase days in 90 days; null: no model"),
    Column(
        "remaining_lifetime_days",
        "double",
        "Expected days until the customer is lost or the contract ends, at most 36 months; null: "
        "already lost, or no survival model",
    ),
    Column(
        "likely_churn_date",
        "date",
        "First day on which the probability of having left exceeds 0.5; null: no such day within "
        "36 months, already lost, or no survival model",
    ),
    Column(
        "earliest_churn_date",
        "date",
        "Lower bound of the interval of likely_churn_date, level lifetime.survival.level in conf; "
        "null: as for likely_churn_date",
    ),
    Column(
        "latest_churn_date",
        "date",
        "Upper bound of the interval of likely_churn_date; null: as for likely_churn_date",
    ),
    Column(
        "clv_30d",
        "double",
        "Expected margin over 30 days, discounted, currency; null: see clv_basis",
    ),
    Column(
        "clv_90d",
        "double",
        "Expected margin over 90 days, discounted, currency; null: see clv_basis",
    ),
    Column(
        "clv_12m",
        "double",
        "Expected margin over 12 months, discounted, currency; null: see clv_basis",
    ),
    Column(
        "clv_12m_low",
        "double",
        "Lower bound of the interval of clv_12m, level lifetime.interval in conf; its measured "
        "coverage is in gold.clv_backtest",
    ),
    Column("clv_12m_high", "double", "Upper bound of the interval of clv_12m, same level"),
    Column("clv_12m_btyd", "double", "clv_12m by approach 1 (expected purchases); null: no model"),
    Column(
        "clv_12m_survival",
        "double",
        "clv_12m by approach 2 (expected days as a customer x spend rate; lost customers: days x "
        "return rate); null: no model, or the contract has ended",
    ),
    Column(
        "clv_36m",
        "double",
        "Expected margin over 36 months, discounted, currency; null: see clv_basis",
    ),
    Column(
        "clv_basis",
        "string",
        "Model of the clv columns: btyd_gamma_gamma, btyd_credibility or survival_spend_rate, the "
        "one with the better backtest; return_rate (lost customer: what customers who were silent "
        "for as long spent later); or no_amounts, not_fitted; null: fit_lifetime has not run",
    ),
    Column(
        "value_at_stake",
        "double",
        "clv_12m if the customer stays through the horizon, which begins after churn.lead_days: "
        "the loss if the customer leaves, gross (before the cost of any offer), currency",
    ),
    Column(
        "next_purchase_on",
        "date",
        "Day by which the next purchase has come with probability 0.5; null: no purchase within "
        "365 days is more likely than one, or no model",
    ),
    Column(
        "next_purchase_low",
        "date",
        "First day of the 80 % interval of next_purchase_on; null: as for next_purchase_on",
    ),
    Column(
        "next_purchase_high",
        "date",
        "Last day of the 80 % interval of next_purchase_on; null: as for next_purchase_on, or not "
        "within 36 months",
    ),
    Column(
        "days_overdue",
        "bigint",
        "Days since the last purchase beyond the customer's usual gap between two purchases (its "
        "median); 0: not overdue; null: bought on one day only, or no model",
    ),
    Column(
        "overdue_percentile",
        "double",
        "Percent of the customer's own gaps between purchases that are shorter than the time since "
        "the last purchase, 0 to 100: the higher, the more unusual the silence. With few gaps, "
        "those of all customers count too; null: bought on one day only, or no model",
    ),
)

CUSTOMER_LIFETIME = Table(
    name="gold.customer_lifetime",
    row="One row per customer with a purchase before as_of, with expected purchases and value.",
    key=_KEY,
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("frequency", "bigint", "BTYD frequency: purchase days after the first", False),
        Column("recency_days", "bigint", "BTYD recency: days from first to last purchase", False),
        Column("observed_days", "bigint", "BTYD T: days from first purchase to as_of - 1", False),
        Column(
            "monetary_value",
            "double",
            "Mean revenue of the repeat days, currency; null: no repeat day",
        ),
        Column(
            "p_no_purchase",
            "double",
            "Probability of no purchase within the primary horizon, which begins after "
            "churn.lead_days; null: no model",
        ),
        Column(
            "expected_value", "double", "Expected margin per purchase, currency; null: no amounts"
        ),
        *(
            Column(
                f"p_alive_{days}d",
                "double",
                f"Probability of still being a customer in {days} days; null: see p_alive_basis",
            )
            for days in (30, 90)
        ),
        *(
            Column(
                f"p_leaves_{days}d",
                "double",
                f"Probability that within {days} days the customer is lost or the contract ends "
                "(survival model); null: already lost, or no survival model",
            )
            for days in (30, 90)
        ),
        *(
            Column(
                f"survival_{months}m",
                "double",
                f"Probability of still being a customer in {months} months (survival model); null: "
                "already lost, or no survival model",
            )
            for months in (1, 3, 12, 36)
        ),
        *OF_SCORES,
    ),
)

SEGMENT_SURVIVAL = Table(
    name="gold.segment_survival",
    row="One row per segment and number of days, with the Kaplan-Meier survival.",
    key=("as_of", "segment", "days_ahead"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("segment", "string", "Segment at the first date with features, or all", False),
        Column("days_ahead", "int", "Days after that date", False),
        Column("survival", "double", "Share of customers who stay longer than days_ahead", False),
        Column("ci_low", "double", "Lower bound of the 95 % interval of survival", False),
        Column("ci_high", "double", "Upper bound of the 95 % interval of survival", False),
        Column("customers", "bigint", "Customers in the segment", False),
    ),
)

GOLD_LIFETIME = (
    CUSTOMER_LIFETIME,
    LIFETIME_MODELS,
    CLV_BACKTEST,
    SEGMENT_SURVIVAL,
    RETENTION_PLAN,
    STRATEGY_COMPARISON,
)
