"""Risk bands, confidence and the rule flag."""

from __future__ import annotations

import math
import random

import pytest
from pyspark.sql import functions as F

from udfs.formula import FormulaError
from udfs.risk import confidence_score, high_risk_churn, risk_level

# product.md §7
FOUR_BANDS = [
    {"level": "CRITICAL", "above": 0.8},
    {"level": "HIGH", "above": 0.6},
    {"level": "MEDIUM", "above": 0.4},
    {"level": "LOW"},
]
THREE_BANDS = [
    {"level": "high", "above": 0.7},
    {"level": "medium", "above": 0.35},
    {"level": "low"},
]
RULE_FLAG = high_risk_churn(recency_days_above=60, engagement_below=0.3, support_tickets_above=5)
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


def test_four_bands_at_their_bounds(session):
    rows = {
        (1,): "CRITICAL",
        (math.nextafter(0.8, 1),): "CRITICAL",
        (0.8,): "HIGH",  # not above 0.8
        (math.nextafter(0.6, 1),): "HIGH",
        (0.6,): "MEDIUM",
        (math.nextafter(0.4, 1),): "MEDIUM",
        (0.4,): "LOW",
        (0,): "LOW",
        (None,): None,
        (NAN,): None,
        (INF,): None,
    }
    assert values(session, risk_level(FOUR_BANDS), list(rows)) == list(rows.values())


def test_three_bands_at_their_bounds(session):
    rows = {(0.71,): "high", (0.7,): "medium", (0.36,): "medium", (0.35,): "low", (None,): None}
    assert values(session, risk_level(THREE_BANDS), list(rows)) == list(rows.values())


def test_one_band_is_a_scheme_too(session):
    assert values(session, risk_level([{"level": "ANY"}]), [(0.9,), (None,)]) == ["ANY", None]


def test_risk_rises_with_the_probability(session):
    draw = random.Random(5)
    rows = [(p,) for p in sorted(draw.random() for _ in range(60))]
    order = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
    ranks = [order.index(level) for level in values(session, risk_level(FOUR_BANDS), rows)]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "bands, said",
    [
        (
            [{"level": "LOW", "above": 0.4}, {"level": "HIGH", "above": 0.6}, {"level": "x"}],
            "conf risk.schemes: bands must fall and differ in name, got [0.4, 0.6] for "
            "['LOW', 'HIGH', 'x']. Write them from the highest to the last, which has no bound.",
        ),
        (
            [{"level": "LOW", "above": 0.4}, {"level": "LOW"}],
            "conf risk.schemes: bands must fall and differ in name, got [0.4] for "
            "['LOW', 'LOW']. Write them from the highest to the last, which has no bound.",
        ),
        (
            [],
            "conf risk.schemes: bands must fall and differ in name, got [] for []. "
            "Write them from the highest to the last, which has no bound.",
        ),
        (
            [{"level": "HIGH"}, {"level": "LOW"}],
            "conf risk.schemes, band 1 of 2: missing ['above'], unknown []. "
            "Give exactly: level, above.",
        ),
        (
            [{"level": "HIGH", "above": 0.5}],
            "conf risk.schemes, band 1 of 1: missing [], unknown ['above']. Give exactly: level.",
        ),
        (
            [{"level": "HIGH", "above": "0.5"}, {"level": "LOW"}],
            "conf risk.schemes, band 1 of 2: must be a finite number, got '0.5'. Set a number.",
        ),
    ],
)
def test_bands_that_make_no_scheme_are_refused(bands, said):
    with pytest.raises(FormulaError) as caught:
        risk_level(bands)
    assert str(caught.value) == said


def test_confidence_is_the_distance_from_a_coin_toss(session):
    rows = {
        (0.5,): 0.0,
        (0,): 1.0,
        (1,): 1.0,
        (0.25,): 0.5,
        (0.75,): 0.5,
        (None,): None,
        (NAN,): None,
    }
    assert values(session, confidence_score, list(rows)) == list(rows.values())


def test_confidence_against_plain_python(session):
    rows = random_rows(width=1, low=0, high=1, count=60)
    expected = [None if p is None else abs(p - 0.5) * 2 for (p,) in map(known, rows)]
    assert_same(values(session, confidence_score, rows), expected)


def test_the_rule_flag_needs_all_three(session):
    rows = {
        (61, 0.29, 6): True,
        (60, 0.29, 6): False,
        (61, 0.3, 6): False,
        (61, 0.29, 5): False,
        # A null does not fire.
        (None, 0.29, 6): False,
        (61, None, 6): False,
        (61, 0.29, None): False,
        (None, None, None): False,
        (INF, 0.29, 6): False,
        (61, -INF, 6): False,
        (61, 0.29, NAN): False,
    }
    assert values(session, RULE_FLAG, list(rows)) == list(rows.values())


def test_the_rule_flag_against_plain_python(session):
    rows = [
        (days, None if score is None else score / 10, tickets)
        for days in (30, 90)
        for score, tickets in random_rows(2, 0, 10)
    ]
    expected = [
        None not in (score, tickets) and days > 60 and score < 0.3 and tickets > 5
        for days, score, tickets in map(known, rows)
    ]
    assert sum(expected) > 5
    assert values(session, RULE_FLAG, rows) == expected
