"""Gold tables of lifetime: expected purchases, customer value, and the retention plan."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.gold_lifetime_models import CLV_BACKTEST, LIFETIME_MODELS
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

_KEY = ("as_of", "customer_id")

# Columns that gold.customer_scores copies from gold.customer_lifetime, in this order.
OF_SCORES = (
    Column("p_alive", "double", "Probability of still being a customer; null: see p_alive_basis"),
    Column(
        "p_alive_basis",
        "string",
        "Model of p_alive, or not_identified (the data do not identify dropout, or the fit has no "
        "maximum), no_repeat (one purchase only; in bg_nbd no customer leaves before a second "
        "purchase), not_fitted (too little data); null: fit_lifetime has not run",
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

RETENTION_PLAN = Table(
    name="gold.retention_plan",
    row="One row per strategy and customer: ranked, or left out because already lost.",
    key=("as_of", "strategy", "customer_id"),
    slice_by="as_of",
    cluster_by=("as_of", "strategy", "customer_id"),
    columns=(
        AS_OF,
        Column(
            "strategy",
            "string",
            "churn_probability, p_alive, clv_at_risk, net_value or random",
            False,
        ),
        CUSTOMER_ID,
        Column("rank", "bigint", "Rank, 1: highest priority; null: left out, already lost"),
        Column("is_chosen", "boolean", "True: the customer is within the budget", False),
        Column("offer_id", "string", "Offer that the plan assumes; null: left out"),
        Column("send_on", "date", "Day to send the offer; null: not chosen"),
        Column(
            "expected_value_kept",
            "double",
            "Gross: assumed reduction of churn probability by the offer x value_at_stake, before "
            "the cost of the offer, currency; null: no value known",
        ),
        Column("cost", "double", "Expected cost of the offer, currency; null: no value known"),
        Column(
            "why",
            "string",
            "One sentence: the two quantities that decided the rank, or why there is no rank",
            False,
        ),
    ),
)

STRATEGY_COMPARISON = Table(
    name="gold.strategy_comparison",
    row="One row per pair of strategies under the same budget. A strategy is also paired with "
    "itself.",
    key=("as_of", "strategy", "other_strategy"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("strategy", "string", "Strategy that the figures describe", False),
        Column("other_strategy", "string", "Strategy to compare with", False),
        Column("chosen", "bigint", "Customers that strategy chooses", False),
        Column("shared", "bigint", "Customers that both strategies choose", False),
        Column(
            "jaccard",
            "double",
            "shared / customers that either strategy chooses; null: neither chooses any",
        ),
        Column(
            "value_at_stake_covered",
            "double",
            "Share of total churn_probability x value_at_stake that the chosen customers hold, "
            "gross (before the cost of the offers); null: unknown",
        ),
        Column(
            "value_kept",
            "double",
            "Gross: backtest one horizon earlier: assumed share of churners kept x value_at_stake of the "
            "chosen customers who did leave, currency; null: no earlier scores",
        ),
        Column(
            "ci_low",
            "double",
            "Lower bound of the 95 % interval of value_kept; null: no earlier scores",
        ),
        Column(
            "ci_high",
            "double",
            "Upper bound of the 95 % interval of value_kept; null: no earlier scores",
        ),
        Column(
            "next_1pct_value",
            "double",
            "expected_value_kept of the customers that strategy would add if the budget grew by 1 "
            "% of the customers (at least one), or by 1 % of the money, currency; null: unknown",
        ),
        Column(
            "assumption",
            "string",
            "Source of the offer's effect: assumed in conf, with the figures",
            False,
        ),
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
