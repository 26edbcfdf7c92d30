"""The scoring formulas, each written once: a Column in transforms, a function by name in SQL.

`formula.SqlFormula` is the one form they have; `registry` builds all of them from conf and creates
the SQL functions. Only `sentiment` is Python, because no SQL engine scores text by a lexicon.
Nothing here imports pyspark before a formula is used, so a service without Spark can read them.
"""

# What each parameter means, wherever it occurs: the comments of the SQL functions.
PARAMETER_COMMENTS = {
    "as_of": "Events before 00:00 UTC of this day count",
    "avg_order_value": "Mean revenue of an order, currency",
    "churn_probability": "Probability of leaving within the horizon, 0 to 1",
    "community_participation": "Community posts in 30 days over the cap, 0 to 1",
    "cut_20": "20 % cut point; null: absent",
    "cut_40": "40 % cut point; null: absent",
    "cut_60": "60 % cut point; null: absent",
    "cut_80": "80 % cut point; null: absent",
    "engagement_score": "0 to 1; null: no source of engagement",
    "events": "Number of events in the window",
    "f_score": "Frequency score, 1 to 5",
    "feature_usage_score": "Share of the product's features used in 30 days, 0 to 1",
    "first_purchase_on": "Day of the first purchase; null: none",
    "is_terminated": "True: a termination lies before as_of; null: no such source",
    "last_purchase_on": "Day of the last purchase; null: none",
    "lifecycle": "active, silent, lost, prospect or terminated",
    "login_days": "Distinct days with a login in the window",
    "login_frequency_30d": "Distinct login days in 30 days / 30, 0 to 1",
    "m_score": "Monetary score, 1 to 5",
    "purchase_frequency_30d": "Purchases a day, 30 days before as_of",
    "purchases": "Purchases (orders) in the window",
    "r_score": "Recency score, 1 to 5, 5 the most recent",
    "recency_days": "Whole days from the last purchase day to as_of; null: no purchase",
    "revenue_30d": "Net revenue in the 30 days before as_of, currency",
    "revenue_prev_30d": "Net revenue in the 30 days before those, currency",
    "segment": "One of the twelve segments",
    "signup_on": "Day of signup; null: unknown",
    "support_interactions_30d": "Tickets in 30 days over the cap, 0 to 1",
    "support_tickets_30d": "Tickets opened in 30 days",
    "tenure_months": "Whole months as a customer",
    "total_orders": "Purchases so far",
    "total_revenue": "Net revenue so far, currency",
    "value": "The value to score, the more the better",
    "window_days": "Length of the window, days",
}
