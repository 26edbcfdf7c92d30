"""Engagement: shares, their weighted mean over what exists, and the names behind it."""

from __future__ import annotations

import math
import random

import pytest
from pyspark.sql import functions as F

from udfs.engagement import capped_share, engagement_basis, engagement_score, login_frequency
from udfs.formula import FormulaError

# product.md §4
WEIGHTS = {
    "login_frequency_30d": 0.3,
    "support_interactions_30d": 0.2,
    "feature_usage_score": 0.3,
    "community_participation": 0.2,
}
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


def test_login_frequency_is_a_share_of_days(session):
    rows = {
        (15, 30): 0.5,
        (0, 30): 0.0,
        (30, 30): 1.0,
        (None, 30): None,
        (1, 0): None,
        (NAN, 30): None,
    }
    assert values(session, login_frequency, list(rows)) == list(rows.values())


def test_capped_share_stops_at_one(session):
    rows = {
        (0,): 0.0,
        (4,): 0.4,
        (10,): 1.0,
        (11,): 1.0,
        (1e308,): 1.0,
        (None,): None,
        (INF,): None,
    }
    assert values(session, capped_share(10), list(rows)) == list(rows.values())


@pytest.mark.parametrize("cap", [0, -1, NAN, "10", True, None])
def test_a_cap_must_be_above_zero(cap):
    with pytest.raises(FormulaError, match=r"^conf engagement.cap: must be a "):
        capped_share(cap)


def test_engagement_by_hand(session):
    rows = {
        (0.5, 1, 0, 0): 0.3 * 0.5 + 0.2 * 1,  # all four exist: the weights sum to 1
        (0.5, None, 1, None): (0.3 * 0.5 + 0.3 * 1) / (0.3 + 0.3),
        (None, 0.4, None, None): 0.4,  # one component: its own value
        (0, 0, 0, 0): 0.0,  # a measured zero
        (None, None, None, None): None,  # nothing measured
        (1, 1, 1, 1): 1.0,
        # A component outside [0, 1] counts as the nearer end.
        (7, 0, 0, 0): 0.3,
        (-7, 1, 1, 1): 0.7,
        # No finite number is no source.
        (NAN, INF, 0.6, -INF): 0.6,
    }
    got = values(session, engagement_score(WEIGHTS), list(rows))
    assert_same(got, list(rows.values()))


def python_engagement(row):
    existing = [
        (w, min(max(x, 0.0), 1.0))
        for w, x in zip(WEIGHTS.values(), known(row), strict=True)
        if x is not None
    ]
    return sum(w * x for w, x in existing) / sum(w for w, _ in existing) if existing else None


def test_engagement_against_plain_python(session):
    rows = random_rows(width=4, low=-0.2, high=1.2)
    got = values(session, engagement_score(WEIGHTS), rows)
    assert_same(got, [python_engagement(row) for row in rows])
    assert all(score is None or 0 <= score <= 1 for score in got)


def test_full_engagement_is_exactly_one_whatever_the_weights(session):
    # .1 + .2 + .3 is .6000000000000001 over doubles and .6 over decimals: the quotient of the two
    # would be above 1.
    formula = engagement_score({"a": 0.1, "b": 0.2, "c": 0.3})
    assert values(session, formula, [(1, 1, 1), (1, None, 1), (None, None, 1)]) == [1.0, 1.0, 1.0]


def test_only_the_ratio_of_the_weights_matters(session):
    rows = random_rows(width=4, low=0, high=1, count=30)
    doubled = engagement_score({name: 2 * weight for name, weight in WEIGHTS.items()})
    assert_same(values(session, doubled, rows), values(session, engagement_score(WEIGHTS), rows))


def test_the_basis_names_the_components_that_exist(session):
    rows = {
        (0.5, None, 0, None): "login_frequency_30d, feature_usage_score",
        (0, 0, 0, 0): (
            "login_frequency_30d, support_interactions_30d, "
            "feature_usage_score, community_participation"
        ),
        (None, None, None, 1): "community_participation",
        (NAN, INF, None, 1): "community_participation",
        (None, None, None, None): None,
    }
    assert values(session, engagement_basis(WEIGHTS), list(rows)) == list(rows.values())


def test_the_basis_is_null_exactly_where_the_score_is(session):
    rows = random_rows(width=4, low=0, high=1, count=60, seed=3)
    scores = values(session, engagement_score(WEIGHTS), rows)
    bases = values(session, engagement_basis(WEIGHTS), rows)
    assert [s is None for s in scores] == [b is None for b in bases]


def test_absent_sources_are_passed_as_null(session):
    frame = session.createDataFrame([(0.25,)], "logins double")
    absent = dict.fromkeys(WEIGHTS, "NULL") | {"login_frequency_30d": "logins"}
    row = frame.select(
        engagement_score(WEIGHTS)(**absent).alias("score"),
        engagement_basis(WEIGHTS)(**absent).alias("basis"),
    ).collect()[0]
    assert (row["score"], row["basis"]) == (0.25, "login_frequency_30d")


def test_weights_are_refused_by_name():
    with pytest.raises(FormulaError) as caught:
        engagement_score(WEIGHTS | {"feature_usage_score": 0})
    assert str(caught.value) == (
        "conf engagement.weights.feature_usage_score: must be a number > 0, got 0. "
        "Set one above zero."
    )
    with pytest.raises(FormulaError, match="must name a component, got none"):
        engagement_basis({})
