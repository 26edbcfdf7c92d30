"""Which as_of dates train, tune and test: split by time, no label reaching into the next date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from jobs.runtime.errors import UsageError


@dataclass(frozen=True)
class Schedule:
    """as_of dates of a training run, one horizon (and lead) apart; `train` ascending."""

    train: tuple[dt.date, ...]
    validation: dt.date
    test: dt.date

    @property
    def all_dates(self) -> tuple[dt.date, ...]:
        return (*self.train, self.validation, self.test)

    def split_of(self) -> dict[dt.date, str]:
        return {
            **dict.fromkeys(self.train, "train"),
            self.validation: "validation",
            self.test: "test",
        }


def schedule(
    as_of: dt.date, first_day: dt.date, horizon: int, lead: int, train_dates: int, history: int
) -> Schedule:
    """The last date whose label has passed by as_of tests, the one before tunes, the rest train.

    Dates stand horizon + lead days apart, so that no label window overlaps a later date's features
    of the same split. A date needs `history` days of events before it.
    """
    step = dt.timedelta(days=horizon + lead)
    earliest = first_day + dt.timedelta(days=history)
    dates = [as_of - step * n for n in range(1, train_dates + 3)]
    usable = [d for d in dates if d >= earliest]
    if len(usable) < 3:
        need = (earliest + step * 3).isoformat()
        raise UsageError(
            f"as_of {as_of}: a horizon of {horizon} days needs three dates with {history} days of "
            f"history before them (train, tune, test), and events begin on {first_day}. "
            f"Take an as_of from {need} on, or a shorter horizon."
        )
    test, validation, *train = usable
    return Schedule(tuple(sorted(train)), validation, test)
