# Databricks notebook source
# MAGIC %md
# MAGIC # First look
# MAGIC
# MAGIC An overview: data sources, data quality, silent customers, and the customers to act on.
# MAGIC
# MAGIC This notebook reads the tables of `run_pipeline` (or of `ingest`, `build_features`,
# MAGIC `train_churn` and `score_customers`) and writes nothing. `docs/data_dictionary.md` explains
# MAGIC all columns.

# COMMAND ----------

# MAGIC %pip install --quiet ..

# COMMAND ----------

from runtime.settings import environments

dbutils.widgets.dropdown("env", "demo", environments(), "Environment: name of a file in conf/")
dbutils.widgets.text("as_of", "", "As of (YYYY-MM-DD); empty: from conf")

# COMMAND ----------

from runtime.lakehouse.views import open_lakehouse

context = open_lakehouse(dbutils.widgets.get("env"), dbutils.widgets.get("as_of"))
spark = context.spark
spark.sql(f"DECLARE OR REPLACE VARIABLE chosen_day DATE DEFAULT DATE'{context.as_of}'")
print(f"{context.settings.env}: as of {context.as_of}, purchases since {context.observed_from}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Loaded rows
# MAGIC
# MAGIC Each source row is kept, quarantined, dropped as an exact duplicate, or left out by the
# MAGIC source's `where`.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT source, count(*) AS files, sum(rows_in) AS rows_in, sum(rows_kept) AS kept,
# MAGIC        sum(rows_quarantined) AS quarantined, sum(rows_duplicate) AS exact_duplicates,
# MAGIC        coalesce(sum(rows_left_out), 0) AS left_out
# MAGIC FROM bronze.ingest_log
# MAGIC GROUP BY source
# MAGIC ORDER BY source

# COMMAND ----------

# MAGIC %md
# MAGIC Reasons for quarantine, and warnings on purchases that were kept.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT source, reason, count(*) AS rows
# MAGIC FROM silver.quarantine LATERAL VIEW explode(split(reasons, ', ')) AS reason
# MAGIC WHERE NOT is_replayed
# MAGIC GROUP BY source, reason
# MAGIC ORDER BY rows DESC, source, reason

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT warning, count(*) AS lines
# MAGIC FROM silver.transactions LATERAL VIEW explode(split(warnings, ', ')) AS warning
# MAGIC GROUP BY warning
# MAGIC ORDER BY lines DESC, warning

# COMMAND ----------

# MAGIC %md
# MAGIC ## Purchases per month
# MAGIC
# MAGIC A purchase is an order with at least one line that is not a return. Returns reduce revenue.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT date(date_trunc('MONTH', purchased_at)) AS month,
# MAGIC        count(DISTINCT CASE WHEN amount >= 0 THEN order_id END) AS purchases,
# MAGIC        count(DISTINCT CASE WHEN amount >= 0 THEN customer_id END) AS customers,
# MAGIC        sum(amount) AS revenue
# MAGIC FROM silver.transactions
# MAGIC GROUP BY month
# MAGIC ORDER BY month

# COMMAND ----------

# MAGIC %md
# MAGIC ## Silent customers
# MAGIC
# MAGIC Share of all buyers without a purchase in the last 30, 60 and 90 days.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT count(recency_days) AS customers,
# MAGIC        round(100 * avg(int(recency_days > 30)), 1) AS silent_30d_percent,
# MAGIC        round(100 * avg(int(recency_days > 60)), 1) AS silent_60d_percent,
# MAGIC        round(100 * avg(int(recency_days > 90)), 1) AS silent_90d_percent
# MAGIC FROM features.transactions
# MAGIC WHERE as_of = chosen_day

# COMMAND ----------

# MAGIC %md
# MAGIC Does silence mean churn? Share of silent customers on past dates who bought again within 30
# MAGIC days.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT CASE WHEN recency_days > 90 THEN 'over 90 days'
# MAGIC             WHEN recency_days > 60 THEN '61 to 90 days'
# MAGIC             WHEN recency_days > 30 THEN '31 to 60 days'
# MAGIC             ELSE 'up to 30 days' END AS silent_for,
# MAGIC        count(*) AS customers_and_dates,
# MAGIC        round(100 * avg(1 - churned), 1) AS bought_again_percent
# MAGIC FROM features.transactions JOIN features.labels USING (customer_id, as_of)
# MAGIC WHERE horizon_days = 30 AND definition = 'inactivity' AND as_of < chosen_day
# MAGIC GROUP BY silent_for
# MAGIC ORDER BY min(recency_days)

# COMMAND ----------

# MAGIC %md
# MAGIC Customers without a profile are kept. Their attributes are null.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT has_profile, count(*) AS customers
# MAGIC FROM features.demographics
# MAGIC WHERE as_of = chosen_day
# MAGIC GROUP BY has_profile
# MAGIC ORDER BY has_profile

# COMMAND ----------

# MAGIC %md
# MAGIC ## Segments
# MAGIC
# MAGIC The scoring formulas are SQL functions with the constants in conf. This query uses
# MAGIC `risk_level` on the mean risk of a segment. `DESCRIBE FUNCTION EXTENDED clv_score` explains
# MAGIC a function.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT segment_group, segment, count(*) AS customers,
# MAGIC        round(sum(monetary), 2) AS revenue_12m,
# MAGIC        round(avg(churn_probability), 3) AS mean_risk,
# MAGIC        risk_level(avg(churn_probability), avg(decision_threshold)) AS level_of_mean_risk,
# MAGIC        round(avg(clv_score), 2) AS mean_clv_score
# MAGIC FROM gold.customer_segments LEFT JOIN gold.customer_scores USING (as_of, customer_id)
# MAGIC WHERE as_of = chosen_day
# MAGIC GROUP BY segment_group, segment
# MAGIC ORDER BY revenue_12m DESC

# COMMAND ----------

# MAGIC %md
# MAGIC ## Customers to act on
# MAGIC
# MAGIC The list of the report and of the screen: the offers that are sent, where `decide_offers`
# MAGIC has run for this date, else the customers chosen by the default strategy of
# MAGIC `plan_retention`.
# MAGIC At risk is the churn probability times the 12-month value of the customer if they stay, or,
# MAGIC in a company without amounts, times the expected purchases of the next 30 days.

# COMMAND ----------

from pipelines.reporting.contact_list import first_list_of

at_risk, wanted = first_list_of(context)
display(wanted)

# COMMAND ----------

# MAGIC %md
# MAGIC What is at risk per fifth of the customers, from the highest to the lowest.

# COMMAND ----------

at_risk.createOrReplaceTempView("at_risk")

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT fifth, count(*) AS customers, round(sum(at_risk), 2) AS at_risk,
# MAGIC        round(100 * sum(at_risk) / sum(sum(at_risk)) OVER (), 1) AS percent_of_all
# MAGIC FROM (
# MAGIC   SELECT customer_id, at_risk,
# MAGIC          ntile(5) OVER (ORDER BY at_risk DESC, churn_probability DESC, customer_id) AS fifth
# MAGIC   FROM at_risk
# MAGIC )
# MAGIC GROUP BY fifth
# MAGIC ORDER BY fifth
