# Databricks notebook source
# MAGIC %md
# MAGIC # One customer's story
# MAGIC
# MAGIC Everything that the lakehouse knows about one customer at one date: history, segment, risk
# MAGIC with its reasons, value with its interval, next purchase, and what was decided and why.
# MAGIC
# MAGIC It reads the tables of `run_pipeline` and writes nothing. Names, addresses and texts are
# MAGIC not read.

# COMMAND ----------

# MAGIC %pip install --quiet ..

# COMMAND ----------

from runtime.settings import environments

dbutils.widgets.dropdown("env", "demo", environments(), "Environment: name of a file in conf/")
dbutils.widgets.text("as_of", "", "As of (YYYY-MM-DD); empty: from conf")
dbutils.widgets.text("customer_id", "", "Customer; empty: the one with the most value at risk")

# COMMAND ----------

from runtime.lakehouse.views import open_lakehouse

context = open_lakehouse(dbutils.widgets.get("env"), dbutils.widgets.get("as_of"))
spark = context.spark
spark.sql(f"DECLARE OR REPLACE VARIABLE chosen_day DATE DEFAULT DATE'{context.as_of}'")

if not context.has("gold.customer_scores"):
    dbutils.notebook.exit("gold.customer_scores does not exist. Run score_customers.")
first = spark.sql("""
    SELECT customer_id FROM gold.customer_scores WHERE as_of = chosen_day
    ORDER BY churn_probability * value_at_stake DESC NULLS LAST, churn_probability DESC,
             customer_id
    LIMIT 1
""").head()
wanted = dbutils.widgets.get("customer_id").strip() or (first and first["customer_id"])
if not wanted:
    dbutils.notebook.exit(
        f"gold.customer_scores has no rows of {context.as_of}. Run score_customers."
    )
spark.createDataFrame([(wanted,)], "customer_id string").createOrReplaceTempView("chosen")
spark.sql("DECLARE OR REPLACE VARIABLE chosen_customer STRING")
spark.sql("SET VARIABLE chosen_customer = (SELECT customer_id FROM chosen)")
known = spark.sql("""
    SELECT count(*) AS rows FROM gold.customer_segments
    WHERE as_of = chosen_day AND customer_id = chosen_customer
""").head()["rows"]
if not known:
    dbutils.notebook.exit(f"{wanted} is not known at {context.as_of}")
