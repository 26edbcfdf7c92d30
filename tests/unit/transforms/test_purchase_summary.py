"""The BTYD summary on Spark: from receipt lines and from their totals, whatever the partitions."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.purchase_summary import purchase_lines, purchase_summary, purchase_totals

THEN, NOW = dt.date(2018, 1, 11), dt.date(2018, 1, 31)
LINES = [
    # a: two lines on the 2nd, then the 7th and, seen at NOW alone, the 22nd.
    ("a", "2018-01-02 09:00:00", "5.00"),
    ("a", "2018-01-02 10:00:00", "1.50"),
    ("a", "2018-01-07 23:59:59", "4.00"),
    ("a", "2018-01-07 08:00:00", "-1.00"),
    ("a", "2018-01-22 12:00:00", "9.00"),
    # b: a return alone is no purchase.
    ("b", "2018-01-05 12:00:00", "2.00"),
    ("b", "2018-01-06 12:00:00", "-2.00"),
    # c: on the day of NOW, which NOW does not see.
    ("c", "2018-01-31 00:00:00", "2.00"),
]
EXPECTED = [
    ("a", THEN, 1, 7 - 2, 11 - 2 - 1, 4.0 - 1.0),
    ("a", NOW, 2, 22 - 2, 31 - 2 - 1, (3.0 + 9.0) / 2),
    ("b", THEN, 0, 0, 11 - 5 - 1, None),
    ("b", NOW, 0, 0, 31 - 5 - 1, None),
]


@pytest.mark.spark_only
@pytest.mark.parametrize("partitions", [1, 5])
def test_lines_and_their_totals_give_the_same_summary(frame, tuples_of, partitions):
    lines = purchase_lines(
        frame(
            "silver.transactions",
            [
                {"customer_id": c, "purchased_at": at, "amount": amount, "known_at": at}
                for c, at, amount in LINES
            ],
        ).repartition(partitions)
    )
    assert tuples_of(purchase_summary(lines, [NOW, THEN])) == EXPECTED


@pytest.mark.spark_only
def test_totals_are_enough(frame, tuples_of):
    rows = frame(
        "silver.transactions",
        [{"customer_id": c, "purchased_at": at, "amount": amount} for c, at, amount in LINES],
    )
    assert tuples_of(purchase_summary(purchase_totals(rows), [NOW, THEN])) == EXPECTED
