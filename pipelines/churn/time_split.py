"""Split by time: the as_of dates that train, validate and test. Label windows do not overlap."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.settings import Settings


@dataclass(frozen=True)
class Schedule:
    """The as_of dates of a training run, one horizon plus lead apart. `train` is ascending."""

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
        """The split that metrics on the test date are reported as: `test`, or `validation`.

        `validation` if `chosen_by`, the schedule that chose learner and parameters, trained or
        validated on that date.
        """
        return "validation" if self.test in (*chosen_by.train, chosen_by.validation) else "test"


def schedule(
    as_of: dt.date,
    first_day: dt.date,
    horizon: int,
    *,
    lead: int,
    train_dates: int,
    history: int,
    grid_days: int | None = None,
) -> Schedule:
    """The last date whose label has passed by as_of tests, the one before validates, others train.

    All horizons use one grid of dates, grid_days (default: horizon) + lead apart. A longer horizon
    uses every second, third, ... date, so that no label window reaches into the next date's.
    A date needs `history` days of events before it. UsageError if fewer than three dates have them.
    """
    grid = (grid_days or horizon) + lead
    step = dt.timedelta(days=grid * -(-(horizon + lead) // grid))
    earliest = first_day + dt.timedelta(days=history)
    dates = [as_of - step * n for n in range(1, train_dates + 3)]
    usable = [d for d in dates if d >= earliest]
    if len(usable) < 3:
        need = (earliest + step * 3).isoformat()
        raise UsageError(
            f"as_of {as_of}: a horizon of {horizon} days needs three dates (train, tune, test) "
            f"with {history} days of history each, but events begin on {first_day}. "
            f"Use as_of {need} or later, or a shorter horizon."
        )
    test, validation, *train = usable
    return Schedule(tuple(sorted(train)), validation, test)


def plans(settings: Settings, as_of: dt.date, first_day: dt.date) -> dict[int, Schedule]:
    """The schedule of each horizon of conf (days), the primary one first.

    UsageError if the history is too short for the primary horizon. Other horizons with too short a
    history are left out.
    """
    churn, training = settings.churn, settings.training
    primary = churn.primary_horizon_days
    schedules: dict[int, Schedule] = {}
    for horizon in sorted(churn.horizons_days, key=lambda days: (days != primary, days)):
        try:
            schedules[horizon] = schedule(
                as_of,
                first_day,
                horizon,
                lead=churn.lead_days,
                train_dates=training.train_dates,
                history=training.min_history_days,
                grid_days=primary,
            )
        except UsageError:
            if horizon == primary:
                raise
    return schedules
