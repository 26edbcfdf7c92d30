"""What the values of each column are: numbers, dates, or texts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from models.guessing.dates import ISO, DateForms, guess_dates
from models.guessing.headers import is_personal, words
from models.guessing.numbers import NumberForm, guess_numbers
from models.guessing.outcomes import PLACEHOLDERS

# Values of a column that are looked at: the different ones, in the order of the file.
MOST_VALUES = 5_000
# Sample values that are shown, and their length.
MOST_SHOWN, LONGEST_SHOWN = 3, 30
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Names that would be read as something else where they begin an expression.
_WORDS = frozenset(
    (
        *("case", "cast", "date", "timestamp", "interval", "not", "null", "true", "false"),
        *("exists", "user", "order", "group", "from", "select", "where", "current_date"),
    )
)
_FOREIGN = re.compile(
    r"\b(?:datum|kunden?|bestell\w*|artikel|menge|betrag|preis|fecha|cliente|pedido|cantidad|importe|"
    r"client|commande|quantite|montant|prix)\b"
)


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the sample.

    texts: the values without blanks around them; placeholders such as "-" and "" are missing.
    is_text: whether the file has texts here, not numbers or times. is_whole_double: whether it has
    doubles without decimals.
    """

    name: str
    texts: pd.Series
    is_text: bool
    is_whole_double: bool
    numbers: NumberForm | None
    dates: DateForms | None
    is_personal: bool

    @property
    def sql(self) -> str:
        """The column as an expression names it."""
        is_plain = _PLAIN_NAME.fullmatch(self.name) and self.name.lower() not in _WORDS
        return self.name if is_plain else f"`{self.name}`"

    @property
    def sql_text(self) -> str:
        """The column as a text."""
        return self.sql if self.is_text else f"cast({self.sql} as string)"

    @property
    def samples(self) -> tuple[str, ...]:
        """The first different values, masked if they are personal."""
        values = [str(v)[:LONGEST_SHOWN] for v in self.texts.dropna().unique()[:MOST_SHOWN]]
        return tuple(dict.fromkeys(masked(v) if self.is_personal else v for v in values))

    @property
    def amounts(self) -> pd.Series:
        """The values as doubles; NaN where they are no numbers."""
        return (self.numbers or NumberForm()).parsed(self.texts)


def masked(value: str) -> str:
    """The form of a value without its content.

    >>> masked("Anna.Huber@web.de"), masked("+49 89 123")
    ('A***.*****@***.**', '+** ** ***')
    """
    return value[:1].translate(_DIGITS) + re.sub(r"\w", "*", value[1:])


_DIGITS = str.maketrans("0123456789", "*" * 10)


def profiles(rows: pd.DataFrame) -> list[ColumnProfile]:
    """The profile of every column. Columns are texts, numbers or times, as the file has them."""
    typed = {name: _typed(rows[name]) for name in rows.columns}
    texts = {name: _texts(rows[name]) for name in rows.columns}
    values = {name: [*texts[name].dropna().unique()[:MOST_VALUES]] for name in rows.columns}
    first = {name: guess_numbers(v) for name, v in values.items() if not typed[name]}
    known = [f.decimal for f in first.values() if f and not f.is_ambiguous and _has_decimals(f)]
    decimal = Counter(known).most_common(1)[0][0] if known else None
    is_day_first = decimal == "," or any(_FOREIGN.search(words(name)) for name in rows.columns)
    return [
        ColumnProfile(
            name,
            texts[name],
            typed[name] is None,
            _is_whole_double(rows[name]),
            *(
                typed[name]
                or (guess_numbers(values[name], decimal), guess_dates(values[name], is_day_first))
            ),
            is_personal(name) or _holds_emails(values[name]),
        )
        for name in rows.columns
    ]


def _has_decimals(form: NumberForm) -> bool:
    return not form.is_plain or form.decimal == ","


def _typed(values: pd.Series) -> tuple[NumberForm | None, DateForms | None] | None:
    """Numbers and times that the file stores as such. None: texts."""
    if pd.api.types.is_bool_dtype(values):
        return None, None
    if pd.api.types.is_numeric_dtype(values):
        return NumberForm(), None
    if pd.api.types.is_datetime64_any_dtype(values):
        has_times = bool((values.dropna().dt.normalize() != values.dropna()).any())
        has_zones = isinstance(values.dtype, pd.DatetimeTZDtype)
        return None, DateForms((ISO,), ("",), has_times=has_times, has_zones=has_zones)
    return None


def _is_whole_double(values: pd.Series) -> bool:
    known = values.dropna() if pd.api.types.is_float_dtype(values) else pd.Series(dtype="float64")
    return bool(len(known) and (known % 1 == 0).all())


def _texts(values: pd.Series) -> pd.Series:
    texts = values.astype("string").str.strip()
    return texts.mask(texts.isin(["", *PLACEHOLDERS]))


def _holds_emails(values: list[str]) -> bool:
    some = values[:100]
    return bool(some) and sum(bool(_EMAIL.fullmatch(v)) for v in some) > len(some) / 2
