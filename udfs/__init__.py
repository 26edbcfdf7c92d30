"""Scoring formulas. Each is defined once and used as a Column and as a SQL function.

Each formula is a `formula.SqlFormula`. `registry` builds all formulas from conf and creates the SQL
functions. Only `sentiment` is Python, because no SQL engine scores text with a lexicon. pyspark is
imported only when a formula is used, so a service without Spark can read the formulas.
"""

# Meaning of each parameter name. The comments of the SQL functions use these texts.
PARAMETER_COMMENTS = {
    "as_of": "Events before 00:00 of this day count",
    "avg_order_value": "Mean revenue per order, currency",
    "churn_probability": "Probability of leaving within the horizon, 0 to 1",
    "community_participation": "Community posts in 30 days / cap, 0 to 1",
    "cut_20": "20 % cut point; null: none",
    "cut_40": "40 % cut point; null: none",
    "cut_60": "60 % cut point; null: none",
    "cut_80": "80 % cut point; null: none",
    "decision_threshold": "Churn probability from which churn is predicted, 0.01 to 0.99",
    "engagement_score": "Engagement score, 0 to 1; null: no source of engagement",
    "events": "Number of events in the window",
    "f_score": "Frequency score, 1 to 5",
    "feature_usage_score": "Share of product features used in 30 days, 0 to 1",
    "first_purchase_on": "Day of the first purchase; null: no purchase",
    "is_terminated": "True: terminated before as_of; null: no source of terminations",
    "last_purchase_on": "Day of the last purchase; null: no purchase",
    "lifecycle": "active, silent, lost, prospect or terminated",
    "login_days": "Distinct days with a login in the window",
    "login_frequency_30d": "Distinct login days in 30 days / 30, 0 to 1",
    "m_score": "Monetary score, 1 to 5",
    "purchase_frequency_30d": "Purchases per day in the 30 days before as_of",
    "purchases": "Purchases (orders) in the window",
    "r_score": "Recency score, 1 to 5 (most recent)",
    "recency_days": "Whole days from the last purchase day to as_of; null: no purchase",
    "revenue_30d": "Net revenue in the 30 days before as_of, currency",
    "revenue_prev_30d": "Net revenue in the 30 days before those, currency",
    "risk_level": "Level in risk.schemes",
    "segment": "One of the twelve segments",
    "signup_on": "Day of signup; null: unknown",
    "support_interactions_30d": "Tickets in 30 days / cap, 0 to 1",
    "support_tickets_30d": "Tickets opened in 30 days",
    "tenure_months": "Whole months as a customer",
    "total_orders": "Purchases (orders) before as_of",
    "total_revenue": "Net revenue before as_of, currency",
    "value": "Value to score; higher is better",
    "window_days": "Length of the window in days",
}
