"""A lakehouse folder of a small company, written by delta-rs with the schemas of the contracts."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
from deltalake import write_deltalake

from contracts.catalog import tables
from runtime.lakehouse.arrow_types import arrow_schema, nullable

BEFORE, AS_OF = dt.date(2024, 5, 1), dt.date(2024, 6, 1)
CONTRACTS = tables()


def write(root, name, rows):
    """Append rows to a table; columns that a row does not name are null."""
    schema = nullable(arrow_schema(CONTRACTS[name]))
    full = [{field.name: row.get(field.name) for field in schema} for row in rows]
    layer, _, short = name.partition(".")
    content = pa.Table.from_pylist(full, schema=schema)
    write_deltalake(str(root / layer / short), content, mode="append")


def score(customer_id, probability, stake, **more):
    """A row of gold.customer_scores; churn is predicted from 0.3."""
    return {
        "as_of": AS_OF,
        "customer_id": customer_id,
        "horizon_days": 30,
        "churn_probability": probability,
        "churn_prediction": int(probability >= 0.3),
        "decision_threshold": 0.3,
        "risk_level": "HIGH" if probability >= 0.3 else "LOW",
        "value_at_stake": stake,
        **more,
    }


def segment(customer_id, name="Champions", **more):
    """A row of gold.customer_segments."""
    return {
        "as_of": AS_OF,
        "customer_id": customer_id,
        "lifecycle": "active",
        "recency_days": 10,
        "segment": name,
        "segment_group": "High-value" if name == "Champions" else "At-risk",
        "monetary": 100.0,
        **more,
    }


def planned(customer_id, rank, kept, *, cost, is_chosen):
    """A row of gold.retention_plan under net_value."""
    return {
        "as_of": AS_OF,
        "strategy": "net_value",
        "customer_id": customer_id,
        "rank": rank,
        "is_chosen": is_chosen,
        "timing": "now",
        "offer_id": "discount_10",
        "send_on": AS_OF + dt.timedelta(days=1) if is_chosen else None,
        "expected_value_kept": kept,
        "cost": cost,
        "why": f"The offer is expected to keep {kept:.2f} and to cost {cost:.2f}.",
    }


# customer: churn probability, value at stake, segment
CUSTOMERS = {
    "a": (0.5, 1000.0, "Champions"),  # at risk 500
    "b": (0.4, 500.0, "At Risk"),  # at risk 200
    "c": (0.4, 400.0, "At Risk"),  # at risk 160
    "d": (0.1, 2000.0, "Champions"),  # at risk 200
    "e": (0.1, -50.0, "At Risk"),  # more returned than bought: nothing at stake
}


def write_company(root):
    """Five customers at AS_OF. `a` is chosen: 20 % of 5 customers."""
    write(root, "gold.customer_scores", [score(c, p, v) for c, (p, v, _) in CUSTOMERS.items()])
    earlier = {"as_of": BEFORE}
    write(root, "gold.customer_scores", [score(c, 0.1, 100.0) | earlier for c in "abc"])
    write(root, "gold.customer_segments", [segment(c, s) for c, (_, _, s) in CUSTOMERS.items()])
    write(root, "gold.customer_segments", [segment(c) | earlier for c in "abc"])
    left_out = planned("d", None, 0.0, cost=0.0, is_chosen=False) | {
        "timing": "later",
        "offer_id": None,
        "expected_value_kept": None,
        "cost": None,
        "why": "Left out: no churn is predicted, so no offer is sent now.",
    }
    rows = [
        planned("a", 1, 100.0, cost=20.0, is_chosen=True),
        planned("b", 2, 40.0, cost=10.0, is_chosen=False),
        planned("c", 3, 5.0, cost=8.0, is_chosen=False),
        left_out,
        left_out | {"customer_id": "e"},
    ]
    write(root, "gold.retention_plan", rows)
    write(
        root,
        "gold.risk_factors",
        [
            {
                "as_of": AS_OF,
                "customer_id": "a",
                "rank": 1,
                "feature": "recency_days",
                "value": "45",
                "impact": 0.7,
                "direction": "increase",
            },
            {
                "as_of": AS_OF,
                "customer_id": "a",
                "rank": 2,
                "feature": "total_orders",
                "value": "12",
                "impact": -0.2,
                "direction": "decrease",
            },
        ],
    )
    write(
        root,
        "silver.customers",
        [
            {
                "customer_id": "a",
                "first_name": "Ann",
                "email": "ann@example.com",
                "plan": "basic",
                "valid_from": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
            },
        ],
    )
