# Databricks notebook source
# MAGIC %md
# MAGIC # The churn model
# MAGIC
# MAGIC The champion: how it compares with other learners and with simple rules, how far its figures
# MAGIC can be trusted, what drives it, and why one customer is at risk. It reads what
# MAGIC `run_pipeline` makes, and writes nothing.

# COMMAND ----------

dbutils.widgets.text("env", "demo", "Environment: a file in conf/")
dbutils.widgets.text("as_of", "", "As of (YYYY-MM-DD); empty: as conf says")
dbutils.widgets.text("customer_id", "", "Customer to explain; empty: the one most at risk")

# COMMAND ----------

from runtime.model_registry import CHAMPION, Registry
from runtime.lakehouse.views import open_lakehouse
from models.portable import PortableModel

context = open_lakehouse(dbutils.widgets.get("env"), dbutils.widgets.get("as_of"))
spark = context.spark
spark.sql(f"DECLARE OR REPLACE VARIABLE chosen_day DATE DEFAULT DATE'{context.as_of}'")

registry = Registry(context.settings)
champion = registry.by_alias(CHAMPION)
if champion is None:
    dbutils.notebook.exit(f"{registry.model_name}: no version is champion. Run train_churn.")

# COMMAND ----------

# MAGIC %md
# MAGIC The model is JSON text: features, trees, calibration, threshold. Reading it runs no code.

# COMMAND ----------

import pandas as pd

model = PortableModel.from_json(champion.portable)
facts = {
    "version": champion.version,
    "MLflow run": champion.run_id,
    "features": len(model.encoder.feature_names),
    "calibration": model.calibration.kind,
    "threshold": model.threshold,
    **model.metadata,
}
display(pd.DataFrame({"fact": facts.keys(), "value": map(str, facts.values())}))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The learners, beside simple rules
# MAGIC
# MAGIC All on one frame and one split; parameters searched on the validation date. On the test
# MAGIC date, which training never saw, with 95 % bootstrap intervals by customer. A
# MAGIC model has to beat `recency_only` (the longer the silence, the higher the risk) to be worth
# MAGIC its keep. `active_90d` leaves out those silent for over 90 days: the easy cases.
# MAGIC `roc_auc_difference` is what lies between a model and the champion at the time (else the
# MAGIC learner chosen); it counts only where its interval excludes zero.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT population, metric, model_name, round(value, 4) AS value, round(ci_low, 4) AS ci_low,
# MAGIC        round(ci_high, 4) AS ci_high
# MAGIC FROM gold.model_comparison
# MAGIC WHERE trained_at = (SELECT max(trained_at) FROM gold.model_comparison
# MAGIC                     WHERE model_name = 'recency_only') AND split = 'test'
# MAGIC   AND metric IN
# MAGIC     ('roc_auc', 'roc_auc_difference', 'average_precision', 'brier', 'lift_at_20',
# MAGIC      'profit_per_customer')
# MAGIC   AND horizon_days = (SELECT max(horizon_days) FROM gold.customer_scores)
# MAGIC ORDER BY population, metric, value DESC, model_name

# COMMAND ----------

# MAGIC %md
# MAGIC The same fit with another tenth of the customers left out each time, on the dates before the
# MAGIC test date: how much the figure moves by who happens to be in the data.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT model_name, metric, round(value, 4) AS value
# MAGIC FROM gold.model_comparison
# MAGIC WHERE trained_at = (SELECT max(trained_at) FROM gold.model_comparison
# MAGIC                     WHERE model_name = 'recency_only') AND metric LIKE 'cv_roc_auc_%'
# MAGIC ORDER BY model_name, metric

# COMMAND ----------

# MAGIC %md
# MAGIC ## What the features are worth
# MAGIC
# MAGIC The chosen learner again, without one family at a time, on the validation date. An
# MAGIC interval of
# MAGIC the difference that holds 0 says that the others know as much.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT feature_set, metric, round(value, 4) AS value, round(ci_low, 4) AS ci_low,
# MAGIC        round(ci_high, 4) AS ci_high
# MAGIC FROM gold.feature_sets
# MAGIC WHERE trained_at = (SELECT max(trained_at) FROM gold.feature_sets)
# MAGIC   AND metric IN ('features', 'roc_auc_difference')
# MAGIC ORDER BY feature_set, metric

