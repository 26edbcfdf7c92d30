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
    scored: DataFrame, horizon_days: int, threshold: float, *, formulas: Mapping[str, SqlFormula]
) -> DataFrame:
    """One row per scored customer.

    `scored` has as_of, customer_id, churn_probability, score_basis, model_name, model_version,
    top_risk_factor, main_reason, reason_basis, recency_days, engagement_score and the columns of
    `with_lifetime`.
    """
    actions = formulas["recommended_actions"](
        **{n: n for n in ("churn_probability", "engagement_score", "recency_days")}
    )
    rows = scored.select(
        "*",
        F.lit(horizon_days).alias("horizon_days"),
        (F.col("churn_probability") >= F.lit(threshold)).cast("int").alias("churn_prediction"),
        formulas["risk_level"](churn_probability="churn_probability").alias("risk_level"),
        formulas["confidence_score"](churn_probability="churn_probability").alias(
            "confidence_score"
        ),
        actions.alias("recommended_actions"),
    )
    return conform(rows, CUSTOMER_SCORES)


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
    scored: DataFrame, name: str, version: str, *, horizons: Mapping[str, str] | None = None
) -> DataFrame:
    """Add model_name and model_version of the model that scored the rows.

    horizons: the learner of each other horizon (days), added as model_<horizon>.
    """
    others = [F.lit(n).alias(f"model_{h}") for h, n in (horizons or {}).items()]
    return scored.select(
        "*", F.lit(name).alias("model_name"), F.lit(version).alias("model_version"), *others
    )


def scored_by_rule(customers: DataFrame, rates: Sequence[float]) -> DataFrame:
    """One row per customer with score_basis `rule`: the churn rate of their recency_days.

    rates: churn rate of recency_days 1, 2, ... Rows beyond the last one get null. There are no
    factors, no reasons and no model.
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
        no_text.alias("model_name"),
        no_text.alias("model_version"),
    )


def with_top_risk_factor(scored: DataFrame) -> DataFrame:
    """Add top_risk_factor: the first factor that increases the risk; null without one.

    Spark only: DuckDB does not read the lambda of FILTER.
    """
    raising = F.expr("filter(arrays_zip(factors, impacts), pair -> pair.impacts > 0)")
    return scored.select("*", F.get(raising, F.lit(0))["factors"].alias("top_risk_factor"))
