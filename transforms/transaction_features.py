"""features.transactions: the purchases of a customer by as_of, many dates in one pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.features import transactions as transactions_contract
from transforms.conform import conform
from transforms.purchases import WEEKEND, customer_days, lines_by_visibility, product_last_days
from transforms.visibility import days_before, with_each_as_of
from udfs.behavior import purchase_frequency, recency_days, tenure_days, tenure_months
from udfs.value import avg_order_value, revenue_trend


def transaction_features(
    transactions: DataFrame,
    spine: DataFrame,
    signups: DataFrame,
    *,
    as_of_dates: Sequence[dt.date],
    windows: Sequence[int],
) -> DataFrame:
    """One row per (customer_id, as_of) of the spine. `signups` has customer_id, as_of, signup_on.

    Without a purchase, counts and sums are zero and all other columns are null. Money is in
    currency.
    """
    lines = lines_by_visibility(transactions)
    days = days_by_as_of(customer_days(lines), as_of_dates)
    products = products_by_as_of(product_last_days(lines, as_of_dates), as_of_dates)
    bought = summarise(days.unionByName(products, allowMissingColumns=True), windows)
    rows = spine.join(bought, on=["customer_id", "as_of"], how="left").join(
        signups.select("customer_id", "as_of", "signup_on"), on=["customer_id", "as_of"], how="left"
    )
    return conform(with_formulas(with_zeros(rows, windows)), transactions_contract(windows))


def days_by_as_of(days: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per customer-day and as_of, with the gap in days to the previous purchase day."""
    # A day whose lines became known at different times has several rows, its purchase is in one.
    of_day = Window.partitionBy("customer_id", "as_of", "day")
    seen = with_each_as_of(days, as_of_dates).select(
        "*",
        days_before("as_of", "day").alias("days_ago"),
        F.when(F.max("purchase_lines").over(of_day) > 0, F.col("day")).alias("purchase_day"),
    )
    by_day = Window.partitionBy("customer_id", "as_of").orderBy("day", "visible_from")
    before = by_day.rowsBetween(Window.unboundedPreceding, -1)
    whole = Window.partitionBy("customer_id", "as_of").orderBy("day", "visible_from")
    whole = whole.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    linked = seen.select(
        "*",
        F.max("purchase_day").over(before).alias("purchase_day_before"),
        F.min("purchase_day").over(whole).alias("first_purchase_day"),
    )
    gap = F.datediff(F.col("purchase_day"), F.col("purchase_day_before"))
    # A gap of 0 comes from another row of the same day.
    return linked.select(
        "customer_id",
        "as_of",
        "days_ago",
        "purchase_day",
        "orders",
        "cents",
        "discount_lines",
        "return_lines",
        F.when(gap > 0, gap).alias("gap"),
        F.when(F.col("purchase_day") > F.col("first_purchase_day"), F.col("cents")).alias(
            "repeat_cents"
        ),
        F.when(F.dayofweek(F.col("day")).isin(*WEEKEND), F.col("orders")).alias("weekend_orders"),
    )


