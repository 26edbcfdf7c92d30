"""Segments: sizes, risk, revenue, moves, and what RFM does not see."""

from __future__ import annotations

from app.data.first_list import FirstList
from app.lake import Row

FIGURES = """
    SELECT g.segment, g.segment_group, count(*) AS customers, sum(g.monetary) AS revenue,
           avg(s.churn_probability) AS risk,
           sum(s.churn_probability * greatest(coalesce(s.{stake}, 0), 0)) AS at_risk
    FROM {{gold.customer_segments}} g
    LEFT JOIN {{gold.customer_scores}} s USING (as_of, customer_id)
    WHERE g.as_of = $as_of AND g.segment IS NOT NULL
    GROUP BY ALL ORDER BY at_risk DESC NULLS LAST, segment
"""


def figures(first: FirstList) -> list[Row]:
    """One row per segment: customers, revenue, mean churn probability, amount at risk."""
    return first.lake.rows(FIGURES.format(stake=first.stake), {"as_of": first.as_of})


def moves(first: FirstList) -> list[Row]:
    """One row per pair of segments between the previous date and this one."""
    sql = """SELECT previous_as_of, from_segment, to_segment, customers, revenue_12m
             FROM {gold.segment_migration} WHERE as_of = $as_of ORDER BY customers DESC"""
    return first.lake.rows(sql, {"as_of": first.as_of})


def scores(first: FirstList) -> list[Row]:
    """One row per recency and frequency score: customers and mean churn probability."""
    sql = """
        SELECT g.r_score, g.f_score, count(*) AS customers, avg(s.churn_probability) AS risk
        FROM {gold.customer_segments} g
        LEFT JOIN {gold.customer_scores} s USING (as_of, customer_id)
        WHERE g.as_of = $as_of AND g.r_score IS NOT NULL
        GROUP BY ALL ORDER BY ALL"""
    return first.lake.rows(sql, {"as_of": first.as_of})


def missed(first: FirstList) -> Row:
    """One row: customers with the best RFM groups that the model predicts to leave.

    `high`: customers in the group High-value; `leaving`: those with churn_prediction 1; `at_risk`:
    what they have at risk. `low`: all other scored customers; `staying`: those with prediction 0.
    """
    sql = """
        SELECT count(*) FILTER (segment_group = 'High-value') AS high,
               count(*) FILTER (segment_group = 'High-value' AND churn_prediction = 1) AS leaving,
               sum(at_risk) FILTER (segment_group = 'High-value' AND churn_prediction = 1)
                   AS at_risk,
               count(*) FILTER (segment_group <> 'High-value') AS low,
               count(*) FILTER (segment_group <> 'High-value' AND churn_prediction = 0) AS staying
        FROM scored"""
    return first.lake.row(first.sql(sql), {"as_of": first.as_of})
