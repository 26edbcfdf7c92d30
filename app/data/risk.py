"""How many customers are at which risk, and what has changed since the date before."""

from __future__ import annotations

import datetime as dt

from app.data.first_list import FirstList
from app.lake import Lake, Row

LEVELS = """
    SELECT s.as_of, s.risk_level, count(*) AS customers,
           sum(s.churn_probability * greatest(coalesce(s.{stake}, 0), 0)) AS at_risk
    FROM {{gold.customer_scores}} s
    JOIN {{gold.customer_segments}} g USING (as_of, customer_id)
    WHERE s.as_of IN ($as_of, $before) AND g.lifecycle IN ('active', 'silent')
    GROUP BY ALL
"""


def date_before(lake: Lake, as_of: dt.date) -> dt.date | None:
    """The last earlier date with scores; None: there is none."""
    sql = "SELECT max(as_of) AS before FROM {gold.customer_scores} WHERE as_of < $as_of"
    return lake.row(sql, {"as_of": as_of})["before"]


def levels(first: FirstList, before: dt.date | None) -> list[Row]:
    """One row per date and risk level: active and silent customers, and what is at risk."""
    values = {"as_of": first.as_of, "before": before or first.as_of}
    return first.lake.rows(LEVELS.format(stake=first.stake), values)


def back_test(lake: Lake, as_of: dt.date, strategy: str) -> Row:
    """The back-test of the strategy one horizon earlier; empty without a plan."""
    sql = """SELECT * FROM {gold.strategy_comparison}
             WHERE as_of = $as_of AND strategy = $strategy AND other_strategy = strategy"""
    return lake.row(sql, {"as_of": as_of, "strategy": strategy})
