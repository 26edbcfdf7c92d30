"""Gold tables of lifetime models: fitted parameters, and the backtest of the forecasts."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.table import Column, Table

LIFETIME_MODELS = Table(
    name="gold.lifetime_models",
    row="One row per model and parameter, fitted on the purchases before as_of.",
    key=("as_of", "model_name", "parameter"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column(
            "model_name",
            "string",
            "bg_nbd, mbg_nbd, pareto_nbd, gamma_gamma, credibility, shifted_beta_geometric; cox, "
            "weibull_aft, discrete_hazard, spend_rate; gamma_gap (the next purchase); or timing "
            "(regularity and seasonality of purchases)",
            False,
        ),
        Column(
            "parameter",
            "string",
            "Parameter name in the literature; held_out_log_likelihood (per customer); "
            "leaving_a_purchase (odds); leaving_a_year (share of the active and silent customers); "
            "likelihood_ratio (twice the log-likelihood gained over a model in which nobody "
            "leaves); p_alive_error (median standard error of P(alive) among the active and "
            "silent); concordance, integrated_brier and calibration_<decile>_ predicted and "
            "observed (on days after the fit); p_value_proportional <covariate>; person_periods "
            "(rows of the hazard trees); left_out: the model could not be fitted",
            False,
        ),
        Column(
            "value",
            "double",
            "Value of the parameter, time in days, money in currency; null: undefined",
        ),
        Column("std_error", "double", "Standard error; null: not available"),
        Column(
            "log_likelihood",
            "double",
            "Log-likelihood of all customers, time in days; null: no likelihood",
        ),
        Column("customers", "bigint", "Customers used for the value", False),
        Column(
            "converged",
            "boolean",
            "True: the optimiser found a maximum; null: nothing was optimised",
        ),
        Column("is_chosen", "boolean", "True: gold.customer_lifetime uses the model", False),
        Column(
            "is_identified",
            "boolean",
            "True: the data identify dropout, so P(alive) can be shown; null: does not apply to "
            "this model",
        ),
        Column(
            "reason",
            "string",
            "Why the model was left out, or why a parameter has no standard error; null: neither",
        ),
    ),
)


CLV_BACKTEST = Table(
    name="gold.clv_backtest",
    row="One row per cut, approach, horizon and metric of a backtest of purchases and value. It "
    "covers the customers who were retainable at the cut (active or silent, contract not ended).",
    key=("cut", "approach", "horizon_days", "metric"),
    slice_by="cut",
    columns=(
        Column("cut", "date", "First day of the forecast. Only earlier data were used", False),
        Column(
            "approach",
            "string",
            "btyd, survival (both use the model type chosen at as_of, fitted on data before the "
            "cut), boosted_trees or last_period; gamma_gap: the model of the next purchase",
            False,
        ),
        Column(
            "horizon_days",
            "int",
            "Length of the forecast in days; of gamma_gap: days from the cut to the end of the "
            "data",
            False,
        ),
        Column(
            "metric",
            "string",
            "purchases_ or value_ followed by mae, rmse, rank_correlation, top_decile_share, "
            "total_ratio, bias_decile_1 (lowest forecast) to 10, or bias_tenure_<days> (forecast "
            "divided by outcome, by days known at the cut; _low, _high: interval of 90 %); suffix "
            "_all: all customers with a purchase, including lost and terminated ones. "
            "value_coverage_80 and _90: share of customers whose revenue was inside the interval "
            "of that level (_low, _high: interval of 95 % of the share), also by _active, _silent, "
            "_new, _lost and _quarter_1 (lowest forecast) to 4. coverage_measured_until_days: "
            "longest horizon whose coverage could be measured from this cut. "
            "next_purchase_coverage_80 (share "
            "of next purchases inside the 80 % interval) and next_purchase_median_error_days, of "
            "customers whose interval ends before the end of the data; no purchase until then "
            "counts as above the interval",
            False,
        ),
        Column(
            "value",
            "double",
            "Purchase days or currency per customer (gross revenue, net of returns, before margin "
            "and cost), a ratio, a share or days; null: undefined",
        ),
        Column("customers", "bigint", "Customers compared", False),
        Column(
            "is_chosen",
            "boolean",
            "True: of btyd and survival, the approach with the lower value_mae on cuts whose "
            "horizon had passed by this cut; null: no such cut",
        ),
    ),
)