def products_by_as_of(spans: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per span of product_last_days and as_of in it, with days_ago and products."""
    seen = with_each_as_of(spans.withColumnRenamed("first_as_of", "visible_from"), as_of_dates)
    return seen.where(F.col("as_of") <= F.col("last_as_of")).select(
        "customer_id", "as_of", days_before("as_of", "day").alias("days_ago"), "products"
    )


def summarise(rows: DataFrame, windows: Sequence[int]) -> DataFrame:
    """One row per (customer_id, as_of) with a purchase or return: sums, in all and per window."""

    def within(days: int, column: str) -> Column:
        return F.sum(F.when(F.col("days_ago") <= days, F.col(column)))

    windowed: list[Column] = []
    for days in windows:
        windowed += [
            within(days, "orders").alias(f"purchases_{days}d"),
            within(days, "cents").alias(f"cents_{days}d"),
            within(days, "products").alias(f"products_{days}d"),
            within(days, "discount_lines").alias(f"discounts_{days}d"),
        ]
    return rows.groupBy("customer_id", "as_of").agg(
        F.min("purchase_day").alias("first_purchase_on"),
        F.max("purchase_day").alias("last_purchase_on"),
        F.sum("orders").alias("total_orders"),
        F.sum("cents").alias("total_cents"),
        F.sum("repeat_cents").alias("repeat_cents"),
        F.count("gap").alias("gaps"),
        F.sum("gap").alias("gap_sum"),
        F.sum(F.col("gap") * F.col("gap")).alias("gap_squares"),
        F.max("gap").alias("gap_longest_days"),
        F.sum("weekend_orders").alias("weekend_orders"),
        F.sum("products").alias("product_variety"),
        within(90, "return_lines").alias("returns_90d"),
        F.sum(F.when((F.col("days_ago") > 30) & (F.col("days_ago") <= 60), F.col("cents"))).alias(
            "cents_prev_30d"
        ),
        *windowed,
    )


def with_zeros(rows: DataFrame, windows: Sequence[int]) -> DataFrame:
    """Replace null with 0 in counts and sums of customers who bought nothing; others stay null."""
    bought = F.col("first_purchase_on").isNotNull()
    sums = ["total_orders", "total_cents", "product_variety", "returns_90d", "cents_prev_30d"]
    sums += [
        f"{name}_{days}d"
        for days in windows
        for name in ("purchases", "cents", "products", "discounts")
    ]
    kept = [c for c in rows.columns if c not in sums]
    filled = rows.select(*kept, *[F.coalesce(F.col(c), F.lit(0)).alias(c) for c in sums])
    return filled.select(
        "*",
        F.when(bought, F.col("gaps") + 1).otherwise(0).alias("purchase_days"),
        F.when(bought, F.col("gaps")).otherwise(0).alias("repeat_purchase_days"),
    )


def with_formulas(rows: DataFrame) -> DataFrame:
    """Add the formulas of udfs/ and ratios of exact sums."""
    first, last = F.col("first_purchase_on"), F.col("last_purchase_on")
    tenure = {"signup_on": "signup_on", "first_purchase_on": "first_purchase_on", "as_of": "as_of"}
    money = [c for c in rows.columns if c.startswith("cents_") or c == "total_cents"]
    named = {
        c: c.replace("total_cents", "total_revenue").replace("cents_", "revenue_") for c in money
    }
    rows = rows.select(
        "*",
        *[(F.col(c).cast("double") / 100).alias(named[c]) for c in money],
        recency_days(last_purchase_on="last_purchase_on", as_of="as_of").alias("recency_days"),
        tenure_days(**tenure).alias("tenure_days"),
        tenure_months(**tenure).alias("tenure_months"),
        F.datediff(last, first).alias("active_span_days"),
        (days_before("as_of", "first_purchase_on") - 1).alias("observed_days"),
        _ratio("gap_sum", "gaps").alias("gap_mean_days"),
        _ratio("weekend_orders", "total_orders", empty=0).alias("weekend_share"),
        (_ratio("repeat_cents", "repeat_purchase_days") / 100).alias("repeat_day_value"),
        F.when(
            F.col("gaps") > 1,
            F.sqrt(
                (F.col("gaps") * F.col("gap_squares") - F.col("gap_sum") * F.col("gap_sum")).cast(
                    "double"
                )
                / (F.col("gaps") * (F.col("gaps") - 1)).cast("double")
            ),
        ).alias("gap_std_days"),
    )
    baskets = [c.removeprefix("revenue_") for c in named.values() if c.startswith("revenue_")]
    rows = rows.select(
        "*",
        *[
            _ratio(f"revenue_{w}", f"purchases_{w}").alias(f"mean_basket_{w}")
            for w in baskets
            if f"purchases_{w}" in rows.columns
        ],
        _ratio("recency_days", "gap_mean_days").alias("recency_over_gap"),
        avg_order_value(total_revenue="total_revenue", total_orders="total_orders").alias(
            "avg_order_value"
        ),
        purchase_frequency(purchases="purchases_30d", window_days="30").alias(
            "purchase_frequency_30d"
        ),
        purchase_frequency(purchases="purchases_90d", window_days="90").alias(
            "purchase_frequency_90d"
        ),
        revenue_trend(revenue_30d="revenue_30d", revenue_prev_30d="revenue_prev_30d").alias(
            "revenue_trend"
        ),
    )
    return rows


def _ratio(numerator: str, denominator: str, empty: float | None = None) -> Column:
    """numerator / denominator; null where the denominator is not above zero."""
    top = F.col(numerator) if empty is None else F.coalesce(F.col(numerator), F.lit(empty))
    return F.when(F.col(denominator) > 0, top.cast("double") / F.col(denominator).cast("double"))
