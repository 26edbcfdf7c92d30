"""The as_of dates that train, validate and test."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest

from pipelines.churn.time_split import Schedule, plans, schedule
from runtime.errors import UsageError
from runtime.settings import load

AS_OF, FIRST = dt.date(2018, 1, 1), dt.date(2017, 1, 1)


def days_before(*numbers):
    return [AS_OF - dt.timedelta(days=n) for n in numbers]


def test_dates_stand_a_horizon_apart_and_the_last_tests():
    made = schedule(AS_OF, FIRST, horizon=30, lead=0, train_dates=3, history=30)
    *train, validation, test = days_before(150, 120, 90, 60, 30)
    assert made == Schedule(tuple(train), validation, test)
    assert made.all_dates == tuple(days_before(150, 120, 90, 60, 30))


def test_the_lead_moves_them_apart_so_that_the_last_label_has_passed_by_as_of():
    made = schedule(AS_OF, FIRST, horizon=30, lead=14, train_dates=1, history=30)
    assert list(made.all_dates) == days_before(3 * 44, 2 * 44, 44)
    # The test label covers [test + 14, test + 44), which ends at as_of.
    assert made.test + dt.timedelta(days=14 + 30) == AS_OF


def test_each_date_has_one_split():
    made = schedule(AS_OF, FIRST, horizon=30, lead=0, train_dates=2, history=30)
    fourth, third, second, last = days_before(120, 90, 60, 30)
    assert made.split_of() == {fourth: "train", third: "train", second: "validation", last: "test"}


def test_a_date_without_enough_history_before_it_is_left_out():
    # 365 - 90 = 275 days lie between the first day and the third date back.
    enough = schedule(AS_OF, FIRST, horizon=30, lead=0, train_dates=5, history=275)
    assert list(enough.train) == days_before(90)
    one_day_more = {"horizon": 30, "lead": 0, "train_dates": 5, "history": 276}
    with pytest.raises(UsageError):
        schedule(AS_OF, FIRST, **one_day_more)


def test_too_short_a_history_is_refused_with_the_first_day_that_would_do():
    with pytest.raises(UsageError) as error:
        schedule(dt.date(2017, 3, 1), FIRST, horizon=30, lead=0, train_dates=5, history=30)
    assert str(error.value) == (
        "as_of 2017-03-01: a horizon of 30 days needs three dates (train, tune, test) with 30 days "
        "of history each, but events begin on 2017-01-01. "
        "Use as_of 2017-05-01 or later, or a shorter horizon."
    )
    # The day in the message is enough: 2017-01-01 + 30 + 3 * 30 days.
    made = schedule(dt.date(2017, 5, 1), FIRST, horizon=30, lead=0, train_dates=5, history=30)
    assert made.train == (dt.date(2017, 1, 31),)


def test_no_label_of_a_split_reaches_into_the_next_date():
    for horizon, lead in ((1, 0), (7, 14), (90, 0)):
        made = schedule(AS_OF, dt.date(2010, 1, 1), horizon, lead=lead, train_dates=5, history=30)
        dates = [*made.all_dates, AS_OF]
        for earlier, later in pairwise(dates):
            assert earlier + dt.timedelta(days=lead + horizon) <= later


@pytest.mark.parametrize("primary", [1, 7, 30, 60, 90])
@pytest.mark.parametrize("lead", [0, 14, 21, 28])
def test_no_label_of_any_horizon_reaches_beyond_the_validation_date_or_the_test_date(primary, lead):
    """A label covers [date + lead, date + lead + horizon). The grid is primary + lead days."""
    churn = {"primary_horizon_days": primary, "lead_days": lead}
    schedules = plans(load("demo", churn=churn), AS_OF, dt.date(2010, 1, 1))
    assert sorted(schedules) == [1, 7, 30, 60, 90]
    for horizon, plan in schedules.items():
        # The first multiple of the grid that holds lead and horizon.
        grid, length = primary + lead, lead + horizon
        step = next(n for n in range(grid, 1_000, grid) if n >= length)
        assert [(AS_OF - plan.test).days, (AS_OF - plan.validation).days] == [step, 2 * step]
        assert all(day <= plan.validation - dt.timedelta(days=step) for day in plan.train)
        assert all(plan.train[-1] < day < plan.validation for day in plan.refit)
        assert all(day + dt.timedelta(days=length) <= plan.test for day in plan.refit)
        # All dates up to the validation date are one grid step apart.
        gaps = {(later - earlier).days for earlier, later in pairwise(plan.known_dates)}
        assert gaps == {grid} and len(plan.train) == 5 and len(plan.refit) == step // grid - 1


@pytest.mark.parametrize("primary", [1, 7, 30, 60, 90])
@pytest.mark.parametrize("train_dates", [1, 2, 5])
@pytest.mark.parametrize("lead", [0, 14])
def test_no_date_called_test_had_a_part_in_what_the_primary_horizon_chose(
    primary, train_dates, lead
):
    churn = {"primary_horizon_days": primary, "lead_days": lead}
    settings = load("demo", churn=churn, training={"train_dates": train_dates})
    schedules = plans(settings, AS_OF, dt.date(2015, 1, 1))
    chosen_by = schedules[primary]
    assert sorted(schedules) == [1, 7, 30, 60, 90] and chosen_by.split_judged(chosen_by) == "test"
    for plan in schedules.values():
        had_a_part = plan.test in (*chosen_by.train, *chosen_by.refit, chosen_by.validation)
        assert (plan.split_judged(chosen_by) == "test") == (not had_a_part)


def test_the_longer_horizons_of_the_demo_are_judged_where_the_primary_one_chose():
    schedules = plans(load("demo"), AS_OF, FIRST)
    # For the horizon of 30 days, 60 days back is the validation date and 90 days back a train date.
    assert [schedules[days].test for days in (60, 90)] == days_before(60, 90)
    assert {days: plan.split_judged(schedules[30]) for days, plan in schedules.items()} == {
        **{1: "test", 7: "test", 30: "test"},
        **{60: "validation", 90: "validation"},
    }


def test_longer_horizons_train_on_all_dates_of_the_grid_whose_labels_had_passed():
    schedules = plans(load("demo"), AS_OF, FIRST)
    # 60 days: tests 60 days back, validates 120 days back. The labels of the dates 180 or more days
    # back had passed by then, those of the date 150 days back by the test date.
    train, refit = tuple(days_before(300, 270, 240, 210, 180)), tuple(days_before(150))
    assert schedules[60] == Schedule(train, *days_before(120, 60), refit)
    # 90 days: 2017-01-01 is 365 days back, so the first date with 30 days of history is 330 back.
    train, refit = tuple(days_before(330, 300, 270)), tuple(days_before(240, 210))
    assert schedules[90] == Schedule(train, *days_before(180, 90), refit)
    assert schedules[90].split_of()[refit[0]] == "refit"


def test_an_earlier_test_date_uses_only_labels_that_had_passed_by_then():
    plan = Schedule(tuple(days_before(180, 150, 120, 90)), *days_before(60, 30))
    # 60 days back as the test date: the label of 30 days of the date 90 back ends there.
    (day,) = days_before(60)
    assert plan.tested_on(day, 30) == Schedule(
        tuple(days_before(180, 150, 120)), *days_before(90, 60)
    )
    # Labels of 60 days: the date 120 back validates, the one 180 back trains, 150 back is between.
    longer = Schedule(tuple(days_before(180)), *days_before(120, 60), tuple(days_before(150)))
    assert plan.tested_on(day, 60) == longer
    # No date is left to train.
    assert plan.tested_on(days_before(150)[0], 30) is None
    assert plan.tested_on(days_before(120)[0], 30) == Schedule(
        tuple(days_before(180)), *days_before(150, 120)
    )
