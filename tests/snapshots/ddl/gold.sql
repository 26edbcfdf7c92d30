CREATE TABLE IF NOT EXISTS gold.customer_scores (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `horizon_days` int NOT NULL COMMENT 'Length of the churn horizon in days',
  `churn_probability` double NOT NULL COMMENT 'Probability of churn within the horizon',
  `churn_prediction` int NOT NULL COMMENT '1: churn_probability is at or above decision_threshold, else 0',
  `decision_threshold` double COMMENT 'Churn probability from which contacting the customer is expected to pay; logged with the model, the cold-start rate or the rule that gave the probability',
  `risk_level` string NOT NULL COMMENT 'Band of churn_probability by risk_scheme. In scheme relative it is LOW exactly where churn_prediction is 0',
  `risk_scheme` string COMMENT 'Scheme of risk_level in conf: relative (odds of churn compared with those at decision_threshold), four_bands or three_bands (fixed probabilities)',
  `confidence_score` double NOT NULL COMMENT '|churn_probability - 0.5| * 2: 0 undecided, 1 certain',
  `recommended_actions` string COMMENT 'What to do: the actions of the rules in conf that apply, separated by \'; \', else the action of risk_level; null: nothing to do',
  `top_risk_factor` string COMMENT 'Feature that raises the risk most, of all features of the model; null: none raises it, or score_basis is cold_start or rule',
  `p_alive` double COMMENT 'Probability of still being a customer; null: see p_alive_basis',
  `p_alive_basis` string COMMENT 'Model of p_alive, or why it is null: no_dropout (the purchases do not show that customers leave for good), not_precise (customers leave for good, but the purchases do not show clearly enough who has left), no_repeat (one purchase only; in bg_nbd no customer leaves before a second purchase), not_fitted (too little data); null: fit_lifetime has not run',
  `expected_purchases_30d` double COMMENT 'Expected purchase days in 30 days; null: no model',
  `expected_purchases_90d` double COMMENT 'Expected purchase days in 90 days; null: no model',
  `remaining_lifetime_days` double COMMENT 'Expected days until the customer is lost or the contract ends, at most 36 months; null: already lost, or no survival model',
  `likely_churn_date` date COMMENT 'First day on which the probability of having left exceeds 0.5; null: no such day within 36 months, already lost, or no survival model',
  `earliest_churn_date` date COMMENT 'Lower bound of the interval of likely_churn_date, level lifetime.survival.level in conf; null: as for likely_churn_date',
  `latest_churn_date` date COMMENT 'Upper bound of the interval of likely_churn_date; null: as for likely_churn_date',
  `clv_30d` double COMMENT 'Expected margin over 30 days, discounted, currency; null: see clv_basis',
  `clv_90d` double COMMENT 'Expected margin over 90 days, discounted, currency; null: see clv_basis',
  `clv_12m` double COMMENT 'Expected margin over 12 months, discounted, currency; null: see clv_basis',
  `clv_12m_low` double COMMENT 'Lower bound of the interval of clv_12m, level lifetime.interval in conf; its measured coverage is in gold.clv_backtest',
  `clv_12m_high` double COMMENT 'Upper bound of the interval of clv_12m, same level',
  `clv_12m_btyd` double COMMENT 'clv_12m by approach 1 (expected purchases); null: no model',
  `clv_12m_survival` double COMMENT 'clv_12m by approach 2 (expected days as a customer x spend rate; lost customers: days x return rate); null: no model, or the contract has ended',
  `clv_36m` double COMMENT 'Expected margin over 36 months, discounted, currency; null: see clv_basis',
  `clv_basis` string COMMENT 'Model of the clv columns: btyd_gamma_gamma, btyd_credibility or survival_spend_rate, the one with the better backtest; return_rate (lost customer: what customers who were silent for as long spent later); or no_amounts, not_fitted; null: fit_lifetime has not run',
  `value_at_stake` double COMMENT 'clv_12m if the customer stays through the horizon, which begins after churn.lead_days: the loss if the customer leaves, gross (before the cost of any offer), currency',
  `next_purchase_on` date COMMENT 'Day by which the next purchase has come with probability 0.5; null: no purchase within 365 days is more likely than one, or no model',
  `next_purchase_low` date COMMENT 'First day of the 80 % interval of next_purchase_on; null: as for next_purchase_on',
  `next_purchase_high` date COMMENT 'Last day of the 80 % interval of next_purchase_on; null: as for next_purchase_on, or not within 36 months',
  `days_overdue` bigint COMMENT 'Days since the last purchase beyond the customer\'s usual gap between two purchases (its median); 0: not overdue; null: bought on one day only, or no model',
  `overdue_percentile` double COMMENT 'Percent of the customer\'s own gaps between purchases that are shorter than the time since the last purchase, 0 to 100: the higher, the more unusual the silence. With few gaps, those of all customers count too; null: bought on one day only, or no model',
  `risk_percentile` int COMMENT '1 + the per cent of customers in the table at this as_of with a lower churn_probability, 1 to 100',
  `risk_percentile_in_segment` int COMMENT 'As risk_percentile, among the customers of the same segment',
  `main_reason` string COMMENT 'Most likely reason: price, features, competitor, quality, support; unknown: the risk comes from something else, such as buying less often, which is no evidence for a reason; null: nothing raises the risk, or no model',
  `reason_basis` string COMMENT 'named (by the customer in an exit survey since the last purchase), labelled (model of the reasons that other churned customers named), shap_families (SHAP values of the features of each reason) or no_evidence (main_reason is unknown); cold_start or rule: no reason, because no model scored the customer; null: nothing raises the risk',
  `model_name` string COMMENT 'Learner of the champion; null if score_basis is rule',
  `model_version` string COMMENT 'Version in the model registry; null if score_basis is rule',
  `score_basis` string NOT NULL COMMENT 'model, cold_start (history too short for the model) or rule (no champion)'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per retainable customer (active or silent at as_of), with their churn risk. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.risk_factors (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `rank` int NOT NULL COMMENT 'Rank by |impact|, 1: the largest',
  `feature` string NOT NULL COMMENT 'Name of the feature',
  `value` string COMMENT 'Value of the feature as text; null: unknown',
  `impact` double NOT NULL COMMENT 'Exact SHAP value in log-odds of churn (random forest: in probability); above 0 raises the risk',
  `direction` string NOT NULL COMMENT 'increase or decrease: effect on the risk'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per retainable customer and feature, for the five features with the largest |SHAP|. Key: as_of, customer_id, rank.';

CREATE TABLE IF NOT EXISTS gold.churn_by_horizon (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `horizon_days` int NOT NULL COMMENT 'Length of the churn horizon in days',
  `churn_probability` double NOT NULL COMMENT 'Probability of churn within the horizon. For the primary horizon it is that of gold.customer_scores',
  `model_name` string COMMENT 'Learner of the horizon: that of the champion, or rfm_logistic where it ranked the active and silent customers of the horizon\'s own test date better; null: no model'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per retainable customer and horizon, with the churn risk. Key: as_of, customer_id, horizon_days.';

CREATE TABLE IF NOT EXISTS gold.churn_reasons (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `reason` string NOT NULL COMMENT 'One of price, features, competitor, quality, support, unknown',
  `probability` double NOT NULL COMMENT 'named: 1 for the reason that the customer named; labelled: probability that a similar churned customer names the reason; shap_families: share of the risk that is removed without the contribution of the reason\'s features (unknown: of the strongest other family of features)',
  `reason_basis` string NOT NULL COMMENT 'named, labelled or shap_families, see gold.customer_scores'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per retainable customer and churn reason, with its probability. Key: as_of, customer_id, reason.';

CREATE TABLE IF NOT EXISTS gold.customer_segments (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `lifecycle` string NOT NULL COMMENT 'active, silent, lost, prospect or terminated',
  `recency_days` bigint COMMENT 'Days since the last purchase day; null: no purchase',
  `frequency` bigint NOT NULL COMMENT 'Purchases in the RFM window',
  `monetary` double NOT NULL COMMENT 'Net revenue in the RFM window, currency',
  `r_score` int COMMENT 'Recency score, 1 to 5 (most recent); null: lost customer or prospect',
  `f_score` int COMMENT 'Frequency score, 1 to 5 (most frequent); null: lost customer or prospect',
  `m_score` int COMMENT 'Monetary score, 1 to 5 (most revenue); null: lost customer or prospect',
  `rfm_score` string COMMENT 'The three scores as digits, R first; null: lost customer or prospect',
  `rfm_priority` double COMMENT 'Weighted sum of the three scores; null: lost customer or prospect',
  `segment` string NOT NULL COMMENT 'One of the twelve segments, by segment_r and (segment_f + segment_m) / 2; by segment_r and segment_f where M is the same for all, as in a company without amounts',
  `segment_group` string NOT NULL COMMENT 'Group of the segment',
  `engagement_score` double COMMENT 'Engagement score, 0 to 1; null: no source of engagement',
  `engagement_basis` string COMMENT 'Components used in engagement_score; null: none',
  `clv_score` double COMMENT 'Lifetime value by a rule of thumb, currency; null: no tenure',
  `high_risk_churn` boolean NOT NULL COMMENT 'True: the churn rule fired (long silence, low engagement, many tickets)',
  `segment_r` int COMMENT 'Score that decides the segment: that of the previous as_of where r_score differs from it by less than rfm.segment_margin_percent of the customers; null: lost customer or prospect',
  `segment_f` int COMMENT 'Score that decides the segment: that of the previous as_of where f_score differs from it by less than rfm.segment_margin_percent of the customers; null: lost customer or prospect',
  `segment_m` int COMMENT 'Score that decides the segment: that of the previous as_of where m_score differs from it by less than rfm.segment_margin_percent of the customers; null: lost customer or prospect'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per known customer at as_of, in exactly one of the twelve segments. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.segment_migration (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `previous_as_of` date NOT NULL COMMENT 'Previous as_of in gold.customer_segments',
  `from_segment` string NOT NULL COMMENT 'Segment at previous_as_of; New customer: not known then',
  `to_segment` string NOT NULL COMMENT 'Segment at as_of',
  `customers` bigint NOT NULL COMMENT 'Customers who moved from from_segment to to_segment',
  `revenue_12m` double NOT NULL COMMENT 'Net revenue of these customers in the RFM window at as_of'
) USING delta
COMMENT 'One row per pair of segments, with the customers who moved between two as_of dates. Key: as_of, previous_as_of, from_segment, to_segment.';

CREATE TABLE IF NOT EXISTS gold.model_comparison (
  `trained_at` timestamp NOT NULL COMMENT 'When the training run started (UTC)',
  `test_on` date NOT NULL COMMENT 'as_of of the customers that the metric was measured on; for split train: the test date of the training run',
  `model_name` string NOT NULL COMMENT 'Learner, baseline, or champion at the time',
  `model_version` string NOT NULL COMMENT 'Version in the model registry; \'-\': not registered',
  `data_set` string NOT NULL COMMENT 'Environment that the data came from',
  `population` string NOT NULL COMMENT 'all, or active_90d (customers with a purchase in the last 90 days)',
  `horizon_days` int NOT NULL COMMENT 'Horizon of the label in days',
  `split` string NOT NULL COMMENT 'train, validation or test. A test date of a further horizon counts as validation if it was used to choose the learner and parameters of the primary horizon',
  `metric` string NOT NULL COMMENT 'Metric name in scikit-learn; ..._threshold_half: threshold 0.5; ..._threshold_f1: threshold with the best F1; roc_auc_difference: ROC AUC minus that of the champion at the time, else of the chosen learner (interval paired by customer; significant only if the interval excludes 0); <metric>_against_rfm_logistic: the metric minus that of rfm_logistic on the same customers (paired interval), ..._mean: its mean over several test dates, of which test_on is the last; precision_at_30: churned share of the 30 % of the customers with the highest probability; precision_at_p30: churned share of the customers with a probability of at least 0.3; share_at_p30: share of customers with such a probability; calibration_<decile>_predicted, _observed: mean probability and churned share per decile of customers, 1: lowest probabilities; left_out: the model could not be fitted, see reason',
  `value` double COMMENT 'Value of the metric; null: undefined',
  `ci_low` double COMMENT 'Lower bound of the 95 % bootstrap interval; null: not computed',
  `ci_high` double COMMENT 'Upper bound of the 95 % bootstrap interval; null: not computed',
  `reason` string COMMENT 'Why the model was left out; null: it was fitted and measured'
) USING delta
COMMENT 'One row per model, metric, test date, split, population and horizon of a training run. Key: trained_at, test_on, model_name, model_version, data_set, population, horizon_days, split, metric.';

CREATE TABLE IF NOT EXISTS gold.feature_sets (
  `trained_at` timestamp NOT NULL COMMENT 'When the training run started (UTC)',
  `model_name` string NOT NULL COMMENT 'Name of the learner',
  `model_version` string NOT NULL COMMENT 'Version in the model registry from that run',
  `data_set` string NOT NULL COMMENT 'Environment that the data came from',
  `feature_set` string NOT NULL COMMENT 'all, selected (strongest features by SHAP), or without_<family>',
  `metric` string NOT NULL COMMENT 'features (number of features), roc_auc, average_precision, brier, or roc_auc_difference (ROC AUC minus that of the set all)',
  `value` double COMMENT 'Value of the metric; null: undefined',
  `ci_low` double COMMENT 'Lower bound of the 95 % bootstrap interval; null: not computed',
  `ci_high` double COMMENT 'Upper bound of the 95 % bootstrap interval; null: not computed'
) USING delta
COMMENT 'One row per feature set and metric of the chosen learner, measured on the validation date. Key: trained_at, model_name, feature_set, metric.';

CREATE TABLE IF NOT EXISTS gold.model_validations (
  `comparison` string NOT NULL COMMENT 'Model, version, champion and test date, such as churn/3 against 2 on 2017-12-02',
  `model_name` string NOT NULL COMMENT 'Registered model',
  `model_version` string NOT NULL COMMENT 'Version that validate_model judged',
  `champion_version` string NOT NULL COMMENT 'Champion at that time; \'-\': there was none',
  `tested_on` date NOT NULL COMMENT 'as_of of the customers: the newest date whose labels had matured',
  `check_name` string NOT NULL COMMENT 'exact_explanations, signal (not passed: no learner ranks better than chance), roc_auc_over_recency_only (ROC AUC minus that of the rule), inference_ms (fastest of 20 predictions for one customer), brier_rise (Brier score minus that of the champion), log_loss_rise (log loss minus that of the champion)',
  `segment` string NOT NULL COMMENT 'Segment of the customers, or all',
  `customers` bigint NOT NULL COMMENT 'Active and silent customers that were compared',
  `value` double COMMENT 'Measured value; null: the check has none, or it is undefined',
  `ci_low` double COMMENT 'Lower bound of the paired 95 % interval; null: none',
  `ci_high` double COMMENT 'Upper bound of the paired 95 % interval; null: none',
  `bound` double COMMENT 'Bound of conf (model_gate). brier_rise: ci_high must not exceed it; log_loss_rise: ci_low; inference_ms: value. roc_auc_over_recency_only: ci_low must lie above it. null: the check has none',
  `is_passed` boolean NOT NULL COMMENT 'Whether the version passed the check',
  `is_accepted` boolean NOT NULL COMMENT 'Whether it passed all checks of this comparison, so that deploy_model may deploy it',
  `data_set` string NOT NULL COMMENT 'Environment that the data came from'
) USING delta
COMMENT 'One row per model version, champion that it was judged against, test date, check and segment. Key: comparison, check_name, segment.';

CREATE TABLE IF NOT EXISTS gold.customer_lifetime (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `frequency` bigint NOT NULL COMMENT 'BTYD frequency: purchase days after the first',
  `recency_days` bigint NOT NULL COMMENT 'BTYD recency: days from first to last purchase',
  `observed_days` bigint NOT NULL COMMENT 'BTYD T: days from first purchase to as_of - 1',
  `monetary_value` double COMMENT 'Mean revenue of the repeat days, currency; null: no repeat day',
  `p_no_purchase` double COMMENT 'Probability of no purchase within the primary horizon, which begins after churn.lead_days; null: no model',
  `expected_value` double COMMENT 'Expected margin per purchase, currency; null: no amounts',
  `p_alive_30d` double COMMENT 'Probability of still being a customer in 30 days; null: see p_alive_basis',
  `p_alive_90d` double COMMENT 'Probability of still being a customer in 90 days; null: see p_alive_basis',
  `p_leaves_30d` double COMMENT 'Probability that within 30 days the customer is lost or the contract ends (survival model); null: already lost, or no survival model',
  `p_leaves_90d` double COMMENT 'Probability that within 90 days the customer is lost or the contract ends (survival model); null: already lost, or no survival model',
  `survival_1m` double COMMENT 'Probability of still being a customer in 1 months (survival model); null: already lost, or no survival model',
  `survival_3m` double COMMENT 'Probability of still being a customer in 3 months (survival model); null: already lost, or no survival model',
  `survival_12m` double COMMENT 'Probability of still being a customer in 12 months (survival model); null: already lost, or no survival model',
  `survival_36m` double COMMENT 'Probability of still being a customer in 36 months (survival model); null: already lost, or no survival model',
  `p_alive` double COMMENT 'Probability of still being a customer; null: see p_alive_basis',
  `p_alive_basis` string COMMENT 'Model of p_alive, or why it is null: no_dropout (the purchases do not show that customers leave for good), not_precise (customers leave for good, but the purchases do not show clearly enough who has left), no_repeat (one purchase only; in bg_nbd no customer leaves before a second purchase), not_fitted (too little data); null: fit_lifetime has not run',
  `expected_purchases_30d` double COMMENT 'Expected purchase days in 30 days; null: no model',
  `expected_purchases_90d` double COMMENT 'Expected purchase days in 90 days; null: no model',
  `remaining_lifetime_days` double COMMENT 'Expected days until the customer is lost or the contract ends, at most 36 months; null: already lost, or no survival model',
  `likely_churn_date` date COMMENT 'First day on which the probability of having left exceeds 0.5; null: no such day within 36 months, already lost, or no survival model',
  `earliest_churn_date` date COMMENT 'Lower bound of the interval of likely_churn_date, level lifetime.survival.level in conf; null: as for likely_churn_date',
  `latest_churn_date` date COMMENT 'Upper bound of the interval of likely_churn_date; null: as for likely_churn_date',
  `clv_30d` double COMMENT 'Expected margin over 30 days, discounted, currency; null: see clv_basis',
  `clv_90d` double COMMENT 'Expected margin over 90 days, discounted, currency; null: see clv_basis',
  `clv_12m` double COMMENT 'Expected margin over 12 months, discounted, currency; null: see clv_basis',
  `clv_12m_low` double COMMENT 'Lower bound of the interval of clv_12m, level lifetime.interval in conf; its measured coverage is in gold.clv_backtest',
  `clv_12m_high` double COMMENT 'Upper bound of the interval of clv_12m, same level',
  `clv_12m_btyd` double COMMENT 'clv_12m by approach 1 (expected purchases); null: no model',
  `clv_12m_survival` double COMMENT 'clv_12m by approach 2 (expected days as a customer x spend rate; lost customers: days x return rate); null: no model, or the contract has ended',
  `clv_36m` double COMMENT 'Expected margin over 36 months, discounted, currency; null: see clv_basis',
  `clv_basis` string COMMENT 'Model of the clv columns: btyd_gamma_gamma, btyd_credibility or survival_spend_rate, the one with the better backtest; return_rate (lost customer: what customers who were silent for as long spent later); or no_amounts, not_fitted; null: fit_lifetime has not run',
  `value_at_stake` double COMMENT 'clv_12m if the customer stays through the horizon, which begins after churn.lead_days: the loss if the customer leaves, gross (before the cost of any offer), currency',
  `next_purchase_on` date COMMENT 'Day by which the next purchase has come with probability 0.5; null: no purchase within 365 days is more likely than one, or no model',
  `next_purchase_low` date COMMENT 'First day of the 80 % interval of next_purchase_on; null: as for next_purchase_on',
  `next_purchase_high` date COMMENT 'Last day of the 80 % interval of next_purchase_on; null: as for next_purchase_on, or not within 36 months',
  `days_overdue` bigint COMMENT 'Days since the last purchase beyond the customer\'s usual gap between two purchases (its median); 0: not overdue; null: bought on one day only, or no model',
  `overdue_percentile` double COMMENT 'Percent of the customer\'s own gaps between purchases that are shorter than the time since the last purchase, 0 to 100: the higher, the more unusual the silence. With few gaps, those of all customers count too; null: bought on one day only, or no model'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per customer with a purchase before as_of, with expected purchases and value. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.lifetime_models (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `model_name` string NOT NULL COMMENT 'bg_nbd, mbg_nbd, pareto_nbd, gamma_gamma, credibility, shifted_beta_geometric; cox, weibull_aft, discrete_hazard, spend_rate; gamma_gap (the next purchase); or timing (regularity and seasonality of purchases)',
  `parameter` string NOT NULL COMMENT 'Parameter name in the literature; held_out_log_likelihood (per customer); leaving_a_purchase (odds); leaving_a_year (share of the active and silent customers); likelihood_ratio (twice the log-likelihood gained over a model in which nobody leaves); p_alive_error (median standard error of P(alive) among the active and silent); concordance, integrated_brier and calibration_<decile>_ predicted and observed (on days after the fit); p_value_proportional <covariate>; person_periods (rows of the hazard trees); left_out: the model could not be fitted',
  `value` double COMMENT 'Value of the parameter, time in days, money in currency; null: undefined',
  `std_error` double COMMENT 'Standard error; null: not available',
  `log_likelihood` double COMMENT 'Log-likelihood of all customers, time in days; null: no likelihood',
  `customers` bigint NOT NULL COMMENT 'Customers used for the value',
  `converged` boolean COMMENT 'True: the optimiser found a maximum; null: nothing was optimised',
  `is_chosen` boolean NOT NULL COMMENT 'True: gold.customer_lifetime uses the model',
  `is_identified` boolean COMMENT 'True: the data identify dropout, so P(alive) can be shown; null: does not apply to this model',
  `reason` string COMMENT 'Why the model was left out, or why a parameter has no standard error; null: neither'
) USING delta
COMMENT 'One row per model and parameter, fitted on the purchases before as_of. Key: as_of, model_name, parameter.';

CREATE TABLE IF NOT EXISTS gold.clv_backtest (
  `cut` date NOT NULL COMMENT 'First day of the forecast. Only earlier data were used',
  `approach` string NOT NULL COMMENT 'btyd, survival (both use the model type chosen at as_of, fitted on data before the cut), boosted_trees or last_period; gamma_gap: the model of the next purchase',
  `horizon_days` int NOT NULL COMMENT 'Length of the forecast in days; of gamma_gap: days from the cut to the end of the data',
  `metric` string NOT NULL COMMENT 'purchases_ or value_ followed by mae, rmse, rank_correlation, top_decile_share, total_ratio, bias_decile_1 (lowest forecast) to 10, or bias_tenure_<days> (forecast divided by outcome, by days known at the cut; _low, _high: interval of 90 %); suffix _all: all customers with a purchase, including lost and terminated ones. value_coverage_80 and _90: share of customers whose revenue was inside the interval of that level (_low, _high: interval of 95 % of the share), also by _active, _silent, _new, _lost and _quarter_1 (lowest forecast) to 4. coverage_measured_until_days: longest horizon whose coverage could be measured from this cut. next_purchase_coverage_80 (share of next purchases inside the 80 % interval) and next_purchase_median_error_days, of customers whose interval ends before the end of the data; no purchase until then counts as above the interval',
  `value` double COMMENT 'Purchase days or currency per customer (gross revenue, net of returns, before margin and cost), a ratio, a share or days; null: undefined',
  `customers` bigint NOT NULL COMMENT 'Customers compared',
  `is_chosen` boolean COMMENT 'True: of btyd and survival, the approach with the lower value_mae on cuts whose horizon had passed by this cut; null: no such cut'
) USING delta
COMMENT 'One row per cut, approach, horizon and metric of a backtest of purchases and value. It covers the customers who were retainable at the cut (active or silent, contract not ended). Key: cut, approach, horizon_days, metric.';

CREATE TABLE IF NOT EXISTS gold.segment_survival (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `segment` string NOT NULL COMMENT 'Segment at the first date with features, or all',
  `days_ahead` int NOT NULL COMMENT 'Days after that date',
  `survival` double NOT NULL COMMENT 'Share of customers who stay longer than days_ahead',
  `ci_low` double NOT NULL COMMENT 'Lower bound of the 95 % interval of survival',
  `ci_high` double NOT NULL COMMENT 'Upper bound of the 95 % interval of survival',
  `customers` bigint NOT NULL COMMENT 'Customers in the segment'
) USING delta
COMMENT 'One row per segment and number of days, with the Kaplan-Meier survival. Key: as_of, segment, days_ahead.';

CREATE TABLE IF NOT EXISTS gold.retention_plan (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `strategy` string NOT NULL COMMENT 'churn_probability, p_alive (expected_purchases where P(alive) is not identified), clv_at_risk, net_value or random',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `rank` bigint COMMENT 'Rank among the customers with timing now or in_period, 1: highest priority; null: left out',
  `is_chosen` boolean NOT NULL COMMENT 'True: the customer is within the budget',
  `timing` string COMMENT 'now: churn is predicted, sent the day after as_of; in_period: on send_on, in the period of the plan; later: not in this plan; never: lost, terminated, opted out, or not eligible for the offer',
  `offer_id` string COMMENT 'Offer of the rules, in conf/offers.yaml; null: left out',
  `send_on` date COMMENT 'Day to send the offer; for timing later the day planned so far; null: not chosen, or no day is known',
  `expected_value_kept` double COMMENT 'Assumed reduction of churn probability by the offer x value_at_stake, gross: before cost, currency; null: left out, or no value known',
  `cost` double COMMENT 'Expected cost of the offer, currency; null: left out, or no value known',
  `why` string NOT NULL COMMENT 'One sentence: the two quantities that decided the rank, or why there is no rank'
) USING delta
CLUSTER BY (as_of, strategy, customer_id)
COMMENT 'One row per strategy and customer: ranked, or left out with the reason. Key: as_of, strategy, customer_id.';

CREATE TABLE IF NOT EXISTS gold.strategy_comparison (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `strategy` string NOT NULL COMMENT 'Strategy that the figures describe',
  `other_strategy` string NOT NULL COMMENT 'Strategy to compare with',
  `chosen` bigint NOT NULL COMMENT 'Customers that strategy chooses',
  `shared` bigint NOT NULL COMMENT 'Customers that both strategies choose',
  `jaccard` double COMMENT 'shared / customers that either strategy chooses; null: neither chooses any',
  `value_at_stake_covered` double COMMENT 'Share of the churn_probability x value_at_stake of all active and silent customers that the chosen customers hold; null: no value known',
  `value_kept` double COMMENT 'Back-test one horizon earlier, gross (before cost): assumed effect x value_at_stake of the chosen customers who did leave and whose offer was sent in time, currency; null: no back-test, or no amounts',
  `cost` double COMMENT 'Back-test: expected cost of all chosen offers, also those sent too late, currency; null: as for value_kept',
  `net_value_kept` double COMMENT 'Back-test: value_kept - cost, currency; null: as for value_kept',
  `ci_low` double COMMENT 'Lower bound of the 95 % interval of net_value_kept; null: as for value_kept',
  `ci_high` double COMMENT 'Upper bound of the 95 % interval of net_value_kept; null: as for value_kept',
  `next_1pct_value` double COMMENT 'expected_value_kept (gross) of the customers that strategy would add if the budget grew by 1 % of the customers (at least one), or by 1 % of the money, currency; null: unknown',
  `next_1pct_cost` double COMMENT 'Expected cost of the offers to these customers, currency; null: unknown',
  `assumption` string NOT NULL COMMENT 'Source of the offer\'s effect: assumed in conf, with the figures'
) USING delta
COMMENT 'One row per pair of strategies under the same budget. A strategy is also paired with itself. Key: as_of, strategy, other_strategy.';

CREATE TABLE IF NOT EXISTS gold.campaign_results (
  `campaign_id` string NOT NULL COMMENT 'Campaign identifier',
  `policy` string NOT NULL COMMENT 'personalised (offers chosen by a plan) or mass (random offers)',
  `offer_id` string NOT NULL COMMENT 'Offer identifier',
  `segment` string NOT NULL COMMENT 'Segment before the contact, or all',
  `month` string NOT NULL COMMENT 'Month of the contact, YYYY-MM',
  `metric` string NOT NULL COMMENT 'conversion, or retained_revenue (currency)',
  `treated` bigint NOT NULL COMMENT 'Customers who were sent the offer',
  `held_out` bigint NOT NULL COMMENT 'Customers randomly held out',
  `value_treated` double NOT NULL COMMENT 'Mean of the metric among treated customers',
  `value_held_out` double NOT NULL COMMENT 'Mean of the metric among held-out customers',
  `effect` double NOT NULL COMMENT 'value_treated - value_held_out',
  `ci_low` double NOT NULL COMMENT 'Lower bound of the 95 % interval of effect (Welch; for conversion Agresti-Caffo)',
  `ci_high` double NOT NULL COMMENT 'Upper bound of the 95 % interval of effect (Welch; for conversion Agresti-Caffo)',
  `p_value` double NOT NULL COMMENT 'Two-sided p-value, valid for a single look',
  `p_value_corrected` double NOT NULL COMMENT 'p_value with Holm correction for the campaign\'s other offers',
  `anytime_p_value` double NOT NULL COMMENT 'p-value that is valid under continuous monitoring',
  `effect_cuped` double NOT NULL COMMENT 'Effect adjusted for revenue before the contact (CUPED)',
  `ci_low_cuped` double NOT NULL COMMENT 'Lower bound of the 95 % interval of effect_cuped',
  `ci_high_cuped` double NOT NULL COMMENT 'Upper bound of the 95 % interval of effect_cuped',
  `minimum_detectable_effect` double NOT NULL COMMENT 'Effect that such a campaign detects with 80 % power',
  `srm_p_value` double COMMENT 'p-value of a sample ratio mismatch: a low value means that the sizes of the groups differ from the plan, so the effect may be wrong; null: the planned sizes are unknown'
) USING delta
COMMENT 'One row per campaign, offer, segment, month and metric: treated versus held-out customers. Key: campaign_id, policy, offer_id, segment, month, metric.';

CREATE TABLE IF NOT EXISTS gold.model_arms (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `experiment_id` string NOT NULL COMMENT 'Model name and both versions',
  `arm` string NOT NULL COMMENT 'champion or challenger',
  `model_version` string NOT NULL COMMENT 'Version in the model registry that scored the arm',
  `share` double NOT NULL COMMENT 'Planned share of the customers in the arm'
) USING delta
COMMENT 'One row per as_of and arm of a model A/B test, with the model version that scored it. Key: as_of, experiment_id, arm.';

CREATE TABLE IF NOT EXISTS gold.model_ab (
  `experiment_id` string NOT NULL COMMENT 'Model name and both versions',
  `arm` string NOT NULL COMMENT 'champion or challenger',
  `metric` string NOT NULL COMMENT 'brier, log_loss (lower is better), retained, or retained_revenue (currency)',
  `customers` bigint NOT NULL COMMENT 'Customers in the arm, each counted once',
  `value` double NOT NULL COMMENT 'Mean over customers of each customer\'s mean over as_of dates',
  `effect` double COMMENT 'Challenger minus champion, within segments; null: the champion',
  `ci_low` double COMMENT 'Lower bound of the 95 % interval of effect; null: the champion',
  `ci_high` double COMMENT 'Upper bound of the 95 % interval of effect; null: the champion',
  `p_value` double COMMENT 'Two-sided p-value, valid for a single look; null: the champion',
  `anytime_p_value` double COMMENT 'p-value that is valid under continuous monitoring; null: the champion',
  `minimum_detectable_effect` double COMMENT 'Effect that this number of customers detects with 80 % power; null: the champion',
  `srm_p_value` double NOT NULL COMMENT 'p-value of a sample ratio mismatch between the arms'
) USING delta
COMMENT 'One row per model A/B test, arm and metric, over dates whose horizon has passed. Key: experiment_id, arm, metric.';

CREATE TABLE IF NOT EXISTS gold.offer_decisions (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `campaign_id` string NOT NULL COMMENT 'Campaign of this plan',
  `offer_id` string COMMENT 'Offer in conf/offers.yaml; null: none',
  `is_held_out` boolean NOT NULL COMMENT 'True: control group, the chosen offer is not sent',
  `timing` string COMMENT 'now: churn is predicted, sent the day after as_of; in_period: on send_on, in the period of the plan; later: not in this plan; never: lost without an offer outside the budget, opted out, or not eligible for any offer',
  `send_on` date COMMENT 'Day to send the offer; for timing later the day planned so far; null: no offer, or no day is known',
  `policy` string NOT NULL COMMENT 'Policy in gold.policy_comparison; rules if there is no experiment',
  `rule` string COMMENT 'Rule that fired; null: the policy is not rules',
  `effect` double COMMENT 'Reduction of churn probability that the offer causes; null: no offer',
  `effect_basis` string COMMENT 'experiment, or assumed (in conf); null: no offer',
  `value_at_stake` double COMMENT '12-month value of the customer if they stay, currency; null: unknown',
  `value_basis` string COMMENT 'value_at_stake; revenue_a_year if there is no CLV model; expected_purchases in a company without amounts, which ranks by effect x expected purchases in 30 days',
  `expected_gain` double COMMENT 'effect x value_at_stake - cost, net, currency; null: no offer, or no amounts',
  `expected_cost` double COMMENT 'Expected cost of the offer, currency; null: no offer, or no amounts',
  `no_offer_reason` string COMMENT 'opted_out, later (see timing), cooling_off, not_eligible, no_gain or budget; null: has an offer',
  `why` string NOT NULL COMMENT 'One sentence with the offer and the quantities behind it'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per customer who is not terminated, with the chosen offer, or the reason for none. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.hold_out (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `stratum` string NOT NULL COMMENT 'Segment at assignment. The control group is stratified by it',
  `is_held_out` boolean NOT NULL COMMENT 'True: control group, receives no offers. The assignment is permanent',
  `assigned_on` date NOT NULL COMMENT 'as_of of the plan that assigned the customer'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per customer who was ever chosen for an offer, with their control group assignment. Key: customer_id.';

CREATE TABLE IF NOT EXISTS gold.offer_plan (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `offer_id` string NOT NULL COMMENT 'Offer in conf/offers.yaml',
  `customers` bigint NOT NULL COMMENT 'Customers who are sent the offer',
  `held_out` bigint NOT NULL COMMENT 'Customers chosen for the offer but held out',
  `expected_gain` double NOT NULL COMMENT 'Total over sent and held-out customers, currency',
  `expected_cost` double NOT NULL COMMENT 'Total over sent and held-out customers, currency',
  `budget` double NOT NULL COMMENT 'Budget of the plan, in budget_unit',
  `budget_unit` string NOT NULL COMMENT 'Unit of the budget: money or customers',
  `shadow_price` double COMMENT 'Gain from one more unit of budget, currency; null: offers are not chosen by gain',
  `minimum_detectable_effect` double COMMENT 'Change in conversion that the plan detects with 80 % power; null: no control group, or no effect',
  `customers_needed` bigint COMMENT 'Customers, with the control group, needed to detect a change of 0.05 with 80 % power; null: no hold-out in conf'
) USING delta
COMMENT 'One row per plan and offer, with totals and the shadow price of the budget. Key: as_of, offer_id.';

CREATE TABLE IF NOT EXISTS gold.offer_effects (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `offer_id` string NOT NULL COMMENT 'Offer in conf/offers.yaml',
  `effect` double NOT NULL COMMENT 'Reduction of churn probability; below 0: the offer does harm',
  `basis` string NOT NULL COMMENT 'individual; average (no heterogeneity found); or observational (no experiment)',
  `learner` string NOT NULL COMMENT 'Uplift learner: s_, t_, x_, dr_ or shift_learner'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per retainable customer and offer, with the effect estimated from campaigns. Key: as_of, customer_id, offer_id.';

CREATE TABLE IF NOT EXISTS gold.uplift_results (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `learner` string NOT NULL COMMENT 'Uplift learner: s_, t_, x_, dr_ or shift_learner',
  `split` string NOT NULL COMMENT 'validation (used to choose the learner), test, or observed (no hold-out)',
  `offer_id` string NOT NULL COMMENT 'Offer, compared with held-out customers, or with all others',
  `metric` string NOT NULL COMMENT 'qini, auuc, average_effect, calibration_slope, decile_<n> (1: highest predicted effect) or decile_<n>_predicted; for observed: average_effect (doubly robust), naive_difference, overlap_share, imbalance_before, imbalance_after (largest, in standard deviations), (un)treated_propensity_p<n>',
  `is_randomised` boolean NOT NULL COMMENT 'False: adjusted for observed confounders; unobserved bias may remain',
  `value` double NOT NULL COMMENT 'Value of the metric; for a decile: observed or mean predicted reduction of churn',
  `ci_low` double COMMENT 'Lower bound of the 95 % interval; null: not computed',
  `ci_high` double COMMENT 'Upper bound of the 95 % interval; null: not computed',
  `customers` bigint NOT NULL COMMENT 'Number of rows used',
  `verdict` string COMMENT 'Conclusion; null: the metric is not qini on test, nor overlap_share'
) USING delta
COMMENT 'One row per learner, split, offer and metric, on campaigns not used to fit the learner. Key: as_of, learner, split, offer_id, metric.';

CREATE TABLE IF NOT EXISTS gold.policy_comparison (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `policy` string NOT NULL COMMENT 'Policy: uplift, rules, by_risk, random, treat_all or treat_none',
  `offer_id` string COMMENT 'Offer of by_risk, random and treat_all; null: another policy',
  `value_a_customer` double NOT NULL COMMENT 'Net value per customer compared with treat_none, doubly robust, currency',
  `ci_low` double NOT NULL COMMENT 'Lower bound of the 95 % interval of value_a_customer',
  `ci_high` double NOT NULL COMMENT 'Upper bound of the 95 % interval of value_a_customer',
  `treated_share` double NOT NULL COMMENT 'Share of customers who are sent an offer',
  `is_within_budget` boolean NOT NULL COMMENT 'True: the policy stays within the budget in conf',
  `is_chosen` boolean NOT NULL COMMENT 'True: decide_offers follows the policy. It has the greatest value within the budget, even if its interval contains 0',
  `customers` bigint NOT NULL COMMENT 'Customers of the campaign that were used'
) USING delta
COMMENT 'One row per policy, with its estimated value on the last randomised campaign (not used to fit). Key: as_of, policy.';

CREATE TABLE IF NOT EXISTS gold.text_pool (
  `text_id` string NOT NULL COMMENT 'Hash of offer, theme, tone, language and text',
  `offer_id` string NOT NULL COMMENT 'Offer before which the text stands',
  `theme` string NOT NULL COMMENT 'Theme: new features, support, savings or welcome back',
  `tone` string NOT NULL COMMENT 'Tone: warm, appreciative or welcoming',
  `language` string NOT NULL COMMENT 'Language of the text, ISO 639-1 code',
  `text` string NOT NULL COMMENT 'One or two sentences without greeting, name, number, date, link or offer: code adds these',
  `form_verdict` string NOT NULL COMMENT 'Checks by code: passed, or the names of the checks that failed',
  `judge_verdict` string COMMENT 'Judge (a separate model call, two of two must pass): passed, refused: <why> or unanswered: <reason>; null: not asked, form checks failed',
  `judge_reason` string COMMENT 'Why the judge refused, in words; null: it did not',
  `model` string NOT NULL COMMENT 'Model that wrote and judged the text',
  `prompt_version` string NOT NULL COMMENT 'Hash of the instructions of writer and judge',
  `input_tokens` bigint NOT NULL COMMENT 'Input tokens of writing and judging the text',
  `output_tokens` bigint NOT NULL COMMENT 'Output tokens of writing and judging the text',
  `cost_usd` double NOT NULL COMMENT 'Cost of writing and judging the text, US dollars',
  `approved` boolean COMMENT 'True: a person approved the text; false: rejected; null: waits. Only an approved text is sent',
  `approved_by` string COMMENT 'Who approved or rejected the text; null: waits',
  `approved_at` timestamp COMMENT 'When it was approved or rejected; null: waits'
) USING delta
COMMENT 'One row per text that Claude wrote for an offer, theme, tone and language. Key: text_id.';

CREATE TABLE IF NOT EXISTS gold.messages (
  `campaign_id` string NOT NULL COMMENT 'Campaign identifier',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `offer_id` string NOT NULL COMMENT 'Offer in the message',
  `text_id` string NOT NULL COMMENT 'Text in gold.text_pool; for a template a hash of its own',
  `text` string NOT NULL COMMENT 'The whole message: greeting, text, offer, last day, way to unsubscribe',
  `language` string NOT NULL COMMENT 'Language of the message, ISO 639-1 code',
  `theme` string NOT NULL COMMENT 'Theme: new features, support, savings or welcome back',
  `tone` string NOT NULL COMMENT 'Tone: warm, appreciative or welcoming',
  `written_by` string NOT NULL COMMENT 'Writer of the text: claude or template',
  `model` string COMMENT 'Model that wrote the text; null: template',
  `prompt_version` string COMMENT 'Hash of the instructions to the model; null: template',
  `guard_verdict` string NOT NULL COMMENT 'passed (form checks and judge), or why a template serves: template: <reason>',
  `input_tokens` bigint NOT NULL COMMENT 'Input tokens of a text for this customer alone; 0: the text is of the pool',
  `output_tokens` bigint NOT NULL COMMENT 'Output tokens of a text for this customer alone; 0: the text is of the pool',
  `cost_usd` double NOT NULL COMMENT 'Cost of a text for this customer alone, US dollars; 0: the text is of the pool',
  `approved` boolean NOT NULL COMMENT 'True: its text was approved when the message was written (templates of conf are), and delivery checks gold.text_pool again; false: a person holds back this message'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per campaign and customer, with the message. Key: campaign_id, customer_id. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`campaign_id`,`customer_id`,`offer_id`,`text_id`,`language`,`theme`,`tone`,`written_by`,`model`,`prompt_version`,`guard_verdict`,`input_tokens`,`output_tokens`,`cost_usd`');

CREATE TABLE IF NOT EXISTS gold.text_results (
  `campaign_id` string NOT NULL COMMENT 'Campaign identifier',
  `text_id` string NOT NULL COMMENT 'Text in gold.text_pool, or of a template',
  `metric` string NOT NULL COMMENT 'conversion, or retained_revenue (currency)',
  `offer_id` string NOT NULL COMMENT 'Offer of the text',
  `theme` string NOT NULL COMMENT 'Theme: new features, support, savings or welcome back',
  `tone` string NOT NULL COMMENT 'Tone: warm, appreciative or welcoming',
  `language` string NOT NULL COMMENT 'Language of the text, ISO 639-1 code',
  `written_by` string NOT NULL COMMENT 'Writer of the text: claude or template',
  `customers` bigint NOT NULL COMMENT 'Customers with this text',
  `value` double NOT NULL COMMENT 'Mean of the metric. Compare only texts of the same offer, theme, tone and language: their customers differ by chance alone',
  `ci_low` double COMMENT 'Lower bound of the 95 % interval of value (conversion: Agresti-Coull); null: one customer',
  `ci_high` double COMMENT 'Upper bound of the 95 % interval of value (conversion: Agresti-Coull); null: one customer'
) USING delta
COMMENT 'One row per campaign, text and metric: what the customers with this text did. Key: campaign_id, text_id, metric.';

CREATE TABLE IF NOT EXISTS gold.outbox (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `rule` string NOT NULL COMMENT 'Rule in conf that fired; for a message its campaign',
  `period_on` date NOT NULL COMMENT 'First day of the rule\'s period; for a message as_of of its plan. A customer has at most one contact per rule and period',
  `contact_id` string NOT NULL COMMENT 'Hash of the key; the receiver uses it to detect repeated contacts',
  `campaign_id` string COMMENT 'Campaign of the message in gold.messages; null: a contact by a rule',
  `triggered_on` date NOT NULL COMMENT 'as_of at which the risk rose; for a message its send_on',
  `from_level` string COMMENT 'Risk level at the previous as_of; null: a message',
  `to_level` string COMMENT 'Risk level at triggered_on; null: a message',
  `action` string NOT NULL COMMENT 'Action: offer, survey, support or loyalty',
  `offer_id` string COMMENT 'Offer in conf/offers.yaml; null: none',
  `channel` string NOT NULL COMMENT 'Delivery channel: file, webhook or email',
  `is_held_out` boolean NOT NULL COMMENT 'True: control group, not contacted, to measure the effect of the rule',
  `expires_on` date NOT NULL COMMENT 'The contact is not sent on or after this day'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per customer, rule and period, or per approved message of a campaign. Key: customer_id, rule, period_on.';

CREATE TABLE IF NOT EXISTS gold.outbox_deliveries (
  `contact_id` string NOT NULL COMMENT 'Hash of the key; the receiver uses it to detect repeated contacts',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `status` string NOT NULL COMMENT 'sent, failed (the next run retries), held_back (sent once the reason is gone), dead (dead letter, no more retries) or cancelled',
  `reason` string COMMENT 'Code of the reason why the contact was not sent; null: sent. held_back: consent_unknown or not_fulfilled (see silver.fulfilments)',
  `attempts` bigint NOT NULL COMMENT 'Number of attempts over all runs',
  `last_tried_on` date NOT NULL COMMENT 'as_of of the last run that attempted delivery; held_back: of the first run with this reason'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per contact that was attempted or held back, with its status. A contact without a row is pending. Key: contact_id.';

CREATE TABLE IF NOT EXISTS gold.satisfaction (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `segment` string NOT NULL COMMENT 'Segment at as_of, as in gold.customer_segments',
  `satisfaction_score` double COMMENT '0 to 10. Basis survey: the score of the latest answer given and known before as_of; of several at the same time the lowest. Basis stars: (stars - 1) * 2.5 of the mean stars (1 to 5) of all reviews. Basis sentiment: (sentiment + 1) * 5 of the mean of review_sentiment_mean and ticket_sentiment_mean (-1 to 1), or of the one that exists. Null: unknown, never a guess',
  `satisfaction_basis` string NOT NULL COMMENT 'The first that exists: survey, stars or sentiment; unknown: none, the score is null',
  `answered_on` date COMMENT 'Day of the answer (UTC); null: the basis is not survey'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per known customer at as_of, with their satisfaction if anything tells it. Key: customer_id, as_of.';

CREATE TABLE IF NOT EXISTS gold.inference_log (
  `request_id` string NOT NULL COMMENT 'Id of the request, also in its response',
  `position` int NOT NULL COMMENT 'Place of the customer in a batch; 0: a single request',
  `request_at` timestamp NOT NULL COMMENT 'When the request arrived (UTC)',
  `customer_id` string COMMENT 'Customer; null: the request named none',
  `features` string COMMENT 'The features that were scored, as a JSON object; null: there were none',
  `features_on` date COMMENT 'as_of of the features; null: they came with the request',
  `features_source` string NOT NULL COMMENT 'request, online_store, delta, or open_day (some are those of gold.engagement_live)',
  `model_version` string COMMENT 'Version in the model registry; null: not scored',
  `arm` string NOT NULL COMMENT 'champion, challenger (it answered, in an A/B test) or shadow (an answer of the challenger that was not sent)',
  `churn_probability` double COMMENT 'Probability in the answer; null: not scored',
  `score_basis` string COMMENT 'model or cold_start; null: not scored',
  `status` int NOT NULL COMMENT 'HTTP status of the answer about this customer',
  `duration_ms` double NOT NULL COMMENT 'Time until the answer was ready, milliseconds'
) USING delta
COMMENT 'One row per answer of the prediction service about one customer. Key: request_id, position, arm. Personal data: features.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`request_id`,`position`,`request_at`,`customer_id`,`features_on`,`features_source`,`model_version`,`arm`,`churn_probability`,`score_basis`,`status`,`duration_ms`');

CREATE TABLE IF NOT EXISTS gold.inference_checks (
  `answered_on` date NOT NULL COMMENT 'Day of the answers (UTC)',
  `model_version` string NOT NULL COMMENT 'Version in the model registry',
  `answers` bigint NOT NULL COMMENT 'Logged answers with a probability',
  `recomputed` bigint NOT NULL COMMENT 'Answers that could be recomputed: with features from the request or the open day from these, else from the feature tables as they were at request_at',
  `different` bigint NOT NULL COMMENT 'Recomputed answers whose probability differs by more than 1e-6',
  `different_share` double COMMENT 'different / recomputed; null: nothing recomputed'
) USING delta
COMMENT 'One row per day of answers and model version, with the share that a recomputation does not confirm. Key: answered_on, model_version.';

CREATE TABLE IF NOT EXISTS gold.drift (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `feature` string NOT NULL COMMENT 'Feature of the champion, churn_probability, or a silver table',
  `statistic` string NOT NULL COMMENT 'Of numbers: psi, wasserstein (in standard deviations of the training sample), out_of_range_share. Of texts: psi, total_variation, new_category_share. Of both: missing_share (minus that of the training sample). Of a silver table: freshness_days, volume_ratio (rows of the last window, divided by the mean of the windows before)',
  `value` double COMMENT 'Value of the statistic; null: undefined, as without any row',
  `threshold` double COMMENT 'monitoring in conf; an alert needs a value beyond it',
  `p_value` double COMMENT 'Probability of such a difference without drift, corrected for all rows of as_of (Holm); null: not tested',
  `is_alert` boolean NOT NULL COMMENT 'True: the value is beyond the threshold, and p_value is below monitoring.false_alarm_rate or null',
  `rows` bigint NOT NULL COMMENT 'Customers or rows that the value was computed from',
  `model_version` string COMMENT 'Version of the champion; null: a silver table'
) USING delta
COMMENT 'One row per feature, prediction or source table, and statistic. Key: as_of, feature, statistic.';

CREATE TABLE IF NOT EXISTS gold.model_performance (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `scored_on` date NOT NULL COMMENT 'as_of of the scores in gold.customer_scores',
  `basis` string NOT NULL COMMENT 'estimated (the horizon has not passed: purchases so far and calibrated probabilities) or realised (labels)',
  `metric` string NOT NULL COMMENT 'roc_auc, brier or churn_rate',
  `customers` bigint NOT NULL COMMENT 'Scored customers',
  `value` double COMMENT 'Value of the metric; null: it cannot be told',
  `ci_low` double COMMENT 'Lower bound of the interval (90 % estimated, 95 % realised)',
  `ci_high` double COMMENT 'Upper bound of the interval',
  `reference_value` double COMMENT 'Value on the test date of the training run (churn_rate: mean probability); null: unknown',
  `verdict` string NOT NULL COMMENT 'fine; fallen: the whole interval is worse than reference_value by monitoring.relative_fall or more; not judged (churn_rate); or cannot be told, with the reason'
) USING delta
COMMENT 'One row per scored date, basis and metric of the champion, as known at as_of. Key: as_of, scored_on, basis, metric.';

CREATE TABLE IF NOT EXISTS gold.surprise_leavers (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `churn_probability` double NOT NULL COMMENT 'Probability at as_of',
  `risk_level` string NOT NULL COMMENT 'Risk level at as_of',
  `left_on` date COMMENT 'inactivity: day of the last purchase known at the end of the horizon; termination: day on which the contract ended; null: unknown',
  `ended` string NOT NULL COMMENT 'What ended: purchases or contract',
  `top_factors` string COMMENT 'The features with the largest |SHAP| at as_of, with their values, separated by \'; \'; null: no model scored the customer',
  `null_features` string COMMENT 'Features of the model that were null at as_of, separated by \', \'; null: none',
  `promised_rate` double NOT NULL COMMENT 'Mean probability of the customers below the threshold at as_of',
  `rate` double NOT NULL COMMENT 'Share of these customers who churned',
  `ci_low` double NOT NULL COMMENT 'Lower bound of the 95 % interval of rate (Wilson)',
  `ci_high` double NOT NULL COMMENT 'Upper bound of the 95 % interval of rate (Wilson)'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row per customer whose probability was below the decision threshold and who churned. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.decision_ledger (
  `decision_id` string NOT NULL COMMENT 'Hash of campaign, customer and offer',
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `campaign_id` string NOT NULL COMMENT 'Campaign of the plan',
  `policy` string NOT NULL COMMENT 'personalised or mass',
  `offer_id` string NOT NULL COMMENT 'Offer in conf/offers.yaml',
  `segment` string NOT NULL COMMENT 'Segment at the decision',
  `promised_value` double COMMENT 'Reduction of the churn probability that the plan assumed; null: unknown',
  `is_held_out` boolean NOT NULL COMMENT 'True: control group, no offer was sent',
  `outcome_value` double COMMENT '1: the customer bought within the horizon, 0: not; null: not known yet',
  `outcome_known_at` timestamp NOT NULL COMMENT '00:00 of the first day with a complete outcome'
) USING delta
COMMENT 'One row per decision of a plan for a customer: offer sent, or control group. Key: as_of, decision_id.';

CREATE TABLE IF NOT EXISTS gold.promise_results (
  `campaign_id` string NOT NULL COMMENT 'Campaign of the plan; all: every campaign',
  `offer_id` string NOT NULL COMMENT 'Offer in conf/offers.yaml',
  `segment` string NOT NULL COMMENT 'Segment at the decision; all: every segment',
  `month` string NOT NULL COMMENT 'Month of the plan, such as 2018-01',
  `treated` bigint NOT NULL COMMENT 'Customers who were sent the offer',
  `held_out` bigint NOT NULL COMMENT 'Customers of the control group',
  `promised_value` double COMMENT 'Mean promised reduction of churn, shrunk to what past campaigns kept; null: unknown',
  `measured_value` double COMMENT 'Retained share, treated minus control; null: no test',
  `ci_low` double COMMENT 'Lower bound of the 95 % interval of measured_value',
  `ci_high` double COMMENT 'Upper bound of the 95 % interval of measured_value',
  `anytime_p_value` double COMMENT 'Always-valid p-value of measured below promised',
  `smallest_decay` double COMMENT 'Smallest shortfall that would be found 4 times in 5; null: too few to tell',
  `is_kept` boolean COMMENT 'False: measured_value is significantly below promised_value; null: too few to tell'
) USING delta
COMMENT 'One row per campaign, offer, segment and month: promised and measured value. Key: campaign_id, offer_id, segment, month.';

CREATE TABLE IF NOT EXISTS gold.alerts (
  `alert_id` string NOT NULL COMMENT 'Hash of as_of, source and subject',
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 of this day',
  `raised_at` timestamp NOT NULL COMMENT 'When the alert was first raised (UTC)',
  `severity` string NOT NULL COMMENT 'warning or critical',
  `source` string NOT NULL COMMENT 'drift, data, performance, promise, surprise_leavers or test',
  `message` string NOT NULL COMMENT 'What happened, with the value and the threshold',
  `what_to_do` string NOT NULL COMMENT 'The next step for a person',
  `sent_to` string COMMENT 'Sinks that accepted the alert, separated by \', \'; null: none yet, the next run of the date tries again'
) USING delta
COMMENT 'One row per alert of a monitoring run. Key: as_of, alert_id.';

CREATE TABLE IF NOT EXISTS gold.fraud_scores (
  `payment_id` string NOT NULL COMMENT 'Identifier of the payment',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `paid_on` date NOT NULL COMMENT 'Day of the payment (UTC)',
  `score` double COMMENT 'basis model: probability of fraud; anomaly: 0 (usual) to 1; degraded: null',
  `decision` string NOT NULL COMMENT 'One of approve, review, block',
  `is_alert` boolean NOT NULL COMMENT 'True: the decision is review or block',
  `reason` string COMMENT 'What raised the score most, separated by \'; \'; null: nothing raised it',
  `basis` string NOT NULL COMMENT 'model (trained on labels), anomaly (no labels exist) or degraded (rules on the payment alone, as its windows were not known)',
  `model_version` string COMMENT 'Version in the model registry; null: degraded',
  `answered_at` timestamp COMMENT 'When /fraud/score answered (UTC), whose row score_payments keeps; null: nobody asked, score_payments decided'
) USING delta
COMMENT 'One row per payment, with what /fraud/score decides about it. Key: payment_id.';

CREATE TABLE IF NOT EXISTS gold.engagement_live (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `day` date NOT NULL COMMENT 'The open day: that of the newest event of all customers',
  `engagement_score` double COMMENT 'engagement_score as in features.behavior, with the events of the open day so far, 0 to 1; null: no component is known',
  `engagement_basis` string COMMENT 'Components used in engagement_score; null: none',
  `change_1d` double COMMENT 'engagement_score minus its value at the end of the day before; null: one is unknown',
  `level` string COMMENT 'Level of the score by stream.levels in conf; null: none',
  `level_before` string COMMENT 'Level at the end of the day before; null: none',
  `updated_at` timestamp NOT NULL COMMENT 'Last event of the customer (UTC)',
  `login_frequency_30d` double COMMENT 'Distinct login days in 30 days / 30',
  `usage_minutes_30d` double COMMENT 'Minutes of product use in 30 days',
  `page_views_30d` bigint COMMENT 'Page views in 30 days',
  `features_used_30d` bigint COMMENT 'Distinct features of the product used in 30 days',
  `feature_usage_score` double COMMENT 'Share of the known product features that were used in 30 days',
  `community_posts_30d` bigint COMMENT 'Community posts in 30 days',
  `community_participation` double COMMENT 'Posts in 30 days / cap in conf, at most 1',
  `email_open_rate_30d` double COMMENT 'Opened / sent in 30 days, at most 1; null: none sent',
  `email_reply_rate_30d` double COMMENT 'Replied / sent in 30 days, at most 1; null: none sent',
  `support_tickets_30d` bigint COMMENT 'Tickets opened in 30 days',
  `support_interactions_30d` double COMMENT 'Tickets in 30 days / cap in conf, at most 1'
) USING delta
COMMENT 'One row per customer with an event on the open day or in the 30 days before it. Key: customer_id.';

CREATE TABLE IF NOT EXISTS gold.app_changes (
  `change_id` string NOT NULL COMMENT 'Identifier of the change',
  `state` string NOT NULL COMMENT 'One of started, done, failed',
  `changed_at` timestamp NOT NULL COMMENT 'When the state was reached (UTC)',
  `changed_by` string NOT NULL COMMENT 'Name from the log-in; local: there is no log-in',
  `action` string NOT NULL COMMENT 'upload, delete_upload, load, train, score, approve_text, reject_text or note_outcome',
  `subject` string NOT NULL COMMENT 'Identifier of what was changed',
  `details` string COMMENT 'The new value in words; null: none. Never a personal value'
) USING delta
COMMENT 'One row per change in the app and state: started before it, then done or failed. Key: change_id, state.';

CREATE TABLE IF NOT EXISTS gold.erasures (
  `erasure_id` string NOT NULL COMMENT 'Identifier of the certificate',
  `request_id` string NOT NULL COMMENT 'Digest of all digests of one call of erase_customer: the same ids give the same request',
  `customer_digest` string NOT NULL COMMENT 'HMAC-SHA-256 of the id, hexadecimal',
  `key_id` string NOT NULL COMMENT 'Tells by which key the digest was made; says nothing about the key',
  `requested_at` timestamp NOT NULL COMMENT 'When the first run of the request began (UTC)',
  `done_at` timestamp COMMENT 'When everything was erased (UTC); null: the command was interrupted, run it again',
  `rows_removed` bigint NOT NULL COMMENT 'Rows of the customer, in all tables',
  `tables_touched` string COMMENT 'Tables that had such rows, with \', \' between; null: none',
  `is_log_clean` boolean COMMENT 'False: tables of a catalog, whose logs hold column statistics of old files until delta.logRetentionDuration has passed; null: not done'
) USING delta
COMMENT 'One row per erased customer and request: the certificate, without personal data. Key: erasure_id.';
