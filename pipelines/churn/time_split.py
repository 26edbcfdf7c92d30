"""Split by time: the as_of dates that train, validate and test.

No label window of a train date reaches beyond the validation date, and none of the validation date
beyond the test date.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.errors import UsageError
from runtime.wording import plural

if TYPE_CHECKING:
    from runtime.settings import Settings


@dataclass(frozen=True)
class Schedule:
    """The as_of dates of one horizon in a training run. `train` and `refit` are ascending.

    refit: dates between `train` and `validation`. Their labels pass after the validation date but
    by the test date, so only the final fit uses them. Empty if the horizon is one step of the grid.
    """

    train: tuple[dt.date, ...]
    validation: dt.date
    test: dt.date
    refit: tuple[dt.date, ...] = ()

    @property
    def known_dates(self) -> tuple[dt.date, ...]:
        """The dates of the final fit: all but the test date."""
        return (*self.train, *self.refit, self.validation)

    @property
    def all_dates(self) -> tuple[dt.date, ...]:
        return (*self.known_dates, self.test)

    def split_of(self) -> dict[dt.date, str]:
        return {
            **dict.fromkeys(self.train, "train"),
            **dict.fromkeys(self.refit, "refit"),
            self.validation: "validation",
            self.test: "test",
        }

    def split_judged(self, chosen_by: Schedule) -> str:
        """The split that metrics on the test date are reported as: `test`, or `validation`.

        `validation` if `chosen_by`, the schedule that chose learner and parameters, trained or
        validated on that date.
        """
        return "validation" if self.test in chosen_by.known_dates else "test"

    def tested_on(self, day: dt.date, days: int) -> Schedule | None:
        """The schedule that tests on `day`, an earlier date, with this schedule's dates before it.

        days: horizon + lead. Only dates whose labels had passed by `day` are used. None if there
        are too few for training and validation.
        """
        span = dt.timedelta(days=days)
        passed = [d for d in self.known_dates if d + span <= day]
        train = tuple(d for d in passed if d + span <= passed[-1])
        if not train:
            return None
        refit = tuple(d for d in passed[:-1] if d not in train)
        return Schedule(train, passed[-1], day, refit)


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
    """The last date whose label has passed by as_of tests, the last passed by then validates.

    Up to train_dates dates train: the last ones whose label has passed by the validation date. The
    dates between them and the validation date are `refit`.

    All horizons use one grid of dates, grid_days (default: horizon) + lead apart. A longer horizon
    tests and validates on every second, third, ... date. Its train dates are one grid step apart:
    their label windows overlap each other, but do not reach beyond the validation date.
    A date needs `history` days of events before it. UsageError if fewer than three dates have them.
    """
    grid = dt.timedelta(days=(grid_days or horizon) + lead)
    steps = -(-(horizon + lead) // grid.days)
    earliest = first_day + dt.timedelta(days=history)

    def back(first: int, last: int) -> tuple[dt.date, ...]:
        """The dates with enough history, from `last` to `first` grid steps before as_of."""
        dates = [as_of - grid * n for n in range(last, first - 1, -1)]
        return tuple(d for d in dates if d >= earliest)

    train = back(3 * steps, 3 * steps + train_dates - 1)
    if not train:
        need = (earliest + grid * (3 * steps)).isoformat()
        raise UsageError(
            f"as_of {as_of}: a horizon of {plural(horizon, 'day')} needs three dates (train, "
            "tune, test) "
            f"with {plural(history, 'day')} of history each, but events begin on {first_day}. "
            f"Use as_of {need} or later, or a shorter horizon."
        )
    (test,), (validation,) = back(steps, steps), back(2 * steps, 2 * steps)
    return Schedule(train, validation, test, back(2 * steps + 1, 3 * steps - 1))


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
