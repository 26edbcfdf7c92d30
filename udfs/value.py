"""Customer value by simple rules: product.md §4. Money is in the currency of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from udfs.formula import (
    FormulaError,
    SqlFormula,
    at_least,
    at_most,
    check_keys,
    number,
    positive,
)

CLV_KEYS = (
    "lifetime_factor",
    "lifetime_cap_months",
    "frequency_factor",
    "frequency_cap",
    "value_tiers",
)

avg_order_value = SqlFormula(
    name="avg_order_value",
    parameters=(("total_revenue", "DOUBLE"), ("total_orders", "DOUBLE")),
    returns="DOUBLE",
    body=f"total_revenue / {at_least('total_orders', '1.0D')}",
    comment="total_revenue / greatest(total_orders, 1), currency; null: an input is unknown.",
)
"""
| total_revenue | total_orders | avg_order_value |
|---|---|---|
| 100 | 4 | 25 |
| 0 | 0 | 0 |
| 100 | null | null |
"""

revenue_trend = SqlFormula(
    name="revenue_trend",
    parameters=(("revenue_30d", "DOUBLE"), ("revenue_prev_30d", "DOUBLE")),
    returns="DOUBLE",
    body=f"(revenue_30d - revenue_prev_30d) / {at_least('revenue_prev_30d', '1.0D')}",
    comment="Relative change: (revenue_30d - revenue_prev_30d) / greatest(revenue_prev_30d, 1).",
)
"""Days [-30, 0) relative to as_of, compared with [-60, -30). Null: an input is unknown.

| revenue_30d | revenue_prev_30d | revenue_trend |
|---|---|---|
| 50 | 100 | -0.5 |
| 50 | 0 | 50 |
| 0 | -20 | 20 |
"""


def clv_score(constants: Mapping[str, Any]) -> SqlFormula:
    """Lifetime value by a rule of thumb, currency. It is 0 if tenure_months = 0, else a product of:

    - monthly value: total_revenue / tenure_months
    - lifetime: min(lifetime_factor · tenure_months, lifetime_cap_months)
    - frequency: min(frequency_factor · purchase_frequency_30d, frequency_cap)
    - multiplier of the first value tier that contains avg_order_value (1: no tier)

    Null: an input is null.
    Conf: `clv_score`, with value_tiers as `[{above: 500, multiplier: 1.5}, {below: 50, ...}]`.
    With 1.2, 60, 2, 3 and 1.5 above 500, 1.2 above 200, 0.8 below 50:

    | total_revenue | tenure_months | purchase_frequency_30d | avg_order_value | clv_score |
    |---|---|---|---|---|
    | 1200 | 10 | 0.1 | 100 | 120 · 12 · 0.2 · 1 = 288 |
    | 6000 | 60 | 2 | 600 | 100 · 60 · 3 · 1.5 = 27000 |
    | 30 | 0 | 0.1 | 30 | 0 |
    """
    check_keys(constants, CLV_KEYS, "conf clv_score")
    factor = {key: positive(constants[key], f"clv_score.{key}") for key in CLV_KEYS[:-1]}
    lifetime = at_most(
        f"{factor['lifetime_factor']} * tenure_months", factor["lifetime_cap_months"]
    )
    frequency = at_most(
        f"{factor['frequency_factor']} * purchase_frequency_30d", factor["frequency_cap"]
    )
    tier = _value_tier(constants["value_tiers"])
    return SqlFormula(
        name="clv_score",
        parameters=(
            ("total_revenue", "DOUBLE"),
            ("tenure_months", "DOUBLE"),
            ("purchase_frequency_30d", "DOUBLE"),
            ("avg_order_value", "DOUBLE"),
        ),
        returns="DOUBLE",
        body=(
            "CASE WHEN tenure_months <= 0 THEN 0.0D "
            f"ELSE total_revenue / tenure_months * ({lifetime}) * ({frequency}) * ({tier}) END"
        ),
        comment="Monthly value x lifetime x purchase frequency x value tier, currency.",
    )


def _value_tier(tiers: Sequence[Mapping[str, float]]) -> str:
    """`CASE` expression of the tiers, in order. Null if avg_order_value is null."""
    branches = ["WHEN avg_order_value IS NULL THEN NULL"]
    for place, tier in enumerate(tiers):
        where = f"clv_score.value_tiers[{place}]"
        if set(tier) not in ({"above", "multiplier"}, {"below", "multiplier"}):
            raise FormulaError(
                f"conf {where}: must have multiplier and either above or below, "
                f"got {sorted(tier)}. "
                "Write {above: 500, multiplier: 1.5}."
            )
        sign, bound = (">", "above") if "above" in tier else ("<", "below")
        limit, multiplier = number(tier[bound], where), number(tier["multiplier"], where)
        branches.append(f"WHEN avg_order_value {sign} {limit} THEN {multiplier}")
    return f"CASE {' '.join(branches)} ELSE 1.0D END"
