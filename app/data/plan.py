"""The retention plan: its ranking, and what each budget buys under each strategy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from app.lake import Lake, Row, Versions
from models.ranked_choice import (
    Flags,
    Ranking,
    chosen,
    gain_needed,
    smallest_budget,
    within_caps,
)

NET_VALUE = "net_value"
# One row per ranked customer of a strategy, with the interval of the value at stake.
RANKED = """
    SELECT p.customer_id, p.offer_id, p.cost, p.expected_value_kept AS kept,
           (s.clv_12m_high - s.clv_12m_low) / nullif(s.clv_12m, 0) AS spread
    FROM {gold.retention_plan} p
    LEFT JOIN {gold.customer_scores} s USING (as_of, customer_id)
    WHERE p.as_of = $as_of AND p.strategy = $strategy AND p.rank IS NOT NULL
    ORDER BY p.rank
"""


class Plan:
    """The ranked customers of one strategy, in the order of their rank."""

    def __init__(self, columns: Mapping[str, Any], strategy: str, caps: Mapping[str, int]) -> None:
        self.ids = columns["customer_id"]
        self.cost, self.kept, spread = (
            columns[name].astype(float) for name in ("cost", "kept", "spread")
        )
        self.ranking = Ranking(
            self.cost,
            self.kept - self.cost,
            within_caps(columns["offer_id"], dict(caps)),
            needs_gain=strategy == NET_VALUE,
        )
        # Half of a 95 % interval is 1.96 standard deviations.
        self.deviation = np.nan_to_num(self.kept * spread / 2 / 1.96)

    def position(self, customer_id: str) -> int | None:
        """The customer's place from 0; None: the customer has no rank."""
        places = np.flatnonzero(self.ids == customer_id)
        return int(places[0]) if len(places) else None

    def chosen(self, budget: float, unit: str) -> Flags:
        """Flags of the chosen customers under a budget."""
        return chosen(self.ranking, budget, unit)

    def figures(self, budget: float, unit: str) -> Row:
        """What a budget buys: customers, kept, cost, net, and the 95 % interval of net.

        The interval follows from the intervals of the customers' values, as if they erred
        independently; the effect of the offers is taken as given.
        """
        flags = self.chosen(budget, unit)
        kept, cost = float(np.nansum(self.kept[flags])), float(np.nansum(self.cost[flags]))
        half = 1.96 * float(np.sqrt((self.deviation[flags] ** 2).sum()))
        net = kept - cost
        return {
            "customers": int(flags.sum()),
            "kept": kept,
            "cost": cost,
            "net": net,
            "low": net - half,
            "high": net + half,
        }

    def what_changes(self, customer_id: str, budget: float, unit: str) -> Row:
        """For a ranked customer: is_chosen, and the budget and the gain that would change it."""
        place = self.position(customer_id)
        if place is None:
            return {}
        return {
            "rank": place + 1,
            "is_chosen": bool(self.chosen(budget, unit)[place]),
            "kept": float(self.kept[place]),
            "cost": float(self.cost[place]),
            "budget": smallest_budget(self.ranking, place, unit),
            "gain": gain_needed(self.ranking, place, budget, unit=unit),
        }


def plan_of(lake: Lake, as_of: dt.date, strategy: str, *, caps: Mapping[str, int]) -> Plan:
    """The plan of a strategy, kept in memory until the tables have another version."""
    limits = tuple(sorted(caps.items()))
    return _plan(str(lake.root), as_of, strategy, limits, lake.versions(RANKED), _lake=lake)


# Seven numbers and texts per ranked customer stay in memory: about 100 bytes.
@st.cache_resource(max_entries=20, show_spinner=False)
def _plan(
    root: str,
    as_of: dt.date,
    strategy: str,
    caps: tuple[tuple[str, int], ...],
    versions: Versions,
    _lake: Lake,
) -> Plan:
    columns = _lake.columns(RANKED, {"as_of": as_of, "strategy": strategy})
    return Plan(columns, strategy, dict(caps))


def population(lake: Lake, as_of: dt.date) -> int:
    """The active and silent customers, of which a budget is a share."""
    sql = """SELECT count(*) AS customers FROM {gold.customer_segments}
             WHERE as_of = $as_of AND lifecycle IN ('active', 'silent')"""
    return lake.row(sql, {"as_of": as_of})["customers"]


def left_out(lake: Lake, as_of: dt.date, strategy: str, *, customer_id: str) -> Row:
    """The row of a customer in the plan of a strategy; empty if there is none."""
    sql = """SELECT * FROM {gold.retention_plan}
             WHERE as_of = $as_of AND strategy = $strategy AND customer_id = $customer_id"""
    values = {"as_of": as_of, "strategy": strategy, "customer_id": customer_id}
    return lake.row(sql, values)


def decision(lake: Lake, as_of: dt.date, customer_id: str) -> Row:
    """The row of a customer in gold.offer_decisions; empty if there is none."""
    sql = """SELECT * FROM {gold.offer_decisions}
             WHERE as_of = $as_of AND customer_id = $customer_id"""
    return lake.row(sql, {"as_of": as_of, "customer_id": customer_id})


def strategies(lake: Lake, as_of: dt.date) -> list[Row]:
    """One row per pair of strategies under the plan's budget, from the back-test."""
    sql = "SELECT * FROM {gold.strategy_comparison} WHERE as_of = $as_of ORDER BY ALL"
    return lake.rows(sql, {"as_of": as_of})
