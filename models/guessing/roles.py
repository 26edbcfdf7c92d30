"""Guesses which column holds what: customer, order, article, time, amount and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.guessing.columns import ColumnProfile
from models.guessing.headers import confidence

# In this order, so that `Order ID` is the order before it could be anything else.
ROLES = (
    *("order_id", "customer_id", "line_number", "product_id", "purchased_at", "amount", "quantity"),
    *("price", "discount", "status", "kind", "currency"),
)
_NUMERIC = frozenset(("amount", "quantity", "price", "discount"))


def guess_roles(
    columns: Sequence[ColumnProfile], given: Mapping[str, str | None] | None = None
) -> dict[str, tuple[ColumnProfile, float]]:
    """Role -> its column and the confidence, 0 to 1. A column has one role. A role may lack one.

    given: the column of a role, which is not guessed; None: the role has no column.
    """
    stated = given or {}
    places = {column.name: place for place, column in enumerate(columns)}
    chosen = {role: (columns[places[name]], 1.0) for role, name in stated.items() if name}
    taken = {places[name] for name in stated.values() if name}
    scored = [
        (score, -ROLES.index(role), -place, role)
        for place, column in enumerate(columns)
        for role in ROLES
        if role not in stated and (score := _score(column, role)) > 0
    ]
    for score, _, place, role in sorted(scored, reverse=True):
        if role not in chosen and -place not in taken:
            chosen[role] = (columns[-place], score)
            taken.add(-place)
    return _with_only_date(chosen, columns, taken, stated=stated)


def unfit(column: ColumnProfile, role: str) -> str | None:
    """Why a column cannot have a role that a person gave it. None: it can.

    The text completes the sentence `<column> ...`.
    """
    if column.texts.notna().sum() == 0:
        return "has no values"
    if role == "purchased_at" and not column.dates:
        return "holds no dates that are recognised"
    if role in _NUMERIC and not column.numbers:
        return "holds no numbers"
    return None


def _score(column: ColumnProfile, role: str) -> float:
    if unfit(column, role):
        return 0.0
    if role not in _NUMERIC and role != "purchased_at" and column.dates and not column.numbers:
        return 0.0
    if role == "customer_id" and column.is_personal and not confidence(column.name, "email"):
        return min(0.3, confidence(column.name, role))
    return confidence(column.name, role)


def _with_only_date(
    chosen: dict[str, tuple[ColumnProfile, float]],
    columns: Sequence[ColumnProfile],
    taken: set[int],
    *,
    stated: Mapping[str, str | None],
) -> dict[str, tuple[ColumnProfile, float]]:
    """Without a header that names the time of purchase: the only column of dates, or an e-mail."""
    dated = [c for i, c in enumerate(columns) if c.dates and not c.numbers and i not in taken]
    if "purchased_at" not in {*chosen, *stated} and dated:
        chosen["purchased_at"] = (dated[0], 0.5 if len(dated) == 1 else 0.3)
    mails = [c for i, c in enumerate(columns) if i not in taken and confidence(c.name, "email")]
    if "customer_id" not in {*chosen, *stated} and mails:
        chosen["customer_id"] = (mails[0], 0.5)
    return chosen
