"""gold.surprise_leavers: customers below the decision threshold who churned."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, functions as F

# 95 % quantile of the normal distribution, two-sided.
NORMAL = 1.959963984540054


def surprise_leavers(
    scores: DataFrame,
    labels: DataFrame,
    factors: DataFrame,
    *,
    features: DataFrame,
    ends: DataFrame,
    model_features: Sequence[str],
    ended: str,
) -> DataFrame:
    """One row per customer with churn_prediction 0 who churned.

    All frames are of one as_of. labels: customer_id, churned. factors: gold.risk_factors. features:
    the feature tables, joined. ends: customer_id, left_on. ended: purchases or contract. The rates
    are those of all customers with churn_prediction 0 and a label.
    """
    safe = scores.where(F.col("churn_prediction") == 0).join(labels, on="customer_id", how="inner")
    rate = safe.agg(
        F.avg("churn_probability").alias("promised_rate"),
        F.avg("churned").alias("rate"),
        F.count(F.lit(1)).alias("customers"),
    )
    low, high = wilson("rate", "customers")
    rates = rate.select("promised_rate", "rate", low.alias("ci_low"), high.alias("ci_high"))
    left = safe.where(F.col("churned") == 1).select(
        "as_of", "customer_id", "churn_probability", "risk_level"
    )
    for other in (factor_texts(factors), null_texts(features, model_features), ends):
        left = left.join(other, on="customer_id", how="left")
    return left.crossJoin(rates).select(
        "as_of",
        "customer_id",
        "churn_probability",
        "risk_level",
        "left_on",
        F.lit(ended).alias("ended"),
        "top_factors",
        "null_features",
        "promised_rate",
        "rate",
        "ci_low",
        "ci_high",
    )


def factor_texts(factors: DataFrame) -> DataFrame:
    """One row per customer: top_factors, "feature = value (direction)" by rank, with "; "."""
    told = F.concat(
        F.col("feature"),
        F.lit(" = "),
        F.coalesce(F.col("value"), F.lit("unknown")),
        F.lit(" ("),
        F.col("direction"),
        F.lit(")"),
    )
    ranks = [F.max(F.when(F.col("rank") == n, told)).alias(f"factor_{n}") for n in range(1, 6)]
    by_rank = factors.groupBy("customer_id").agg(*ranks)
    names = [F.col(f"factor_{n}") for n in range(1, 6)]
    return by_rank.select("customer_id", F.concat_ws("; ", *names).alias("top_factors"))


def null_texts(features: DataFrame, names: Sequence[str]) -> DataFrame:
    """One row per customer: null_features, the features without a value; null: none."""
    # concat_ws leaves nulls out.
    missing = [F.when(F.col(name).isNull(), F.lit(name)) for name in names]
    text = F.concat_ws(", ", F.lit(None).cast("string"), *missing)
    return features.select("customer_id", F.when(text != "", text).alias("null_features"))


def wilson(rate: str, count: str) -> tuple[Column, Column]:
    """The 95 % Wilson score interval of a share of `count` customers (Wilson 1927)."""
    p, n, z = F.col(rate), F.col(count), F.lit(NORMAL)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * F.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - reach, middle + reach


def last_purchases(days: DataFrame) -> DataFrame:
    """One row per customer: left_on, the day of the last purchase. days: purchase_days."""
    return days.groupBy("customer_id").agg(F.max("day").alias("left_on"))


def last_terminations(terminations: DataFrame) -> DataFrame:
    """One row per customer: left_on, the last day on which a contract ended."""
    last = F.max(F.col("terminated_at").cast("date"))
    return terminations.groupBy("customer_id").agg(last.alias("left_on"))
