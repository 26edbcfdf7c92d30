# Databricks notebook source
# MAGIC %md
# MAGIC # RFM segments, and what they miss
# MAGIC
# MAGIC RFM scores a customer by recency (days since the last purchase), frequency (purchases) and
# MAGIC monetary value (net revenue), each from 1 to 5, and puts every known customer in one of
# MAGIC twelve segments. This notebook shows the segments, the moves between two dates, and two
# MAGIC kinds of error: customers in a safe segment who leave, and lost customers who come back.
# MAGIC
# MAGIC It reads the tables of `run_pipeline` (or of `build_features`, `train_churn` and
# MAGIC `score_customers`) and writes nothing.

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

if not context.has("gold.customer_segments"):
    dbutils.notebook.exit("gold.customer_segments does not exist. Run score_customers.")
churn = context.settings.churn
spark.sql(f"DECLARE OR REPLACE VARIABLE horizon INT DEFAULT {churn.primary_horizon_days}")
spark.sql(f"DECLARE OR REPLACE VARIABLE churn_kind STRING DEFAULT '{churn.definition}'")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The twelve segments
# MAGIC
# MAGIC Shares of customers and of revenue in the RFM window. Prospects have no purchase, and Lost
# MAGIC customers have been silent for longer than the last limit of `lifecycle.silent_days`: both
# MAGIC have no scores.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT segment, segment_group, count(*) AS customers,
# MAGIC        round(100 * count(*) / sum(count(*)) OVER (), 1) AS customers_percent,
# MAGIC        round(sum(monetary), 2) AS revenue,
# MAGIC        round(100 * sum(monetary) / nullif(sum(sum(monetary)) OVER (), 0),
# MAGIC        1) AS revenue_percent,
# MAGIC        round(avg(recency_days), 1) AS mean_recency_days, round(avg(frequency),
# MAGIC        1) AS mean_frequency
# MAGIC FROM gold.customer_segments
# MAGIC WHERE as_of = chosen_day
# MAGIC GROUP BY segment, segment_group
# MAGIC ORDER BY revenue DESC, segment

# COMMAND ----------

from pipelines.reporting.chart_html import chart_html
from pipelines.reporting.charts import bar_chart
from runtime.formats import LocaleFormat

report = context.settings.report
form = LocaleFormat(report.locale, report.currency)

sizes = spark.sql("""
    SELECT segment, count(*) AS customers, sum(monetary) AS revenue
    FROM gold.customer_segments WHERE as_of = chosen_day GROUP BY segment ORDER BY segment
""").toPandas()
customers, revenue = sizes["customers"].sum() or 1, sizes["revenue"].sum() or 1
sizes["share"], sizes["of_revenue"] = sizes["customers"] / customers, sizes["revenue"] / revenue
shares = [
    (row.segment, [(form.percent(n), n) for n in (row.share, row.of_revenue)])
    for row in sizes.itertuples()
]
chart = bar_chart(
    "segments",
    "Customers and revenue by segment",
    shares,
    series=("share of customers", "share of revenue"),
)
displayHTML(chart_html(chart, form))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Recency against frequency
# MAGIC
# MAGIC Customers by R and F score. A cut point lies between two distinct values, so customers
# MAGIC with the same value have the same score. If few distinct values exist, some scores have no
# MAGIC customers.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT r_score, f_score, count(*) AS customers, round(avg(monetary), 2) AS mean_revenue
# MAGIC FROM gold.customer_segments
# MAGIC WHERE as_of = chosen_day AND r_score IS NOT NULL
# MAGIC GROUP BY r_score, f_score
# MAGIC ORDER BY r_score DESC, f_score DESC

# COMMAND ----------

# MAGIC %md
# MAGIC ## Moves since the previous date
# MAGIC
# MAGIC The largest moves between segments. A customer who is close to a cut point keeps the
# MAGIC segment (`rfm.segment_margin_percent`), so most moves are not noise of the cut points.
# MAGIC This is empty until two dates have been scored.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT from_segment, to_segment, customers, round(revenue_12m, 2) AS revenue_12m,
# MAGIC        previous_as_of
# MAGIC FROM gold.segment_migration
# MAGIC WHERE as_of = chosen_day AND from_segment <> to_segment
# MAGIC ORDER BY customers DESC, from_segment, to_segment
# MAGIC LIMIT 20

# COMMAND ----------

# MAGIC %md
# MAGIC ## What RFM does not see
# MAGIC
# MAGIC RFM compares customers with each other and not with their own rhythm: 40 days of silence
# MAGIC are normal for one customer and unusual for another. It knows neither tickets nor logins
# MAGIC nor prices. Below, the model's risk within one segment. A wide range within a safe segment
# MAGIC is what RFM misses.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT segment, count(*) AS scored, round(avg(churn_probability), 3) AS mean_risk,
# MAGIC        round(percentile(churn_probability, 0.1), 3) AS risk_p10,
# MAGIC        round(percentile(churn_probability, 0.9), 3) AS risk_p90,
# MAGIC        sum(churn_prediction) AS predicted_to_leave,
# MAGIC        round(sum(churn_probability * value_at_stake), 2) AS value_at_risk
# MAGIC FROM gold.customer_scores JOIN gold.customer_segments USING (as_of, customer_id)
# MAGIC WHERE as_of = chosen_day
# MAGIC GROUP BY segment
# MAGIC ORDER BY value_at_risk DESC, segment

# COMMAND ----------

# MAGIC %md
# MAGIC Customers in Champions, Loyal Customers and Potential Loyalists with a prediction of
# MAGIC churn, and how unusual their silence is for them (`overdue_percentile`).

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT customer_id, segment, rfm_score, recency_days, overdue_percentile,
# MAGIC        round(churn_probability, 3) AS churn_probability, round(value_at_stake,
# MAGIC        2) AS value_at_stake,
# MAGIC        top_risk_factor
# MAGIC FROM gold.customer_scores JOIN gold.customer_segments USING (as_of, customer_id)
# MAGIC WHERE as_of = chosen_day AND churn_prediction = 1
# MAGIC   AND segment IN ('Champions', 'Loyal Customers', 'Potential Loyalists')
# MAGIC ORDER BY churn_probability * value_at_stake DESC NULLS LAST, customer_id
# MAGIC LIMIT 20

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who left, and who came back
# MAGIC
# MAGIC The segments of an earlier scored date against what happened afterwards, where the outcome
# MAGIC is known (`features.labels`, primary horizon). `left_percent` in a safe segment, and
# MAGIC `came_back_percent` in Lost, are the errors of RFM. The table needs an earlier date in
# MAGIC `gold.customer_segments` whose labels have matured.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT as_of, segment, count(*) AS customers, round(100 * avg(churned),
# MAGIC        1) AS left_percent,
# MAGIC        round(100 * avg(1 - churned), 1) AS came_back_percent,
# MAGIC        round(sum(monetary * churned), 2) AS revenue_of_leavers
# MAGIC FROM gold.customer_segments JOIN features.labels USING (as_of, customer_id)
# MAGIC WHERE as_of < chosen_day
# MAGIC   AND horizon_days = horizon AND definition = churn_kind
# MAGIC GROUP BY as_of, segment
# MAGIC ORDER BY as_of DESC, left_percent, segment
