"""A small lake with feature tables that hold a known signal. No ingest is needed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd

from runtime.lakehouse.writes import Write

FIRST_DAY, AS_OF = dt.date(2017, 1, 1), dt.date(2018, 1, 1)
DATES = [AS_OF - dt.timedelta(days=30 * n) for n in range(7)]


def write_feature_lake(
    context, customers: int = 300, seed: int = 1, label=None, profile=None
) -> None:
    """Write all feature tables of DATES, and labels.

    `label`: a function (recency, random) -> 0/1. By default the churn probability grows with
    recency and is higher on the plan "basic". `profile`: a function (churned) -> further columns of
    features.demographics.
    """
    draw = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [(f"c{i:04d}", day) for i in range(customers) for day in DATES],
        columns=["customer_id", "as_of"],
    )
    recency = draw.integers(1, 85, len(rows))
    orders = draw.integers(1, 40, len(rows))
    plans = np.where(draw.random(len(rows)) < 0.5, "basic", "plus")
    push = np.where(plans == "basic", 2.0, -2.0)
    label = label or (lambda days, chance: chance < 1 / (1 + np.exp(-(days - 45) / 10 - push)))
    churned = np.asarray(label(recency, draw.random(len(rows)))).astype(int)
    transactions = _filled(context, "features.transactions", rows).assign(
        recency_days=recency,
        total_orders=orders,
        total_revenue=orders * 20.0,
        avg_order_value=20.0,
        tenure_days=200,
        tenure_months=6,
        purchase_days=orders,
        first_purchase_on=FIRST_DAY,
        purchases_90d=np.minimum(orders, 9),
        purchases_365d=orders,
        revenue_365d=orders * 20.0,
        revenue_trend=draw.normal(size=len(rows)).round(3),
        purchase_frequency_30d=0.1,
    )
    demographics = _filled(context, "features.demographics", rows).assign(
        has_profile=True, is_terminated=False, plan=plans, **(profile(churned) if profile else {})
    )
    labels = rows[rows["as_of"] < AS_OF].assign(
        horizon_days=30,
        lead_days=0,
        definition="inactivity",
        churned=churned[rows["as_of"] < AS_OF],
    )
    frames = {
        "features.transactions": transactions,
        "features.demographics": demographics,
        "features.behavior": _filled(context, "features.behavior", rows),
        "features.labels": labels,
        "silver.transactions": _receipts(context),
    }
    writes = []
    for name, frame in frames.items():
        table = context.table(name)
        records = [
            tuple(_plain(v) for v in row)
            for row in frame[list(table.column_names)].itertuples(index=False)
        ]
        rows_of = context.spark.createDataFrame(records, table.ddl)
        slices = DATES if name.startswith("features.") else ["b"]
        writes.append(Write(table, rows_of, slices, is_checked=name.startswith("features.")))
    context.lake.commit(writes)


def _filled(context, name: str, rows: pd.DataFrame) -> pd.DataFrame:
    table = context.table(name)
    return rows.reindex(columns=list(table.column_names)).astype(object)


def _receipts(context) -> pd.DataFrame:
    days = [dt.datetime(2017, 1, 1, 10), dt.datetime(2018, 1, 1, 3)]
    names = context.table("silver.transactions").column_names
    rows = (
        pd.DataFrame(
            {
                "customer_id": "c0000",
                "order_id": ["1", "2"],
                "purchased_at": days,
                "known_at": days,
                "amount": 1,
                "source": "s",
                "batch_id": "b",
                "content_hash": 1,
            }
        )
        .reindex(columns=list(names))
        .astype(object)
    )
    rows["amount"] = Decimal("1.00")
    rows["purchased_at"], rows["known_at"] = days, days
    return rows


def _plain(value):
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if isinstance(value, np.generic) else value
