"""Gold of lifetime: what customers will buy, what they are worth, whom to keep under a budget."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

_KEY = ("as_of", "customer_id")

# What gold.customer_scores takes over from gold.customer_lifetime, in its order.
OF_SCORES = (
    Column("p_alive", "double", "Probability of being a customer still; null: see p_alive_basis"),
    Column(
        "p_alive_basis",
        "string",
        "The model behind p_alive, or not_identified (the data say nothing of dropout, or the fit "
        "has no maximum), no_repeat (bought once: by bg_nbd nobody leaves before a second "
        "purchase), not_fitted (too little to learn from); null: fit_lifetime has not run",
    ),
    Column("expected_purchases_30d", "double", "Expected purchase days in 30 days; null: no model"),
    Column("expected_purchases_90d", "double", "Expected purchase days in 90 days; null: no model"),
    Column(
        "remaining_lifetime_days",
        "double",
        "Expected days until the customer counts as lost, or the contract ends, of 36 months at "
        "most; null: lost already, or no survival model",
    ),
    Column(
        "likely_churn_date",
        "date",
        "First day on which to have left is likelier than not; null: none in 36 months, lost "
        "already, or no survival model",
    ),
    Column(
        "earliest_churn_date",
        "date",
        "Lower end of the interval around likely_churn_date that lifetime.survival.level in conf "
        "says; null likewise",
    ),
    Column("latest_churn_date", "date", "Upper end of that interval; null likewise"),
    Column("clv_30d", "double", "Expected margin of 30 days, discounted; null: see clv_basis"),
    Column("clv_90d", "double", "Expected margin of 90 days, discounted; null: see clv_basis"),
    Column("clv_12m", "double", "Expected margin of 12 months, discounted; null: see clv_basis"),
    Column(
        "clv_12m_low", "double", "Lower end of the interval that lifetime.interval in conf says"
    ),
    Column("clv_12m_high", "double", "Upper end of that interval"),
    Column("clv_12m_btyd", "double", "clv_12m by approach 1, expected purchases; null: no model"),
    Column(
        "clv_12m_survival",
        "double",
        "clv_12m by approach 2, days expected to stay x spend rate; null: no model, lost already",
    ),
    Column("clv_36m", "double", "Expected margin of 36 months, discounted; null: see clv_basis"),
    Column(
        "clv_basis",
        "string",
        "What the clv columns rest on: btyd_gamma_gamma, btyd_credibility or survival_spend_rate, "
        "whichever forecast better on past days; no_amounts, not_fitted; null: fit_lifetime has "
        "not run",
    ),
    Column(
        "value_at_stake",
        "double",
        "clv_12m given that the customer stays through the horizon (which begins after "
        "churn.lead_days): what leaving would cost",
    ),
)

CUSTOMER_LIFETIME = Table(
    name="gold.customer_lifetime",
    row="One customer with a purchase before as_of, with expected purchases and worth.",
    key=_KEY,
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("frequency", "bigint", "BTYD frequency: purchase days after the first", False),
        Column("recency_days", "bigint", "BTYD recency: days from first to last purchase", False),
        Column("observed_days", "bigint", "BTYD T: days from first purchase to as_of - 1", False),
        Column("monetary_value", "double", "Mean total of the repeat days, currency; null: none"),
        Column(
            "p_no_purchase",
            "double",
            "Probability of no purchase within the primary horizon, which begins after "
            "churn.lead_days; null: no model",
        ),
        Column("expected_value", "double", "Expected margin of a purchase; null: no amounts"),
        *(
            Column(
                f"p_alive_{days}d",
                "double",
                f"Probability of being a customer still in {days} days; null: see p_alive_basis",
            )
            for days in (30, 90)
        ),
        *(
            Column(
                f"p_leaves_{days}d",
                "double",
                f"Probability by survival that within {days} days the customer counts as lost, or "
                "the contract ends; null: lost already, or no survival model",
            )
            for days in (30, 90)
        ),
        *(
            Column(
                f"survival_{months}m",
                "double",
                f"Probability by survival of being there still in {months} months; null likewise",
            )
            for months in (1, 3, 12, 36)
        ),
        *OF_SCORES,
    ),
)

LIFETIME_MODELS = Table(
    name="gold.lifetime_models",
    row="One parameter of one model fitted on the purchases before as_of.",
    key=("as_of", "model_name", "parameter"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column(
            "model_name",
            "string",
            "bg_nbd, mbg_nbd, pareto_nbd, gamma_gamma, credibility, shifted_beta_geometric; cox, "
            "weibull_aft, discrete_hazard, spend_rate; or timing: how regular and how seasonal "
            "purchases are",
            False,
        ),
        Column(
            "parameter",
            "string",
            "Name in the literature; held_out_log_likelihood a customer; concordance, "
            "integrated_brier and calibration_<decile>_ predicted and observed on days after the "
            "fit; p_value_proportional <covariate>; person_periods: rows of the hazard trees",
            False,
        ),
        Column("value", "double", "Time in days, money in currency; null: undefined"),
        Column("std_error", "double", "Standard error; null: none, or the Hessian gives none"),
        Column("log_likelihood", "double", "Of all customers, time in days; null: no likelihood"),
        Column("customers", "bigint", "Customers that the value comes from", False),
        Column("converged", "boolean", "At a maximum; null: nothing was optimised"),
        Column("is_chosen", "boolean", "True: a model behind gold.customer_lifetime", False),
        Column(
            "is_identified", "boolean", "True: the data say who leaves; null: not of this model"
        ),
    ),
)

CLV_BACKTEST = Table(
    name="gold.clv_backtest",
    row="One measure of one approach that forecast, from a past day on, purchases and value of the "
    "customers who could still be kept that day (active or silent, the contract not ended).",
    key=("cut", "approach", "horizon_days", "metric"),
    slice_by="cut",
    columns=(
        Column("cut", "date", "The day forecast from: what came before it was known", False),
        Column(
            "approach",
            "string",
            "btyd, survival (the kind of model that as_of chose, fitted on what the cut knew), "
            "boosted_trees or last_period",
            False,
        ),
        Column("horizon_days", "int", "Days forecast", False),
        Column(
            "metric",
            "string",
            "purchases_ or value_ and mae, rmse, rank_correlation, top_decile_share, total_ratio, "
            "bias_decile_1 (lowest forecast) to 10; with _all at the end: of everyone with a "
            "purchase, the lost and terminated too",
            False,
        ),
        Column("value", "double", "Purchase days or currency a customer, or a share; null: none"),
        Column("customers", "bigint", "Customers compared", False),
        Column(
            "is_chosen",
            "boolean",
            "True: btyd or survival, whichever had the lower value_mae on cuts whose horizon had "
            "passed by this one; null: there is no such cut",
        ),
    ),
)

SEGMENT_SURVIVAL = Table(
    name="gold.segment_survival",
    row="How many of a segment are still customers some days on (Kaplan-Meier).",
    key=("as_of", "segment", "days_ahead"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("segment", "string", "Segment at the first date with features; or all", False),
        Column("days_ahead", "int", "Days from that date on", False),
        Column("survival", "double", "Share still customers beyond that day", False),
        Column("ci_low", "double", "Lower end of its 95 % interval", False),
        Column("ci_high", "double", "Upper end of its 95 % interval", False),
        Column("customers", "bigint", "Customers of the segment", False),
    ),
)

RETENTION_PLAN = Table(
    name="gold.retention_plan",
    row="One customer in the plan of one strategy: ranked, or left out because already lost.",
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
        Column("rank", "bigint", "1: the first to act on; null: left out, already lost"),
        Column("is_chosen", "boolean", "True: within the budget", False),
        Column("offer_id", "string", "The offer that the plan assumes; null: left out"),
        Column("send_on", "date", "Day to send it; null: not chosen"),
        Column(
            "expected_value_kept",
            "double",
            "Fall in churn probability that the offer is assumed to cause, by value_at_stake; "
            "null: no value is known",
        ),
        Column("cost", "double", "Expected cost of the offer, currency; null: no value is known"),
        Column(
            "why",
            "string",
            "The two quantities that decided the rank, or why there is none, in one sentence",
            False,
        ),
    ),
)

STRATEGY_COMPARISON = Table(
    name="gold.strategy_comparison",
    row="One strategy beside another (or itself) under the same budget.",
    key=("as_of", "strategy", "other_strategy"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("strategy", "string", "The strategy that the figures are of", False),
        Column("other_strategy", "string", "The strategy compared with", False),
        Column("chosen", "bigint", "Customers chosen by strategy", False),
        Column("shared", "bigint", "Of these, also chosen by other_strategy", False),
        Column("jaccard", "double", "shared / chosen by either; null: none by either"),
        Column(
            "value_at_stake_covered",
            "double",
            "Share of all churn_probability x value_at_stake that the chosen hold; null: unknown",
        ),
        Column(
            "value_kept",
            "double",
            "Backtest a horizon earlier: assumed share of leavers kept, by the value_at_stake of "
            "those chosen who did leave, currency; null: no earlier scores",
        ),
        Column("ci_low", "double", "Lower end of its 95 % interval over customers; null likewise"),
        Column("ci_high", "double", "Upper end of its 95 % interval; null likewise"),
        Column(
            "next_1pct_value",
            "double",
            "expected_value_kept of whom strategy would also choose with a budget of 1 % of the "
            "customers more (at least one), or of 1 % more money; null: unknown",
        ),
        Column(
            "assumption",
            "string",
            "Where the offer's effect comes from: assumed in conf, with its figures",
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
