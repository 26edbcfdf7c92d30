"""Risk bands, relative to the decision threshold and absolute; in SQL and for numpy."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from tests.unit.udfs.conftest import INF, NAN, values
from udfs.formula import FormulaError
from udfs.risk_bands import risk_level, risk_levels

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
RELATIVE = [
    {"level": "CRITICAL", "odds_ratio": 8},
    {"level": "HIGH", "odds_ratio": 3},
    {"level": "MEDIUM", "odds_ratio": 1},
    {"level": "LOW"},
]


def with_threshold(rows):
    """Rows of one probability, with no threshold: absolute bands do not need one."""
    return [(*row, None) for row in rows]


def test_relative_bands_are_multiples_of_the_odds_at_the_threshold(session):
    """At t = 0.2 the odds are 1/4: HIGH from odds 3/4 (p = 3/7), CRITICAL from odds 2 (p = 2/3)."""
    rows = {
        (0.19, 0.2): "LOW",
        (math.nextafter(0.2, 0), 0.2): "LOW",
        (0.2, 0.2): "MEDIUM",
        (0.42, 0.2): "MEDIUM",  # 3/7 = 0.4286
        (0.43, 0.2): "HIGH",
        (0.66, 0.2): "HIGH",  # 2/3 = 0.6667
        (0.67, 0.2): "CRITICAL",
        (1.0, 0.2): "CRITICAL",
        (0.0, 0.2): "LOW",
        # At t = 1/2 the odds are 1: HIGH from p = 3/4, CRITICAL from p = 8/9. Both are exact here.
        (0.75, 0.5): "HIGH",
        (0.89, 0.5): "CRITICAL",
        (0.88, 0.5): "HIGH",
        (0.98, 0.99): "LOW",
        (0.01, 0.01): "MEDIUM",
        (None, 0.2): None,
        (NAN, 0.2): None,
        (0.5, None): None,
        (0.5, INF): None,
    }
    assert values(session, risk_level(RELATIVE), list(rows)) == list(rows.values())


def test_predicted_churn_is_medium_and_above_at_any_threshold(session):
    """Also one step of a double beside the threshold, where products round."""
    thresholds = [0.01, 0.1, 0.143, 1 / 3, 0.5, 0.7, 0.99]
    rows = [
        (p, t)
        for t in thresholds
        for p in (math.nextafter(t, 0), t, math.nextafter(t, 1), t / 2, (1 + t) / 2)
    ]
    levels = values(session, risk_level(RELATIVE), rows)
    assert [level != "LOW" for level in levels] == [p >= t for p, t in rows]


@pytest.mark.parametrize("bands", [RELATIVE, FOUR_BANDS, THREE_BANDS])
def test_numpy_gives_the_levels_of_sql(session, bands):
    draw = random.Random(3)
    rows = [
        (draw.choice([NAN, 0.0, 1.0, draw.random()]), draw.uniform(0.01, 0.99)) for _ in "x" * 99
    ]
    rows += [(0.3, NAN), (0.8, 0.5), (0.4, 0.4)]
    probability, threshold = (np.array(column) for column in zip(*rows, strict=True))
    expected = values(session, risk_level(bands), rows)
    assert risk_levels(probability, threshold, bands).tolist() == expected


def test_one_threshold_serves_all_probabilities():
    assert risk_levels([0.1, 0.2, 0.7], 0.2, RELATIVE).tolist() == ["LOW", "MEDIUM", "CRITICAL"]
    assert risk_levels([], 0.2, RELATIVE).tolist() == []


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
    assert values(session, risk_level(FOUR_BANDS), with_threshold(rows)) == list(rows.values())


def test_three_bands_at_their_bounds(session):
    rows = {(0.71,): "high", (0.7,): "medium", (0.36,): "medium", (0.35,): "low", (None,): None}
    assert values(session, risk_level(THREE_BANDS), with_threshold(rows)) == list(rows.values())


def test_one_band_is_a_scheme_too(session):
    assert values(session, risk_level([{"level": "ANY"}]), [(0.9, 0.5), (None, 0.5)]) == [
        "ANY",
        None,
    ]


def test_risk_rises_with_the_probability(session):
    draw = random.Random(5)
    rows = [(p, None) for p in sorted(draw.random() for _ in range(60))]
    order = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
    ranks = [order.index(level) for level in values(session, risk_level(FOUR_BANDS), rows)]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "bands, said",
    [
        (
            [{"level": "HIGH", "odds_ratio": 3}, {"level": "MEDIUM", "above": 0.4}, {"level": "x"}],
            "conf risk.schemes, band 2 of 3: missing ['odds_ratio'], unknown ['above']. "
            "Give exactly: level, odds_ratio.",
        ),
        (
            [{"level": "HIGH", "odds_ratio": 0.5}, {"level": "LOW"}],
            "conf risk.schemes: odds_ratio must be 1 or more, got [0.5]. Below 1 a customer who is "
            "predicted to stay would have a raised level.",
        ),
        (
            [{"level": "LOW", "above": 0.4}, {"level": "HIGH", "above": 0.6}, {"level": "x"}],
            "conf risk.schemes: bounds must decrease and levels must be unique, got [0.4, 0.6] for "
            "['LOW', 'HIGH', 'x']. List the bands from the highest down. The last has no bound.",
        ),
        (
            [{"level": "LOW", "above": 0.4}, {"level": "LOW"}],
            "conf risk.schemes: bounds must decrease and levels must be unique, got [0.4] for "
            "['LOW', 'LOW']. List the bands from the highest down. The last has no bound.",
        ),
        (
            [],
            "conf risk.schemes: bounds must decrease and levels must be unique, got [] for []. "
            "List the bands from the highest down. The last has no bound.",
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
def test_invalid_bands_are_refused(bands, said):
    with pytest.raises(FormulaError) as caught:
        risk_level(bands)
    assert str(caught.value) == said
