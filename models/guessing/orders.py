"""Guesses the source settings of an export of orders: mapping, key, and rows to leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from models.guessing.columns import ColumnProfile, profiles
from models.guessing.dates import DateForms
from models.guessing.headers import currency_in
from models.guessing.money import (
    UNITS,
    Money,
    amount_doubts,
    amount_expression,
    discount_expression,
)
from models.guessing.numbers import NumberForm
from models.guessing.outcomes import LeftOut, Returns, cancelled, guests, returns, totals
from models.guessing.roles import guess_roles

Roles = Mapping[str, tuple[ColumnProfile, float]]
# The columns of silver.transactions, in the order in which they are written.
TARGETS = (
    *("customer_id", "order_id", "line_number", "product_id", "purchased_at", "quantity"),
    *("amount", "discount"),
)
REQUIRED = ("customer_id", "order_id", "purchased_at", "amount")
# Share of lines that may repeat the number of another line, by mistake.
MOST_REPEATED = 0.02
# Below this confidence a guess is a doubt.
SURE = 0.65


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
    concern the whole source.
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


def guess_orders(rows: pd.DataFrame) -> OrdersGuess:
    """The guess from a sample of an export, with the file's columns as ingest names them.

    The sample is bounded by the caller. Texts are strings, missing values are null.
    """
    columns = profiles(rows)
    roles = guess_roles(columns)
    left_out = _left_out(rows, columns, roles)
    kept = rows.index[~_is_left_out(rows, columns, roles)]
    money = Money(*(_column(roles, r) for r in ("amount", "quantity", "price", "discount")))
    order = _column(roles, "order_id")
    returned = _returns(roles, money, kept)
    mapping = _mapping(roles, money, returned, kept)
    key, key_doubts = _key(mapping, roles, kept)
    used = {c for g in mapping.values() for c in g.source.split(", ")}
    used |= {c.name for r in ("status", "kind", "currency") if (c := _column(roles, r))}
    unused = {c.name: c.samples for c in columns if c.name not in used}
    currency, currency_doubts = _currency(columns, roles)
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
    )


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
    sign = "negative in the file" if returned.is_negative else "made negative by the mapping"
    return [f"Returns: {returned.rows:,} lines of the sample ({how}). Their amounts are {sign}."]


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
        doubts = _doubts(target, column, confidence)
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


def _doubts(target: str, column: ColumnProfile, confidence: float) -> list[str]:
    doubts = []
    if confidence < SURE:
        doubts.append(f"Only guessed: does {column.name} hold the {target}?")
    dates, numbers = column.dates, column.numbers
    if target == "purchased_at" and dates:
        if dates.is_ambiguous:
            first = "day" if dates.patterns[0][0] == "d" else "month"
            doubts.append(
                f"{dates.examples[0]} is read with the {first} first. No value shows whether the "
                "day or the month comes first."
            )
        if dates.has_times and not dates.has_zones:
            doubts.append("The times have no zone. They are read as UTC unless time_zone is set.")
        unread = column.texts.notna() & dates.parsed(column.texts).isna()
        if unread.any():
            doubts.append(f"No date: {column.texts[unread].iloc[0]!r}.")
    if target in ("amount", "quantity", "discount") and numbers:
        if numbers.is_ambiguous:
            doubts.append(
                f"{column.samples[0]} is read with {_mark(numbers)} as decimal mark. No value "
                "shows which mark it is."
            )
        if numbers.contrary:
            doubts.append(
                f"{numbers.contrary!r} seems to have another decimal mark than the other values, "
                f"which have {_mark(numbers)}."
            )
    if target == "customer_id" and column.is_personal:
        doubts.append("The customer is identified by personal data. A customer number is better.")
    return doubts


def _mark(form: NumberForm) -> str:
    return "a comma" if form.decimal == "," else "a point"


# ---------------------------------------------------------------------- key and currency


def _key(
    mapping: Mapping[str, ColumnGuess], roles: Roles, kept: pd.Index
) -> tuple[tuple[str, ...], list[str]]:
    """The mapped columns that identify a line, and doubts about them."""
    if "order_id" not in mapping:
        return (), []
    texts = {
        r: roles[r][0].texts.loc[kept]
        for r in ("order_id", "line_number", "product_id")
        if r in mapping
    }
    for key in (("order_id", "line_number"), ("order_id", "product_id"), ("order_id",)):
        if all(c in texts for c in key):
            lines = pd.DataFrame({c: texts[c] for c in key})
            if not lines.duplicated().any():
                return key, []
            repeated = int(lines.duplicated(keep=False).sum())
            if key[-1] == "line_number" and repeated <= MOST_REPEATED * len(lines):
                return key, [
                    f"{repeated:,} lines of the sample have the same order_id and line_number as "
                    "another. Ingest keeps the first of each."
                ]
            if len(key) == 2:
                return (), [
                    f"No key: {repeated:,} lines of the sample have the same {' and '.join(key)} "
                    "as another, and a key would keep only one of them. Without a key, do not "
                    "deliver a row twice."
                ]
    doubt = "No key: one order has several lines. Without a key, do not deliver a row twice."
    return (), [doubt]


def _currency(columns: list[ColumnProfile], roles: Roles) -> tuple[str | None, list[str]]:
    if column := _column(roles, "currency"):
        counts = column.texts.dropna().value_counts()
        others = ", ".join(f"{n:,} x {code}" for code, n in counts.iloc[1:4].items())
        doubts = [f"Rows have other currencies than {counts.index[0]}: {others}."] if others else []
        return str(counts.index[0]), doubts
    money = [roles[r][0] for r in ("amount", "price") if r in roles]
    named = [currency_in(c.name) or (c.numbers and c.numbers.currency) for c in money]
    counted = Counter(code for code in named if code)
    return (counted.most_common(1)[0][0], []) if counted else (None, [])
