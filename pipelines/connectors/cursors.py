"""Cursors (the value of a record that says when it changed) as whole numbers, and paths in JSON.

A time is counted in milliseconds since 1970 (UTC), any other cursor in its own unit.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from runtime.settings.fetch import CursorSettings

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)


def value_at(document: Any, path: str | None) -> Any:
    """The value at a path of keys. None: a key is missing, or its value is null.

    >>> value_at({"paging": {"next": {"after": "7"}}}, "paging.next.after")
    '7'
    >>> value_at({"paging": None}, "paging.next.after")
    """
    for key in path.split(".") if path else ():
        document = document.get(key) if isinstance(document, dict) else None
    return document


def cursor_of(value: Any, form: str) -> int | None:
    """The cursor of a record as a number. None: it is missing or not readable.

    A text that is no number is a time in ISO 8601, without a zone in UTC, whatever the form.

    >>> cursor_of("1970-01-01T00:00:01.500Z", "epoch_s"), cursor_of("1500", "epoch_ms")
    (1500, 1500)
    >>> cursor_of(2, "epoch_s"), cursor_of("x", "iso"), cursor_of(None, "iso")
    (2000, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value) if isinstance(value, float) else int(value)
        return int(number * 1000) if form == "epoch_s" else int(number)
    except ValueError:
        pass
    except OverflowError:
        return None
    try:
        moment = dt.datetime.fromisoformat(str(value))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None


def cursor_text(cursor: int, form: str) -> str:
    """A cursor as a request writes it, rounded down.

    >>> cursor_text(1500, "iso"), cursor_text(1500, "epoch_s"), cursor_text(1500, "epoch_ms")
    ('1970-01-01T00:00:01.500Z', '1', '1500')
    """
    if form == "iso":
        moment = _EPOCH + cursor * _MILLISECOND
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{cursor % 1000:03d}Z"
    return str(cursor // 1000 if form == "epoch_s" else cursor)


def overlap_of(settings: CursorSettings) -> int:
    """The overlap in the unit of the cursor."""
    return settings.overlap * (1 if settings.form == "number" else 1000)
