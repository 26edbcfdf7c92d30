"""Counts of features in the bins of a reference."""

from __future__ import annotations

from transforms.feature_bins import feature_bins

ROWS = "orders bigint, spend double, tier string"


def test_counts_by_feature_and_bin(frame, tuples_of):
    rows = frame(
        ROWS,
        [
            (1, 5.0, "a"),  # orders at the edge 1: bin 0
            (2, 7.5, "a"),
            (9, float("nan"), "c"),  # orders above the range; NaN is missing; c has no bin
            (None, -1.0, None),  # spend below the range
        ],
    )
    binned = feature_bins(
        rows,
        {"orders": (1.0,), "spend": (5.0, 6.0)},
        {"orders": (1.0, 3.0), "spend": (0.0, 10.0)},
        categories={"tier": ("b", "a")},
    )
    assert tuples_of(binned, "feature", "bin", "rows", "total", "below", "above") == [
        ("orders", -1, 1, 0.0, 0, 0),
        ("orders", 0, 1, 1.0, 0, 0),
        ("orders", 1, 2, 11.0, 0, 1),  # 2 + 9
        ("spend", -1, 1, 0.0, 0, 0),
        ("spend", 0, 2, 4.0, 1, 0),  # 5 - 1
        ("spend", 2, 1, 7.5, 0, 0),
        ("tier", -2, 1, 0.0, 0, 0),
        ("tier", -1, 1, 0.0, 0, 0),
        ("tier", 1, 2, 0.0, 0, 0),
    ]


def test_without_rows_there_are_no_bins(frame, tuples_of):
    binned = feature_bins(frame(ROWS, []), {"orders": ()}, {}, categories={})
    assert tuples_of(binned) == []


def test_a_boolean_counts_as_0_and_1(frame, tuples_of):
    rows = frame("is_new boolean", [(True,), (False,), (None,)])
    binned = feature_bins(rows, {"is_new": (0.0,)}, {"is_new": (0.0, 1.0)}, categories={})
    assert tuples_of(binned, "bin", "rows", "total") == [(-1, 1, 0.0), (0, 1, 0.0), (1, 1, 1.0)]
