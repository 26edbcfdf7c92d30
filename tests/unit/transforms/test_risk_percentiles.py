"""Percentiles of the churn risk, among all scored customers and within their segment."""

from __future__ import annotations

from transforms.risk_percentiles import with_risk_percentiles

SCORED = "as_of date, customer_id string, churn_probability double"
SEGMENT = "customer_id string, segment string"


def places(frame, rows_of, *customers):
    """(risk_percentile, risk_percentile_in_segment) by customer, from (customer, p, segment)."""
    scored = frame(SCORED, [("2026-01-01", c, p) for c, p, _ in customers])
    segments = frame(SEGMENT, [(c, s) for c, _, s in customers])
    rows = rows_of(with_risk_percentiles(scored, segments))
    return {r["customer_id"]: (r["risk_percentile"], r["risk_percentile_in_segment"]) for r in rows}


def test_a_percentile_counts_the_customers_with_a_lower_risk(frame, rows_of):
    assert places(
        frame,
        rows_of,
        ("a", 0.1, "Champions"),
        ("b", 0.4, "Champions"),
        ("c", 0.2, "At Risk"),
        ("d", 0.4, "At Risk"),
        ("e", 0.4, "At Risk"),
    ) == {
        "a": (1, 1),
        "b": (1 + 100 * 2 // 5, 1 + 100 * 1 // 2),
        "c": (1 + 100 * 1 // 5, 1),
        "d": (1 + 100 * 2 // 5, 1 + 100 * 1 // 3),
        "e": (1 + 100 * 2 // 5, 1 + 100 * 1 // 3),
    }


def test_of_many_customers_the_first_and_the_last_per_cent_are_1_and_100(frame, rows_of):
    many = places(frame, rows_of, *((f"c{n}", n / 300, "A") for n in range(300)))
    assert [many[f"c{n}"] for n in (0, 2, 3, 150, 297, 299)] == [
        (1, 1),
        (1, 1),  # 2 of 300 are lower: 0 whole per cents
        (2, 2),  # 3 of 300: 1
        (51, 51),
        (100, 100),
        (100, 100),
    ]


def test_all_equal_and_nobody(frame, rows_of):
    assert places(frame, rows_of, ("a", 0.3, "A"), ("b", 0.3, "A")) == {"a": (1, 1), "b": (1, 1)}
    assert places(frame, rows_of) == {}
