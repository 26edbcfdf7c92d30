"""Guesses the amount of a line and its discount, and checks them against price and quantity."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.guessing.columns import ColumnProfile
from models.guessing.headers import currency_in, is_percent
from models.guessing.numbers import NumberForm
from models.guessing.outcomes import Returns

MONEY, UNITS = "decimal(18,2)", "decimal(18,3)"
# Share of the lines on which an equation must hold.
MOSTLY = 0.9


@dataclass(frozen=True)
class Money:
    """The columns that say what a line costs; None: the file has no such column."""

    amount: ColumnProfile | None
    quantity: ColumnProfile | None
    price: ColumnProfile | None
    discount: ColumnProfile | None

    def number(self, column: ColumnProfile, kind: str) -> str:
        """SQL: the number of a column, for a calculation."""
        form = column.numbers or NumberForm()
        plain = f"cast({column.sql} as {kind})" if column.is_text else column.sql
        return plain if form.is_plain else form.expression(column.sql, kind)

    @property
    def has_percentages(self) -> bool:
        """Whether the discount is a percentage of the price."""
        if self.discount is None:
            return False
        form = self.discount.numbers
        return is_percent(self.discount.name) or bool(form and "%" in form.removed)


def amount_expression(money: Money, returned: Returns | None, order: str) -> str | None:
    """SQL: what the customer paid for a line; a return is negative. None: no column says it."""
    if money.amount is not None:
        form = money.amount.numbers or NumberForm()
        text = form.expression(money.amount.sql, MONEY)
    elif money.price is not None and money.quantity is not None:
        text = f"{money.number(money.price, MONEY)} * {money.number(money.quantity, UNITS)}"
    elif money.price is not None:
        text = (money.price.numbers or NumberForm()).expression(money.price.sql, MONEY)
    else:
        return None
    if returned is None or returned.is_negative:
        return text
    number = text if text.startswith("cast(") else f"cast({text} as {MONEY})"
    is_return = returned.condition(order, returned.column)
    return f"case when {is_return} then -abs({number}) else {number} end"


def discount_expression(money: Money) -> str | None:
    """SQL: the discount in money, at least 0. None: it cannot be calculated."""
    if money.discount is None:
        return None
    share = money.number(money.discount, "decimal(18,4)")
    if not money.has_percentages:
        is_negative = (money.discount.amounts.dropna() <= 0).mean() > MOSTLY
        return f"greatest(0, {'-' if is_negative else ''}{share})"
    if money.price is None or money.quantity is None:
        return None
    price, units = money.number(money.price, MONEY), money.number(money.quantity, UNITS)
    return f"greatest(0, {price} * {units} * {share} / 100)"


def amount_doubts(money: Money, orders: pd.Series | None) -> list[str]:
    """What speaks against the chosen amount."""
    if money.amount is None:
        if money.price is None:
            return []
        how = "price x quantity" if money.quantity is not None else "the price alone"
        return [f"No column holds the amount of a line, so it is {how}."]
    amounts = money.amount.amounts
    doubts = []
    if money.price is not None and money.quantity is not None:
        full = money.price.amounts * money.quantity.amounts
        net = (
            full * (1 - money.discount.amounts.fillna(0) / 100)
            if money.has_percentages and money.discount is not None
            else full
        )
        if _share_equal(amounts, net) < MOSTLY and _share_equal(amounts, full) > MOSTLY:
            doubts.append(
                "The amount is price x quantity before the discount. Is that what was paid?"
            )
    if orders is not None and _is_repeated(amounts, orders):
        doubts.append(
            "The amount is the same on all lines of an order: it may be the order's total, which "
            "would be counted once per line."
        )
    return doubts


def _share_equal(left: pd.Series, right: pd.Series) -> float:
    known = left.notna() & right.notna()
    if not known.any():
        return 0.0
    close = np.isclose(left[known].abs(), right[known].abs(), rtol=0.001, atol=0.011)
    return float(close.mean())


def _is_repeated(amounts: pd.Series, orders: pd.Series) -> bool:
    lines = pd.DataFrame({"order": orders, "amount": amounts}).dropna()
    several = lines.groupby("order")["amount"].agg(["size", "nunique"]).query("size > 1")
    return len(several) >= 5 and float((several["nunique"] == 1).mean()) > 0.95


def guess_currency(money: Money, column: ColumnProfile | None) -> tuple[str | None, list[str]]:
    """The currency of the amounts, and doubts. `column`: the one that names it per row, if any."""
    if column is not None:
        counts = column.texts.dropna().value_counts()
        others = ", ".join(f"{n:,} x {code}" for code, n in counts.iloc[1:4].items())
        doubts = [f"Rows have other currencies than {counts.index[0]}: {others}."] if others else []
        return str(counts.index[0]), doubts
    priced = [c for c in (money.amount, money.price) if c is not None]
    named = [currency_in(c.name) or (c.numbers and c.numbers.currency) for c in priced]
    counted = Counter(code for code in named if code)
    return (counted.most_common(1)[0][0], []) if counted else (None, [])
