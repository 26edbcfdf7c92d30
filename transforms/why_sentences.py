"""The sentences of the columns `why`: all their templates, and how a row fills them.

A name in braces stands for a value of the row, as text.
"""

from __future__ import annotations

import re

from pyspark.sql import Column, functions as F

# gold.retention_plan, by strategy.
_RISK = "Churn probability within {horizon_days} days: {risk} %"
_STAKE = "; value at stake over 12 months: {stake}"
CHURN_PROBABILITY = _RISK + _STAKE + "."
P_ALIVE = "P(alive): {p_alive} %" + _STAKE + "."
NO_P_ALIVE = (
    "P(alive) is not known; expected purchases in 30 days: {expected_purchases}" + _STAKE + "."
)
CLV_AT_RISK = _RISK + _STAKE + "; value at risk: {at_risk}."
NET_VALUE = "The offer is expected to keep {kept} and to cost {cost}."
RANDOM = "Random order: neither risk nor value is used."
# In a company without amounts.
RISK_AND_PURCHASES = _RISK + "; expected purchases in 30 days: {expected_purchases}."
RISK_AND_P_ALIVE = _RISK + "; P(alive): {p_alive} %."
# The customers without a rank.
LOST = "Left out: already lost, the last purchase was {days} days ago."
TERMINATED = "Left out: the contract has ended."
LEFT_OUT = "Left out: {reason}."
PLANNED_LATER = "Left out: {reason}; the day planned so far is {send_on}."

# gold.offer_decisions.
CHOSEN = (
    "{offer} lowers the churn probability by {points} percentage points (basis: {basis}). Value at "
    "stake: {stake}; expected gain after a cost of {cost}: {gain}."
)
CHOSEN_BY_PURCHASES = (
    "{offer} lowers the churn probability by {points} percentage points (basis: {basis}). Expected "
    "purchases in 30 days: {purchases}; no amounts are known."
)
OUTSIDE_BUDGET = "{offer} is outside the budget; no effect is assumed."
NO_OFFER = "No offer: {reason}. Value at stake: {stake}."
# no_offer_reason: the words for it
NO_OFFER_REASONS = {
    "opted_out": "the customer opted out of contacts",
    "later": "no churn is predicted, so no offer is sent now",
    "cooling_off": "the last contact was too recent",
    "not_eligible": "the customer is not eligible for any offer",
    "no_gain": "every offer costs more than it keeps",
    "budget": "the budget is better spent on other customers",
}


def reason_of(code: Column) -> Column:
    """The words of a code of NO_OFFER_REASONS, as text; null for another code."""
    words = F.lit(None).cast("string")
    for known, text in NO_OFFER_REASONS.items():
        words = F.when(code == known, text).otherwise(words)
    return words


def filled(template: str, **values: Column | str) -> Column:
    """The template with its names replaced. Null if one of the values is null."""
    parts = [
        values[part] if number % 2 else part
        for number, part in enumerate(re.split(r"{(\w+)}", template))
        if part
    ]
    columns = [F.lit(part) if isinstance(part, str) else part for part in parts]
    return F.concat(*columns) if len(columns) > 1 else columns[0]


def fixed(number: Column, places: int = 2) -> Column:
    """The number as text with a fixed number of decimals; "unknown" for null."""
    text = F.round(number, places).cast(f"decimal(18,{places})").cast("string")
    return F.coalesce(text, F.lit("unknown"))


def whole(number: Column) -> Column:
    """The number as text without decimals; "unknown" for null."""
    return F.coalesce(F.round(number, 0).cast("bigint").cast("string"), F.lit("unknown"))
