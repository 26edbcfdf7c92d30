CREATE TABLE IF NOT EXISTS gold.customer_scores (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `horizon_days` int NOT NULL COMMENT 'Days within which the customer may leave',
  `churn_probability` double NOT NULL COMMENT 'Probability of no purchase within the horizon',
  `churn_prediction` int NOT NULL COMMENT '1: churn_probability at or above the model\'s threshold',
  `risk_level` string NOT NULL COMMENT 'Band of churn_probability, as conf names them',
  `confidence_score` double NOT NULL COMMENT '|p - 0.5| * 2: 0 undecided, 1 certain',
  `recommended_actions` string COMMENT 'Actions whose rule fired, parted by \'; \'; null: none',
  `top_risk_factor` string COMMENT 'The feature that raises the risk most; null: none known',
  `p_alive` double COMMENT 'Probability of being a customer still; null: see p_alive_basis',
  `p_alive_basis` string COMMENT 'The model behind p_alive, or not_identified (the data say nothing of dropout, or the fit has no maximum), no_repeat (bought once: by bg_nbd nobody leaves before a second purchase), not_fitted (too little to learn from); null: fit_lifetime has not run',
  `expected_purchases_30d` double COMMENT 'Expected purchase days in 30 days; null: no model',
  `expected_purchases_90d` double COMMENT 'Expected purchase days in 90 days; null: no model',
  `remaining_lifetime_days` double COMMENT 'Expected days until the customer counts as lost, or the contract ends, of 36 months at most; null: lost already, or no survival model',
  `likely_churn_date` date COMMENT 'First day on which to have left is likelier than not; null: none in 36 months, lost already, or no survival model',
  `earliest_churn_date` date COMMENT 'Lower end of the interval around likely_churn_date that lifetime.survival.level in conf says; null likewise',
  `latest_churn_date` date COMMENT 'Upper end of that interval; null likewise',
  `clv_30d` double COMMENT 'Expected margin of 30 days, discounted; null: see clv_basis',
  `clv_90d` double COMMENT 'Expected margin of 90 days, discounted; null: see clv_basis',
  `clv_12m` double COMMENT 'Expected margin of 12 months, discounted; null: see clv_basis',
  `clv_12m_low` double COMMENT 'Lower end of the interval that lifetime.interval in conf says',
  `clv_12m_high` double COMMENT 'Upper end of that interval',
  `clv_12m_btyd` double COMMENT 'clv_12m by approach 1, expected purchases; null: no model',
  `clv_12m_survival` double COMMENT 'clv_12m by approach 2, days expected to stay x spend rate; null: no model, lost already',
  `clv_36m` double COMMENT 'Expected margin of 36 months, discounted; null: see clv_basis',
  `clv_basis` string COMMENT 'What the clv columns rest on: btyd_gamma_gamma, btyd_credibility or survival_spend_rate, whichever forecast better on past days; no_amounts, not_fitted; null: fit_lifetime has not run',
  `value_at_stake` double COMMENT 'clv_12m given that the customer stays through the horizon (which begins after churn.lead_days): what leaving would cost',
  `main_reason` string COMMENT 'The likeliest of price, features, competitor, quality, support; null: nothing raises the risk, or no model',
  `reason_basis` string COMMENT 'named (by the customer, in an exit survey since the last purchase), labelled (from what other leavers named) or shap_families; null: no main_reason',
  `model_name` string COMMENT 'Learner of the champion; null under score_basis rule',
  `model_version` string COMMENT 'Version in the registry; null under score_basis rule',
  `score_basis` string NOT NULL COMMENT 'model, cold_start (history too short) or rule (no champion)'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row is: One customer who can still be kept (active or silent at as_of), with the risk of leaving. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.risk_factors (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `rank` int NOT NULL COMMENT '1: the largest |impact|',
  `feature` string NOT NULL COMMENT 'Name of the feature',
  `value` string COMMENT 'The customer\'s value as text; null: unknown',
  `impact` double NOT NULL COMMENT 'SHAP value in log-odds of churn, a random forest\'s in probability; above 0 raises the risk',
  `direction` string NOT NULL COMMENT 'increase or decrease of the risk'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row is: One of the five features that move a customer\'s risk most, by exact SHAP value. Key: as_of, customer_id, rank.';

CREATE TABLE IF NOT EXISTS gold.churn_by_horizon (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `horizon_days` int NOT NULL COMMENT 'Days within which the customer may leave',
  `churn_probability` double NOT NULL COMMENT 'Probability of churn within the horizon; the primary one as in customer_scores'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row is: The risk of one customer who can still be kept, within one horizon. Key: as_of, customer_id, horizon_days.';

CREATE TABLE IF NOT EXISTS gold.churn_reasons (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `reason` string NOT NULL COMMENT 'One of price, features, competitor, quality, support',
  `probability` double NOT NULL COMMENT 'named: 1 for the reason that the customer gave; labelled: that a leaver like this names it; shap_families: the share of the risk that would go without the push of its features',
  `reason_basis` string NOT NULL COMMENT 'named, labelled or shap_families'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row is: How likely one reason is that of one customer who can still be kept. Key: as_of, customer_id, reason.';

CREATE TABLE IF NOT EXISTS gold.customer_segments (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `lifecycle` string NOT NULL COMMENT 'active, silent, lost, prospect or terminated',
  `recency_days` bigint COMMENT 'Days since the last purchase day; null: no purchase',
  `frequency` bigint NOT NULL COMMENT 'Purchases in the RFM window',
  `monetary` double NOT NULL COMMENT 'Net revenue in the RFM window, currency',
  `r_score` int COMMENT '1 to 5, 5 the most recent; null for lost customers and prospects',
  `f_score` int COMMENT '1 to 5, 5 the most frequent; null for lost customers and prospects',
  `m_score` int COMMENT '1 to 5, 5 the most revenue; null for lost customers and prospects',
  `rfm_score` string COMMENT 'The three digits; null for lost customers and prospects',
  `rfm_priority` double COMMENT 'Weighted sum of the three scores; null likewise',
  `segment` string NOT NULL COMMENT 'One of twelve',
  `segment_group` string NOT NULL COMMENT 'Roll-up of the segment',
  `engagement_score` double COMMENT '0 to 1; null: no source of engagement',
  `engagement_basis` string COMMENT 'The components behind engagement_score; null: none',
  `clv_score` double COMMENT 'Rule of thumb for lifetime value, currency; null: no tenure',
  `high_risk_churn` boolean NOT NULL COMMENT 'The rule flag: long silent, little engaged, many tickets'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row is: One known customer at as_of, in exactly one of the twelve segments. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.segment_migration (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `previous_as_of` date NOT NULL COMMENT 'The as_of before, of those in gold.customer_segments',
  `from_segment` string NOT NULL COMMENT 'Segment then; New customer: not known then',
  `to_segment` string NOT NULL COMMENT 'Segment now',
  `customers` bigint NOT NULL COMMENT 'Customers who took this way',
  `revenue_12m` double NOT NULL COMMENT 'Their net revenue in the RFM window at as_of, currency'
) USING delta
COMMENT 'One row is: How many customers went from one segment to another between two as_of dates. Key: as_of, previous_as_of, from_segment, to_segment.';

CREATE TABLE IF NOT EXISTS gold.model_comparison (
  `trained_at` timestamp NOT NULL COMMENT 'When the training run began (UTC)',
  `model_name` string NOT NULL COMMENT 'Learner, baseline, or the champion at the time',
  `model_version` string NOT NULL COMMENT 'Version in the registry; \'-\' for what is not registered',
  `data_set` string NOT NULL COMMENT 'The environment that the data came from',
  `population` string NOT NULL COMMENT 'all, or active_90d (a purchase in the last 90 days)',
  `horizon_days` int NOT NULL COMMENT 'Horizon of the label, days',
  `split` string NOT NULL COMMENT 'train, validation or test; validation too where a further horizon\'s own test date had a part in choosing learner and parameters, which are those of the primary horizon',
  `metric` string NOT NULL COMMENT 'Name as in scikit-learn; ..._threshold_half, ..._threshold_f1: at .5, and where F1 is best; roc_auc_difference: less that of the champion at the time, else of the learner chosen, with an interval paired by customer: it counts only where that excludes zero; calibration_<tenth>_predicted, _observed: mean probability and share that left in a tenth of the customers, 1 the lowest probabilities',
  `value` double COMMENT 'Value of the metric; null: undefined here',
  `ci_low` double COMMENT 'Lower end of the 95 % bootstrap interval; null: none computed',
  `ci_high` double COMMENT 'Upper end of the 95 % bootstrap interval; null: none computed'
) USING delta
COMMENT 'One row is: One metric of one model on one set of customers and dates. Key: trained_at, model_name, model_version, data_set, population, horizon_days, split, metric.';

CREATE TABLE IF NOT EXISTS gold.feature_sets (
  `trained_at` timestamp NOT NULL COMMENT 'When the training run began (UTC)',
  `model_name` string NOT NULL COMMENT 'Learner',
  `model_version` string NOT NULL COMMENT 'Version in the registry of that run',
  `data_set` string NOT NULL COMMENT 'The environment that the data came from',
  `feature_set` string NOT NULL COMMENT 'all, selected (the strongest by SHAP), or without_<family>',
  `metric` string NOT NULL COMMENT 'features (how many), roc_auc, average_precision, brier, or roc_auc_difference to all',
  `value` double COMMENT 'Value of the metric; null: undefined here',
  `ci_low` double COMMENT 'Lower end of the 95 % bootstrap interval; null: none computed',
  `ci_high` double COMMENT 'Upper end of the 95 % bootstrap interval; null: none computed'
) USING delta
COMMENT 'One row is: One metric of the chosen learner on a set of features, measured on the validation date. Key: trained_at, model_name, feature_set, metric.';

CREATE TABLE IF NOT EXISTS gold.customer_lifetime (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `frequency` bigint NOT NULL COMMENT 'BTYD frequency: purchase days after the first',
  `recency_days` bigint NOT NULL COMMENT 'BTYD recency: days from first to last purchase',
  `observed_days` bigint NOT NULL COMMENT 'BTYD T: days from first purchase to as_of - 1',
  `monetary_value` double COMMENT 'Mean total of the repeat days, currency; null: none',
  `p_no_purchase` double COMMENT 'Probability of no purchase within the primary horizon, which begins after churn.lead_days; null: no model',
  `expected_value` double COMMENT 'Expected margin of a purchase; null: no amounts',
  `p_alive_30d` double COMMENT 'Probability of being a customer still in 30 days; null: see p_alive_basis',
  `p_alive_90d` double COMMENT 'Probability of being a customer still in 90 days; null: see p_alive_basis',
  `p_leaves_30d` double COMMENT 'Probability by survival that within 30 days the customer counts as lost, or the contract ends; null: lost already, or no survival model',
  `p_leaves_90d` double COMMENT 'Probability by survival that within 90 days the customer counts as lost, or the contract ends; null: lost already, or no survival model',
  `survival_1m` double COMMENT 'Probability by survival of being there still in 1 months; null likewise',
  `survival_3m` double COMMENT 'Probability by survival of being there still in 3 months; null likewise',
  `survival_12m` double COMMENT 'Probability by survival of being there still in 12 months; null likewise',
  `survival_36m` double COMMENT 'Probability by survival of being there still in 36 months; null likewise',
  `p_alive` double COMMENT 'Probability of being a customer still; null: see p_alive_basis',
  `p_alive_basis` string COMMENT 'The model behind p_alive, or not_identified (the data say nothing of dropout, or the fit has no maximum), no_repeat (bought once: by bg_nbd nobody leaves before a second purchase), not_fitted (too little to learn from); null: fit_lifetime has not run',
  `expected_purchases_30d` double COMMENT 'Expected purchase days in 30 days; null: no model',
  `expected_purchases_90d` double COMMENT 'Expected purchase days in 90 days; null: no model',
  `remaining_lifetime_days` double COMMENT 'Expected days until the customer counts as lost, or the contract ends, of 36 months at most; null: lost already, or no survival model',
  `likely_churn_date` date COMMENT 'First day on which to have left is likelier than not; null: none in 36 months, lost already, or no survival model',
  `earliest_churn_date` date COMMENT 'Lower end of the interval around likely_churn_date that lifetime.survival.level in conf says; null likewise',
  `latest_churn_date` date COMMENT 'Upper end of that interval; null likewise',
  `clv_30d` double COMMENT 'Expected margin of 30 days, discounted; null: see clv_basis',
  `clv_90d` double COMMENT 'Expected margin of 90 days, discounted; null: see clv_basis',
  `clv_12m` double COMMENT 'Expected margin of 12 months, discounted; null: see clv_basis',
  `clv_12m_low` double COMMENT 'Lower end of the interval that lifetime.interval in conf says',
  `clv_12m_high` double COMMENT 'Upper end of that interval',
  `clv_12m_btyd` double COMMENT 'clv_12m by approach 1, expected purchases; null: no model',
  `clv_12m_survival` double COMMENT 'clv_12m by approach 2, days expected to stay x spend rate; null: no model, lost already',
  `clv_36m` double COMMENT 'Expected margin of 36 months, discounted; null: see clv_basis',
  `clv_basis` string COMMENT 'What the clv columns rest on: btyd_gamma_gamma, btyd_credibility or survival_spend_rate, whichever forecast better on past days; no_amounts, not_fitted; null: fit_lifetime has not run',
  `value_at_stake` double COMMENT 'clv_12m given that the customer stays through the horizon (which begins after churn.lead_days): what leaving would cost'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row is: One customer with a purchase before as_of, with expected purchases and worth. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.lifetime_models (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `model_name` string NOT NULL COMMENT 'bg_nbd, mbg_nbd, pareto_nbd, gamma_gamma, credibility, shifted_beta_geometric; cox, weibull_aft, discrete_hazard, spend_rate; or timing: how regular and how seasonal purchases are',
  `parameter` string NOT NULL COMMENT 'Name in the literature; held_out_log_likelihood a customer; concordance, integrated_brier and calibration_<decile>_ predicted and observed on days after the fit; p_value_proportional <covariate>; person_periods: rows of the hazard trees',
  `value` double COMMENT 'Time in days, money in currency; null: undefined',
  `std_error` double COMMENT 'Standard error; null: none, or the Hessian gives none',
  `log_likelihood` double COMMENT 'Of all customers, time in days; null: no likelihood',
  `customers` bigint NOT NULL COMMENT 'Customers that the value comes from',
  `converged` boolean COMMENT 'At a maximum; null: nothing was optimised',
  `is_chosen` boolean NOT NULL COMMENT 'True: a model behind gold.customer_lifetime',
  `is_identified` boolean COMMENT 'True: the data say who leaves; null: not of this model'
) USING delta
COMMENT 'One row is: One parameter of one model fitted on the purchases before as_of. Key: as_of, model_name, parameter.';

CREATE TABLE IF NOT EXISTS gold.clv_backtest (
  `cut` date NOT NULL COMMENT 'The day forecast from: what came before it was known',
  `approach` string NOT NULL COMMENT 'btyd, survival (the kind of model that as_of chose, fitted on what the cut knew), boosted_trees or last_period',
  `horizon_days` int NOT NULL COMMENT 'Days forecast',
  `metric` string NOT NULL COMMENT 'purchases_ or value_ and mae, rmse, rank_correlation, top_decile_share, total_ratio, bias_decile_1 (lowest forecast) to 10; with _all at the end: of everyone with a purchase, the lost and terminated too',
  `value` double COMMENT 'Purchase days or currency a customer, or a share; null: none',
  `customers` bigint NOT NULL COMMENT 'Customers compared',
  `is_chosen` boolean COMMENT 'True: btyd or survival, whichever had the lower value_mae on cuts whose horizon had passed by this one; null: there is no such cut'
) USING delta
COMMENT 'One row is: One measure of one approach that forecast, from a past day on, purchases and value of the customers who could still be kept that day (active or silent, the contract not ended). Key: cut, approach, horizon_days, metric.';

CREATE TABLE IF NOT EXISTS gold.segment_survival (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `segment` string NOT NULL COMMENT 'Segment at the first date with features; or all',
  `days_ahead` int NOT NULL COMMENT 'Days from that date on',
  `survival` double NOT NULL COMMENT 'Share still customers beyond that day',
  `ci_low` double NOT NULL COMMENT 'Lower end of its 95 % interval',
  `ci_high` double NOT NULL COMMENT 'Upper end of its 95 % interval',
  `customers` bigint NOT NULL COMMENT 'Customers of the segment'
) USING delta
COMMENT 'One row is: How many of a segment are still customers some days on (Kaplan-Meier). Key: as_of, segment, days_ahead.';

CREATE TABLE IF NOT EXISTS gold.retention_plan (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `strategy` string NOT NULL COMMENT 'churn_probability, p_alive, clv_at_risk, net_value or random',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `rank` bigint COMMENT '1: the first to act on; null: left out, already lost',
  `is_chosen` boolean NOT NULL COMMENT 'True: within the budget',
  `offer_id` string COMMENT 'The offer that the plan assumes; null: left out',
  `send_on` date COMMENT 'Day to send it; null: not chosen',
  `expected_value_kept` double COMMENT 'Fall in churn probability that the offer is assumed to cause, by value_at_stake; null: no value is known',
  `cost` double COMMENT 'Expected cost of the offer, currency; null: no value is known',
  `why` string NOT NULL COMMENT 'The two quantities that decided the rank, or why there is none, in one sentence'
) USING delta
CLUSTER BY (as_of, strategy, customer_id)
COMMENT 'One row is: One customer in the plan of one strategy: ranked, or left out because already lost. Key: as_of, strategy, customer_id.';

CREATE TABLE IF NOT EXISTS gold.strategy_comparison (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `strategy` string NOT NULL COMMENT 'The strategy that the figures are of',
  `other_strategy` string NOT NULL COMMENT 'The strategy compared with',
  `chosen` bigint NOT NULL COMMENT 'Customers chosen by strategy',
  `shared` bigint NOT NULL COMMENT 'Of these, also chosen by other_strategy',
  `jaccard` double COMMENT 'shared / chosen by either; null: none by either',
  `value_at_stake_covered` double COMMENT 'Share of all churn_probability x value_at_stake that the chosen hold; null: unknown',
  `value_kept` double COMMENT 'Backtest a horizon earlier: assumed share of leavers kept, by the value_at_stake of those chosen who did leave, currency; null: no earlier scores',
  `ci_low` double COMMENT 'Lower end of its 95 % interval over customers; null likewise',
  `ci_high` double COMMENT 'Upper end of its 95 % interval; null likewise',
  `next_1pct_value` double COMMENT 'expected_value_kept of whom strategy would also choose with a budget of 1 % of the customers more (at least one), or of 1 % more money; null: unknown',
  `assumption` string NOT NULL COMMENT 'Where the offer\'s effect comes from: assumed in conf, with its figures'
) USING delta
COMMENT 'One row is: One strategy beside another (or itself) under the same budget. Key: as_of, strategy, other_strategy.';

CREATE TABLE IF NOT EXISTS gold.campaign_results (
  `campaign_id` string NOT NULL COMMENT 'The campaign',
  `policy` string NOT NULL COMMENT 'personalised (by a plan) or mass (offers at random)',
  `offer_id` string NOT NULL COMMENT 'The offer',
  `segment` string NOT NULL COMMENT 'Segment before the contact, or all',
  `month` string NOT NULL COMMENT 'Month of the contact, YYYY-MM',
  `metric` string NOT NULL COMMENT 'conversion, or retained_revenue (currency)',
  `treated` bigint NOT NULL COMMENT 'Customers who were sent it',
  `held_out` bigint NOT NULL COMMENT 'Customers held out at random',
  `value_treated` double NOT NULL COMMENT 'Mean of the metric among the first',
  `value_held_out` double NOT NULL COMMENT 'Mean of the metric among the second',
  `effect` double NOT NULL COMMENT 'Difference of the means',
  `ci_low` double NOT NULL COMMENT 'Lower end of its 95 % interval (Welch; of conversion Agresti-Caffo)',
  `ci_high` double NOT NULL COMMENT 'Upper end of its 95 % interval (Welch; of conversion Agresti-Caffo)',
  `p_value` double NOT NULL COMMENT 'Two-sided, of one look',
  `p_value_corrected` double NOT NULL COMMENT 'Corrected for the campaign\'s other offers (Holm)',
  `anytime_p_value` double NOT NULL COMMENT 'Valid under looks at any time',
  `effect_cuped` double NOT NULL COMMENT 'Effect less what revenue before the contact explains',
  `ci_low_cuped` double NOT NULL COMMENT 'Lower end of its 95 % interval',
  `ci_high_cuped` double NOT NULL COMMENT 'Upper end of its 95 % interval',
  `minimum_detectable_effect` double NOT NULL COMMENT 'What such a campaign finds 4 times in 5',
  `srm_p_value` double COMMENT 'Of the arms\' sizes against those meant; null: not known'
) USING delta
COMMENT 'One row is: One metric of one offer of a campaign: those sent it against those held out at random. Key: campaign_id, policy, offer_id, segment, month, metric.';

CREATE TABLE IF NOT EXISTS gold.model_arms (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `experiment_id` string NOT NULL COMMENT 'The model\'s name and both versions',
  `arm` string NOT NULL COMMENT 'champion or challenger',
  `model_version` string NOT NULL COMMENT 'Version in the registry that scored the arm',
  `share` double NOT NULL COMMENT 'Share of the customers meant for the arm'
) USING delta
COMMENT 'One row is: One arm of an experiment on models at an as_of: which version scored its customers. Key: as_of, experiment_id, arm.';

CREATE TABLE IF NOT EXISTS gold.model_ab (
  `experiment_id` string NOT NULL COMMENT 'The model\'s name and both versions',
  `arm` string NOT NULL COMMENT 'champion or challenger',
  `metric` string NOT NULL COMMENT 'brier, log_loss (less is better), retained, or retained_revenue (currency)',
  `customers` bigint NOT NULL COMMENT 'Customers of the arm, each counted once',
  `value` double NOT NULL COMMENT 'Mean over them, of each their own mean over as_of dates',
  `effect` double COMMENT 'Challenger less champion, within segments; null: the champion',
  `ci_low` double COMMENT 'Lower end of its 95 % interval; null: the champion',
  `ci_high` double COMMENT 'Upper end of its 95 % interval; null: the champion',
  `p_value` double COMMENT 'Two-sided, of one look; null: the champion',
  `anytime_p_value` double COMMENT 'Valid under looks at any time; null: the champion',
  `minimum_detectable_effect` double COMMENT 'What so many customers find 4 times in 5; null: the champion',
  `srm_p_value` double NOT NULL COMMENT 'Of the arms\' sizes against those meant'
) USING delta
COMMENT 'One row is: One metric of one arm of an experiment on models, where the horizon has passed. Key: experiment_id, arm, metric.';

CREATE TABLE IF NOT EXISTS gold.offer_decisions (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `campaign_id` string NOT NULL COMMENT 'The campaign of this plan',
  `offer_id` string COMMENT 'The offer of conf/offers.yaml; null: none',
  `is_held_out` boolean NOT NULL COMMENT 'True: chosen, but kept without it to measure by',
  `send_on` date COMMENT 'The day to send it; null: no offer',
  `policy` string NOT NULL COMMENT 'One of gold.policy_comparison; rules: no experiment',
  `rule` string COMMENT 'The rule that fired; null under all policies but rules',
  `effect` double COMMENT 'Fall in churn probability that the offer causes; null: none',
  `effect_basis` string COMMENT 'experiment or assumed (conf); null: no offer',
  `value_at_stake` double COMMENT '12-month value if the customer stays, currency',
  `value_basis` string COMMENT 'value_at_stake, or revenue_a_year where no CLV is modelled',
  `expected_gain` double COMMENT 'effect x value_at_stake - cost, currency; null: none',
  `expected_cost` double COMMENT 'Expected cost of the offer, currency; null: none',
  `no_offer_reason` string COMMENT 'opted_out, cooling_off, not_eligible, no_gain or budget; null: has one',
  `why` string NOT NULL COMMENT 'One sentence: the offer, the quantities behind it'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row is: One customer who is not terminated, with the offer decided, or why there is none. Key: as_of, customer_id.';

CREATE TABLE IF NOT EXISTS gold.hold_out (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `stratum` string NOT NULL COMMENT 'Segment when they were drawn; shares hold within it',
  `is_held_out` boolean NOT NULL COMMENT 'True: no plan sends them anything; never changes',
  `assigned_on` date NOT NULL COMMENT 'as_of of the plan that drew them'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One customer for whom an offer was ever chosen: are offers kept from them, to measure by. Key: customer_id.';

CREATE TABLE IF NOT EXISTS gold.offer_plan (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `offer_id` string NOT NULL COMMENT 'The offer of conf/offers.yaml',
  `customers` bigint NOT NULL COMMENT 'Customers to whom it is sent',
  `held_out` bigint NOT NULL COMMENT 'Customers chosen for it and held out',
  `expected_gain` double NOT NULL COMMENT 'Sum over both, currency',
  `expected_cost` double NOT NULL COMMENT 'Sum over both, currency',
  `budget` double NOT NULL COMMENT 'What the plan had: money, or a number of customers',
  `budget_unit` string NOT NULL COMMENT 'money or customers',
  `shadow_price` double COMMENT 'Gain that one more unit of budget brings, currency; null: not chosen by gain',
  `minimum_detectable_effect` double COMMENT 'Change of conversion that it finds 4 times in 5; null: nobody held out, or no effect',
  `customers_needed` bigint COMMENT 'Customers, held out too, to find a change of 0.05 so often; null: no hold-out in conf'
) USING delta
COMMENT 'One row is: One offer of a plan with its sums, and the price of the budget. Key: as_of, offer_id.';

CREATE TABLE IF NOT EXISTS gold.offer_effects (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `offer_id` string NOT NULL COMMENT 'The offer of conf/offers.yaml',
  `effect` double NOT NULL COMMENT 'Fall in churn probability; below 0 it does harm',
  `basis` string NOT NULL COMMENT 'individual; average where no heterogeneity was found; observational: no experiment',
  `learner` string NOT NULL COMMENT 's_, t_, x_, dr_ or shift_learner'
) USING delta
CLUSTER BY (customer_id, as_of)
COMMENT 'One row is: One customer who can still be kept and one offer: what campaigns say it changes. Key: as_of, customer_id, offer_id.';

CREATE TABLE IF NOT EXISTS gold.uplift_results (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `learner` string NOT NULL COMMENT 's_, t_, x_, dr_ or shift_learner',
  `split` string NOT NULL COMMENT 'validation (chose the learner), test, or observed: no hold-out',
  `offer_id` string NOT NULL COMMENT 'The offer, against the held-out, or against the rest',
  `metric` string NOT NULL COMMENT 'qini, auuc, average_effect, calibration_slope, decile_<n> (the best first) or decile_<n>_predicted; of observed: average_effect (doubly robust), naive_difference, overlap_share, imbalance_before, imbalance_after (largest, in standard deviations), (un)treated_propensity_p<n>',
  `is_randomised` boolean NOT NULL COMMENT 'False: adjusted, and what was not seen stays',
  `value` double NOT NULL COMMENT 'Value of the metric; of a decile: the observed fall, or the mean predicted one',
  `ci_low` double COMMENT 'Lower end of the 95 % interval; null: none computed',
  `ci_high` double COMMENT 'Upper end of the 95 % interval; null: none computed',
  `customers` bigint NOT NULL COMMENT 'Rows behind it',
  `verdict` string COMMENT 'What follows; null but for qini on test and overlap_share'
) USING delta
COMMENT 'One row is: One metric of one learner for one offer, on campaigns that it did not learn from. Key: as_of, learner, split, offer_id, metric.';

CREATE TABLE IF NOT EXISTS gold.policy_comparison (
  `as_of` date NOT NULL COMMENT 'Features use events before 00:00 UTC of this day',
  `policy` string NOT NULL COMMENT 'uplift, rules, by_risk, random, treat_all or treat_none',
  `offer_id` string COMMENT 'The one offer of by_risk, random, treat_all; else null',
  `value_a_customer` double NOT NULL COMMENT 'Net value a customer over treat_none, doubly robust, currency',
  `ci_low` double NOT NULL COMMENT 'Lower end of its 95 % interval',
  `ci_high` double NOT NULL COMMENT 'Upper end of its 95 % interval',
  `treated_share` double NOT NULL COMMENT 'Share of the customers who are sent something',
  `is_within_budget` boolean NOT NULL COMMENT 'True: it spends no more than conf allows',
  `is_chosen` boolean NOT NULL COMMENT 'True: decide_offers follows it: the greatest value within the budget, also where its interval holds 0',
  `customers` bigint NOT NULL COMMENT 'Customers of the campaign behind it'
) USING delta
COMMENT 'One row is: One policy and what it would have brought on the last randomised campaign, held out. Key: as_of, policy.';

CREATE TABLE IF NOT EXISTS gold.messages (
  `campaign_id` string NOT NULL COMMENT 'The campaign',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `offer_id` string NOT NULL COMMENT 'The offer that it states',
  `text` string NOT NULL COMMENT 'The message',
  `language` string NOT NULL COMMENT 'Language of the text, as ISO 639-1',
  `theme` string NOT NULL COMMENT 'new features, support or savings',
  `written_by` string NOT NULL COMMENT 'claude or template',
  `model` string COMMENT 'The model that wrote it; null: the template',
  `prompt_version` string NOT NULL COMMENT 'Hash of the instructions in use',
  `brief_digest` string NOT NULL COMMENT 'Hash of brief and prompt: unchanged needs no call',
  `guard_verdict` string NOT NULL COMMENT 'passed, passed_second, refused: <rules>, or not_written: <reason>',
  `input_tokens` bigint NOT NULL COMMENT 'Tokens read by the model, all tries',
  `output_tokens` bigint NOT NULL COMMENT 'Tokens written by the model, all tries',
  `cost_usd` double NOT NULL COMMENT 'Cost of all tries, US dollars',
  `approved` boolean NOT NULL COMMENT 'True: a person released it; false: not yet'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One message to one customer of a campaign. Key: campaign_id, customer_id. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`campaign_id`,`customer_id`,`offer_id`,`language`,`theme`,`written_by`,`model`,`prompt_version`,`brief_digest`,`guard_verdict`,`input_tokens`,`output_tokens`,`cost_usd`');

CREATE TABLE IF NOT EXISTS gold.message_batches (
  `batch_key` string NOT NULL COMMENT 'Hash of the requests',
  `batch_id` string NOT NULL COMMENT 'The service\'s id; empty: about to be sent',
  `requests` bigint NOT NULL COMMENT 'How many messages it asks for'
) USING delta
COMMENT 'One row is: One batch of requests to the Message Batches API, so that a killed run takes it up. Key: batch_key.';

CREATE TABLE IF NOT EXISTS gold.outbox (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `rule` string NOT NULL COMMENT 'The rule of conf that fired; of a message its campaign',
  `period_on` date NOT NULL COMMENT 'First day of the rule\'s period, of a message as_of of its plan: it has one contact',
  `contact_id` string NOT NULL COMMENT 'Hash of the key: what a receiver knows a repeated contact by',
  `campaign_id` string COMMENT 'Whose message in gold.messages is sent; null: a rule\'s',
  `triggered_on` date NOT NULL COMMENT 'The as_of whose scores rose; of a message its send_on',
  `from_level` string COMMENT 'Risk level at the as_of before; null: a message',
  `to_level` string COMMENT 'Risk level at triggered_on; null: a message',
  `action` string NOT NULL COMMENT 'offer, survey, support or loyalty',
  `offer_id` string COMMENT 'The offer of conf/offers.yaml; null: none',
  `channel` string NOT NULL COMMENT 'file, webhook or email',
  `is_held_out` boolean NOT NULL COMMENT 'True: kept without the offer, to measure the rule by',
  `expires_on` date NOT NULL COMMENT 'Not sent from this day on'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One contact of a customer by a rule in a period, or one approved message of a campaign. Key: customer_id, rule, period_on.';

CREATE TABLE IF NOT EXISTS gold.outbox_deliveries (
  `contact_id` string NOT NULL COMMENT 'Hash of the key: what a receiver knows a repeated contact by',
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `status` string NOT NULL COMMENT 'sent, failed (tried again by the next run), dead (given up) or cancelled',
  `reason` string COMMENT 'Why it was not sent, as a code; null: sent',
  `attempts` bigint NOT NULL COMMENT 'How often it was tried, over all runs',
  `last_tried_on` date NOT NULL COMMENT 'as_of of the last run that tried'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One contact of the outbox that was tried, and what came of it. No row: still to be sent. Key: contact_id.';
