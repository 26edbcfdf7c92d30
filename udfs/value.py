"""What a customer is worth by simple rules: product.md §4. Money is in the data's one currency."""

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
    comment="total_revenue / greatest(total_orders, 1), currency; null: either is unknown.",
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
    comment="(revenue_30d - revenue_prev_30d) / greatest(revenue_prev_30d, 1): relative change.",
)
"""The days [-30, 0) before as_of against [-60, -30); null when either is unknown.

| revenue_30d | revenue_prev_30d | revenue_trend |
|---|---|---|
| 50 | 100 | -0.5 |
| 50 | 0 | 50 |
| 0 | -20 | 20 |
"""


def clv_score(constants: Mapping[str, Any]) -> SqlFormula:
    """A rule of thumb for lifetime value, currency: 0 when tenure_months = 0, else the product of

    monthly_value = total_revenue / tenure_months, lifetime = min(lifetime_factor · tenure_months,
    lifetime_cap_months), min(frequency_factor · purchase_frequency_30d, frequency_cap), and the
    multiplier of the first value tier that avg_order_value falls in (1 in none). Null: an input is.
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
    """`CASE` over the tiers, in order; a null avg_order_value has no tier, so null."""
    branches = ["WHEN avg_order_value IS NULL THEN NULL"]
    for place, tier in enumerate(tiers):
        where = f"clv_score.value_tiers[{place}]"
        if set(tier) not in ({"above", "multiplier"}, {"below", "multiplier"}):
            raise FormulaError(
                f"conf {where}: must have multiplier and one of above, below, got {sorted(tier)}. "
                "Write {above: 500, multiplier: 1.5}."
            )
        sign, bound = (">", "above") if "above" in tier else ("<", "below")
        limit, multiplier = number(tier[bound], where), number(tier["multiplier"], where)
        branches.append(f"WHEN avg_order_value {sign} {limit} THEN {multiplier}")
    return f"CASE {' '.join(branches)} ELSE 1.0D END"
