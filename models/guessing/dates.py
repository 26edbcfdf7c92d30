"""Guesses how a column of texts writes its dates, and the SQL expression that reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

_DATE = re.compile(
    r"(?P<first>\d{1,4})(?P<sep>[./-])(?P<second>\d{1,2})(?P=sep)(?P<third>\d{2,4})"
    r"(?:(?P<gap>T|,? )(?P<hour>\d{1,2}):\d{2}(?P<seconds>:\d{2})?(?P<fraction>[.,]\d{1,9})?"
    r"(?P<half> ?[AaPp][Mm])?)?(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)
_NAMED = re.compile(r"\d{1,2}(?P<sep>[ -])[A-Za-z]{3}(?P=sep)\d{4}")
_PACKED = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
ISO = "ISO"
# Share of the values that must be dates. Totals and typing errors are the others.
FEWEST = 0.9
# Most forms of one column. More than these are a sign of typing by hand.
MOST_FORMS = 4
# Spark's letters and those of strptime.
_LETTERS = {
    **{"yyyy": "%Y", "yy": "%y", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d"},
    **{"HH": "%H", "H": "%H", "h": "%I", "mm": "%M", "ss": "%S", "a": "%p"},
}


@dataclass(frozen=True)
class DateForms:
    """How the dates of a column are written.

    patterns: Spark's date patterns, the most frequent first; ISO stands for all that SQL reads by
    itself. examples: one value per pattern. is_ambiguous: 01/02/2024 may be January or February.
    """

    patterns: tuple[str, ...]
    examples: tuple[str, ...]
    is_ambiguous: bool = False
    has_times: bool = False
    has_zones: bool = False

    def expression(self, column: str) -> str:
        """SQL: the time in a column of texts."""
        if self.patterns == (ISO,):
            return column
        parts = [
            f"cast({column} as timestamp)" if p == ISO else f"to_timestamp({column}, '{p}')"
            for p in self.patterns
        ]
        return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"

    def parsed(self, texts: pd.Series) -> pd.Series:
        """The times in UTC; NaT: not a date."""
        times = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns, UTC]")
        for pattern in self.patterns:
            form = "ISO8601" if pattern == ISO else _strptime(pattern)
            read = pd.to_datetime(texts.str.strip(), format=form, errors="coerce", utc=True)
            times = times.fillna(read)
        return times


def _strptime(pattern: str) -> str:
    return re.sub(r"([A-Za-z])\1*", lambda m: _LETTERS[m[0]], pattern)


def guess_dates(values: Sequence[str], is_day_first: bool) -> DateForms | None:
    """The forms of the dates, from the non-empty values of a column. None: they are no dates.

    `is_day_first` decides about 01/02/2024 where no value of the column does.
    """
    matches = [(v, m) for v in values if (m := _DATE.fullmatch(v.strip()))]
    others = {v: p for v in values if (p := _other_pattern(v.strip()))}
    if len(matches) + sum(v in others for v in values) < FEWEST * max(1, len(values)):
        return None
    orders = {
        sep: _order([m for _, m in matches if m["sep"] == sep], sep, is_day_first) for sep in "./-"
    }
    short = _short_fields([m for _, m in matches])
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    named = [(v, _pattern(m, orders[m["sep"]][0], short)) for v, m in matches]
    for value, pattern in [*named, *((v, others[v]) for v in values if v in others)]:
        counts[pattern] += 1
        examples.setdefault(pattern, value.strip())
    patterns = tuple(p for p, _ in counts.most_common(MOST_FORMS))
    return DateForms(
        patterns,
        tuple(examples[p] for p in patterns),
        is_ambiguous=any(orders[m["sep"]][1] for _, m in matches if len(m["first"]) < 3),
        has_times=any(m["hour"] is not None for _, m in matches),
        has_zones=any(m["zone"] for _, m in matches),
    )


def _other_pattern(value: str) -> str | None:
    if named := _NAMED.fullmatch(value):
        return f"d{named['sep']}MMM{named['sep']}yyyy"
    return "yyyyMMdd" if _PACKED.fullmatch(value) else None


def _order(matches: Sequence[re.Match[str]], sep: str, is_day_first: bool) -> tuple[bool, bool]:
    """Whether the day comes first, and whether no value tells."""
    pairs = [(int(m["first"]), int(m["second"])) for m in matches if len(m["first"]) < 3]
    day_first = sum(first > 12 for first, _ in pairs)
    month_first = sum(second > 12 for _, second in pairs)
    if day_first or month_first:
        return day_first >= month_first, bool(day_first and month_first)
    # Dates with dots are written with the day first everywhere.
    return (True, False) if sep == "." else (is_day_first, bool(pairs))


def _short_fields(matches: Sequence[re.Match[str]]) -> dict[str, bool]:
    """Whether days, months or hours are written with one digit."""
    days = any(len(m[name]) == 1 for m in matches for name in ("first", "second"))
    hours = any(m["hour"] is not None and len(m["hour"]) == 1 for m in matches)
    return {"days": days, "hours": hours}


def _pattern(match: re.Match[str], is_day_first: bool, short: dict[str, bool]) -> str:
    sep, day, month = match["sep"], *(("d", "M") if short["days"] else ("dd", "MM"))
    if len(match["first"]) > 2:
        if sep == "-" and not match["half"]:
            return ISO
        date = f"yyyy{sep}{month}{sep}{day}"
    else:
        year = "yyyy" if len(match["third"]) == 4 else "yy"
        date = sep.join((day, month, year) if is_day_first else (month, day, year))
    if match["hour"] is None:
        return date
    half = match["half"]
    hour = "h" if half else "H" if short["hours"] else "HH"
    time = f"{hour}:mm{':ss' if match['seconds'] else ''}"
    behind = f"{' ' if half.startswith(' ') else ''}a" if half else ""
    return f"{date}{match['gap']}{time}{behind}"
