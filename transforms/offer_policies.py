"""The options of a plan under a policy, and the values that a comparison of policies needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, functions as F

from transforms.decisions import revenue_a_year
from transforms.offers import (
    Offer,
    factor_flags,
    last_contacts,
    ranked_by,
    with_rule,
)
from transforms.send_dates import with_barrier, with_timing
from udfs.shares import share_of_column

# Policies that choose by expected gain. All others rank customers by a priority.
BY_GAIN = ("uplift", "rules")


def with_timing_and_barrier(
    customers: DataFrame,
    contacts: DataFrame,
    offers: Sequence[Offer],
    *,
    send_days_before: int,
    period_days: int,
    cooling_off_days: int,
) -> DataFrame:
    """One row per customer: adds timing, send_on, last_on, last_on_<offer> and barrier.

    `contacts`: customer_id, offer_id and contacted_on of all past contacts.
    """
    timed = with_timing(customers, send_days_before, period_days)
    contacted = last_contacts(contacts, offers)
    joined = timed.join(contacted, on="customer_id", how="left")
    # A plain select after the join, for the DuckDB engine.
    names = [*timed.columns, *[c for c in contacted.columns if c != "customer_id"]]
    return with_barrier(joined.select(*names), cooling_off_days)


def with_factor_rule(
    customers: DataFrame,
    risk_factors: DataFrame,
    factors: Mapping[str, Sequence[str]],
    *,
    high_risk_from: float,
    many_orders: int,
) -> DataFrame:
    """One row per customer: adds is_<factor>_up, is_<factor>_down, rule and rule_offer."""
    flags = factor_flags(risk_factors, factors)
    flagged = customers.join(flags, on="customer_id", how="left")
    return with_rule(flagged, high_risk_from, many_orders)


def policy_options(
    options: DataFrame,
    offers: Sequence[Offer],
    policy: str,
    *,
    offer_id: str | None,
    is_money: bool,
) -> DataFrame:
    """The options in the order of the policy: unchanged for BY_GAIN, else ranked by priority.

    offer_id: the only offer of a policy with a priority. is_money: the budget is money.
    """
    if policy in BY_GAIN:
        return options
    return ranked_by(options, offers, offer_id, priority=priority_of(policy), is_money=is_money)


def priority_of(policy: str) -> Column:
    """The priority of a customer, above 0, under a policy that does not choose by gain.

    random: a uniform number in (0, 1] from a hash of customer_id (Spark only: DuckDB has no conv).
    """
    if policy == "by_risk":
        return F.col("churn_probability")
    if policy == "random":
        return share_of_column(None, "customer_id")
    return F.lit(1.0)


def with_value(rows: DataFrame) -> DataFrame:
    """One row per customer of a test campaign: customer_id, total_orders, value.

    value: revenue_a_year in currency, 0 where it is unknown.
    """
    value = F.coalesce(revenue_a_year(), F.lit(0.0))
    return rows.select("customer_id", "total_orders", value.alias("value"))


def without_rule(rows: DataFrame) -> DataFrame:
    """customer_id, value, and rule_offer, which is null: the day of the campaign has no scores."""
    return rows.select("customer_id", "value", F.lit(None).cast("string").alias("rule_offer"))


def mean_retention(scores: DataFrame) -> DataFrame:
    """One row: retention, the mean of 1 - churn_probability; null without scores."""
    return scores.agg(F.avg(1 - F.col("churn_probability")).alias("retention"))
