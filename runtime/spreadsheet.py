"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

from runtime.formats import LOCALES, plain

# A spreadsheet reads a cell that begins with one of these as a formula; the last four are the
# full-width forms of = + - @.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def text_cell(text: str | None) -> str:
    """A text of one line that a spreadsheet shows, and never runs as a formula.

    >>> text_cell("=HYPERLINK(A1)"), text_cell("c-1"), text_cell(None)
    ("'=HYPERLINK(A1)", 'c-1', '')
    """
    if text is None:
        return ""
    is_formula = str(text).lstrip(" \u00a0").startswith(FORMULA_STARTS)
    return f"'{plain(text)}" if is_formula else plain(text)


def separator(locale: str) -> str:
    """The sign between columns: a semicolon where the locale has a decimal comma.

    >>> separator("en"), separator("de")
    (',', ';')
    """
    return ";" if LOCALES[locale][1] == "," else ","
