"""Counts in sentences."""

from __future__ import annotations


def plural(number: float, singular: str, several: str | None = None) -> str:
    """A count with its noun. `several` is the plural form; the default appends an s.

    >>> plural(1, "customer"), plural(1200, "customer"), plural(0, "key")
    ('1 customer', '1,200 customers', '0 keys')
    """
    return f"{number:,.0f} {verb(number, singular, several or singular + 's')}"


def verb(number: float, singular: str, several: str) -> str:
    """The form of a word that agrees with a count.

    >>> verb(1, "is", "are"), verb(0, "has", "have")
    ('is', 'have')
    """
    return singular if number == 1 else several
