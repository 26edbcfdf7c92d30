"""gold.customer_scores and risk_factors, made from a model's probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, functions as F

from contracts.gold import CHURN_BY_HORIZON, CUSTOMER_SCORES, RISK_FACTORS
from contracts.gold_lifetime import OF_SCORES
from transforms.conform import conform
from udfs.formula import SqlFormula


def with_lifetime(scored: DataFrame, lifetime: DataFrame) -> DataFrame:
    """Add the columns that gold.customer_lifetime has for each customer; null where it has no row.

    `lifetime` holds one as_of.
    """
    known = lifetime.select("customer_id", *[c.name for c in OF_SCORES])
    return scored.join(known, on="customer_id", how="left")


def customer_scores(
    scored: DataFrame, horizon_days: int, risk_scheme: str, *, formulas: Mapping[str, SqlFormula]
) -> DataFrame:
    """One row per scored customer.

    `scored` has as_of, customer_id, churn_probability, decision_threshold, score_basis, model_name,
    model_version, top_risk_factor, main_reason, reason_basis, recency_days, engagement_score,
    risk_percentile, risk_percentile_in_segment and the columns of `with_lifetime`.
    """
    p, threshold = "churn_probability", "decision_threshold"
    level = formulas["risk_level"](churn_probability=p, decision_threshold=threshold)
    rows = scored.select(
        "*",
        F.lit(horizon_days).alias("horizon_days"),
        (F.col(p) >= F.col(threshold)).cast("int").alias("churn_prediction"),
        level.alias("risk_level"),
        F.lit(risk_scheme).alias("risk_scheme"),
        formulas["confidence_score"](churn_probability=p).alias("confidence_score"),
    )
    actions = formulas["recommended_actions"](
        **{n: n for n in (p, "engagement_score", "recency_days", "risk_level")}
    )
    return conform(rows.select("*", actions.alias("recommended_actions")), CUSTOMER_SCORES)


def risk_factors(explained: DataFrame) -> DataFrame:
    """One row per (as_of, customer_id, rank) from arrays `factors` and `impacts`, largest first."""
    pairs = F.arrays_zip("factors", "impacts", "factor_values")
    ranked = explained.select("as_of", "customer_id", F.posexplode(pairs).alias("place", "pair"))
    impact: Column = F.col("pair.impacts")
    rows = ranked.select(
        "as_of",
        "customer_id",
        (F.col("place") + 1).alias("rank"),
        F.col("pair.factors").alias("feature"),
        F.col("pair.factor_values").alias("value"),
        impact.alias("impact"),
        F.when(impact > 0, "increase").otherwise("decrease").alias("direction"),
    )
    return conform(rows, RISK_FACTORS)


def churn_by_horizon(
    scored: DataFrame, primary: int, others: Sequence[int], *, definition: str
) -> DataFrame:
    """One row per (as_of, customer_id, horizon_days): churn_probability and model_name.

    `scored` has churn_probability and model_name of the primary horizon, and p_<horizon> and
    model_<horizon> of the others. A customer
    without a purchase for 60 days had none for 30 days either, so the probability of inactivity
    cannot rise with the horizon (that of a termination cannot fall). Where the models contradict
    this, a horizon takes the value of its neighbour nearer to the primary horizon, which never
    changes. For inactivity with primary horizon 60, columns named after horizon_days:

    | p_30 | churn_probability | p_90 | 30 | 60 | 90 |
    |---|---|---|---|---|---|
    | 0.7 | 0.5 | 0.4 | 0.7 | 0.5 | 0.4 |
    | 0.4 | 0.5 | 0.6 | 0.5 | 0.5 | 0.5 |
    """
    probabilities = _bounded(primary, others, definition)
    pairs = [
        F.struct(
            F.lit(h).alias("horizon_days"),
            p.alias("churn_probability"),
            F.col("model_name" if h == primary else f"model_{h}").alias("model_name"),
        )
        for h, p in sorted(probabilities.items())
    ]
    each = scored.select("as_of", "customer_id", F.explode(F.array(*pairs)).alias("pair"))
    rows = each.select(
        "as_of",
        "customer_id",
        F.col("pair.horizon_days").alias("horizon_days"),
        F.col("pair.churn_probability").alias("churn_probability"),
        F.col("pair.model_name").alias("model_name"),
    )
    return conform(rows, CHURN_BY_HORIZON)


def bounded_counts(
    scored: DataFrame, primary: int, others: Sequence[int], *, definition: str
) -> DataFrame:
    """One row: `rows`, and per other horizon <horizon>: the rows that churn_by_horizon changed."""
    probabilities = _bounded(primary, others, definition)
    return scored.agg(
        F.count(F.lit(1)).alias("rows"),
        *[
            F.count(F.when(F.col(f"p_{h}") != probabilities[h], F.lit(1))).alias(str(h))
            for h in sorted(others)
        ],
    )


def _bounded(primary: int, others: Sequence[int], definition: str) -> dict[int, Column]:
    """The probability by horizon, bounded by that of the neighbour nearer to the primary one."""
    falls = definition == "inactivity"
    probabilities = {primary: F.col("churn_probability")}
    low, high = (F.least, F.greatest) if falls else (F.greatest, F.least)
    longer = sorted(h for h in others if h > primary)
    shorter = sorted((h for h in others if h < primary), reverse=True)
    for horizons, bounded in ((longer, low), (shorter, high)):
        nearer = probabilities[primary]
        for horizon in horizons:
            probabilities[horizon] = nearer = bounded(F.col(f"p_{horizon}"), nearer)
    return probabilities


def rate_by_recency(labelled: DataFrame) -> DataFrame:
    """One row per recency_days: rows and churned. At most one row per day of history."""
    return labelled.groupBy("recency_days").agg(
        F.count("*").alias("rows"), F.sum("churned").alias("churned")
    )


def with_model(
    scored: DataFrame,
    name: str,
    version: str,
    *,
    thresholds: Mapping[str, float],
    horizons: Mapping[str, str] | None = None,
) -> DataFrame:
    """Add model_name, model_version and decision_threshold of the model that scored the rows.

    `thresholds`: the decision threshold by score_basis (model, cold_start). `horizons`: the learner
    of each other horizon (days), added as model_<horizon>.
    """
    others = [F.lit(n).alias(f"model_{h}") for h, n in (horizons or {}).items()]
    threshold = F.lit(None).cast("double")
    for basis, value in sorted(thresholds.items()):
        threshold = F.when(
            F.col("score_basis") == basis, F.lit(float(value)).cast("double")
        ).otherwise(threshold)
    return scored.select(
        "*",
        F.lit(name).alias("model_name"),
        F.lit(version).alias("model_version"),
        threshold.alias("decision_threshold"),
        *others,
    )


def scored_by_rule(customers: DataFrame, rates: Sequence[float], threshold: float) -> DataFrame:
    """One row per customer with score_basis `rule`: the churn rate of their recency_days.

    rates: churn rate of recency_days 1, 2, ... Rows beyond the last one get null. There are no
    factors, no reasons and no model. `threshold`: the decision threshold of the rates.
    """
    literals = F.array(*[F.lit(float(rate)).cast("double") for rate in rates])
    no_text = F.lit(None).cast("string")
    return customers.select(
        "as_of",
        "customer_id",
        "recency_days",
        "engagement_score",
        F.element_at(literals, F.col("recency_days").cast("int")).alias("churn_probability"),
        F.lit("rule").alias("score_basis"),
        F.expr("array()").cast("array<string>").alias("factors"),
        F.expr("array()").cast("array<double>").alias("impacts"),
        F.expr("array()").cast("array<string>").alias("factor_values"),
        F.lit(None).cast("array<double>").alias("reasons"),
        F.lit(float(threshold)).cast("double").alias("decision_threshold"),
        no_text.alias("top_risk_factor"),
        no_text.alias("model_name"),
        no_text.alias("model_version"),
    )
