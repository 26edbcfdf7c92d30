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
  `main_reason` string COMMENT 'The likeliest of price, features, competitor, quality, support; null: nothing raises the risk, or no model',
  `reason_basis` string COMMENT 'labelled (from what leavers named) or shap_families; null: no main_reason',
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
  `impact` double NOT NULL COMMENT 'SHAP value in log-odds of churn; above 0 raises the risk',
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
  `probability` double NOT NULL COMMENT 'labelled: that a leaver like this names it; shap_families: the share of the risk that would go without the push of its features',
  `reason_basis` string NOT NULL COMMENT 'labelled or shap_families'
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
  `model_name` string NOT NULL COMMENT 'Learner or baseline',
  `model_version` string NOT NULL COMMENT 'Version in the registry; \'-\' for what is not registered',
  `data_set` string NOT NULL COMMENT 'The environment that the data came from',
  `population` string NOT NULL COMMENT 'all, or active_90d (a purchase in the last 90 days)',
  `horizon_days` int NOT NULL COMMENT 'Horizon of the label, days',
  `split` string NOT NULL COMMENT 'train, validation or test',
  `metric` string NOT NULL COMMENT 'Name as in scikit-learn',
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
