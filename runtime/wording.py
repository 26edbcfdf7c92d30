"""Counts in sentences, texts that a terminal can show, and sentences of several commands."""

from __future__ import annotations

import unicodedata

from contracts.wording import plural, verb

__all__ = ["consent_unknown", "duration", "one_line", "plural", "shown_lines", "verb"]

# Control and format characters (a terminal executes some, U+202E reverses text), line and paragraph
# separators, and halves of surrogate pairs, which cannot be printed.
_NOT_SHOWN = ("Cc", "Cf", "Zl", "Zp", "Cs")


def duration(seconds: float) -> str:
    """Seconds as text.

    >>> duration(45.2), duration(434), duration(7260)
    ('45 s', '7 min 14 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


CONSENT_SETTING = (
    "Map is_opted_out, or set contact.when_consent_unknown: contact in conf to contact them."
)


def consent_unknown(number: int, customers: int, who: str) -> str:
    """How many of the customers are held back because their consent is unknown, and what helps.

    >>> consent_unknown(3, 10, "customers with an offer")
    '3 of 10 customers with an offer are held back from delivery: their consent is unknown \
(silver.customers.is_opted_out is null or there is no profile). Map is_opted_out, or set \
contact.when_consent_unknown: contact in conf to contact them.'
    """
    return (
        f"{number:,} of {customers:,} {who} are held back from delivery: their consent is unknown "
        f"(silver.customers.is_opted_out is null or there is no profile). {CONSENT_SETTING}"
    )


def one_line(text: str) -> str:
    """The text with ? for each character that is not shown, line ends included.

    A file name with a line end would otherwise add a line of its own to a log.

    >>> one_line("day1\\nwarning: all is well"), one_line("a\\x1b[31m"), one_line("na\\u202eme")
    ('day1?warning: all is well', 'a?[31m', 'na?me')
    """
    return "".join("?" if unicodedata.category(c) in _NOT_SHOWN else c for c in text)


def shown_lines(text: str) -> str:
    """`one_line` of each line of a message that has several."""
    return "\n".join(map(one_line, text.split("\n")))
