"""The BTYD summary, from receipt lines and from their totals, with any partitioning."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from transforms.purchase_summary import purchase_lines, purchase_summary, purchase_totals

THEN, NOW = dt.date(2018, 1, 11), dt.date(2018, 1, 31)
LINES = [
    # a: two lines on the 2nd, then the 7th and, visible only at NOW, the 22nd.
    ("a", "2018-01-02 09:00:00", "5.00"),
    ("a", "2018-01-02 10:00:00", "1.50"),
    ("a", "2018-01-07 23:59:59", "4.00"),
    ("a", "2018-01-07 08:00:00", "-1.00"),
    ("a", "2018-01-22 12:00:00", "9.00"),
    # b: a return alone is not a purchase.
    ("b", "2018-01-05 12:00:00", "2.00"),
    ("b", "2018-01-06 12:00:00", "-2.00"),
    # c: on the day of NOW, which is not visible at NOW.
    ("c", "2018-01-31 00:00:00", "2.00"),
    # d: 4.00 of the 10.00 of the 7th were returned that day, which became known after THEN.
    ("d", "2018-01-02 12:00:00", "8.00"),
    ("d", "2018-01-07 12:00:00", "10.00"),
    ("d", "2018-01-07 18:00:00", "-4.00", "2018-01-11 09:00:00"),
    # e: the return becomes known first.
    ("e", "2018-01-02 12:00:00", "8.00"),
    ("e", "2018-01-07 18:00:00", "-4.00"),
    ("e", "2018-01-07 12:00:00", "10.00", "2018-01-11 09:00:00"),
]
EXPECTED = [
    ("a", THEN, 1, 7 - 2, 11 - 2 - 1, 4.0 - 1.0),
    ("a", NOW, 2, 22 - 2, 31 - 2 - 1, (3.0 + 9.0) / 2),
    ("b", THEN, 0, 0, 11 - 5 - 1, None),
    ("b", NOW, 0, 0, 31 - 5 - 1, None),
    ("d", THEN, 1, 7 - 2, 11 - 2 - 1, 10.0),
    ("d", NOW, 1, 7 - 2, 31 - 2 - 1, 10.0 - 4.0),
    ("e", THEN, 0, 0, 11 - 2 - 1, None),
    ("e", NOW, 1, 7 - 2, 31 - 2 - 1, 10.0 - 4.0),
]


def transactions(frame):
    """LINES; known_at is the time of the event unless given."""
    names = ("customer_id", "purchased_at", "amount", "known_at")
    rows = [dict(zip(names, (*line, line[1])[:4], strict=True)) for line in LINES]
    return frame("silver.transactions", rows)


@pytest.mark.parametrize("partitions", [1, 5])
def test_lines_and_their_totals_give_the_same_summary(frame, tuples_of, partitions):
    lines = purchase_lines(transactions(frame).repartition(partitions))
    assert tuples_of(purchase_summary(lines, [NOW, THEN])) == EXPECTED


def test_totals_are_enough(frame, tuples_of):
    totals = purchase_totals(transactions(frame))
    assert tuples_of(purchase_summary(totals, [NOW, THEN])) == EXPECTED


def test_a_line_known_late_counts_from_then_on(frame, tuples_of):
    rows = [("2018-01-02", "2018-01-02", "7.00"), ("2018-01-05", "2018-01-20", "3.00")]
    lines = purchase_lines(
        frame(
            "silver.transactions",
            [
                {"customer_id": "a", "purchased_at": at, "known_at": known, "amount": amount}
                for at, known, amount in rows
            ],
        )
    )
    dates = [NOW, THEN, dt.date(2018, 1, 2)]
    assert tuples_of(purchase_summary(lines, dates)) == [
        ("a", THEN, 0, 0, 11 - 2 - 1, None),
        ("a", NOW, 1, 5 - 2, 31 - 2 - 1, 3.0),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_summary_of_lifetimes(frame, tuples_of, seed):
    from lifetimes.utils import summary_data_from_transaction_data

    draw = np.random.default_rng(seed)
    count = 400
    days = pd.Timestamp(2018, 1, 1) + pd.to_timedelta(draw.integers(0, 200, count), unit="D")
    bought = pd.DataFrame(
        {
            "customer_id": [f"c{i:02}" for i in draw.integers(0, 60, count)],
            "day": days,
            "amount": draw.integers(1, 9000, count) / 100,
        }
    )
    as_of = dt.date(2018, 7, 20)
    expected = summary_data_from_transaction_data(
        bought, "customer_id", "day", "amount", observation_period_end=as_of - dt.timedelta(days=1)
    ).sort_index()
    lines = frame(
        "silver.transactions",
        [
            {
                "customer_id": row.customer_id,
                "purchased_at": str(row.day),
                "known_at": str(row.day),
                "amount": f"{row.amount:.2f}",
            }
            for row in bought.itertuples()
        ],
    )
    summary = tuples_of(purchase_summary(purchase_lines(lines), [as_of]))
    assert [r[0] for r in summary] == list(expected.index)
    assert [r[2:5] for r in summary] == [
        tuple(map(int, row))
        for row in expected[["frequency", "recency", "T"]].itertuples(index=False)
    ]
    money = np.array([r[5] or 0.0 for r in summary])
    assert np.abs(money - expected["monetary_value"].to_numpy()).max() <= 1e-9
