"""How the numbers and dates of a column are written, and the SQL that reads them."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from models.guessing.dates import guess_dates
from models.guessing.numbers import guess_numbers

# (values, SQL of the column a as decimal(18,2), numbers)
NUMBERS = [
    (["1", "-2"], "a", [1.0, -2.0]),
    (["1.5", "1249.00"], "a", [1.5, 1249.0]),
    (
        ["1.249,00", "3,5"],
        "cast(replace(replace(a, '.', ''), ',', '.') as decimal(18,2))",
        [1249.0, 3.5],
    ),
    (["1,249.00", "3.5"], "cast(replace(a, ',', '') as decimal(18,2))", [1249.0, 3.5]),
    # No value has a group of thousands; a later one may.
    (["3,50"], "cast(replace(replace(a, '.', ''), ',', '.') as decimal(18,2))", [3.5]),
    # Two marks of one kind separate thousands.
    (
        ["1.249.000", "1,5"],
        "cast(replace(replace(a, '.', ''), ',', '.') as decimal(18,2))",
        [1249000.0, 1.5],
    ),
    (["1'249.50"], "cast(replace(a, ''', '') as decimal(18,2))".replace("'''", "'\\''"), [1249.5]),
    (
        ["$1,249.50", "-$3.00"],
        "cast(replace(replace(a, '$', ''), ',', '') as decimal(18,2))",
        [1249.5, -3.0],
    ),
    (
        ["3,50 €"],
        "cast(replace(replace(replace(replace(a, ' ', ''), '.', ''), '€', ''), ',', '.') as decimal(18,2))",
        [3.5],
    ),
    (["10%", "5 %"], "cast(replace(replace(a, ' ', ''), '%', '') as decimal(18,2))", [10.0, 5.0]),
    (
        ["12.00-", "3.00"],
        "cast(concat(if(a like '%-%', '-', ''), replace(a, '-', '')) as decimal(18,2))",
        [-12.0, 3.0],
    ),
    (
        ["(12.00)", "3.00"],
        "cast(concat(if(a like '(%', '-', ''), replace(replace(a, '(', ''), ')', '')) as decimal(18,2))",
        [-12.0, 3.0],
    ),
]


@pytest.mark.parametrize(("values", "sql", "numbers"), NUMBERS)
def test_a_number_is_read_as_it_is_written(values, sql, numbers):
    form = guess_numbers(values)
    assert form is not None
    assert form.expression("a", "decimal(18,2)") == sql
    assert form.parsed(pd.Series(values)).tolist() == numbers


def test_a_group_of_three_digits_may_be_thousands_or_decimals():
    alone = guess_numbers(["1.249", "2.500"])
    assert (alone.decimal, alone.is_ambiguous) == (".", True)
    # The other columns of the file have a decimal comma.
    beside = guess_numbers(["1.249", "2.500"], decimal=",")
    assert beside.is_ambiguous is False
    assert beside.parsed(pd.Series(["1.249"])).tolist() == [1249.0]


def test_a_value_with_another_mark_is_named():
    assert guess_numbers([*["3,50"] * 10, "4.50"]).contrary == "4.50"
    assert guess_numbers(["3,50", "4"]).contrary == ""


def test_one_text_among_many_numbers_is_a_total_or_an_error():
    assert guess_numbers([*["1.5"] * 9, "total"]) is not None
    assert guess_numbers([*["1.5"] * 8, "total"]) is None
    assert guess_numbers([]) is None


def test_what_is_no_number_is_missing():
    (value,) = guess_numbers(["1.5"]).parsed(pd.Series(["total"]))
    assert math.isnan(value)


# (values, SQL of the column a, times)
DATES = [
    (["2024-07-01", "2024-07-02 07:08:09"], "a", ["2024-07-01 00:00", "2024-07-02 07:08:09"]),
    (["2024-07-01T07:08:00+02:00"], "a", ["2024-07-01 05:08"]),
    (
        ["01.07.2024 07:08", "31.12.2024 00:00", "01.01.2025"],
        "coalesce(to_timestamp(a, 'dd.MM.yyyy HH:mm'), to_timestamp(a, 'dd.MM.yyyy'))",
        ["2024-07-01 07:08", "2024-12-31 00:00", "2025-01-01 00:00"],
    ),
    (["1.7.2024"], "to_timestamp(a, 'd.M.yyyy')", ["2024-07-01 00:00"]),
    (["12/24/2024"], "to_timestamp(a, 'MM/dd/yyyy')", ["2024-12-24 00:00"]),
    (["24/12/2024"], "to_timestamp(a, 'dd/MM/yyyy')", ["2024-12-24 00:00"]),
    (
        ["7/24/2024 3:05 PM"],
        "to_timestamp(a, 'M/d/yyyy h:mm a')",
        ["2024-07-24 15:05"],
    ),
    (["24 Jul 2024"], "to_timestamp(a, 'd MMM yyyy')", ["2024-07-24 00:00"]),
    (["20240724"], "to_timestamp(a, 'yyyyMMdd')", ["2024-07-24 00:00"]),
    (["24.07.24"], "to_timestamp(a, 'dd.MM.yy')", ["2024-07-24 00:00"]),
    (
        ["2024/07/24", "2024-07-25"],
        "coalesce(to_timestamp(a, 'yyyy/MM/dd'), cast(a as timestamp))",
        ["2024-07-24 00:00", "2024-07-25 00:00"],
    ),
]


@pytest.mark.parametrize(("values", "sql", "times"), DATES)
def test_a_date_is_read_as_it_is_written(values, sql, times):
    forms = guess_dates(values, is_day_first=False)
    assert forms is not None and not forms.is_ambiguous
    assert forms.expression("a") == sql
    assert forms.parsed(pd.Series(values)).tolist() == [pd.Timestamp(t, tz="UTC") for t in times]


def test_day_and_month_may_be_ambiguous():
    assert guess_dates(["01/02/2024"], is_day_first=False).patterns == ("MM/dd/yyyy",)
    guessed = guess_dates(["01/02/2024"], is_day_first=True)
    assert (guessed.patterns, guessed.is_ambiguous) == (("dd/MM/yyyy",), True)
    # With dots the day comes first everywhere.
    assert guess_dates(["01.02.2024"], is_day_first=False).is_ambiguous is False


def test_texts_are_no_dates():
    assert guess_dates(["red", "blue"], is_day_first=True) is None
    assert guess_dates([*["01.07.2024"] * 9, "Summe"], is_day_first=True) is not None
    assert guess_dates([], is_day_first=True) is None
