# Databricks notebook source
# MAGIC %md
# MAGIC # Monitoring
# MAGIC
# MAGIC Is the model still right? Alerts, drift of the features, performance before and after the
# MAGIC labels have matured, customers who left by surprise, and promised against measured effects
# MAGIC of offers.
# MAGIC
# MAGIC It reads the tables of `monitor` and writes nothing. `docs/monitoring.md` explains the
# MAGIC statistics.

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

if not context.has("gold.drift"):
    dbutils.notebook.exit("gold.drift does not exist. Run monitor.")
spark.sql("DECLARE OR REPLACE VARIABLE monitored_day DATE")
spark.sql("""
    SET VARIABLE monitored_day = (SELECT max(as_of) FROM gold.drift WHERE as_of <= chosen_day)
""")
monitored_day = spark.sql("SELECT monitored_day AS day").head()["day"]
if monitored_day is None:
    dbutils.notebook.exit(f"gold.drift has no rows up to {context.as_of}. Run monitor.")
print(f"monitored on {monitored_day}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Alerts
# MAGIC
# MAGIC Empty: nothing was beyond its threshold.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT as_of, severity, source, message, what_to_do, sent_to
# MAGIC FROM gold.alerts
# MAGIC WHERE as_of = monitored_day
# MAGIC ORDER BY severity, source, message

# COMMAND ----------

# MAGIC %md
# MAGIC ## Drift
# MAGIC
# MAGIC A value is an alert if it is beyond its threshold and not explained by chance (`p_value`,
# MAGIC corrected for the number of tests, below `monitoring.false_alarm_rate`). Drift of a
# MAGIC feature does not mean that the model is wrong; look at the performance below. The largest
# MAGIC values in units of the threshold:

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT feature, statistic, round(value, 4) AS value, threshold, round(p_value,
# MAGIC        4) AS p_value,
# MAGIC        is_alert, rows
# MAGIC FROM gold.drift
# MAGIC WHERE as_of = monitored_day AND value IS NOT NULL
# MAGIC ORDER BY is_alert DESC, value / nullif(threshold, 0) DESC NULLS LAST, feature, statistic
# MAGIC LIMIT 30

# COMMAND ----------

from pipelines.reporting.chart_html import chart_html
from pipelines.reporting.charts import bar_chart
from runtime.formats import LocaleFormat

report = context.settings.report
form = LocaleFormat(report.locale, report.currency)

largest = spark.sql("""
    SELECT feature, value FROM gold.drift
    WHERE as_of = monitored_day AND statistic = 'psi' AND value IS NOT NULL
    ORDER BY value DESC, feature LIMIT 12
""").toPandas()
bars = [(row.feature, [(form.fixed(row.value), row.value)]) for row in largest.itertuples()]
chart = bar_chart("psi", "Population stability index, the largest", bars, series=("PSI",))
displayHTML(chart_html(chart, form))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Performance
# MAGIC
# MAGIC `estimated`: the horizon has not passed; from purchases so far and calibrated
# MAGIC probabilities, with a 90 % interval. `realised`: from labels. `cannot be told` is a
# MAGIC verdict, not an error.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT scored_on, basis, metric, customers, round(value, 4) AS value, round(ci_low,
# MAGIC        4) AS ci_low,
# MAGIC        round(ci_high, 4) AS ci_high, round(reference_value, 4) AS reference_value, verdict
# MAGIC FROM gold.model_performance
# MAGIC WHERE as_of = monitored_day
# MAGIC ORDER BY scored_on DESC, basis, metric

# COMMAND ----------

# MAGIC %md
# MAGIC ## Surprise leavers
# MAGIC
# MAGIC Customers below the decision threshold who left. Some always do: compare `rate` with
# MAGIC `promised_rate`. What they have in common, such as a null feature, shows what the model
# MAGIC lacks.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT as_of AS scored_on, count(*) AS surprise_leavers,
# MAGIC        round(max(promised_rate), 4) AS promised_rate, round(max(rate), 4) AS rate,
# MAGIC        round(max(ci_low), 4) AS ci_low, round(max(ci_high), 4) AS ci_high
# MAGIC FROM gold.surprise_leavers
# MAGIC GROUP BY as_of
# MAGIC ORDER BY as_of DESC

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT null_feature, count(*) AS surprise_leavers
# MAGIC FROM gold.surprise_leavers LATERAL VIEW explode(split(null_features, ',
# MAGIC        ')) AS null_feature
# MAGIC GROUP BY null_feature
# MAGIC ORDER BY surprise_leavers DESC, null_feature

# COMMAND ----------

# MAGIC %md
# MAGIC ## Promises
# MAGIC
# MAGIC The reduction of churn that the plan assumed, against the measured one. `is_kept` is null
# MAGIC while too few customers have an outcome.

# COMMAND ----------

if not context.has("gold.promise_results"):
    dbutils.notebook.exit(
        "gold.promise_results does not exist. Run decide_offers, and monitor when "
        "outcomes are known."
    )

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT month, campaign_id, offer_id, treated, held_out, round(promised_value,
# MAGIC        4) AS promised,
# MAGIC        round(measured_value, 4) AS measured, round(ci_low, 4) AS ci_low,
# MAGIC        round(ci_high, 4) AS ci_high, round(anytime_p_value, 4) AS anytime_p_value, is_kept
# MAGIC FROM gold.promise_results
# MAGIC ORDER BY month DESC, campaign_id, offer_id