print(f"customer {wanted}, as of {context.as_of}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Purchases
# MAGIC
# MAGIC Per month, before as_of. Returns reduce the revenue and are no purchase.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT date(date_trunc('MONTH', purchased_at)) AS month,
# MAGIC        count(DISTINCT CASE WHEN amount >= 0 THEN order_id END) AS purchases,
# MAGIC        sum(amount) AS revenue
# MAGIC FROM silver.transactions
# MAGIC WHERE customer_id = chosen_customer AND purchased_at < chosen_day
# MAGIC GROUP BY month
# MAGIC ORDER BY month

# COMMAND ----------

from pipelines.reporting.chart_html import chart_html
from pipelines.reporting.charts import bar_chart
from runtime.formats import LocaleFormat

report = context.settings.report
form = LocaleFormat(report.locale, report.currency)

months = spark.sql("""
    SELECT date_format(purchased_at, 'yyyy-MM') AS month,
           count(DISTINCT CASE WHEN amount >= 0 THEN order_id END) AS purchases
    FROM silver.transactions WHERE customer_id = chosen_customer AND purchased_at < chosen_day
    GROUP BY month ORDER BY month DESC LIMIT 12
""").toPandas()
bars = [(row.month, [(form.whole(row.purchases), row.purchases)]) for row in months.itertuples()]
chart = bar_chart("purchases", "Purchases of the last months", bars, series=("purchases",))
displayHTML(chart_html(chart, form))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Segment, at each scored date

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT as_of, lifecycle, segment, rfm_score, recency_days, frequency, round(monetary,
# MAGIC        2) AS monetary,
# MAGIC        round(engagement_score, 3) AS engagement_score, engagement_basis
# MAGIC FROM gold.customer_segments
# MAGIC WHERE customer_id = chosen_customer AND as_of <= chosen_day
# MAGIC ORDER BY as_of

# COMMAND ----------

# MAGIC %md
# MAGIC ## Risk
# MAGIC
# MAGIC `risk_percentile`: 100 is among the highest of all scored customers. A lost customer, and
# MAGIC one whose contract has ended, has no score: then the table is empty.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT as_of, round(churn_probability, 4) AS churn_probability, risk_level,
# MAGIC        round(decision_threshold, 4) AS decision_threshold, risk_percentile,
# MAGIC        risk_percentile_in_segment, score_basis, model_name, model_version, main_reason,
# MAGIC        reason_basis
# MAGIC FROM gold.customer_scores
# MAGIC WHERE customer_id = chosen_customer AND as_of <= chosen_day
# MAGIC ORDER BY as_of

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT horizon_days, round(churn_probability, 4) AS churn_probability, model_name
# MAGIC FROM gold.churn_by_horizon
# MAGIC WHERE as_of = chosen_day AND customer_id = chosen_customer
# MAGIC ORDER BY horizon_days

# COMMAND ----------

# MAGIC %md
# MAGIC The five features that move the risk most (exact SHAP, log-odds; of a random forest in
# MAGIC probability). They explain the model, and are no causes: changing a feature does not have
# MAGIC to change what the customer does.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT rank, feature, value, round(impact, 4) AS impact, direction
# MAGIC FROM gold.risk_factors
# MAGIC WHERE as_of = chosen_day AND customer_id = chosen_customer
# MAGIC ORDER BY rank

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT reason, round(probability, 4) AS probability, reason_basis
# MAGIC FROM gold.churn_reasons
# MAGIC WHERE as_of = chosen_day AND customer_id = chosen_customer
# MAGIC ORDER BY probability DESC, reason

# COMMAND ----------

# MAGIC %md
# MAGIC ## Value, and the next purchase

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT round(clv_12m, 2) AS clv_12m, round(clv_12m_low, 2) AS clv_12m_low,
# MAGIC        round(clv_12m_high, 2) AS clv_12m_high, clv_basis, round(value_at_stake,
# MAGIC        2) AS value_at_stake,
# MAGIC        round(p_alive, 3) AS p_alive, p_alive_basis, next_purchase_on, next_purchase_low,
# MAGIC        next_purchase_high, days_overdue, round(overdue_percentile,
# MAGIC        1) AS overdue_percentile,
# MAGIC        likely_churn_date, earliest_churn_date, latest_churn_date
# MAGIC FROM gold.customer_lifetime
# MAGIC WHERE as_of = chosen_day AND customer_id = chosen_customer

# COMMAND ----------

# MAGIC %md
# MAGIC ## The decision
# MAGIC
# MAGIC By each strategy, in `retention_plan`. `why` names the two quantities that decided the
# MAGIC rank, or why there is no rank.

# COMMAND ----------

if not context.has("gold.retention_plan"):
    dbutils.notebook.exit("gold.retention_plan does not exist. Run plan_retention.")

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT strategy, rank, is_chosen, timing, offer_id, send_on,
# MAGIC        round(expected_value_kept, 2) AS expected_value_kept, round(cost, 2) AS cost, why
# MAGIC FROM gold.retention_plan
# MAGIC WHERE as_of = chosen_day AND customer_id = chosen_customer
# MAGIC ORDER BY rank NULLS LAST, strategy

# COMMAND ----------

# MAGIC %md
# MAGIC The offer that is sent, where `decide_offers` has run.

# COMMAND ----------

if not context.has("gold.offer_decisions"):
    dbutils.notebook.exit("gold.offer_decisions does not exist. Run decide_offers.")

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT as_of, campaign_id, offer_id, is_held_out, timing, send_on, policy, effect_basis,
# MAGIC        round(effect, 4) AS effect, round(expected_gain, 2) AS expected_gain,
# MAGIC        no_offer_reason, why
# MAGIC FROM gold.offer_decisions
# MAGIC WHERE customer_id = chosen_customer AND as_of <= chosen_day
# MAGIC ORDER BY as_of
