"""Engagement: shares, their weighted mean, and the names of the available components."""

from __future__ import annotations

import pytest

from tests.unit.udfs.conftest import INF, NAN, assert_same, known, random_rows, values
from udfs.engagement import capped_share, engagement_basis, engagement_score, login_frequency
from udfs.formula import FormulaError

# product.md §4
WEIGHTS = {
    "login_frequency_30d": 0.3,
    "support_interactions_30d": 0.2,
    "feature_usage_score": 0.3,
    "community_participation": 0.2,
}


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
        # A component outside [0, 1] is clipped.
        (7, 0, 0, 0): 0.3,
        (-7, 1, 1, 1): 0.7,
        # A value that is not finite is treated as no source.
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
    # .1 + .2 + .3 is .6000000000000001 with doubles and .6 with decimals. Their quotient is above 1.
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
        "Set a positive number."
    )
    with pytest.raises(FormulaError, match="must have at least one component, got none"):
        engagement_basis({})
