"""What became of the decisions of plans: sent, held out, decided anew, or never approved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window, functions as F


def plan_contacts(
    decisions: DataFrame, outbox: DataFrame, valid_days: Mapping[str, int], day: dt.date
) -> DataFrame:
    """One row an offer of a plan that may still be queued, or would have been sent but for the
    hold-out: customer_id, offer_id, contacted_on (its send_on, which may lie after `day`).

    What is in the outbox is none of these: transforms.outbox.outbox_contacts counts it.
    `valid_days`: for how long from send_on each offer of conf may be sent. An offer that nobody
    approved counts until that is over. Who is held out cools off like the others: else the next
    plan would choose them, and few others, again.
    """
    key = ["campaign_id", "customer_id", "offer_id"]
    meant = keep_standing(decisions).where(F.col("offer_id").isNotNull())
    rows = with_release(meant.join(outbox.select(*key), on=key, how="left_anti"), outbox)
    is_kept_from = F.col("is_held_out") & F.col("is_released")
    return rows.where(is_kept_from | is_valid_at(day, valid_days)).select(
        "customer_id", "offer_id", F.col("send_on").alias("contacted_on")
    )


def budget_used(
    decisions: DataFrame,
    outbox: DataFrame,
    valid_days: Mapping[str, int],
    day: dt.date,
    period_days: int,
) -> DataFrame:
    """One row an offer in the budget: customers, and expected_cost of them, of what earlier plans
    sent, or still may, in the `period_days` up to `day`; the held-out too, as in a plan's budget.

    `decisions`: of plans before `day`, which decides anew what they meant to send after it.
    """
    rows = keep_in_time(decisions, outbox, valid_days, day)
    since = F.datediff(F.lit(day).cast("date"), F.col("send_on"))
    # Outside the budget no effect is claimed.
    within = rows.where(F.col("effect").isNotNull() & since.between(0, period_days - 1))
    return within.groupBy("offer_id").agg(
        F.count("*").alias("customers"),
        F.coalesce(F.sum("expected_cost"), F.lit(0.0)).alias("expected_cost"),
    )


def keep_in_time(
    decisions: DataFrame, outbox: DataFrame, valid_days: Mapping[str, int], day: dt.date
) -> DataFrame:
    """The decisions of an offer that stand, and whose message was sent or may still be."""
    rows = with_release(keep_standing(decisions).where(F.col("offer_id").isNotNull()), outbox)
    return rows.where(F.col("is_released") | is_valid_at(day, valid_days))


def is_valid_at(day: dt.date, valid_days: Mapping[str, int]) -> Column:
    """Whether an offer that was to be sent on send_on may still be."""
    return F.date_add("send_on", days_of(valid_days)) > F.lit(day).cast("date")


def tried_decisions(decisions: DataFrame, outbox: DataFrame) -> DataFrame:
    """The decisions that tell what an offer does: those sent and those held out.

    Left out are, of both, what a later plan decided anew, offers that nobody approved, and those
    outside the budget, whose effect is null. An approval counts for all of an offer of a plan: of
    the held-out nobody knows whose message would have passed.
    """
    rows = with_release(keep_standing(decisions), outbox)
    return rows.where(F.col("effect").isNotNull() & F.col("is_released"))


def keep_standing(decisions: DataFrame) -> DataFrame:
    """The decisions of the newest plan, and of others what was due by the day of the next one: a
    plan holds until then, and what it meant to send later was decided anew. Adds next_as_of."""
    dated = with_next_plan(decisions)
    return dated.where(F.col("next_as_of").isNull() | (F.col("send_on") <= F.col("next_as_of")))


def with_release(decisions: DataFrame, outbox: DataFrame) -> DataFrame:
    """Add is_released: a message of the plan's offer was queued in gold.outbox, so approved."""
    queued = outbox.where(F.col("campaign_id").isNotNull()).select("campaign_id", "offer_id")
    queued = queued.distinct().select("*", F.lit(True).alias("is_queued"))
    joined = decisions.join(queued, on=["campaign_id", "offer_id"], how="left")
    return joined.select(*decisions.columns, F.col("is_queued").isNotNull().alias("is_released"))


def days_of(valid_days: Mapping[str, int]) -> Column:
    """The days of offer_id; 0 for an offer that has none."""
    days = F.lit(0)
    for name, number in valid_days.items():
        days = F.when(F.col("offer_id") == name, number).otherwise(days)
    return days


def with_next_plan(decisions: DataFrame) -> DataFrame:
    """Add next_as_of, the as_of of the plan that followed; null: none has."""
    dates = decisions.select("as_of").distinct()
    following = dates.select(
        F.col("as_of"), F.lead("as_of").over(Window.orderBy("as_of")).alias("next_as_of")
    )
    return decisions.join(following, on="as_of", how="inner")
