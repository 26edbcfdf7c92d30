# Databricks notebook source
# MAGIC %md
# MAGIC # If only 20 % of the customers can be kept: which ones, and why?
# MAGIC
# MAGIC This notebook compares five strategies with the same customers and the same budget: which
# MAGIC customers they choose, their value, and one sentence per customer with the reason. It reads
# MAGIC the tables of `run_pipeline` (or of `fit_lifetime`, `score_customers` and `plan_retention`)
# MAGIC and writes nothing.

# COMMAND ----------

# MAGIC %pip install --quiet ..

# COMMAND ----------

from runtime.settings import environments

dbutils.widgets.dropdown("env", "demo", environments(), "Environment: name of a file in conf/")
dbutils.widgets.text("as_of", "", "As of (YYYY-MM-DD); empty: from conf")
dbutils.widgets.text("strategy", "net_value", "Strategy for the list of customers")

# COMMAND ----------

from runtime.lakehouse.views import open_lakehouse

context = open_lakehouse(dbutils.widgets.get("env"), dbutils.widgets.get("as_of"))
spark = context.spark
spark.sql(f"DECLARE OR REPLACE VARIABLE chosen_day DATE DEFAULT DATE'{context.as_of}'")
strategy = dbutils.widgets.get("strategy").strip()
if not context.has("gold.retention_plan"):
    dbutils.notebook.exit("gold.retention_plan does not exist. Run plan_retention.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Lifetime models
# MAGIC
# MAGIC Models of purchase frequency and purchase value. The model with the best held-out
# MAGIC likelihood is chosen. If `is_identified` is false, the data do not identify dropout, so
# MAGIC P(alive) is not reported, and `p_alive_basis` says what is missing. Expected purchases are
# MAGIC still valid.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT model_name, parameter, round(value, 4) AS value, round(std_error, 4) AS std_error,
# MAGIC        customers, converged, is_chosen, is_identified
# MAGIC FROM gold.lifetime_models WHERE as_of = chosen_day
# MAGIC ORDER BY is_chosen DESC, model_name, parameter

# COMMAND ----------

# MAGIC %md
# MAGIC ## Backtest of the forecasts
# MAGIC
# MAGIC Forecasts from past days, compared with the last period repeated and with boosted trees.
# MAGIC The chart shows the mean absolute error of the value per customer; lower is better.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT horizon_days, approach, metric, round(avg(value), 4) AS value, count(*) AS cuts
# MAGIC FROM gold.clv_backtest
# MAGIC WHERE cut < chosen_day AND metric IN ('purchases_mae', 'purchases_rank_correlation',
# MAGIC   'value_mae', 'value_rank_correlation', 'value_top_decile_share', 'value_total_ratio')
# MAGIC GROUP BY horizon_days, approach, metric
# MAGIC ORDER BY horizon_days, metric, approach

# COMMAND ----------

from matplotlib.figure import Figure
from pyspark.sql import functions as F

tested = spark.table("gold.clv_backtest").where("metric = 'value_mae' AND cut < chosen_day")
errors = tested.groupBy("approach", "horizon_days").agg(F.avg("value").alias("mae")).toPandas()
figure = Figure(figsize=(6, 3), layout="constrained")
axes = figure.subplots()
if len(errors):
    errors.pivot(index="horizon_days", columns="approach", values="mae").plot.bar(ax=axes, rot=0)
axes.set_title("Forecast error of value per customer", loc="left")
axes.set_xlabel("forecast horizon, days")
axes.spines[["top", "right"]].set_visible(False)
display(figure)

# COMMAND ----------

# MAGIC %md
# MAGIC ## How long do customers stay?
# MAGIC
# MAGIC Left: share of each segment that is still a customer over time (Kaplan-Meier). Right:
# MAGIC expected months until each retainable customer leaves, at most 36.

# COMMAND ----------

curves = spark.table("gold.segment_survival").where("as_of = chosen_day").toPandas()
stay = spark.table("gold.customer_scores").where("as_of = chosen_day")
known = stay.where("remaining_lifetime_days IS NOT NULL")
months = known.select(F.floor(F.col("remaining_lifetime_days") / 30.4375).alias("months"))
counts = months.groupBy("months").count().orderBy("months").toPandas()  # at most 37 rows
figure = Figure(figsize=(9, 3.6), layout="constrained")
left, right = figure.subplots(1, 2)
for segment, part in curves.sort_values("days_ahead").groupby("segment"):
    left.plot(
        part["days_ahead"], part["survival"], label=segment, lw=2.4 if segment == "all" else 1
    )
left.set_title("Still customers", loc="left")
left.set_xlabel("days from the first date with features")
if len(curves):
    left.legend(frameon=False, fontsize=6, ncols=2)
right.bar(counts["months"], counts["count"])
right.set_title("Customers by expected months", loc="left")
right.set_xlabel("months")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
display(figure)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The five strategies
# MAGIC
# MAGIC `at_stake_covered`: share of the total value at risk (churn probability times 12-month
# MAGIC value) that the chosen customers hold. `gross`: value that the same strategy would have kept
# MAGIC one horizon earlier, counting only customers who left and were sent the offer in time.
# MAGIC `net`: after the cost of all chosen offers, with its 95 % interval. The effect of the offer
# MAGIC is an assumption in conf, stated in `assumption`, until an experiment has measured it.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT strategy, chosen, round(value_at_stake_covered, 3) AS at_stake_covered,
# MAGIC        round(value_kept, 2) AS gross, round(cost, 2) AS cost,
# MAGIC        round(net_value_kept, 2) AS net, round(ci_low, 2) AS ci_low,
# MAGIC        round(ci_high, 2) AS ci_high, round(next_1pct_value, 2) AS next_1pct_value,
# MAGIC        assumption
# MAGIC FROM gold.strategy_comparison
# MAGIC WHERE as_of = chosen_day AND strategy = other_strategy
# MAGIC ORDER BY at_stake_covered DESC, strategy

# COMMAND ----------

# MAGIC %md
# MAGIC Agreement: customers that both strategies choose, divided by customers that either chooses.

# COMMAND ----------

compared = spark.table("gold.strategy_comparison").where("as_of = chosen_day").toPandas()
agreement = compared.pivot(index="strategy", columns="other_strategy", values="jaccard")
display(agreement.round(3).reset_index())

# COMMAND ----------

# MAGIC %md
# MAGIC ## The effect of a larger budget
# MAGIC
# MAGIC Share of the total value at risk that the top customers of each ranking hold.

# COMMAND ----------

scores = spark.table("gold.customer_scores").where("as_of = chosen_day")
at_risk = scores.selectExpr("customer_id", "churn_probability * value_at_stake AS at_risk")
plan = spark.table("gold.retention_plan").where("as_of = chosen_day")
kept = plan.where("rank IS NOT NULL")  # without customers who get no offer in the period
customers = kept.select("customer_id").distinct().count()
ranked = kept.select("strategy", "customer_id", "rank").join(at_risk, "customer_id")
step = F.ceil(F.col("rank") * 50 / customers)  # one point per 2 % of the customers
curve = ranked.groupBy("strategy", step.alias("part")).agg(F.sum("at_risk").alias("at_risk"))
points = curve.toPandas().sort_values(["strategy", "part"])

figure = Figure(figsize=(6, 4), layout="constrained")
axes = figure.subplots()
for name, part in points.groupby("strategy"):
    total = part["at_risk"].sum()
    style = {"lw": 2.2} if name == strategy else {"lw": 1.1}
    axes.plot(part["part"] * 2, part["at_risk"].cumsum() / (total or 1) * 100, label=name, **style)
axes.axvline(20, color="grey", lw=0.8, ls=":")
axes.set_xlabel("customers in the plan, %")
axes.set_ylabel("value at risk covered, %")
axes.legend(frameon=False, fontsize=8)
axes.spines[["top", "right"]].set_visible(False)
display(figure)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The customers and the reasons
# MAGIC
# MAGIC The top customers of the selected strategy. Customers who get no offer in the period of the
# MAGIC plan are in it without a rank, with the reason in `why`.

# COMMAND ----------

first = plan.where((F.col("strategy") == strategy) & F.col("is_chosen"))
columns = ("rank", "customer_id", "why", "offer_id", "timing", "send_on")
columns = (*columns, "expected_value_kept", "cost")
display(first.orderBy("rank").select(*columns).limit(20))

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT timing, count(*) AS customers, CASE WHEN rank IS NOT NULL
# MAGIC   THEN 'ranked' ELSE 'left out' END AS in_the_plan
# MAGIC FROM gold.retention_plan
# MAGIC WHERE as_of = chosen_day
# MAGIC   AND strategy = (SELECT min(strategy) FROM gold.retention_plan WHERE as_of = chosen_day)
# MAGIC GROUP BY timing, rank IS NOT NULL
# MAGIC ORDER BY customers DESC
