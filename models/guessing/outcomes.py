"""Guesses which rows of an export are no purchases: totals, cancelled orders, guests, returns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from models.guessing.headers import words


def _one_of(texts: str) -> re.Pattern[str]:
    """A pattern of words that are separated by commas. A final * stands for any ending."""
    return re.compile("|".join(t.strip().replace("*", r"\w*") for t in texts.split(",")))


# Words of a status, as `words` gives them, in English, German, French and Spanish.
_CANCELLED = _one_of(
    "cancel*, void*, rejected, declined, failed, abandoned, deleted, storn*, annul*, abgebrochen, "
    "abgelehnt, fehlgeschlagen, geloscht, refuse*, supprime*, abandonne*, anulad*, rechazad*"
)
_RETURNED = _one_of(
    "return*, refund*, credit, credit note, credit memo, retour*, ruckgabe, ruckerstatt*, "
    "gutschrift, avoir, rembours*, devolucion, devuelt*, reembols*, abono"
)
_TOTAL = _one_of(
    "total, totals, grand total, subtotal, sub total, sum, summe, gesamt, gesamtsumme, endsumme, "
    "zwischensumme, summe gesamt, somme, total general, sous total, suma"
)
_GUEST = _one_of(
    "0, 00*, guest, none, null, n a, na, unknown, walk in, walkin, gast, gastbestellung, "
    "gastkonto, anonym*, unbekannt, laufkunde, barverkauf, invite, inconnu, invitado, desconocido"
)
# Texts that stand for a missing value.
PLACEHOLDERS = frozenset(("-", "\u2013", "--", "n/a", "N/A", "NULL", "null", "None", "#N/A", "?"))
# A status with more different values is no status.
MOST_STATUSES = 40


@dataclass(frozen=True)
class LeftOut:
    """Rows that are no purchases of a known customer.

    condition: SQL that is true for all other rows, never null. rows: how many of the sample.
    example: the value that shows it.
    """

    reason: str
    condition: str
    rows: int
    example: str


def _matching(values: pd.Series, form: re.Pattern[str]) -> list[str]:
    """The different values of a column that mean what the pattern says, the most frequent first."""
    counts = values.dropna().astype(str).str.strip().value_counts()
    return [v for v in counts.index[: MOST_STATUSES + 1] if form.fullmatch(words(v))]


def _sql_texts(values: Sequence[str]) -> str:
    return ", ".join("'" + v.replace("\\", "\\\\").replace("'", "\\'") + "'" for v in values)


def _other_than(column: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f"coalesce(trim({column}), '') <> {_sql_texts(values)}"
    return f"coalesce(trim({column}), '') not in ({_sql_texts(values)})"


def totals(rows: pd.DataFrame, names: dict[str, str]) -> LeftOut | None:
    """Lines with a sum: the word stands where an order, a customer or an article is expected.

    `names`: column -> the column in SQL.
    """
    for column, name in names.items():
        texts = rows[column].dropna().astype(str).str.strip()
        hits = [v for v in texts.unique() if not v.isdigit() and _TOTAL.fullmatch(words(v))]
        if hits:
            number = int(texts.isin(hits).sum())
            return LeftOut("as a total", _other_than(name, hits), number, hits[0])
    return None


def cancelled(values: pd.Series, name: str) -> LeftOut | None:
    """Rows whose status says that the order was cancelled."""
    if values.nunique() > MOST_STATUSES or not (hits := _matching(values, _CANCELLED)):
        return None
    number = int(values.dropna().astype(str).str.strip().isin(hits).sum())
    return LeftOut("as cancelled", _other_than(name, hits), number, hits[0])


def guests(values: pd.Series, name: str) -> LeftOut | None:
    """Rows without a customer: the number is missing, or says that the buyer is a guest."""
    texts = values.astype("string").str.strip().fillna("")
    # Where customer 1 exists, customer 0 is a customer too.
    is_counted = bool((texts == "1").any())
    hits = [v for v in _matching(values, _GUEST) if v.strip("0") or not is_counted]
    hits += [v for v in texts.unique() if v in PLACEHOLDERS and v not in hits]
    number = int(((texts == "") | texts.isin(hits)).sum())
    if not number:
        return None
    return LeftOut(
        "without a customer", _other_than(name, ["", *hits]), number, hits[0] if hits else ""
    )


@dataclass(frozen=True)
class Returns:
    """How returned goods are written.

    prefix: what their order numbers begin with. words_in: (column, its values) that say so.
    is_negative: their amounts are negative already.
    """

    rows: int
    is_negative: bool
    prefix: str = ""
    column: str = ""
    values: tuple[str, ...] = ()

    def condition(self, order: str, column: str) -> str:
        """SQL that is true for a returned line. `order` and `column` are names in SQL."""
        if self.values:
            return f"trim({column}) in ({_sql_texts(self.values)})"
        return f"{order} like '{self.prefix}%'"


def returns(
    orders: pd.Series, amounts: pd.Series, statuses: dict[str, pd.Series]
) -> Returns | None:
    """Returned lines, by a word in one of the status columns or by the order's prefix."""
    for column, values in statuses.items():
        if values.nunique() <= MOST_STATUSES and (hits := _matching(values, _RETURNED)):
            marked = values.astype("string").str.strip().isin(hits).fillna(False).astype(bool)
            return Returns(
                int(marked.sum()), _is_negative(amounts[marked]), "", column, tuple(hits)
            )
    texts = orders.astype("string").str.strip()
    prefixes = texts.str.extract(r"^([A-Za-z]{1,3})[-_]?\d", expand=False)
    of_negative = prefixes[amounts < 0].dropna().unique()
    is_named = prefixes.str.upper().str[0].isin(["R", "G"])
    marked = (is_named | prefixes.isin(of_negative)).fillna(False).astype(bool)
    # Prefixes that most orders have tell nothing.
    if marked.any() and marked.mean() < 0.5:
        prefix = prefixes[marked].mode().iloc[0]
        marked = prefixes.eq(prefix).fillna(False).astype(bool)
        return Returns(int(marked.sum()), _is_negative(amounts[marked]), prefix)
    number = int((amounts < 0).sum())
    return Returns(number, True) if number else None


def _is_negative(amounts: pd.Series) -> bool:
    known = amounts.dropna()
    return bool(len(known) and (known <= 0).mean() > 0.5)
