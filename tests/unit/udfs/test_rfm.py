"""RFM scores from cut points, their digits and their weighted sum."""

from __future__ import annotations

import math
import random

import pytest
from pyspark.sql import functions as F

from udfs.formula import FormulaError
from udfs.rfm import quintile_score, rfm_priority, rfm_score

NAN, INF = math.nan, math.inf
ODD = (None, 0.0, -0.0, 1.0, -1.0, NAN, INF, -INF, 1e308, -1e308, 5e-324)


def random_rows(width, low, high, count=120, seed=20180101):
    """Rows of doubles: two in three even between low and high, the rest null, zero, NaN or huge."""
    draw = random.Random(seed)
    return [
        tuple(
            draw.choice(ODD) if draw.random() < 1 / 3 else draw.uniform(low, high)
            for _ in range(width)
        )
        for _ in range(count)
    ]


def known(row):
    """A row as a formula sees it: what is no finite number is unknown."""
    return [None if v is None or not math.isfinite(v) else v for v in row]


def assert_same(got, expected):
    """Equal to the last digits; never NaN or infinite."""
    assert len(got) == len(expected)
    for n, (left, right) in enumerate(zip(got, expected, strict=True)):
        right = None if right is not None and not math.isfinite(right) else right
        assert (left is None) == (right is None), (n, left, right)
        assert left is None or left == pytest.approx(right, rel=1e-12, abs=1e-300), (n, left, right)


def values(session, formula, rows):
    """The formula's value for each row of arguments, in the order of the rows."""
    # Doubles go in as text: sqlframe writes NaN as a FLOAT, and 0.4 beside it loses its digits.
    is_double = [sql_type == "DOUBLE" for _, sql_type in formula.parameters]
    schema = [f"{name} {'STRING' if t == 'DOUBLE' else t}" for name, t in formula.parameters]
    texts = [
        (
            n,
            *(
                str(float(v)) if d and v is not None else v
                for v, d in zip(row, is_double, strict=True)
            ),
        )
        for n, row in enumerate(rows)
    ]
    typed = [F.expr(f"CAST({name} AS {t})").alias(name) for name, t in formula.parameters]
    frame = session.createDataFrame(texts, ", ".join(["n INT", *schema])).select("n", *typed)
    column = formula(**{name: name for name, _ in formula.parameters}).alias("value")
    return [row["value"] for row in frame.select("n", column).orderBy("n").collect()]


def test_a_score_is_one_more_than_the_cuts_strictly_below(session):
    rows = {
        (0.5, 1, 2, 3, 4): 1,
        (1, 1, 2, 3, 4): 1,  # exactly at a cut: not strictly below
        (1.01, 1, 2, 3, 4): 2,
        (3, 1, 2, 3, 4): 3,
        (4, 1, 2, 3, 4): 4,
        (9, 1, 2, 3, 4): 5,
        # A degenerate distribution gives fewer scores.
        (7, 7, 7, 7, 7): 1,
        (8, 7, 7, 7, 7): 5,
        (2, 1, 1, 2, 3): 3,
        # R scores -recency_days: bought 10 days ago, cuts at 80, 40, 10 and 3 days.
        (-10, -80, -40, -10, -3): 3,
        # An absent cut adds nothing.
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
