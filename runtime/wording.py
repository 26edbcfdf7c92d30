"""Counts in sentences, and texts that a terminal or a log can show."""

from __future__ import annotations

import unicodedata

# Control and format characters (a terminal executes some, U+202E reverses text), line and paragraph
# separators, and halves of surrogate pairs, which cannot be printed.
_NOT_SHOWN = ("Cc", "Cf", "Zl", "Zp", "Cs")


def plural(number: float, singular: str, several: str | None = None) -> str:
    """A count with its noun. `several` is the plural form; the default appends an s.

    >>> plural(1, "customer"), plural(1200, "customer"), plural(0, "key")
    ('1 customer', '1,200 customers', '0 keys')
    """
    return f"{number:,.0f} {singular if number == 1 else several or singular + 's'}"


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
