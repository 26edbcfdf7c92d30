"""Day and timing of a customer's offer. gold.retention_plan and gold.offer_decisions share them.

A plan covers a period: it decides what is sent from the day after as_of to as_of + period_days.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, functions as F

from transforms.consent import CONTACT, OPTED_OUT, consent_barrier

NOW, IN_PERIOD, LATER, NEVER = "now", "in_period", "later", "never"
# Only customers with one of these may get an offer of the budget.
SENT_IN_PERIOD = (NOW, IN_PERIOD)
COOLING_OFF, NOT_ELIGIBLE = "cooling_off", "not_eligible"


def with_timing(people: DataFrame, send_days_before: int, period_days: int) -> DataFrame:
    """One row per customer: adds `timing` and `send_on`.

    Customers with churn_prediction 1 are contacted on as_of + 1, so that the day and the
    probability refer to the same event. Other active customers are contacted `send_days_before`
    days before likely_churn_date, or on as_of + 1 if that day has passed. If the day lies after the
    period, or none is known, or the customer is silent, the offer is sent later: send_on is then
    the day that is known so far. Customers who are neither active nor silent have `never`; the day
    is that of an offer outside the budget. With send_days_before 14 and period_days 30:

    | as_of | lifecycle | churn_prediction | likely_churn_date | timing | send_on |
    |---|---|---|---|---|---|
    | 2026-01-01 | silent | 1 | 2026-06-01 | now | 2026-01-02 |
    | 2026-01-01 | active | 1 | null | now | 2026-01-02 |
    | 2026-01-01 | active | 0 | 2026-01-25 | in_period | 2026-01-11 |
    | 2026-01-01 | active | 0 | 2026-01-15 | in_period | 2026-01-02 |
    | 2026-01-01 | active | 0 | 2026-01-02 | in_period | 2026-01-02 |
    | 2026-01-01 | active | 0 | 2026-02-14 | in_period | 2026-01-31 |
    | 2026-01-01 | active | 0 | 2026-02-15 | later | 2026-02-01 |
    | 2026-01-01 | active | 0 | 2026-01-01 | later | null |
    | 2026-01-01 | active | null | null | later | null |
    | 2026-01-01 | silent | 0 | 2026-01-25 | later | 2026-01-11 |
    | 2026-01-01 | silent | 0 | 2026-01-10 | later | null |
    | 2026-01-01 | lost | null | null | never | 2026-01-02 |
    """
    tomorrow = F.date_add(F.col("as_of"), 1)
    ahead = F.date_add(F.col("likely_churn_date"), -send_days_before)
    is_due = (
        (F.col("lifecycle") == "active")
        & (F.col("likely_churn_date") > F.col("as_of"))
        & (ahead <= F.date_add(F.col("as_of"), period_days))
    )
    timing = (
        F.when(~F.col("lifecycle").isin("active", "silent"), NEVER)
        .when(F.col("churn_prediction") == 1, NOW)
        .when(is_due, IN_PERIOD)
        .otherwise(LATER)
    )
    timed = people.select("*", timing.alias("timing"))
    send_on = (
        F.when(F.col("timing").isin(NOW, NEVER), tomorrow)
        .when(F.col("timing") == IN_PERIOD, F.greatest(ahead, tomorrow))
        .when(ahead > F.col("as_of"), ahead)
    )
    return timed.select("*", send_on.cast("date").alias("send_on"))


def with_barrier(people: DataFrame, cooling_off_days: int) -> DataFrame:
    """Add `barrier`: why no offer of the budget may be sent now, else null.

    opted_out, later (see with_timing), or cooling_off. Customers whose consent is unknown stay in
    the plan; conf decides whether they are contacted. The first day on which a customer may be
    contacted again is last_on + cooling_off_days. With 14 days:

    | is_opted_out | last_on | timing | send_on | barrier |
    |---|---|---|---|---|
    | true | null | now | 2026-01-15 | opted_out |
    | false | 2026-01-02 | now | 2026-01-15 | cooling_off |
    | false | 2026-01-01 | now | 2026-01-15 | null |
    | null | null | now | 2026-01-15 | null |
    | false | null | in_period | 2026-01-15 | null |
    | false | null | later | null | later |
    | false | 2026-01-02 | later | 2026-03-01 | later |
    """
    is_cooling = F.datediff(F.col("send_on"), F.col("last_on")) < cooling_off_days
    of_timing = F.when(F.col("timing") == LATER, LATER).when(is_cooling, COOLING_OFF)
    barrier = F.coalesce(consent_barrier(CONTACT), of_timing)
    return people.select("*", barrier.alias("barrier"))


def final_timing(reason: Column) -> Column:
    """The `timing` of a row, given the reason why no offer is sent (null: one could be sent).

    | reason | timing | final_timing |
    |---|---|---|
    | opted_out | now | never |
    | not_eligible | in_period | never |
    | cooling_off | now | later |
    | later | later | later |
    | cooling_off | never | never |
    | budget | now | now |
    | null | in_period | in_period |
    """
    timing = F.col("timing")
    return (
        F.when(reason.isin(OPTED_OUT, NOT_ELIGIBLE), NEVER)
        .when((reason == COOLING_OFF) & (timing != NEVER), LATER)
        .otherwise(timing)
    )


def final_send_on(is_sent: Column, reason: Column) -> Column:
    """send_on of an offer that is sent, or of one that is sent later; else null.

    The next plan decides about a customer in a cooling-off period, so no day is known.
    """
    return F.when(is_sent | (reason == LATER), F.col("send_on"))
