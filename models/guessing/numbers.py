"""Guesses how a column of texts writes its numbers, and the SQL expression that reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

# Signs and codes that stand beside an amount, with the currency that they name.
CURRENCIES = {
    **{"€": "EUR", "EUR": "EUR", "$": "USD", "US$": "USD", "USD": "USD", "£": "GBP", "GBP": "GBP"},
    **{"CHF": "CHF", "Fr.": "CHF", "zł": "PLN", "PLN": "PLN", "SEK": "SEK", "DKK": "DKK"},
    **{"NOK": "NOK", "¥": "JPY", "JPY": "JPY", "MXN": "MXN", "CAD": "CAD", "AUD": "AUD"},
}
_SIGNS = sorted(CURRENCIES, key=len, reverse=True)
# Spaces inside numbers: a plain one, a no-break space and a narrow one.
_SPACES = (" ", "\xa0", "\u202f")
_MINUS = "\u2212"
_CORE = re.compile(r"[-+]?(?=[\d.,])[\d.,']*\d-?|\([\d.,']*\d\)")
# Share of the values that must be numbers. Totals and typing errors are the others.
FEWEST = 0.9


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written.

    decimal: the decimal mark. removed: what stands between or beside the digits without meaning.
    contrary: a value that another decimal mark would explain better; "": none.
    """

    decimal: str = "."
    removed: tuple[str, ...] = ()
    has_parentheses: bool = False
    has_minus_behind: bool = False
    is_ambiguous: bool = False
    contrary: str = ""
    currency: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the texts are numbers as SQL writes them."""
        return self == NumberForm(is_ambiguous=self.is_ambiguous, contrary=self.contrary)

    def digits(self, column: str) -> str:
        """SQL: the text of the column as SQL writes a number."""
        text = column
        for mark in self.removed:
            text = f"replace({text}, {_quoted(mark)}, '')"
        if self.decimal == ",":
            text = f"replace({text}, ',', '.')"
        if self.has_parentheses:
            text = f"replace(replace({text}, '(', ''), ')', '')"
            return f"concat(if({column} like '(%', '-', ''), {text})"
        if self.has_minus_behind:
            return f"concat(if({column} like '%-%', '-', ''), replace({text}, '-', ''))"
        return text

    def expression(self, column: str, kind: str) -> str:
        """SQL: the number in a column of texts."""
        return column if self.is_plain else f"cast({self.digits(column)} as {kind})"

    def parsed(self, texts: pd.Series) -> pd.Series:
        """The numbers as doubles; NaN: not a number."""
        plain = texts.astype("string").str.strip()
        is_negative = plain.str.contains(r"^\(|-", regex=True)
        for mark in (*self.removed, "(", ")", "-", "+"):
            plain = plain.str.replace(mark, "", regex=False)
        if self.decimal == ",":
            plain = plain.str.replace(",", ".", regex=False)
        numbers = pd.to_numeric(plain, errors="coerce").astype("float64")
        return numbers.where(~is_negative.fillna(False).astype(bool), -numbers)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def guess_numbers(values: Sequence[str], decimal: str | None = None) -> NumberForm | None:
    """The form of the numbers, from the non-empty values of a column. None: they are no numbers.

    `decimal`: the mark of the file's other columns, which decides about texts such as 1.249.
    """
    cores, removed, signs = [], set(), Counter[str]()
    for value in values:
        core, beside = _split(value)
        if core:
            cores.append((core, value))
            removed |= beside
            signs.update(beside & CURRENCIES.keys())
    if not cores or len(cores) < FEWEST * len(values):
        return None
    votes = {(core, value): _mark(core) for core, value in cores}
    counts = Counter(mark for mark in votes.values() if mark in (".", ","))
    unclear = [value for (_, value), mark in votes.items() if mark == "?"]
    chosen = counts.most_common(1)[0][0] if counts else decimal or "."
    against = [value for (_, value), mark in votes.items() if mark not in ("", "?", chosen)]
    other = "." if chosen == "," else ","
    has_other = chosen == "," or any(other in core for core, _ in cores)
    marks = {other} if has_other and (counts or unclear) else set()
    marks |= {"'"} if any("'" in core for core, _ in cores) else set()
    return NumberForm(
        decimal=chosen if counts or unclear else ".",
        removed=tuple(sorted(removed | marks, key=lambda m: (-len(m), m))),
        has_parentheses=any(core[0] == "(" for core, _ in cores),
        has_minus_behind=any(core[-1] == "-" for core, _ in cores),
        is_ambiguous=not counts and bool(unclear) and decimal is None,
        contrary=against[0] if against else "",
        currency=CURRENCIES[signs.most_common(1)[0][0]] if signs else None,
    )


def _split(value: str) -> tuple[str, set[str]]:
    """The digits and marks of a number, and what stands beside them; empty: not a number."""
    text, beside = value.strip(), set[str]()
    for sign in _SIGNS:
        if sign in text:
            text, beside = text.replace(sign, "", 1).strip(), beside | {sign}
            break
    for sign in (*_SPACES, "%"):
        if sign in text:
            text, beside = text.replace(sign, ""), beside | {sign}
    # A space between a sign and a number is removed with the sign.
    if beside & CURRENCIES.keys():
        beside |= {space for space in _SPACES if space in value.strip()}
    return (text, beside) if _CORE.fullmatch(text) else ("", set())


def _mark(core: str) -> str:
    """The decimal mark of one number; "?" if 1.249 may be both, "" without any mark."""
    digits = core.strip("-+()").replace("'", "")
    marks = [c for c in digits if c in ".,"]
    if not marks:
        return ""
    if len(set(marks)) == 2:
        return marks[-1]
    mark = marks[0]
    other = "." if mark == "," else ","
    if len(marks) > 1:  # 1.249.000: the mark groups thousands
        return other
    before, _, after = digits.partition(mark)
    if len(after) != 3 or before in ("", "0") or len(before) > 3:
        return mark
    return "?"
