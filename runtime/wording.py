"""Counts in sentences."""

from __future__ import annotations


def plural(number: float, singular: str, several: str | None = None) -> str:
    """A count with its noun. `several` is the plural form; the default appends an s.

    >>> plural(1, "customer"), plural(1200, "customer"), plural(0, "key")
    ('1 customer', '1,200 customers', '0 keys')
    """
    return f"{number:,.0f} {singular if number == 1 else several or singular + 's'}"


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
