"""A small lake of BG/NBD customers: purchases, features and labels, scores of two dates."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np

from jobs import build_features
from jobs.runtime.writes import Write

AS_OF = dt.date(2018, 1, 1)
BEFORE = AS_OF - dt.timedelta(days=30)
FIRST = dt.date(2017, 1, 1)


def purchases(customers: int = 400, seed: int = 2) -> list[tuple[str, dt.date, float]]:
    """(customer, day, amount): rate gamma(1, 20) a day, chance to leave beta(1, 6)."""
    draw = np.random.default_rng(seed)
    found = []
    for number in range(customers):
        rate, chance = draw.gamma(1.0, 1 / 20), draw.beta(1, 6)
        mean = draw.gamma(4, 6)
        at = float(draw.integers(0, 200))
        while at < 366:
            day = FIRST + dt.timedelta(days=int(at))
            found.append((f"c{number:04d}", day, round(float(draw.gamma(4, mean / 4)) + 0.01, 2)))
            if draw.random() < chance:
                break
            at += draw.exponential(1 / rate)
    # The last day counts as incomplete: without a purchase on it as_of could not be taken.
    return [*found, ("c0000", AS_OF, 1.0)]


def write_lifetime_lake(context, customers: int = 400) -> None:
    """silver.transactions alone: no features, no labels."""
    lines = [
        {
            "customer_id": who,
            "order_id": f"o{n}",
            "purchased_at": dt.datetime.combine(day, dt.time(12)),
            "known_at": dt.datetime.combine(day, dt.time(12)),
            "amount": Decimal(str(amount)),
            "source": "s",
            "batch_id": "b",
            "content_hash": n,
        }
        for n, (who, day, amount) in enumerate(purchases(customers))
    ]
    context.lake.commit([_write(context, "silver.transactions", lines, ["b"], is_checked=False)])


def write_features(context) -> None:
    """Features and labels of AS_OF and of the dates a month apart before it."""
    context.options["as_of_dates"] = [AS_OF - dt.timedelta(days=30 * n) for n in range(9)]
    build_features.run(context)


def write_scores(context, day: dt.date) -> None:
    """gold.customer_scores as score_customers would write them, the risk from recency alone."""
    from pyspark.sql import functions as F

    from transforms.conform import conform

    table = context.table("gold.customer_scores")
    lifetime = context.read("gold.customer_lifetime").where(f"as_of = DATE'{day}'")
    rows = lifetime.where("observed_days - recency_days < 90").select(
        "*",
        F.lit(30).alias("horizon_days"),
        ((F.col("observed_days") - F.col("recency_days") + 1) / 100.0).alias("churn_probability"),
        F.lit(0).alias("churn_prediction"),
        F.lit("LOW").alias("risk_level"),
        F.lit(0.5).alias("confidence_score"),
        F.lit(None).cast("string").alias("recommended_actions"),
        F.lit(None).cast("string").alias("top_risk_factor"),
        F.lit(None).cast("string").alias("model_name"),
        F.lit(None).cast("string").alias("model_version"),
        F.lit("rule").alias("score_basis"),
    )
    context.lake.commit([Write(table, conform(rows, table), [day])])


def _write(context, name, rows, slices, is_checked=True):
    table = context.table(name)
    values = [tuple(row.get(c) for c in table.column_names) for row in rows]
    return Write(
        table, context.spark.createDataFrame(values, table.ddl), slices, "slice", is_checked
    )