# COMMAND ----------

# MAGIC %md
# MAGIC ## Sooner and later
# MAGIC
# MAGIC One model a horizon, each tested on a date of its own.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT horizon_days, count(*) AS customers,
# MAGIC        round(avg(churn_probability), 4) AS mean_probability
# MAGIC FROM gold.churn_by_horizon
# MAGIC WHERE as_of = (SELECT max(as_of) FROM gold.churn_by_horizon)
# MAGIC GROUP BY horizon_days
# MAGIC ORDER BY horizon_days

# COMMAND ----------

# MAGIC %md
# MAGIC ## Why
# MAGIC
# MAGIC From what leavers named (`labelled`), or, where nobody was asked, from the features that
# MAGIC push
# MAGIC the risk up (`shap_families`): then it says what goes with the risk, not what causes it.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT main_reason, reason_basis, count(*) AS customers,
# MAGIC        round(avg(churn_probability), 4) AS mean_probability
# MAGIC FROM gold.customer_scores
# MAGIC WHERE as_of = (SELECT max(as_of) FROM gold.customer_scores)
# MAGIC GROUP BY main_reason, reason_basis
# MAGIC ORDER BY customers DESC, main_reason

# COMMAND ----------

# MAGIC %md
# MAGIC ## Do the probabilities hold, and what drives them
# MAGIC
# MAGIC The pictures that training logged with the champion's run.

# COMMAND ----------

import mlflow

for picture in ("calibration.png", "drivers.png", "beeswarm.png", "roc.png"):
    display(mlflow.artifacts.load_image(f"runs:/{champion.run_id}/plots/{picture}"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Why one customer is at risk
# MAGIC
# MAGIC Exact SHAP values of the five strongest features: above 0 raises the risk.

# COMMAND ----------

from pyspark.sql import functions as F

from pipelines.churn.customer_scoring import features_at
from models.scoring import score_batch, unit_of_impact

wanted = dbutils.widgets.get("customer_id").strip()
scores = spark.table("gold.customer_scores").where(F.col("as_of") == F.lit(context.as_of))
at_risk = scores.orderBy(F.desc("churn_probability"), "customer_id").select("customer_id")
customer_id = wanted or at_risk.head()["customer_id"]
customer = features_at(context).where(F.col("customer_id") == customer_id).toPandas()
if customer.empty:
    dbutils.notebook.exit(f"{customer_id} is not known at {context.as_of}")
scored = score_batch(model, customer).iloc[0]
print(f"{customer_id}: {scored.churn_probability:.1%} likely to leave ({scored.score_basis})")
print(f"impact is in {unit_of_impact(model)}")
strongest = {"feature": scored.factors, "value": scored.factor_values, "impact": scored.impacts}
display(pd.DataFrame(strongest))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What if
# MAGIC
# MAGIC The same customer with one feature changed: a dict in, a probability out.

# COMMAND ----------

features = list(model.encoder.feature_names)
as_is = customer[features].iloc[0].to_dict()
asked = {"as it is": as_is, "recency_days = 1": {**as_is, "recency_days": 1}}
answers = [(name, model.predict_one(row)) for name, row in asked.items()]
answered = spark.createDataFrame(answers, "customer string, churn_probability double")
display(answered.selectExpr("*", "risk_level(churn_probability) AS risk_level"))

# COMMAND ----------

# MAGIC %md
# MAGIC And someone made up: null is unknown, and the model takes it.

# COMMAND ----------

unknown = dict.fromkeys(features)
made_up = {**unknown, "recency_days": 45, "tenure_days": 300, "total_orders": 12}
horizon = model.metadata["horizon_days"]
print(f"{model.predict_one(made_up):.1%} likely to leave within {horizon} days")
