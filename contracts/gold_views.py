"""Views of gold tables, beside the `_latest` views: a selection of columns and rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """One view of the latest as_of of a table. `condition`: the rows that it keeps, in SQL."""

    name: str
    row: str
    source: str
    columns: tuple[str, ...]
    condition: str


OVERDUE_CUSTOMERS = View(
    name="gold.overdue_customers",
    row="One row per active or silent customer of the latest as_of who is overdue: silent for "
    "longer than the customer's usual gap between two purchases.",
    source="gold.customer_scores",
    columns=(
        "customer_id",
        "as_of",
        "days_overdue",
        "overdue_percentile",
        "next_purchase_on",
        "value_at_stake",
        "churn_probability",
    ),
    condition="days_overdue > 0",
)

VIEWS = (OVERDUE_CUSTOMERS,)
