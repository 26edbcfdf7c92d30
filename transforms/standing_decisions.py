"""State of the decisions of plans: sent, held out, superseded, or never approved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window, functions as F


def plan_contacts(
    decisions: DataFrame, outbox: DataFrame, valid_days: Mapping[str, int], *, day: dt.date
) -> DataFrame:
    """One row per offer of a plan that may still be queued, or was held out instead of sent.

    Columns: customer_id, offer_id, contacted_on (the send_on, which may lie after `day`). Contacts
    in the outbox are not included: transforms.outbox.outbox_contacts counts them. `valid_days`:
    for each offer of conf, the days after send_on for which it may be sent. An offer that nobody
    approved counts until these have passed. The control group cools off like the other customers:
    otherwise the next plan would choose mostly these customers again.
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
    *,
    day: dt.date,
    period_days: int,
) -> DataFrame:
    """One row per offer in the budget: customers and expected_cost (currency) of earlier plans.

    Counted are messages that were or may still be sent in the `period_days` up to `day`, the
    control group included, as in a plan's budget. `decisions`: of plans before `day`. Contacts that
    they planned for days after `day` are superseded by the plan of `day`.
    """
    rows = keep_in_time(decisions, outbox, valid_days, day=day)
    since = F.datediff(F.lit(day).cast("date"), F.col("send_on"))
    # Offers outside the budget have no effect.
    within = rows.where(F.col("effect").isNotNull() & since.between(0, period_days - 1))
    return within.groupBy("offer_id").agg(
        F.count("*").alias("customers"),
        F.coalesce(F.sum("expected_cost"), F.lit(0.0)).alias("expected_cost"),
    )


def keep_in_time(
    decisions: DataFrame, outbox: DataFrame, valid_days: Mapping[str, int], *, day: dt.date
) -> DataFrame:
    """One row per decision for an offer that is current and whose message was or may be sent."""
    rows = with_release(keep_standing(decisions).where(F.col("offer_id").isNotNull()), outbox)
    return rows.where(F.col("is_released") | is_valid_at(day, valid_days))


def is_valid_at(day: dt.date, valid_days: Mapping[str, int]) -> Column:
    """True if an offer that was due on send_on may still be sent on `day`.

    With 14 valid days for the offer "ten", and the day 2026-01-15:

    | offer_id | send_on | is_valid_at |
    |---|---|---|
    | ten | 2026-01-02 | true |
    | ten | 2026-01-01 | false |
    | removed | 2026-01-15 | false |
    """
    return F.date_add("send_on", days_of(valid_days)) > F.lit(day).cast("date")


def tried_decisions(decisions: DataFrame, outbox: DataFrame) -> DataFrame:
    """One row per decision that measures the effect of an offer: those sent and those held out.

    Left out of both arms are superseded decisions, offers that nobody approved, and offers outside
    the budget, whose effect is null. An approval counts for all decisions of an offer in a plan,
    because it is unknown which messages of the control group would have been approved.
    """
    rows = with_release(keep_standing(decisions), outbox)
    return rows.where(F.col("effect").isNotNull() & F.col("is_released"))


def keep_standing(decisions: DataFrame) -> DataFrame:
    """One row per decision that is not superseded: adds next_as_of, null for the newest plan.

    A plan is valid until the day of the next one. The next plan supersedes what was to be sent
    later.
    """
    dated = with_next_plan(decisions)
    return dated.where(F.col("next_as_of").isNull() | (F.col("send_on") <= F.col("next_as_of")))


def with_release(decisions: DataFrame, outbox: DataFrame) -> DataFrame:
    """Add is_released: a message of the plan's offer is in gold.outbox, so it was approved."""
    queued = outbox.where(F.col("campaign_id").isNotNull()).select("campaign_id", "offer_id")
    queued = queued.distinct().select("*", F.lit(True).alias("is_queued"))
    joined = decisions.join(queued, on=["campaign_id", "offer_id"], how="left")
    return joined.select(*decisions.columns, F.col("is_queued").isNotNull().alias("is_released"))


def days_of(valid_days: Mapping[str, int]) -> Column:
    """The valid days of offer_id; 0 for an offer that is not in `valid_days`."""
    days = F.lit(0)
    for name, number in valid_days.items():
        days = F.when(F.col("offer_id") == name, number).otherwise(days)
    return days


def with_next_plan(decisions: DataFrame) -> DataFrame:
    """Add next_as_of, the as_of of the following plan; null: this is the newest."""
    dates = decisions.select("as_of").distinct()
    following = dates.select(
        F.col("as_of"), F.lead("as_of").over(Window.orderBy("as_of")).alias("next_as_of")
    )
    return decisions.join(following, on="as_of", how="inner")
