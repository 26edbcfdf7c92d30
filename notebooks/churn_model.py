# Databricks notebook source
# MAGIC %md
# MAGIC # The churn model
# MAGIC
# MAGIC The champion model: comparison with other learners and simple rules, uncertainty of its
# MAGIC metrics, its main features, and the explanation of one customer. This notebook reads the
# MAGIC tables of `run_pipeline` and writes nothing.

# COMMAND ----------

# MAGIC %pip install --quiet ..

# COMMAND ----------

from runtime.settings import environments

dbutils.widgets.dropdown("env", "demo", environments(), "Environment: name of a file in conf/")
dbutils.widgets.text("as_of", "", "As of (YYYY-MM-DD); empty: from conf")
dbutils.widgets.text(
    "customer_id", "", "Customer to explain; empty: the customer with the highest risk"
)

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
    dbutils.notebook.exit(
        f"{registry.model_name}: no version has the alias champion. Run train_churn."
    )

# COMMAND ----------

# MAGIC %md
# MAGIC The model is JSON text: features, trees, calibration, threshold. Loading it runs no code.

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
# MAGIC ## Comparison of learners and simple rules
# MAGIC
# MAGIC All models use the same data and the same split. Parameters were searched on the validation
# MAGIC date. The metrics are from the test date, which training never used, with 95 % bootstrap
# MAGIC intervals by customer. A useful model must beat `recency_only` (longer silence, higher
# MAGIC risk). `active_90d` excludes the easy cases: customers silent for more than 90 days.
# MAGIC `roc_auc_difference` is the ROC AUC minus that of the champion at the time (else of the
# MAGIC chosen learner). It is significant only if its interval excludes 0.

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
# MAGIC Stability: fits that each leave out a different tenth of the customers, on the dates before
# MAGIC the test date. The spread shows how much the metric depends on the sample of customers.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT model_name, metric, round(value, 4) AS value
# MAGIC FROM gold.model_comparison
# MAGIC WHERE trained_at = (SELECT max(trained_at) FROM gold.model_comparison
# MAGIC                     WHERE model_name = 'recency_only') AND metric LIKE 'cv_roc_auc_%'
# MAGIC ORDER BY model_name, metric

# COMMAND ----------

# MAGIC %md
# MAGIC ## Value of the feature families
# MAGIC
# MAGIC The chosen learner without one feature family at a time, on the validation date. If the
# MAGIC interval of the difference contains 0, the other families have the same information.

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
# MAGIC ## Other horizons
# MAGIC
# MAGIC One model per horizon, each tested on its own date. A horizon is served by rfm_logistic
# MAGIC where it ranks the active and silent customers of that date better.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT horizon_days, model_name, count(*) AS customers,
# MAGIC        round(avg(churn_probability), 4) AS mean_probability
# MAGIC FROM gold.churn_by_horizon
# MAGIC WHERE as_of = (SELECT max(as_of) FROM gold.churn_by_horizon)
# MAGIC GROUP BY horizon_days, model_name
# MAGIC ORDER BY horizon_days

# COMMAND ----------

# MAGIC %md
# MAGIC ## Churn reasons
# MAGIC
# MAGIC The basis is what the customer named (`named`), a model of the reasons that churned
# MAGIC customers named (`labelled`), or, without such answers, the features that raise the risk
# MAGIC (`shap_families`). The last one shows correlation with the risk, not its cause. The reason
# MAGIC is `unknown` (`no_evidence`) if the risk comes from features that point to no reason.

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
# MAGIC ## Calibration and main features
# MAGIC
# MAGIC Plots that training logged in the run of the champion.

# COMMAND ----------

import mlflow

for picture in ("calibration.png", "drivers.png", "beeswarm.png", "roc.png"):
    display(mlflow.artifacts.load_image(f"runs:/{champion.run_id}/plots/{picture}"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Explanation of one customer
# MAGIC
# MAGIC Exact SHAP values of the five strongest features. A value above 0 raises the risk.

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
# MAGIC The same customer with one changed feature. The model takes a dict and returns a
# MAGIC probability.

# COMMAND ----------

features = list(model.encoder.feature_names)
as_is = customer[features].iloc[0].to_dict()
asked = {"as it is": as_is, "recency_days = 1": {**as_is, "recency_days": 1}}
answers = [(name, model.predict_one(row)) for name, row in asked.items()]
answered = spark.createDataFrame(answers, "customer string, churn_probability double")
level = f"risk_level(churn_probability, {model.threshold}) AS risk_level"
display(answered.selectExpr("*", level))

# COMMAND ----------

# MAGIC %md
# MAGIC A fictitious customer. Null means unknown, and the model accepts nulls.

# COMMAND ----------

unknown = dict.fromkeys(features)
made_up = {**unknown, "recency_days": 45, "tenure_days": 300, "total_orders": 12}
horizon = model.metadata["horizon_days"]
print(f"{model.predict_one(made_up):.1%} likely to leave within {horizon} days")
