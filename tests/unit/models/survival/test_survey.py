"""Survey: independent columns, moments of a selection of columns, and sums per customer."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.survival.cox import fit_cox
from models.survival.rows import ArrayRows, SurvivalError, cluster_sums
from models.survival.survey import survey

# Columns: constant, a, 2 a + 1, with a missing value, b, a + b, c.
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


def test_dependent_columns_are_left_out(rows):
    assert survey(rows).independent_columns() == [1, 4, 6]


def test_independent_columns_do_not_depend_on_scale_and_offset(rows):
    scaled = ArrayRows.of([3, 4, 5, 6, 7], [1, 0, 1, 1, 0], COLUMNS * 1e-9 + 1e3)
    assert survey(scaled).independent_columns() == [1, 4, 6]


def test_mean_and_covariance_are_those_of_the_weighted_rows(rows):
    surveyed = survey(rows).with_columns([1, 4])
    repeated = np.repeat(COLUMNS[:, [1, 4]], [1, 2, 1, 1, 3], axis=0)
    assert surveyed.mean == pytest.approx(repeated.mean(axis=0))
    assert surveyed.covariance == pytest.approx(np.cov(repeated.T, bias=True))


def test_the_survey_of_some_columns_is_a_survey_of_them(rows, sample):
    frame = sample()
    names = ["x0", "x1", "x2"]
    all_rows = ArrayRows.of(frame["stop"], frame["event"], frame[names])
    chosen = survey(all_rows).with_columns([2, 0])
    of_survey = fit_cox(all_rows.with_columns([2, 0]), ["x2", "x0"], surveyed=chosen)
    other = fit_cox(ArrayRows.of(frame["stop"], frame["event"], frame[["x2", "x0"]]), ["x2", "x0"])
    assert of_survey.coefficients == pytest.approx(other.coefficients, abs=1e-12)


def test_one_name_per_column_is_needed(rows):
    with pytest.raises(SurvivalError) as error:
        fit_cox(rows, ["one"])
    assert str(error.value) == (
        "cox: needs one name per column, got 1 names for 7 columns. Select the same columns in "
        "rows, survey and names (with_columns)."
    )


def test_a_customer_in_two_blocks_is_one():
    blocks = [
        (np.array([1, 1, 2]), np.array([[1.0], [2.0], [4.0]])),
        (np.array([], dtype=int), np.empty((0, 1))),
        (np.array([2, 2]), np.array([[8.0], [16.0]])),
        (np.array([3]), np.array([[32.0]])),
    ]
    sums = np.concatenate(list(cluster_sums(blocks)))
    assert sums.ravel().tolist() == [3, 28, 32]
    assert list(cluster_sums([])) == []
