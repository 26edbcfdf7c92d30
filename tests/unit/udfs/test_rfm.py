"""RFM scores from cut points, their digits, and their weighted sum."""

from __future__ import annotations

import pytest

from tests.unit.udfs.conftest import INF, NAN, assert_same, known, random_rows, values
from udfs.formula import FormulaError
from udfs.rfm import quintile_score, rfm_priority, rfm_score


def test_a_score_is_one_more_than_the_cuts_strictly_below(session):
    rows = {
        (0.5, 1, 2, 3, 4): 1,
        (1, 1, 2, 3, 4): 1,  # equal to a cut point: not strictly below
        (1.01, 1, 2, 3, 4): 2,
        (3, 1, 2, 3, 4): 3,
        (4, 1, 2, 3, 4): 4,
        (9, 1, 2, 3, 4): 5,
        # A distribution with ties gives fewer scores.
        (7, 7, 7, 7, 7): 1,
        (8, 7, 7, 7, 7): 5,
        (2, 1, 1, 2, 3): 3,
        # The recency score uses -recency_days: 10 days, cut points at 80, 40, 10 and 3 days.
        (-10, -80, -40, -10, -3): 3,
        # A null cut point is ignored.
        (9, None, 2, NAN, 4): 3,
        (9, None, None, None, None): 1,
        (None, 1, 2, 3, 4): None,
        (NAN, 1, 2, 3, 4): None,
        (INF, 1, 2, 3, 4): None,
    }
    assert values(session, quintile_score, list(rows)) == list(rows.values())


def test_scores_against_plain_python(session):
    rows = random_rows(width=5, low=-5, high=5)
    expected = [
        None if value is None else 1 + sum(cut is not None and cut < value for cut in cuts)
        for value, *cuts in map(known, rows)
    ]
    assert values(session, quintile_score, rows) == expected


def test_rfm_score_is_three_digits(session):
    rows = {
        (5, 4, 1): "541",
        (1, 1, 1): "111",
        (None, 4, 1): None,
        (5, None, 1): None,
        (5, 4, None): None,
    }
    assert values(session, rfm_score, list(rows)) == list(rows.values())


def test_rfm_priority_is_the_weighted_sum(session):
    formula = rfm_priority({"r": 0.4, "f": 0.3, "m": 0.3})
    rows = {(5, 4, 1): 0.4 * 5 + 0.3 * 4 + 0.3 * 1, (1, 1, 1): 1.0, (None, 4, 1): None}
    assert_same(values(session, formula, list(rows)), list(rows.values()))
    with pytest.raises(FormulaError) as caught:
        rfm_priority({"r": 0.4, "f": 0.3})
    assert str(caught.value) == (
        "conf rfm.priority_weights: missing ['m'], unknown []. Give exactly: r, f, m."
    )
