# Databricks notebook source
# MAGIC %md
# MAGIC # Offers and uplift
# MAGIC
# MAGIC Which customer gets which offer under the budget, what each offer changes, and how that is
# MAGIC known. The effect of an offer on a customer (uplift) is the churn probability without the
# MAGIC offer minus the one with it. Only a campaign with a random control group can measure it.
# MAGIC Without one, the effect is an assumption in conf.
# MAGIC
# MAGIC It reads the tables of `plan_retention`, `estimate_uplift`, `decide_offers` and
# MAGIC `measure_campaigns`, and writes nothing. Where a table is missing, it says which command
# MAGIC writes it.

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

if not context.has("gold.strategy_comparison"):
    dbutils.notebook.exit("gold.strategy_comparison does not exist. Run plan_retention.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Strategies
# MAGIC
# MAGIC The same customers, budget, offers and dates; only the order differs. `net_value_kept`:
# MAGIC what the strategy would have kept one horizon earlier, after the cost of all offers. If
# MAGIC two intervals overlap widely, the data do not tell which of the strategies is better.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT strategy, chosen, round(value_at_stake_covered, 3) AS value_at_stake_covered,
# MAGIC        round(net_value_kept, 2) AS net_value_kept, round(ci_low, 2) AS ci_low,
# MAGIC        round(ci_high, 2) AS ci_high, round(next_1pct_value, 2) AS next_1pct_value,
# MAGIC        round(next_1pct_cost, 2) AS next_1pct_cost, assumption
# MAGIC FROM gold.strategy_comparison
# MAGIC WHERE as_of = chosen_day AND strategy = other_strategy
# MAGIC ORDER BY net_value_kept DESC NULLS LAST, strategy

# COMMAND ----------

from pipelines.reporting.chart_html import chart_html
from pipelines.reporting.charts import bar_chart
from runtime.formats import LocaleFormat

report = context.settings.report
form = LocaleFormat(report.locale, report.currency)
compared = spark.sql("""
    SELECT strategy, value_at_stake_covered AS covered FROM gold.strategy_comparison
    WHERE as_of = chosen_day AND strategy = other_strategy AND value_at_stake_covered IS NOT NULL
    ORDER BY covered DESC, strategy
""").toPandas()
bars = [(row.strategy, [(form.percent(row.covered), row.covered)]) for row in compared.itertuples()]
chart = bar_chart(
    "covered", "Value at risk that the chosen customers hold", bars, series=("share",)
)
displayHTML(chart_html(chart, form))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What was decided
# MAGIC
# MAGIC The plan that is sent. `is_held_out`: chosen, but kept without an offer, so that the
# MAGIC effect can be measured. The control group costs the value that the offers would have kept.

# COMMAND ----------

if not context.has("gold.offer_decisions"):
    dbutils.notebook.exit("gold.offer_decisions does not exist. Run decide_offers.")

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT coalesce(offer_id, no_offer_reason) AS offer_or_reason, policy, effect_basis,
# MAGIC        is_held_out,
# MAGIC        count(*) AS customers, round(avg(effect), 4) AS mean_effect,
# MAGIC        round(sum(expected_gain), 2) AS expected_gain, round(sum(expected_cost),
# MAGIC        2) AS expected_cost
# MAGIC FROM gold.offer_decisions
# MAGIC WHERE as_of = chosen_day
# MAGIC GROUP BY coalesce(offer_id, no_offer_reason), policy, effect_basis, is_held_out
# MAGIC ORDER BY expected_gain DESC NULLS LAST, offer_or_reason, is_held_out

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT offer_id, customers, held_out, round(expected_gain, 2) AS expected_gain,
# MAGIC        round(expected_cost, 2) AS expected_cost, budget, budget_unit,
# MAGIC        round(shadow_price, 4) AS shadow_price,
# MAGIC        round(minimum_detectable_effect, 4) AS minimum_detectable_effect, customers_needed
# MAGIC FROM gold.offer_plan
# MAGIC WHERE as_of = chosen_day
# MAGIC ORDER BY offer_id

# COMMAND ----------

# MAGIC %md
# MAGIC `shadow_price`: gain from one more unit of the budget. `minimum_detectable_effect`: a
# MAGIC smaller effect is missed more than one time in five by a campaign of this size.
# MAGIC `customers_needed`: for an effect of 5 points.
# MAGIC
# MAGIC ## Uplift, where there was an experiment
# MAGIC
# MAGIC On campaigns that were not used to fit. `qini` above 0 with its whole interval: the
# MAGIC ranking is better than chance. `calibration_slope` below 1: the predicted effects are too
# MAGIC extreme. `is_randomised` false: adjusted for what was observed; the rest of the bias
# MAGIC stays, and no plan uses it.

# COMMAND ----------

if not context.has("gold.uplift_results"):
    dbutils.notebook.exit(
        "gold.uplift_results does not exist. Run estimate_uplift: it needs contacts of a campaign "
        "in silver.campaign_contacts. Until then the effect is the assumption in conf."
    )

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT offer_id, learner, split, metric, round(value, 4) AS value, round(ci_low,
# MAGIC        4) AS ci_low,
# MAGIC        round(ci_high, 4) AS ci_high, customers, is_randomised, verdict
# MAGIC FROM gold.uplift_results
# MAGIC WHERE as_of = (SELECT max(as_of) FROM gold.uplift_results WHERE as_of <= chosen_day)
# MAGIC   AND metric NOT LIKE 'decile_%' AND metric NOT LIKE '%propensity%'
# MAGIC ORDER BY is_randomised DESC, offer_id, split, learner, metric

# COMMAND ----------

# MAGIC %md
# MAGIC Policies by their value on the last randomised campaign: the doubly robust estimate of the
# MAGIC net value per customer, compared with sending nothing.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT policy, offer_id, round(value_a_customer, 3) AS value_a_customer,
# MAGIC        round(ci_low, 3) AS ci_low, round(ci_high, 3) AS ci_high,
# MAGIC        round(treated_share, 3) AS treated_share, is_within_budget, is_chosen, customers
# MAGIC FROM gold.policy_comparison
# MAGIC WHERE as_of = (SELECT max(as_of) FROM gold.policy_comparison WHERE as_of <= chosen_day)
# MAGIC ORDER BY value_a_customer DESC, policy, offer_id

# COMMAND ----------

# MAGIC %md
# MAGIC ## Did it work?
# MAGIC
# MAGIC Customers who were sent an offer against the control group. `srm_p_value` near 0: the
# MAGIC sizes of the groups are not those of the plan, so do not trust the effect.

# COMMAND ----------

if not context.has("gold.campaign_results"):
    dbutils.notebook.exit(
        "gold.campaign_results does not exist. Run measure_campaigns when a campaign's outcomes "
        "are known."
    )

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT campaign_id, policy, offer_id, metric, treated, held_out, round(effect,
# MAGIC        4) AS effect,
# MAGIC        round(ci_low, 4) AS ci_low, round(ci_high, 4) AS ci_high,
# MAGIC        round(p_value_corrected, 4) AS p_value_corrected,
# MAGIC        round(anytime_p_value, 4) AS anytime_p_value, round(srm_p_value, 4) AS srm_p_value,
# MAGIC        round(minimum_detectable_effect, 4) AS minimum_detectable_effect
# MAGIC FROM gold.campaign_results
# MAGIC WHERE segment = (SELECT CASE WHEN count_if(segment = 'all') > 0 THEN 'all' ELSE
# MAGIC        min(segment) END
# MAGIC                  FROM gold.campaign_results)
# MAGIC ORDER BY month DESC, campaign_id, policy, offer_id, metric
