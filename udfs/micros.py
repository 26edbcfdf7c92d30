"""Times as whole microseconds since 1970 (UTC): exact, and the same in every session's zone."""

from __future__ import annotations

import datetime as dt

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


def micros_of(moment: dt.datetime) -> int:
    """Microseconds since 1970 of a time with its zone.

    >>> micros_of(dt.datetime(1970, 1, 2, tzinfo=dt.UTC))
    86400000000
    """
    return (moment - EPOCH) // MICROSECOND


def moment_of(micros: int) -> dt.datetime:
    """The time (UTC) of microseconds since 1970.

    >>> moment_of(86400000000)
    datetime.datetime(1970, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return EPOCH + micros * MICROSECOND
