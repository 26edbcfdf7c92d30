"""The list that a person sees first: the customers to contact, with the offer and its day.

It is gold.offer_decisions of the as_of where decide_offers has run, else the chosen customers of
gold.retention_plan under the default strategy.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window, functions as F

from transforms.exact_sums import BILLION, CENT, in_parts, sum_of_parts

# Timings of an offer that is sent in the period of the plan.
SENT_NOW = ("now", "in_period")
LOWEST = -1e300


def known_stakes(scores: DataFrame, columns: Sequence[str]) -> DataFrame:
    """One row: for each of the columns, whether any customer has more than 0 in it.

    `scores`: gold.customer_scores of one as_of.
    """
    return scores.agg(
        *[F.coalesce(F.max(F.col(name) > 0), F.lit(False)).alias(name) for name in columns]
    )


def scored_customers(scores: DataFrame, segments: DataFrame, stake: str | None) -> DataFrame:
    """One row per scored customer of one as_of, with segment, at_stake and at_risk.

    at_stake is the column `stake`: value_at_stake (currency), or expected_purchases_30d in a
    company without amounts. It is 0 where that is null or negative (more returned than bought);
    null if `stake` is None. at_risk = churn_probability * at_stake. For value_at_stake:

    | churn_probability | value_at_stake | at_risk |
    |---|---|---|
    | 0.5 | 80 | 0.5 * 80 = 40 |
    | 0.5 | -80 | 0 |
    | 0.5 | null | 0 |
    """
    placed = segments.select("customer_id", "lifecycle", "segment", "segment_group", "recency_days")
    zero = F.lit(0.0)
    at_stake = F.greatest(F.coalesce(F.col(stake), zero), zero) if stake else F.lit(None)
    known = scores.select(
        "customer_id",
        "churn_probability",
        "risk_level",
        "recommended_actions",
        "score_basis",
        at_stake.cast("double").alias("at_stake"),
    )
    rows = known.join(placed, on="customer_id", how="inner")
    return rows.select("*", (F.col("churn_probability") * F.col("at_stake")).alias("at_risk"))


def decided(decisions: DataFrame) -> DataFrame:
    """One row per customer who is sent an offer by gold.offer_decisions of one as_of.

    Columns: customer_id, priority (higher comes first), offer_id, send_on, why, cost and value_kept
    (currency; null: no amounts), effect (fall of the churn probability that the offer causes) and
    effect_basis. The control group is sent nothing and is left out, like customers whose offer is
    due after this plan.
    """
    sent = decisions.where("offer_id IS NOT NULL AND NOT is_held_out")
    if "timing" in decisions.columns:
        sent = sent.where(F.col("timing").isin(*SENT_NOW))
    return sent.select(
        "customer_id",
        F.coalesce(F.col("expected_gain"), F.lit(LOWEST)).alias("priority"),
        "offer_id",
        "send_on",
        "why",
        F.col("expected_cost").alias("cost"),
        (F.col("expected_gain") + F.col("expected_cost")).alias("value_kept"),
        "effect",
        "effect_basis",
    )


def planned(plan: DataFrame, strategy: str) -> DataFrame:
    """One row per customer that gold.retention_plan of one as_of chooses. Columns as `decided`.

    effect is null: the plan states the value kept, which is effect x value_at_stake. Every effect
    is assumed.
    """
    chosen = plan.where(F.col("is_chosen") & (F.col("strategy") == strategy))
    return chosen.select(
        "customer_id",
        (-F.col("rank")).cast("double").alias("priority"),
        "offer_id",
        "send_on",
        "why",
        "cost",
        F.col("expected_value_kept").alias("value_kept"),
        F.lit(None).cast("double").alias("effect"),
        F.lit("assumed").alias("effect_basis"),
    )


def by_risk(customers: DataFrame) -> DataFrame:
    """One row per scored customer, the highest at_risk first, for an as_of without a plan."""
    nothing = F.lit(None)
    return customers.select(
        "customer_id",
        F.coalesce(F.col("at_risk"), F.lit(LOWEST)).alias("priority"),
        nothing.cast("string").alias("offer_id"),
        nothing.cast("date").alias("send_on"),
        nothing.cast("string").alias("why"),
        *[nothing.cast("double").alias(name) for name in ("cost", "value_kept", "effect")],
        nothing.cast("string").alias("effect_basis"),
    )


def list_totals(wanted: DataFrame, customers: DataFrame) -> DataFrame:
    """One row with the totals of a list: customers, measured, amounts, kept, send dates.

    measured: customers whose offer's effect comes from an experiment. The amounts at_risk, cost and
    value_kept are null where none is known. kept: expected number of customers that the offers
    keep, the sum of effect, which is value_kept / at_stake where the list has no effect. first_on
    and last_on: the first and the last day on which an offer is sent.
    """
    rows = wanted.join(customers, on="customer_id", how="inner")
    by_value = F.when(F.col("at_stake") > 0, F.col("value_kept") / F.col("at_stake"))
    rows = rows.select(
        "send_on",
        (F.col("effect_basis") == "experiment").cast("int").alias("measured"),
        *[in_parts(F.col(name), CENT, name) for name in ("at_risk", "cost", "value_kept")],
        in_parts(F.coalesce(F.col("effect"), by_value), BILLION, "kept"),
    )
    return rows.agg(
        F.count("*").alias("customers"),
        F.coalesce(F.sum("measured"), F.lit(0)).alias("measured"),
        *[sum_of_parts(name, CENT) for name in ("at_risk", "cost", "value_kept")],
        sum_of_parts("kept", BILLION),
        F.min("send_on").alias("first_on"),
        F.max("send_on").alias("last_on"),
    )


def with_rising_factors(rows: DataFrame, factors: DataFrame, most: int) -> DataFrame:
    """The rows with feature_1, value_1, ...: the `most` factors that raise the risk most.

    `factors`: gold.risk_factors of one as_of. Null where fewer factors raise the customer's risk.
    """
    raising = factors.where("impact > 0")
    raising = raising.join(rows.select("customer_id"), on="customer_id", how="left_semi")
    raising = raising.select("customer_id", "rank", "feature", "value")
    by_rank = Window.partitionBy("customer_id").orderBy("rank")
    placed = raising.select("*", F.row_number().over(by_rank).alias("place"))
    flat = placed.groupBy("customer_id").agg(
        *[
            F.max(F.when(F.col("place") == place, F.col(name))).alias(f"{name}_{place}")
            for place in range(1, most + 1)
            for name in ("feature", "value")
        ]
    )
    return rows.join(flat, on="customer_id", how="left")


def first_to_contact(wanted: DataFrame, customers: DataFrame, most: int | None = None) -> DataFrame:
    """The customers of a list in order, with their scores; only the `most` first ones if given.

    Ties in priority: the higher at_risk, then the higher churn_probability, then the customer_id.
    """
    rows = wanted.join(customers, on="customer_id", how="inner")
    rows = rows.select(*rows.columns, F.coalesce(F.col("at_risk"), F.lit(0.0)).alias("tie"))
    order = (F.col("priority").desc(), F.col("tie").desc(), F.col("churn_probability").desc())
    ordered = rows.orderBy(*order, "customer_id")
    return ordered if most is None else ordered.limit(most)
