"""The list to contact first: gold.offer_decisions where it exists, else gold.retention_plan.

The same rule as transforms.first_list, which the screen and the report use.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from app.lake import Lake, Row

DECISIONS, PLAN, RISK = "offer_decisions", "retention_plan", "risk"

# One row per scored customer of $as_of, with at_stake (never negative; null counts as 0).
SCORED = """
    SELECT s.*, g.lifecycle, g.segment, g.segment_group, g.recency_days, g.rfm_score,
           greatest(coalesce(s.{stake}, 0), 0) AS at_stake,
           s.churn_probability * greatest(coalesce(s.{stake}, 0), 0) AS at_risk
    FROM {{gold.customer_scores}} s
    JOIN {{gold.customer_segments}} g USING (as_of, customer_id)
    WHERE s.as_of = $as_of
"""
WANTED = {
    DECISIONS: """
        SELECT customer_id, coalesce(expected_gain, -1e300) AS priority, offer_id, send_on, why,
               expected_cost AS cost, expected_gain + expected_cost AS value_kept, effect_basis
        FROM {gold.offer_decisions}
        WHERE as_of = $as_of AND offer_id IS NOT NULL AND NOT is_held_out
          AND coalesce(timing, 'now') IN ('now', 'in_period')""",
    PLAN: """
        SELECT customer_id, -CAST(rank AS DOUBLE) AS priority, offer_id, send_on, why, cost,
               expected_value_kept AS value_kept, 'assumed' AS effect_basis
        FROM {gold.retention_plan}
        WHERE as_of = $as_of AND is_chosen AND strategy = '{strategy}'""",
    RISK: """
        SELECT customer_id, at_risk AS priority, NULL AS offer_id, NULL AS send_on, NULL AS why,
               NULL AS cost, NULL AS value_kept, NULL AS effect_basis
        FROM scored""",
}


@dataclass(frozen=True)
class FirstList:
    """The list of one as_of. source: its table, or `risk` without a plan. stake: its column."""

    lake: Lake
    as_of: dt.date
    source: str
    stake: str
    strategy: str

    @property
    def is_money(self) -> bool:
        return self.stake == "value_at_stake"

    def sql(self, select: str) -> str:
        """A query that may name `scored` (all customers) and `wanted` (those of the list)."""
        wanted = WANTED[self.source].replace("{strategy}", self.strategy)
        return f"WITH scored AS ({scored(self.stake)}), wanted AS ({wanted}) {select}"

    def totals(self) -> Row:
        """One row: customers, at_risk, cost, value_kept, first_on, last_on of the list."""
        select = """
            SELECT count(*) AS customers, sum(at_risk) AS at_risk, sum(cost) AS cost,
                   sum(value_kept) AS value_kept, min(send_on) AS first_on, max(send_on) AS last_on
            FROM wanted JOIN scored USING (customer_id)"""
        return self.lake.row(self.sql(select), {"as_of": self.as_of})

    def customers(self, most: int, start: int = 0) -> list[Row]:
        """The customers of the list in order, from position `start`."""
        select = f"""
            SELECT customer_id, segment, segment_group, risk_level, churn_probability, at_stake,
                   at_risk, offer_id, send_on, why, cost, value_kept, recommended_actions
            FROM wanted JOIN scored USING (customer_id)
            ORDER BY priority DESC, at_risk DESC, churn_probability DESC, customer_id
            OFFSET {start}"""
        return self.lake.rows(self.sql(select), {"as_of": self.as_of}, most)


def scored(stake: str) -> str:
    """The query SCORED with the column of the value at stake."""
    return SCORED.format(stake=stake)


def first_list(lake: Lake, as_of: dt.date, strategy: str) -> FirstList:
    """The list of an as_of; its source is the first of WANTED that has rows."""
    counts = lake.row(
        """
        SELECT (SELECT count(*) FROM {gold.offer_decisions} WHERE as_of = $as_of) AS decisions,
               (SELECT count(*) FROM {gold.retention_plan}
                WHERE as_of = $as_of AND strategy = $strategy) AS planned,
               (SELECT count(*) FROM {gold.customer_scores}
                WHERE as_of = $as_of AND value_at_stake > 0) AS valued""",
        {"as_of": as_of, "strategy": strategy},
    )
    source = DECISIONS if counts["decisions"] else PLAN if counts["planned"] else RISK
    stake = "value_at_stake" if counts["valued"] else "expected_purchases_30d"
    return FirstList(lake, as_of, source, stake, strategy)
