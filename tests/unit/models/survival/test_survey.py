"""The first look: which columns a model can tell apart, and the moments of any choice of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.survival.cox import fit_cox
from models.survival.rows import ArrayRows, SurvivalError, cluster_sums
from models.survival.survey import survey

# constant, first, twice the first and one, unknown, second, first + second, third
COLUMNS = np.array(
    [
        [5, 1, 3, 1, 4, 5, 0.2],
        [5, 2, 5, math.nan, 1, 3, 0.1],
        [5, 3, 7, 2, 0, 3, 0.7],
        [5, 5, 11, 3, 9, 14, 0.3],
        [5, 8, 17, 4, 2, 10, 0.6],
    ]
)


@pytest.fixture
def rows():
    return ArrayRows.of([3, 4, 5, 6, 7], [1, 0, 1, 1, 0], COLUMNS, weight=[1, 2, 1, 1, 3])


def test_columns_that_say_nothing_new_are_left_out(rows):
    assert survey(rows).independent_columns() == [1, 4, 6]


def test_large_and_tiny_numbers_are_told_apart_all_the_same(rows):
    scaled = ArrayRows.of([3, 4, 5, 6, 7], [1, 0, 1, 1, 0], COLUMNS * 1e-9 + 1e3)
    assert survey(scaled).independent_columns() == [1, 4, 6]


def test_mean_and_covariance_are_those_of_the_weighted_rows(rows):
    found = survey(rows).with_columns([1, 4])
    repeated = np.repeat(COLUMNS[:, [1, 4]], [1, 2, 1, 1, 3], axis=0)
    assert found.mean == pytest.approx(repeated.mean(axis=0))
    assert found.covariance == pytest.approx(np.cov(repeated.T, bias=True))


def test_the_survey_of_some_columns_is_a_survey_of_them(rows, sample):
    frame = sample()
    names = ["x0", "x1", "x2"]
    every = ArrayRows.of(frame["stop"], frame["event"], frame[names])
    chosen = survey(every).with_columns([2, 0])
    one = fit_cox(every.with_columns([2, 0]), ["x2", "x0"], found=chosen)
    other = fit_cox(ArrayRows.of(frame["stop"], frame["event"], frame[["x2", "x0"]]), ["x2", "x0"])
    assert one.coefficients == pytest.approx(other.coefficients, abs=1e-12)


def test_names_and_columns_must_be_as_many(rows):
    with pytest.raises(SurvivalError) as error:
        fit_cox(rows, ["one"])
    assert str(error.value) == (
        "cox: needs one name a column, got 1 names for 7 columns. Choose the columns of rows, "
        "survey and names alike (with_columns)."
    )


def test_a_customer_in_two_blocks_is_one():
    blocks = [
        (np.array([1, 1, 2]), np.array([[1.0], [2.0], [4.0]])),
        (np.array([], dtype=int), np.empty((0, 1))),
        (np.array([2, 2]), np.array([[8.0], [16.0]])),
        (np.array([3]), np.array([[32.0]])),
    ]
    found = np.concatenate(list(cluster_sums(blocks)))
    assert found.ravel().tolist() == [3, 28, 32]
    assert list(cluster_sums([])) == []
