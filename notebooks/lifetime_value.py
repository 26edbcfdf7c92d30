# Databricks notebook source
# MAGIC %md
# MAGIC # Lifetime value
# MAGIC
# MAGIC What a customer is worth over the next months, how it was estimated, how wide the interval
# MAGIC is, and how past forecasts did. Two approaches are compared: purchases by a "buy till you
# MAGIC die" (BTYD) model times the value of a purchase, and expected days as a customer by a
# MAGIC survival model times the spend per day.
# MAGIC
# MAGIC It reads the tables of `run_pipeline` (or of `fit_lifetime` and `score_customers`) and
# MAGIC writes nothing. `docs/explanation/` has a page per model: what it assumes, and when it is
# MAGIC wrong.

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

if not context.has("gold.customer_lifetime"):
    dbutils.notebook.exit("gold.customer_lifetime does not exist. Run fit_lifetime.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Which models were fitted
# MAGIC
# MAGIC `is_chosen`: used in `gold.customer_lifetime`. `is_identified`: the purchases show that
# MAGIC customers leave for good, and who has left. Where it is false, P(alive) is not shown.
# MAGIC `reason` says why a model was left out.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT model_name, parameter, round(value, 4) AS value, round(std_error, 4) AS std_error,
# MAGIC        customers, converged, is_chosen, is_identified, reason
# MAGIC FROM gold.lifetime_models
# MAGIC WHERE as_of = chosen_day AND parameter NOT LIKE 'calibration_%'
# MAGIC ORDER BY is_chosen DESC, model_name, parameter

# COMMAND ----------

# MAGIC %md
# MAGIC ## Purchases: BTYD
# MAGIC
# MAGIC Frequency is the number of purchase days after the first, T the days since the first
# MAGIC purchase. The expected purchases of customers with the same frequency fall with their
# MAGIC silence.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT CASE WHEN frequency = 0 THEN '0' WHEN frequency < 5 THEN '1 to 4'
# MAGIC             WHEN frequency < 20 THEN '5 to 19' ELSE '20 and more' END AS repeat_days,
# MAGIC        CASE WHEN observed_days - recency_days <= 30 THEN 'up to 30 days'
# MAGIC             WHEN observed_days - recency_days <= 90 THEN '31 to 90 days'
# MAGIC             ELSE 'over 90 days' END AS silent_for,
# MAGIC        count(*) AS customers, round(avg(p_alive), 3) AS mean_p_alive,
# MAGIC        round(avg(expected_purchases_90d), 2) AS expected_purchases_90d,
# MAGIC        min(p_alive_basis) AS p_alive_basis
# MAGIC FROM gold.customer_lifetime
# MAGIC WHERE as_of = chosen_day
# MAGIC GROUP BY repeat_days, silent_for
# MAGIC ORDER BY min(frequency), min(observed_days - recency_days)

# COMMAND ----------

# MAGIC %md
# MAGIC ## How long customers stay: survival
# MAGIC
# MAGIC Kaplan-Meier share of each segment that is still a customer, with its 95 % interval. The
# MAGIC event is a contract that ends, or, without contracts, a silence after which a customer
# MAGIC counts as lost.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT segment, days_ahead, round(survival, 3) AS survival, round(ci_low, 3) AS ci_low,
# MAGIC        round(ci_high, 3) AS ci_high, customers
# MAGIC FROM gold.segment_survival
# MAGIC WHERE as_of = chosen_day AND days_ahead IN (30, 90, 180, 365)
# MAGIC ORDER BY segment, days_ahead

# COMMAND ----------

from datetime import timedelta

from pipelines.reporting.chart_html import chart_html
from pipelines.reporting.charts import bar_chart, line_chart
from runtime.formats import LocaleFormat

report = context.settings.report
form = LocaleFormat(report.locale, report.currency)
curves = spark.sql("""
    SELECT segment, days_ahead, survival FROM gold.segment_survival
    WHERE as_of = chosen_day AND segment IN ('all', 'Champions', 'At Risk')
    ORDER BY segment, days_ahead
""").toPandas()
curves["day"] = [context.as_of + timedelta(days=int(n)) for n in curves["days_ahead"]]
lines = [
    (segment, list(zip(part["day"], part["survival"], strict=True)))
    for segment, part in curves.groupby("segment")
]
chart = line_chart("survival", "Still customers, as if all had started at as_of", lines, form=form)
displayHTML(chart_html(chart, form))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The value, and how certain it is
# MAGIC
# MAGIC Sum, median and interval of the next 12 months by segment. The interval is of one
# MAGIC customer. Intervals of single customers must not be added up: the interval of a sum is
# MAGIC narrower, relative to the sum.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT segment, clv_basis, count(*) AS customers, round(sum(clv_12m), 2) AS clv_12m_sum,
# MAGIC        round(percentile(clv_12m, 0.5), 2) AS clv_12m_median,
# MAGIC        round(percentile(clv_12m_low, 0.5), 2) AS low_median,
# MAGIC        round(percentile(clv_12m_high, 0.5), 2) AS high_median,
# MAGIC        round(sum(value_at_stake), 2) AS value_at_stake_sum
# MAGIC FROM gold.customer_lifetime JOIN gold.customer_segments USING (as_of, customer_id)
# MAGIC WHERE as_of = chosen_day
# MAGIC GROUP BY segment, clv_basis
# MAGIC ORDER BY clv_12m_sum DESC NULLS LAST, segment, clv_basis

# COMMAND ----------

# MAGIC %md
# MAGIC The two approaches for the same customers. Where they differ by far, look at the customer
# MAGIC before you act on the value.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT customer_id, frequency, observed_days, observed_days - recency_days AS silent_days,
# MAGIC        round(clv_12m_btyd, 2) AS clv_12m_btyd, round(clv_12m_survival,
# MAGIC        2) AS clv_12m_survival,
# MAGIC        clv_basis
# MAGIC FROM gold.customer_lifetime
# MAGIC WHERE as_of = chosen_day AND clv_12m_btyd IS NOT NULL AND clv_12m_survival IS NOT NULL
# MAGIC ORDER BY abs(clv_12m_btyd - clv_12m_survival) DESC, customer_id
# MAGIC LIMIT 20

# COMMAND ----------

# MAGIC %md
# MAGIC ## Next purchase
# MAGIC
# MAGIC Median day and 80 % interval. Null where no purchase within a year is more likely than
# MAGIC one.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT CASE WHEN next_purchase_on IS NULL THEN 'no day: not expected within a year'
# MAGIC             WHEN next_purchase_on <= date_add(as_of, 30) THEN 'within 30 days'
# MAGIC             WHEN next_purchase_on <= date_add(as_of, 90) THEN '31 to 90 days'
# MAGIC             ELSE 'later' END AS next_purchase,
# MAGIC        count(*) AS customers, sum(int(days_overdue > 0)) AS overdue,
# MAGIC        round(avg(datediff(next_purchase_high, next_purchase_low)),
# MAGIC        1) AS mean_interval_days
# MAGIC FROM gold.customer_lifetime
# MAGIC WHERE as_of = chosen_day
# MAGIC GROUP BY next_purchase
# MAGIC ORDER BY customers DESC

# COMMAND ----------

# MAGIC %md
# MAGIC ## Back-test
# MAGIC
# MAGIC Forecasts from past days against what happened. `last_period` repeats what the customer
# MAGIC spent in a period of the same length before. `is_chosen`: the approach with the lower
# MAGIC error on earlier cuts.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT horizon_days, approach, metric, round(avg(value), 4) AS value, count(*) AS cuts,
# MAGIC        sum(int(is_chosen)) AS cuts_chosen
# MAGIC FROM gold.clv_backtest
# MAGIC WHERE cut < chosen_day AND metric IN ('value_mae', 'value_rmse', 'value_rank_correlation',
# MAGIC   'value_total_ratio', 'purchases_mae', 'value_coverage_80', 'value_coverage_90')
# MAGIC GROUP BY horizon_days, approach, metric
# MAGIC ORDER BY horizon_days, metric, approach

# COMMAND ----------

tested = spark.sql("""
    SELECT horizon_days, approach, avg(value) AS mae FROM gold.clv_backtest
    WHERE cut < chosen_day AND metric = 'value_mae' AND value IS NOT NULL
    GROUP BY horizon_days, approach ORDER BY horizon_days, approach
""").toPandas()
errors = [
    (f"{row.horizon_days} days, {row.approach}", [(form.cash(row.mae), row.mae)])
    for row in tested.itertuples()
]
chart = bar_chart(
    "errors", "Mean absolute error of the value per customer", errors, series=("error",)
)
displayHTML(chart_html(chart, form))

# COMMAND ----------

# MAGIC %md
# MAGIC Calibration: forecast divided by outcome, by decile of the forecast (1: lowest). 1 is
# MAGIC right, 2 is twice too high.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT approach, horizon_days, metric, round(avg(value), 3) AS forecast_over_outcome
# MAGIC FROM gold.clv_backtest
# MAGIC WHERE cut < chosen_day AND metric LIKE 'value_bias_decile_%' AND metric NOT LIKE '%_all'
# MAGIC GROUP BY approach, horizon_days, metric
# MAGIC ORDER BY approach, horizon_days, metric
