"""Which as_of dates train, tune and test: split by time, no label reaching into the next date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.settings import Settings


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

    def split_judged(self, chosen_by: Schedule) -> str:
        """What figures of the test date are to call their split: `test`, or `validation` where the
        date had a part in `chosen_by`, on whose dates learner and parameters were chosen."""
        return "validation" if self.test in (*chosen_by.train, chosen_by.validation) else "test"


def schedule(
    as_of: dt.date,
    first_day: dt.date,
    horizon: int,
    lead: int,
    train_dates: int,
    history: int,
    grid_days: int | None = None,
) -> Schedule:
    """The last date whose label has passed by as_of tests, the one before tunes, the rest train.

    Dates stand on one grid for all horizons, grid_days (else horizon) + lead apart: every date of
    it, or every second, third, ... for a longer horizon, so that no label window reaches into a
    later date's.
    A date needs `history` days of events before it.
    """
    grid = (grid_days or horizon) + lead
    step = dt.timedelta(days=grid * -(-(horizon + lead) // grid))
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


def plans(settings: Settings, as_of: dt.date, first_day: dt.date) -> dict[int, Schedule]:
    """The schedule of each horizon of conf (days), the primary one first.

    UsageError where the primary horizon has too little history; another is left out then.
    """
    churn, training = settings.churn, settings.training
    primary = churn.primary_horizon_days
    found: dict[int, Schedule] = {}
    for horizon in sorted(churn.horizons_days, key=lambda days: (days != primary, days)):
        try:
            found[horizon] = schedule(
                as_of,
                first_day,
                horizon,
                churn.lead_days,
                training.train_dates,
                training.min_history_days,
                primary,
            )
        except UsageError:
            if horizon == primary:
                raise
    return found
