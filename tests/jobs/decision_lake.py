"""A small lake with the tables that decisions read, written without running earlier jobs."""

from __future__ import annotations

import datetime as dt

from runtime.lakehouse.writes import Write

AS_OF = dt.date(2018, 1, 1)
_DEFAULTS = {"string": "x", "bigint": 1, "int": 1, "double": 1.0, "boolean": False}
MOMENT = dt.datetime(2017, 6, 1)


def rows_of(context, name, rows):
    """A frame with the columns of a contract.

    A missing value is null, or a default where the contract does not allow null.
    """
    table = context.table(name)
    full = []
    for row in rows:
        values = []
        for column in table.columns:
            default = None
            if not column.nullable:
                plain = {"date": AS_OF, "timestamp": MOMENT, **_DEFAULTS}
                default = plain.get(column.type)
            values.append(row.get(column.name, default))
        full.append(tuple(values))
    return context.spark.createDataFrame(full, table.ddl)


def write_decision_lake(context, customers: int = 40) -> None:
    """Customers c00, c01, ...: the risk rises and the value falls with the number.

    c03 has opted out, the last three are lost, and c05 was contacted ten days ago.
    """
    ids = [f"c{n:02d}" for n in range(customers)]
    names = ["Ada", "Ben", "Clara", "David"]
    lost = set(ids[-3:])
    tables = {
        "gold.customer_segments": [
            {"customer_id": i, "lifecycle": "lost" if i in lost else "active", "segment": "Loyal"}
            for i in ids
        ],
        "gold.customer_scores": [
            {"customer_id": i, "churn_probability": (n + 1) / 50, "churn_prediction": 1}
            for n, i in enumerate(ids)
            if i not in lost
        ],
        "gold.risk_factors": [
            {"customer_id": i, "rank": 1, "feature": "recency_days", "impact": 0.5}
            for i in ids
            if i not in lost
        ],
        "features.transactions": [
            {
                "customer_id": i,
                "total_orders": 10 + n,
                "total_revenue": 1000.0,
                "tenure_days": 400,
                "tenure_months": 13,
                "revenue_365d": 1000.0 - 10 * n,
            }
            for n, i in enumerate(ids)
        ],
        "silver.customers": [
            {
                "customer_id": i,
                "first_name": names[n % 4],
                "language": ["en", "de", "fr", "es"][n % 4],
                "is_opted_out": i == "c03",
                "valid_from": MOMENT,
            }
            for n, i in enumerate(ids)
        ],
        "silver.campaign_contacts": [
            {
                "customer_id": "c05",
                "campaign_id": "old",
                "is_treated": True,
                "contacted_at": dt.datetime(2017, 12, 22),
            }
        ],
    }
    writes = []
    for name, rows in tables.items():
        table = context.table(name)
        mode = "slice" if table.slice_by else "merge"
        slices = [AS_OF] if table.slice_by == "as_of" else ["x"]
        writes.append(Write(table, rows_of(context, name, rows), slices, mode, is_checked=False))
    context.lake.commit(writes)
