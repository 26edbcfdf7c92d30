"""A small lake of BG/NBD customers: purchases, features and labels, scores of two dates."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd

from pipelines.features import feature_tables
from pipelines.features.feature_tables import FeatureOptions
from runtime.lakehouse.writes import Write

AS_OF = dt.date(2018, 1, 1)
BEFORE = AS_OF - dt.timedelta(days=30)
FIRST = dt.date(2017, 1, 1)


SMALL = {
    "lifetime": {"backtest": {"cuts": 1, "horizons_days": [30]}},
    "training": {"bootstrap_samples": 60},
    "features": {"windows_days": [30, 60, 90, 365]},
}


def lifetime_context(root, as_of=AS_OF, **changes):
    """A run at `as_of` over the lake at `root`. changes: settings of the section lifetime."""
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import Settings, load

    values = load("demo").model_dump()
    values["lakehouse"]["root"] = str(root)
    values["training"] |= SMALL["training"]
    values["features"] |= SMALL["features"]
    values["lifetime"]["backtest"] |= SMALL["lifetime"]["backtest"]
    values["lifetime"] |= changes
    return Context(
        Settings(**values),
        RunInfo("test"),
        Progress(is_quiet=True),
        given_as_of=as_of,
    )


def rows_of(root, name):
    """A table as pandas."""
    return lifetime_context(root).read(name).toPandas()


def of_now(rows):
    """The rows of AS_OF."""
    return rows[pd.to_datetime(rows["as_of"]).dt.date == AS_OF]


def purchases(customers: int = 400, seed: int = 2) -> list[tuple[str, dt.date, float]]:
    """(customer, day, amount). Rate per day: gamma(1, 1 / 20). Probability of leaving: beta(1, 6)."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        rate, chance = draw.gamma(1.0, 1 / 20), draw.beta(1, 6)
        mean = draw.gamma(4, 6)
        at = float(draw.integers(0, 200))
        while at < 366:
            day = FIRST + dt.timedelta(days=int(at))
            rows.append((f"c{number:04d}", day, round(float(draw.gamma(4, mean / 4)) + 0.01, 2)))
            if draw.random() < chance:
                break
            at += draw.exponential(1 / rate)
    # as_of needs a purchase on that day, which counts as incomplete.
    return [*rows, ("c0000", AS_OF, 1.0)]


def write_lifetime_lake(context, customers: int = 400) -> None:
    """silver.transactions only, without features and labels."""
    write_purchases(context, purchases(customers))


def write_purchases(context, bought: list[tuple[str, dt.date, float]]) -> None:
    """silver.transactions of (customer, day, amount); each purchase was known when it happened."""
    lines = [
        {
            "customer_id": customer,
            "order_id": f"o{n}",
            "purchased_at": dt.datetime.combine(day, dt.time(12)),
            "known_at": dt.datetime.combine(day, dt.time(12)),
            "amount": Decimal(str(amount)),
            "source": "s",
            "batch_id": "b",
            "content_hash": n,
        }
        for n, (customer, day, amount) in enumerate(bought)
    ]
    context.lake.commit([_write(context, "silver.transactions", lines, ["b"], is_checked=False)])


def write_features(context) -> None:
    """Features and labels of AS_OF and of eight dates before it, 30 days apart."""
    dates = [AS_OF - dt.timedelta(days=30 * n) for n in range(9)]
    feature_tables.run(context, FeatureOptions(dates))


def write_scores(context, day: dt.date) -> None:
    """gold.customer_scores and customer_segments as written by score_customers.

    The risk depends on recency only. Churn is predicted for all, so that every offer is sent
    tomorrow.
    """
    from pyspark.sql import functions as F

    from transforms.conform import conform

    table = context.table("gold.customer_scores")
    lifetime = context.read("gold.customer_lifetime").where(f"as_of = DATE'{day}'")
    rows = lifetime.where("observed_days - recency_days < 90").select(
        "*",
        F.lit(30).alias("horizon_days"),
        ((F.col("observed_days") - F.col("recency_days") + 1) / 100.0).alias("churn_probability"),
        F.lit(1).alias("churn_prediction"),
        F.lit(0.005).alias("decision_threshold"),
        F.lit("LOW").alias("risk_level"),
        F.lit("relative").alias("risk_scheme"),
        F.lit(1).alias("risk_percentile"),
        F.lit(1).alias("risk_percentile_in_segment"),
        F.lit(0.5).alias("confidence_score"),
        F.lit(None).cast("string").alias("recommended_actions"),
        F.lit(None).cast("string").alias("top_risk_factor"),
        F.lit(None).cast("string").alias("main_reason"),
        F.lit(None).cast("string").alias("reason_basis"),
        F.lit(None).cast("string").alias("model_name"),
        F.lit(None).cast("string").alias("model_version"),
        F.lit("rule").alias("score_basis"),
    )
    context.lake.commit([Write(table, conform(rows, table), [day])])
    names = [r["customer_id"] for r in rows.select("customer_id").collect()]
    active = [_segment(name, day, "active", "Champions", 1) for name in names]
    if active:
        context.lake.commit([_write(context, "gold.customer_segments", active, [day])])


def _segment(customer: str, day: dt.date, lifecycle: str, segment: str, days: int) -> dict:
    return {
        **{"as_of": day, "customer_id": customer, "lifecycle": lifecycle, "recency_days": days},
        **{"frequency": 9, "monetary": 900.0, "segment": segment, "segment_group": segment},
        "high_risk_churn": False,
    }


def write_lost(context, customer: str, days: int) -> None:
    """Make one customer of gold.customer_segments lost. days: since the last purchase."""
    known = context.slice("gold.customer_segments", AS_OF).select("customer_id").collect()
    others = [r["customer_id"] for r in known if r["customer_id"] != customer]
    rows = [_segment(name, AS_OF, "active", "Champions", 1) for name in others]
    rows.append(_segment(customer, AS_OF, "lost", "Lost", days))
    context.lake.commit([_write(context, "gold.customer_segments", rows, [AS_OF])])


def _write(context, name, rows, slices, is_checked=True):
    table = context.table(name)
    values = [tuple(row.get(c) for c in table.column_names) for row in rows]
    return Write(
        table, context.spark.createDataFrame(values, table.ddl), slices, "slice", is_checked
    )
