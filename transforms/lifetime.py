"""Inputs and outcomes of the lifetime models: counts, sums, and purchases after a cut date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.gold_lifetime import CUSTOMER_LIFETIME
from transforms.attributes import terminated
from transforms.conform import conform

FOLDS = 256


def with_fold(summary: DataFrame, holdout_share: float) -> DataFrame:
    """Add is_held_out, from the last two hex digits of the MD5 of customer_id; it never changes."""
    digest = F.md5(F.col("customer_id"))
    number = _digit(F.substring(digest, 31, 1)) * 16 + _digit(F.substring(digest, 32, 1))
    held_out = number < F.lit(round(holdout_share * FOLDS))
    return summary.select("*", held_out.alias("is_held_out"))


def _digit(hex_digit: Column) -> Column:
    """Value 0 to 15 of a hexadecimal digit 0-9, a-f."""
    code = F.ascii(hex_digit)
    return F.when(code < 58, code - 48).otherwise(code - 87)


def purchase_rows(summary: DataFrame) -> DataFrame:
    """One row per distinct (as_of, is_held_out, frequency, recency_days, T_days): customers."""
    return summary.groupBy("as_of", "is_held_out", "frequency", "recency_days", "T_days").agg(
        F.count("*").alias("customers")
    )


def spend_rows(summary: DataFrame) -> DataFrame:
    """One row per distinct (as_of, frequency, monetary_value) of repeat customers: customers.

    Customers who returned at least as much as they bought on repeat days (mean at or below 0) are
    left out.
    """
    paid = summary.where((F.col("frequency") > 0) & (F.col("monetary_value") > 0))
    return paid.groupBy("as_of", "frequency", "monetary_value").agg(F.count("*").alias("customers"))


def total_customers(counted: DataFrame) -> DataFrame:
    """One row: customers, the sum over rows of `purchase_rows` or `spend_rows`; 0 without rows."""
    return counted.agg(F.coalesce(F.sum("customers"), F.lit(0)).alias("customers"))


def spend_sums(spends: DataFrame) -> DataFrame:
    """One row per (as_of, frequency): customers, value (sum of means), square (sum of squares).

    At most one row per day of history and as_of.
    """
    value = F.col("monetary_value") * F.col("customers")
    return spends.groupBy("as_of", "frequency").agg(
        F.sum("customers").alias("customers"),
        F.sum(value).alias("value"),
        F.sum(value * F.col("monetary_value")).alias("square"),
    )


def gap_regularity(days: DataFrame, as_of: dt.date) -> DataFrame:
    """One row: customers with at least three gaps, and value, the mean of their std / mean gap.

    Purchases at random times give about 1, a fixed rhythm gives 0. Gaps are in days.
    """
    bought = _bought(days, as_of)
    before = F.lag("day").over(Window.partitionBy("customer_id").orderBy("day"))
    gaps = bought.select("customer_id", "day", before.alias("before"))
    gaps = gaps.select("customer_id", F.datediff(F.col("day"), F.col("before")).alias("gap"))
    of_customer = gaps.groupBy("customer_id").agg(
        F.count("gap").alias("gaps"), F.avg("gap").alias("mean"), F.stddev("gap").alias("spread")
    )
    regular = of_customer.where(F.col("gaps") >= 3)
    return regular.agg(
        F.count("*").alias("customers"), F.avg(F.col("spread") / F.col("mean")).alias("value")
    )


def purchases_by_day(days: DataFrame, as_of: dt.date) -> DataFrame:
    """One row per day with purchases visible at as_of: customers who bought. Bounded by history."""
    return _bought(days, as_of).groupBy("day").agg(F.count("*").alias("customers"))


def _bought(days: DataFrame, as_of: dt.date) -> DataFrame:
    """One row per (customer_id, day) of `purchase_totals` with a purchase visible at as_of."""
    is_seen = F.col("visible_from") <= F.lit(as_of).cast("date")
    seen = days.where(is_seen & (F.col("is_purchase") == 1))
    return seen.select("customer_id", "day").distinct()


def outcomes(
    days: DataFrame,
    summary: DataFrame,
    cuts: Sequence[dt.date],
    *,
    horizons: Sequence[int],
    only_ahead: Sequence[int] = (),
) -> DataFrame:
    """One row per (customer_id, as_of = cut) of the summary: purchases before and after the cut.

    `days` are `purchase_totals`. past_days_<h>, past_value_<h>: purchase days and money (net of
    returns) in [cut - h, cut), as known at the cut. next_days_<h>, next_value_<h>: the same in
    [cut, cut + h), as known at cut + h. This equals past_ at cut + h, so a fit of that day uses no
    later information. Money is in currency, summed in cents. No purchase gives 0. only_ahead: more
    horizons, with next_ columns only.
    """
    dates = F.array(*[F.lit(c).cast("date") for c in sorted(set(cuts))])
    each = days.select("*", F.explode(dates).alias("as_of"))
    ahead = each.select(
        "customer_id",
        "as_of",
        "day",
        "cents",
        "is_purchase",
        F.datediff(F.col("day"), F.col("as_of")).alias("ahead"),
        F.datediff(F.col("visible_from"), F.col("as_of")).alias("seen"),
    )
    sums, later = [], sorted(set(only_ahead) - set(horizons))
    for h in horizons:
        after = _within(h)
        past = (F.col("ahead") < 0) & (F.col("ahead") >= -h) & (F.col("seen") <= 0)
        sums += [*_totals(f"past_{{}}_{h}", past), *_totals(f"next_{{}}_{h}", after)]
    for h in later:
        sums += _totals(f"next_{{}}_{h}", _within(h))
    names = [f"{when}_{what}_{h}" for h in horizons for when in PERIODS for what in MEASURES]
    names += [f"next_{what}_{h}" for h in later for what in MEASURES]
    totals = ahead.groupBy("customer_id", "as_of").agg(*sums)
    known = summary.where(F.col("as_of").isin([F.lit(c).cast("date") for c in cuts]))
    rows = known.join(totals, on=["customer_id", "as_of"], how="left")
    return rows.select(*known.columns, *[F.coalesce(F.col(n), F.lit(0)).alias(n) for n in names])


def with_terminated(rows: DataFrame, terminations: DataFrame | None) -> DataFrame:
    """Add is_terminated: the contract had ended before as_of, as known then.

    Without a table of terminations it is false for all rows.
    """
    if terminations is None:
        return rows.select("*", F.lit(False).alias("is_terminated"))
    over = terminated(terminations, rows).select("*", F.lit(True).alias("over"))
    known = rows.join(over, on=["customer_id", "as_of"], how="left")
    return known.select(*rows.columns, F.col("over").isNotNull().alias("is_terminated"))


PERIODS, MEASURES = ("past", "next"), ("days", "value")


def _within(horizon: int) -> Column:
    """In the horizon after the cut, and known at its end."""
    is_after = (F.col("ahead") >= 0) & (F.col("ahead") < horizon)
    return is_after & (F.col("seen") <= horizon)


def _totals(name: str, inside: Column) -> list[Column]:
    days = F.countDistinct(F.when(inside & (F.col("is_purchase") == 1), F.col("day")))
    cents = F.coalesce(F.sum(F.when(inside, F.col("cents"))), F.lit(0))
    return [
        days.cast("bigint").alias(name.format("days")),
        (cents.cast("double") / 100.0).alias(name.format("value")),
    ]


def contract_renewals(summary: DataFrame, terminations: DataFrame) -> DataFrame:
    """One row per (renewals, has_left): customers.

    renewals counts the monthly renewals since the first purchase. `summary` holds one as_of.
    has_left: the contract ended. At most two rows per month of history. Only renewals due before
    as_of count: for a later one, leavers are known before customers who stay.
    """
    ends = terminations.groupBy("customer_id").agg(
        F.min("terminated_at").cast("date").alias("ended_on")
    )
    known = summary.select(
        "customer_id",
        "as_of",
        F.date_sub(F.col("as_of"), F.col("T_days").cast("int") + 1).cast("date").alias("first_on"),
    )
    rows = known.join(ends, on="customer_id", how="left")
    due, passed = _anniversaries("first_on", "as_of"), _anniversaries("first_on", "ended_on")
    dated = rows.select(due.alias("due"), passed.alias("passed"))
    counted = dated.select(
        F.coalesce(F.least(F.col("passed"), F.col("due")), F.col("due")).alias("renewals"),
        F.coalesce(F.col("passed") < F.col("due"), F.lit(False)).alias("has_left"),
    )
    return counted.groupBy("renewals", "has_left").agg(F.count("*").alias("customers"))


def _anniversaries(first_on: str, day: str) -> Column:
    """Monthly anniversaries of first_on before the day.

    In a month without that day, the anniversary is the last day of the month.
    """
    first, until = F.col(first_on), F.col(day)
    months = (F.year(until) - F.year(first)) * 12 + F.month(until) - F.month(first)
    own = F.least(F.dayofmonth(first), F.dayofmonth(F.last_day(until)))
    passed = months + F.when(F.dayofmonth(until) > own, 0).otherwise(-1)
    return F.when(until.isNotNull(), F.greatest(passed, F.lit(0))).cast("int")


CLV = ("clv_30d", "clv_90d", "clv_12m", "clv_12m_low", "clv_12m_high", "clv_36m", "value_at_stake")


def customer_lifetime(predicted: DataFrame, is_survival_chosen: bool) -> DataFrame:
    """One row per (as_of, customer_id), as in gold.customer_lifetime.

    Combines the predictions of both approaches. `predicted` has the summary and the columns of
    models.lifetime_scoring. The clv columns are those of survival where survival is chosen and has
    a prediction for the customer, or where btyd has none; otherwise those of btyd. A lost customer
    also has those of survival (the return rate) where btyd cannot tell who has left: p_alive is
    null. Money is in currency.
    """
    of_survival = F.col("survival_clv_12m").isNotNull()
    comes_back = (F.col("survival_clv_basis") == "return_rate") & F.col("p_alive").isNull()
    takes_it = of_survival & (
        F.lit(is_survival_chosen) | F.col("clv_12m").isNull() | F.coalesce(comes_back, F.lit(False))
    )
    chosen = {n: F.when(takes_it, F.col(f"survival_{n}")).otherwise(F.col(n)) for n in CLV}
    basis = F.when(takes_it, F.col("survival_clv_basis")).otherwise(F.col("clv_basis"))
    others = [c for c in predicted.columns if c not in (*CLV, "clv_basis", "survival_clv_basis")]
    rows = predicted.select(
        *others,
        F.col("T_days").alias("observed_days"),
        F.col("clv_12m").alias("clv_12m_btyd"),
        F.col("survival_clv_12m").alias("clv_12m_survival"),
        basis.alias("clv_basis"),
        *[value.alias(name) for name, value in chosen.items()],
    )
    return conform(rows, CUSTOMER_LIFETIME)
