"""Scored customers by whether they have bought since."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.early_returns import (
    matured_returns,
    probability_cells,
    realised_cells,
    scored_dates,
    value_band,
    with_first_return,
)
from transforms.labels import purchase_days

AS_OF = dt.date(2026, 1, 1)


def test_the_first_purchase_of_the_horizon_counts_when_it_is_visible(frame, tuples_of):
    customers = frame(
        "customer_id string, as_of date",
        [(c, AS_OF) for c in ("at", "end", "late", "none", "past")],
    )
    bought = [
        ("at", "2026-01-01", "2026-01-01"),  # the first moment of the horizon: visible after 1 day
        ("at", "2026-01-09", "2026-01-09"),  # a later purchase changes nothing
        ("end", "2026-01-31", "2026-01-31"),  # the first moment after 30 days
        ("late", "2026-01-02", "2026-01-10"),  # known on the 10th, visible on the 11th
        ("past", "2025-12-31", "2025-12-31"),
    ]
    lines = frame(
        "silver.transactions",
        [
            {"customer_id": c, "purchased_at": f"{day} 00:00:00", "known_at": known, "amount": 1}
            for c, day, known in bought
        ],
    )
    seen = with_first_return(customers, purchase_days(lines), lead_days=0, horizon_days=30)
    assert tuples_of(seen, "customer_id", "seen_after") == [
        ("at", 1),
        ("end", None),
        ("late", 10),
        ("none", None),
        ("past", None),
    ]


def test_a_lead_moves_the_start_of_the_horizon(frame, tuples_of):
    customers = frame("customer_id string, as_of date", [("early", AS_OF), ("later", AS_OF)])
    lines = frame(
        "silver.transactions",
        [
            {"customer_id": "early", "purchased_at": "2026-01-03", "amount": 1},
            {"customer_id": "later", "purchased_at": "2026-01-04", "amount": 1},
        ],
    )
    seen = with_first_return(customers, purchase_days(lines), lead_days=3, horizon_days=30)
    assert tuples_of(seen, "customer_id", "seen_after") == [("early", None), ("later", 1)]


SCORED = "churn_probability double, band int, seen_after int"


def test_cells_of_probabilities(frame, tuples_of):
    scored = frame(
        SCORED,
        [
            (0.2501, 0, 7),  # returned within 7 days
            (0.2503, 0, 8),  # the same bin, not yet
            (0.2501, 1, None),
            (1.0, 1, None),
        ],
    )
    assert tuples_of(probability_cells(scored, 7)) == [
        (pytest.approx(0.2501), 1, 1, 0),
        (pytest.approx((0.2501 + 0.2503) / 2), 0, 1, 1),
        (pytest.approx(1.0), 1, 1, 0),
    ]


def test_returners_by_band(frame, tuples_of):
    past = frame(SCORED, [(0.1, 0, 7), (0.1, 0, 8), (0.1, 0, None), (0.1, 1, 30)])
    assert tuples_of(matured_returns(past, 7)) == [(0, 2, 1), (1, 1, 1)]


def test_realised_cells(frame, tuples_of):
    labelled = frame("churn_probability double, churned int", [(0.5, 1), (0.5, 0), (0.7, 1)])
    assert tuples_of(realised_cells(labelled)) == [(0.5, 1, 1), (0.7, 1, 0)]


def test_bands(frame, tuples_of):
    rows = frame("recency_days bigint", [(7,), (8,), (31,), (None,)])
    banded = rows.select("recency_days", value_band("recency_days", (7, 30)).alias("band"))
    assert tuples_of(banded) == [(None, 2), (7, 0), (8, 1), (31, 2)]


def test_dates_up_to_a_day(frame, tuples_of):
    rows = frame("as_of date", [(AS_OF,), (AS_OF,), (dt.date(2026, 1, 2),)])
    assert tuples_of(scored_dates(rows, AS_OF)) == [(AS_OF,)]
