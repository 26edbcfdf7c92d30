"""What the customers with each text of a message did."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, functions as F

from udfs.normal import NORMAL_95

SHARE, AMOUNT = "conversion", "retained_revenue"


def text_results(outcomes: DataFrame, messages: DataFrame) -> DataFrame:
    """One row per campaign, text and metric, as in gold.text_results.

    `outcomes`: rows of transforms.campaign_outcomes.outcomes. Only treated customers with a message
    of the campaign's offer count. `messages`: gold.messages.
    """
    texts = messages.select(
        *("campaign_id", "customer_id", "offer_id", "text_id"),
        *("theme", "tone", "language", "written_by"),
    )
    treated = outcomes.where("is_treated").select(
        "campaign_id", "customer_id", "offer_id", SHARE, AMOUNT
    )
    key = ["campaign_id", "customer_id", "offer_id"]
    joined = treated.join(texts, on=key, how="inner").select(
        *key, "text_id", "theme", "tone", "language", "written_by", SHARE, AMOUNT
    )
    return _metric(joined, SHARE).unionByName(_metric(joined, AMOUNT))


def _metric(rows: DataFrame, metric: str) -> DataFrame:
    by = ("campaign_id", "text_id", "offer_id", "theme", "tone", "language", "written_by")
    y = F.col(metric)
    sums = rows.groupBy(*by).agg(
        F.count("*").alias("customers"), F.sum(y).alias("total"), F.sum(y * y).alias("squares")
    )
    low, high = _share_interval() if metric == SHARE else _mean_interval()
    return sums.select(
        *by,
        F.lit(metric).alias("metric"),
        "customers",
        (F.col("total") / F.col("customers")).alias("value"),
        low.alias("ci_low"),
        high.alias("ci_high"),
    )


def _share_interval() -> tuple[Column, Column]:
    """Agresti-Coull: two successes and two failures are added (z ** 2 is about 4)."""
    n = F.col("customers") + NORMAL_95 * NORMAL_95
    share = (F.col("total") + NORMAL_95 * NORMAL_95 / 2) / n
    half = F.lit(NORMAL_95) * F.sqrt(share * (1 - share) / n)
    return F.greatest(share - half, F.lit(0.0)), F.least(share + half, F.lit(1.0))


def _mean_interval() -> tuple[Column, Column]:
    n, total = F.col("customers"), F.col("total")
    # Rounding may make a variance of 0 negative.
    squares = F.greatest(F.col("squares") - total * total / n, F.lit(0.0))
    half = F.when(n > 1, F.lit(NORMAL_95) * F.sqrt(squares / (n - 1) / n))
    return total / n - half, total / n + half
