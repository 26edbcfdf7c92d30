"""Joins the feature tables to the frame that learners share."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from contracts import features
from contracts.table import Column, Table
from models.encoding import LARGEST, FeatureEncoder
from transforms.training_rows import (
    category_counts,
    dense_matrix,
    design_matrix,
    feature_columns,
    feature_rows,
    filled_counts,
    frequent_categories,
    infinite_counts,
    keep_undecided,
    labelled_rows,
    numeric_statistics,
    with_earlier_label,
    with_split,
)

EARLIER, AS_OF = dt.date(2018, 1, 1), dt.date(2018, 2, 1)
KEY = "customer_id string, as_of date"


def test_features_are_separated_from_metadata_and_numbers_from_texts():
    table = Table(
        "features.x",
        "a customer",
        (
            Column("customer_id", "string", ""),
            Column("as_of", "date", ""),
            Column("last_purchase_on", "date", ""),
            Column("is_terminated", "boolean", ""),
            Column("engagement_basis", "string", ""),
            Column("recency_days", "bigint", ""),
            Column("has_profile", "boolean", ""),
            Column("revenue_30d", "double", ""),
            Column("plan", "string", ""),
        ),
    )
    numeric, categorical = feature_columns([table])
    assert numeric == ["recency_days", "has_profile", "revenue_30d"]
    assert categorical == ["plan"]


def test_no_feature_of_the_contracts_has_a_type_that_learners_would_pass_over():
    tables = [features.DEMOGRAPHICS, features.BEHAVIOR, features.transactions((30, 60, 90, 365))]
    numeric, categorical = feature_columns(tables)
    left_out = {c.name for t in tables for c in t.columns} - {*numeric, *categorical}
    key = {"customer_id", "as_of"}
    facts = {"first_purchase_on", "last_purchase_on", "is_terminated", "engagement_basis"}
    facts |= {"ticket_sentiment_basis", "review_sentiment_basis"}
    assert left_out == key | facts


def test_feature_tables_are_joined_on_customer_and_date(frame, tuples_of):
    frames = {
        "features.b": frame(f"{KEY}, visits bigint", [("a", AS_OF, 1), ("a", EARLIER, 2)]),
        "features.a": frame(f"{KEY}, orders bigint", [("a", AS_OF, 3), ("a", EARLIER, None)]),
    }
    rows = feature_rows(frames)
    assert tuples_of(rows, "customer_id", "as_of", "orders", "visits") == [
        ("a", EARLIER, None, 2),
        ("a", AS_OF, 3, 1),
    ]


def test_rows_without_a_label_of_the_horizon_are_left_out(frame, tuples_of):
    rows = frame(KEY, [("a", AS_OF), ("b", AS_OF), ("c", AS_OF), ("a", EARLIER)])
    labels = frame(
        f"{KEY}, horizon_days int, definition string, lead_days int, churned int",
        [
            ("a", AS_OF, 30, "inactivity", 14, 1),
            ("a", AS_OF, 7, "inactivity", 14, 0),
            ("b", AS_OF, 30, "inactivity", 14, 0),
            ("c", AS_OF, 7, "inactivity", 14, 1),
            # From an earlier conf, not rebuilt since then.
            ("c", AS_OF, 30, "termination", 14, 1),
            ("a", EARLIER, 30, "inactivity", 0, 1),
        ],
    )
    labelled = labelled_rows(rows, labels, 30, definition="inactivity", lead_days=14)
    assert tuples_of(labelled, "customer_id", "as_of", "churned") == [
        ("a", AS_OF, 1),
        ("b", AS_OF, 0),
    ]


def test_the_split_follows_the_date_and_other_dates_are_left_out(frame, tuples_of):
    other, third = dt.date(2017, 12, 1), dt.date(2018, 3, 1)
    rows = frame(KEY, [("a", d) for d in (other, EARLIER, AS_OF, third)])
    assigned = with_split(rows, {EARLIER: "train", AS_OF: "validation", third: "test"})
    assert tuples_of(assigned, "as_of", "split") == [
        (EARLIER, "train"),
        (AS_OF, "validation"),
        (third, "test"),
    ]


def test_a_new_split_replaces_the_old_one(frame, tuples_of):
    rows = with_split(frame(KEY, [("a", EARLIER), ("a", AS_OF)]), {EARLIER: "x", AS_OF: "test"})
    assert tuples_of(with_split(rows, {EARLIER: "test"}), "as_of", "split") == [(EARLIER, "test")]


LABELS = "customer_id string, as_of date, horizon_days int, definition string, lead_days int"
# a buys within 30 days, b between day 31 and 60, c not within 60. d has no label of 60 days.
WITHIN = {"a": (0, 0), "b": (1, 0), "c": (1, 1)}


def test_the_label_of_a_shorter_horizon_stands_beside_that_of_a_longer_one(frame, tuples_of):
    labels = frame(
        f"{LABELS}, churned int",
        [
            (customer, AS_OF, days, "inactivity", 0, churned)
            for customer, both in WITHIN.items()
            for days, churned in zip((30, 60), both, strict=True)
        ]
        + [("d", AS_OF, 30, "inactivity", 0, 1)],
    )
    rows = frame(KEY, [(c, AS_OF) for c in "abcd"])
    sixty = labelled_rows(rows, labels, 60, definition="inactivity", lead_days=0)
    both = with_earlier_label(sixty, labels, 30, definition="inactivity", lead_days=0)
    columns = ("customer_id", "churned_before", "churned")
    assert tuples_of(both, *columns) == [(c, *pair) for c, pair in WITHIN.items()]
    # A purchase within 30 days decides a: the customer stays. b and c are undecided.
    assert tuples_of(keep_undecided(both, "inactivity"), *columns) == [("b", 1, 0), ("c", 1, 1)]
    # A contract that ended within 30 days cannot end later.
    assert tuples_of(keep_undecided(both, "termination"), *columns) == [("a", 0, 0)]


def test_categories_are_counted_and_a_null_is_none(frame, tuples_of):
    rows = frame("plan string, region string", [("gold", "N"), ("gold", None), (None, None)])
    counts = category_counts(rows, ["plan", "region"])
    assert tuples_of(counts, "feature", "category", "count") == [
        ("plan", "gold", 2),
        ("region", "N", 1),
    ]


def test_each_feature_keeps_its_own_most_frequent_categories(frame, tuples_of):
    """Many frequent categories of one feature do not displace the few of another."""
    rows = frame(
        "region string, plan string",
        [(region, None) for region in "NNNNEEEESSSWW"]
        + [(None, plan) for plan in ("gold", "gold", "basic")],
    )
    frequent = frequent_categories(rows, ["plan", "region"], 2, most=2)
    assert tuples_of(frequent) == [("plan", "gold"), ("region", "E"), ("region", "N")]
    tied = frequent_categories(rows, ["plan", "region"], 2, most=1)
    assert tuples_of(tied) == [("plan", "gold"), ("region", "E")]


def test_filled_values_are_counted(frame, tuples_of):
    rows = frame(
        "a bigint, b string, c double", [(1, None, None), (None, "x", None), (2, "", None)]
    )
    assert tuples_of(filled_counts(rows, ["a", "b", "c"])) == [(2, 2, 0)]


def test_infinite_values_are_counted(frame, tuples_of):
    """1e39 is finite in 64 bits and infinite in 32."""
    rows = frame(
        "a double, b bigint, c boolean, d double",
        [
            (math.inf, 1, True, 3.4e38),
            (-math.inf, None, False, -3.4e38),
            (1e39, 9_000_000_000_000_000_000, None, math.nan),
            (None, 0, True, None),
        ],
    )
    assert tuples_of(infinite_counts(rows, ["a", "b", "c", "d"], LARGEST)) == [(3, 0, 0, 0)]


def test_the_design_has_a_column_a_number_and_one_a_category(frame, rows_of):
    rows = frame(
        "customer_id string, orders bigint, is_new boolean, plan string",
        [("a", 3, True, "gold"), ("b", None, False, None), ("c", 0, None, "unseen")],
    )
    matrix, names = design_matrix(
        rows, ["orders", "is_new"], [("plan", ["gold", "basic"])], also=["customer_id"]
    )
    assert names == ["x0", "x1", "x2", "x3"]
    encoded = {row["customer_id"]: [row[n] for n in names] for row in rows_of(matrix)}
    assert encoded["a"] == [3.0, 1.0, 1.0, 0.0]
    assert math.isnan(encoded["b"][0]) and encoded["b"][1:] == [0.0, 0.0, 0.0]
    assert encoded["c"][0] == 0.0 and math.isnan(encoded["c"][1]) and encoded["c"][2:] == [0.0, 0.0]


# Null, zero, negative, a long tail; a category that is null, known, or not seen in training.
MIXED = "customer_id string, orders bigint, is_new boolean, trend double, plan string"
MIXED_ROWS = [
    ("a", 3, True, -2.5, "gold"),
    ("b", None, False, 0.0, None),
    ("c", 0, None, 1e6, "unseen"),
    ("d", 7, True, None, "basic"),
]
NUMERIC, PLANS = ("orders", "is_new", "trend"), (("plan", ("basic", "gold")),)


def both_ways(rows, matrix, names, encoder):
    """The matrix that a fit uses and the one used for prediction, by customer."""
    fitted = matrix.toArrow().to_pandas().sort_values("customer_id")[names].to_numpy(dtype=float)
    features = rows.toArrow().to_pandas().sort_values("customer_id")[list(encoder.feature_names)]
    return fitted, encoder.encode(features).astype(float)


def test_what_is_fitted_is_what_is_encoded_where_nulls_stay(frame):
    rows, encoder = frame(MIXED, MIXED_ROWS), FeatureEncoder(NUMERIC, PLANS)
    matrix, names = design_matrix(rows, NUMERIC, PLANS, also=["customer_id"])
    fitted, encoded = both_ways(rows, matrix, names, encoder)
    np.testing.assert_array_equal(fitted, encoded)
    assert np.isnan(fitted).sum() == 3


def test_what_is_fitted_is_what_is_encoded_where_nulls_are_filled(frame, rows_of):
    """Nulls are filled with the mean of the known values, so the mean of all rows is 0."""
    rows = frame(MIXED, MIXED_ROWS)
    statistics = {r["feature"]: r for r in rows_of(numeric_statistics(rows, NUMERIC))}
    # 3, 0, 7: mean 10/3, variance 58/3 - (10/3)^2 = 74/9.
    assert statistics["orders"]["filled"] == 3 and statistics["orders"]["smallest"] == 0
    assert statistics["orders"]["mean"] == pytest.approx(10 / 3)
    assert statistics["orders"]["std"] == pytest.approx(math.sqrt(74) / 3)
    tail = [-math.log(3.5), 0.0, math.log(1e6 + 1)]
    assert statistics["trend"]["logged_mean"] == pytest.approx(sum(tail) / 3)
    logged = ("trend",)
    places = {
        n: (statistics[n][f"{kind}mean"], statistics[n][f"{kind}mean"], statistics[n][f"{kind}std"])
        for n, kind in (("orders", ""), ("is_new", ""), ("trend", "logged_"))
    }
    fill, center, scale = zip(*places.values(), strict=True)
    encoder = FeatureEncoder(NUMERIC, PLANS, fill, center, scale, NUMERIC, logged)
    matrix, names = dense_matrix(
        rows, places, logged, missing_indicators=NUMERIC, categories=PLANS, also=["customer_id"]
    )
    fitted, encoded = both_ways(rows, matrix, names, encoder)
    np.testing.assert_allclose(fitted, encoded, rtol=1e-6, atol=1e-6)
    # Three numbers, two plans, three missing-value flags.
    np.testing.assert_allclose(fitted[:, :3].sum(axis=0), 0, atol=1e-6)
    np.testing.assert_array_equal(fitted[:, 3:5], [[0, 1], [0, 0], [0, 0], [1, 0]])
    np.testing.assert_array_equal(fitted[:, 5:], [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("columns", [[], ["customer_id"]])
def test_a_design_of_nothing_keeps_the_columns_beside_it(frame, columns):
    rows = frame("customer_id string", [("a",)])
    matrix, names = design_matrix(rows, [], [], also=columns or ["customer_id"])
    assert (matrix.columns, names) == (["customer_id"], [])
