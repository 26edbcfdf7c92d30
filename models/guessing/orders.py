"""Guesses the source settings of an export of orders: mapping, key, and rows to leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from contracts.wording import plural
from models.guessing.columns import ColumnProfile, profiles
from models.guessing.dates import DateForms
from models.guessing.doubts import column_doubts
from models.guessing.keys import guess_key
from models.guessing.money import (
    UNITS,
    Money,
    amount_doubts,
    amount_expression,
    discount_expression,
    guess_currency,
)
from models.guessing.numbers import NumberForm
from models.guessing.outcomes import LeftOut, Returns, cancelled, guests, returns, totals
from models.guessing.roles import guess_roles, unfit

Roles = Mapping[str, tuple[ColumnProfile, float]]
# The columns of silver.transactions, in the order in which they are written.
TARGETS = (
    *("customer_id", "order_id", "line_number", "product_id", "purchased_at", "quantity"),
    *("amount", "discount"),
)
IN_KEYS = ("order_id", "line_number", "product_id")
REQUIRED = ("customer_id", "order_id", "purchased_at", "amount")


@dataclass(frozen=True)
class ColumnGuess:
    """One column of silver.transactions.

    expression: Spark SQL on the columns of the file. source: the column that it reads. confidence:
    0 to 1. samples: values of that column, masked if personal. doubts: sentences.
    """

    expression: str
    source: str
    confidence: float
    samples: tuple[str, ...]
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrdersGuess:
    """What is guessed about an export of orders.

    mapping: column of silver.transactions -> guess. missing: required columns without a guess.
    key: mapped columns that identify a line; (): none do. currency: ISO code; None: unknown.
    unused: columns that the mapping does not read -> samples. notes: facts. doubts: sentences that
    concern the whole source. roles: role, such as price -> its column.
    """

    mapping: Mapping[str, ColumnGuess]
    missing: tuple[str, ...]
    key: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    currency: str | None
    currency_column: str | None
    unused: Mapping[str, tuple[str, ...]]
    has_unused_personal: bool
    notes: tuple[str, ...]
    doubts: tuple[str, ...]
    roles: Mapping[str, str]


class ColumnChoiceError(ValueError):
    """A column that a person chose and that does not fit. The message has the fix."""


def guess_orders(rows: pd.DataFrame, given: Mapping[str, str | None] | None = None) -> OrdersGuess:
    """The guess from a sample of an export, with the file's columns as ingest names them.

    The sample is bounded by the caller. Texts are strings, missing values are null. given: role ->
    the column that a person chose for it; None: no column. ColumnChoiceError: it does not fit.
    """
    columns = profiles(rows)
    _check_choice(columns, given or {})
    roles = guess_roles(columns, given)
    left_out = _left_out(rows, columns, roles)
    kept = rows.index[~_is_left_out(rows, columns, roles)]
    money = Money(*(_column(roles, r) for r in ("amount", "quantity", "price", "discount")))
    order = _column(roles, "order_id")
    returned = _returns(roles, money, kept)
    mapping = _mapping(roles, money, returned, kept)
    key, key_doubts = guess_key({r: roles[r][0].texts.loc[kept] for r in IN_KEYS if r in mapping})
    used = {c for g in mapping.values() for c in g.source.split(", ")}
    used |= {c.name for r in ("status", "kind", "currency") if (c := _column(roles, r))}
    unused = {c.name: c.samples for c in columns if c.name not in used}
    currency, currency_doubts = guess_currency(money, _column(roles, "currency"))
    return OrdersGuess(
        mapping=mapping,
        missing=tuple(c for c in REQUIRED if c not in mapping),
        key=key,
        left_out=tuple(left_out),
        currency=currency,
        currency_column=c.sql if (c := _column(roles, "currency")) else None,
        unused=unused,
        has_unused_personal=any(c.is_personal for c in columns if c.name in unused),
        notes=tuple(_notes(returned, order)),
        doubts=(*key_doubts, *currency_doubts),
        roles={role: column.name for role, (column, _) in roles.items()},
    )


def _check_choice(columns: list[ColumnProfile], given: Mapping[str, str | None]) -> None:
    known = {column.name: column for column in columns}
    used: dict[str, str] = {}
    for role, name in given.items():
        if not name:
            continue
        if name not in known:
            raise ColumnChoiceError(
                f"{role}={name}: the file has no such column. It has {', '.join(known)}."
            )
        if name in used:
            raise ColumnChoiceError(
                f"{role}={name}: the column is already used as {used[name]}. Choose another one."
            )
        used[name] = role
        if fault := unfit(known[name], role):
            raise ColumnChoiceError(f"{role}={name}: the column {fault}. Choose another one.")


def _column(roles: Roles, role: str) -> ColumnProfile | None:
    return roles[role][0] if role in roles else None


# ---------------------------------------------------------------------- rows


def _left_out(rows: pd.DataFrame, columns: list[ColumnProfile], roles: Roles) -> list[LeftOut]:
    """Totals, then cancelled orders, then guests. A row is counted once."""
    names = {c.name: c.sql for c in columns if c.is_text and not (c.numbers or c.dates)}
    left_out = []
    remaining = rows
    if total := totals(remaining, names):
        left_out.append(total)
        remaining = remaining[~_has_text(remaining, total)]
    status, customer = _column(roles, "status"), _column(roles, "customer_id")
    if status and (out := cancelled(remaining[status.name], status.sql_text)):
        left_out.append(out)
    if customer and (out := guests(remaining[customer.name], customer.sql_text)):
        left_out.append(out)
    return left_out


def _has_text(rows: pd.DataFrame, total: LeftOut) -> pd.Series:
    texts = rows.astype("string").apply(lambda column: column.str.strip().eq(total.example))
    return texts.fillna(False).any(axis=1)


def _is_left_out(rows: pd.DataFrame, columns: list[ColumnProfile], roles: Roles) -> pd.Series:
    out = pd.Series(False, index=rows.index)
    for role in ("customer_id", "order_id"):
        if column := _column(roles, role):
            out |= column.texts.isna()
    return out


def _returns(roles: Roles, money: Money, kept: pd.Index) -> Returns | None:
    order, column = _column(roles, "order_id"), money.amount or money.price
    if order is None or column is None:
        return None
    amounts = column.amounts
    if money.amount is None and money.quantity is not None:
        amounts = amounts * money.quantity.amounts
    states = [c for r in ("status", "kind") if (c := _column(roles, r))]
    values = {c.sql_text: c.texts.loc[kept] for c in states}
    return returns(order.texts.loc[kept], amounts.loc[kept], values)


def _notes(returned: Returns | None, order: ColumnProfile | None) -> list[str]:
    if returned is None or order is None:
        return []
    how = (
        f"orders that begin with {returned.prefix}"
        if returned.prefix
        else f"{returned.column} = {', '.join(returned.values)}"
        if returned.values
        else "negative amounts"
    )
    lines = plural(returned.rows, "line")
    sign = "negative in the file" if returned.is_negative else "made negative by the mapping"
    return [f"Returns: {lines} of the sample ({how}). Their amounts are {sign}."]


# ---------------------------------------------------------------------- mapping


def _mapping(
    roles: Roles, money: Money, returned: Returns | None, kept: pd.Index
) -> dict[str, ColumnGuess]:
    order = _column(roles, "order_id")
    expressions: dict[str, str | None] = {
        "amount": amount_expression(money, returned, order.sql if order else ""),
        "discount": discount_expression(money),
    }
    guesses = {}
    for target in TARGETS:
        if target == "amount" and target not in roles and "price" in roles:
            column, confidence = roles["price"][0], 0.7 if money.quantity else 0.5
        elif target in roles:
            column, confidence = roles[target]
        else:
            continue
        text = expressions[target] if target in expressions else _expression(target, column)
        if text is None:
            continue
        doubts = column_doubts(target, column, confidence)
        if target == "amount":
            doubts += amount_doubts(money, order.texts.loc[kept] if order else None)
        guesses[target] = ColumnGuess(
            text, _sources(target, column, money), confidence, column.samples, tuple(doubts)
        )
    return guesses


def _sources(target: str, column: ColumnProfile, money: Money) -> str:
    others = [money.quantity, money.price] if target == "discount" and money.has_percentages else []
    if target == "amount" and money.amount is None:
        others = [money.quantity]
    return ", ".join([column.name, *(c.name for c in others if c is not None)])


def _expression(target: str, column: ColumnProfile) -> str:
    if target == "purchased_at":
        return (column.dates or DateForms((), ())).expression(column.sql)
    if target == "quantity":
        return (column.numbers or NumberForm()).expression(column.sql, UNITS)
    # pandas writes whole numbers as doubles if one is missing: 1.0 is customer 1.
    return f"cast({column.sql} as bigint)" if column.is_whole_double else column.sql
