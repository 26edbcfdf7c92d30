"""The BTYD summary of receipt lines in numpy: by hand, and beside lifetimes."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from udfs.packed_rows import pack
from udfs.purchase_arrays import summariser

JAN = [dt.date(2018, 1, day) for day in range(1, 32)]


def _summary(rows, dates, batches=1):
    table = pa.table(
        {
            "customer_id": pa.array([r[0] for r in rows], pa.string()),
            "day": pa.array([r[1] for r in rows], pa.date32()),
            "visible_from": pa.array([r[2] for r in rows], pa.date32()),
            "cents": pa.array([r[3] for r in rows], pa.int64()),
            "is_purchase": pa.array([r[4] for r in rows], pa.int64()),
        }
    )
    size = max(1, -(-len(rows) // batches))
    table = table.append_column("bucket", pa.array([len(r[0]) for r in rows], pa.int32()))
    packed = pack(iter(table.to_batches(max_chunksize=size)))
    parts = summariser(dates)(packed)
    return [tuple(r.values()) for part in parts for r in part.to_pylist()]


def test_by_hand():
    rows = [
        # Two lines of the 3rd make one purchase day; the 5th and the 9th repeat.
        ("b", JAN[2], JAN[3], 1000, 1),
        ("b", JAN[2], JAN[3], 500, 1),
        ("b", JAN[8], JAN[9], 300, 1),
        ("b", JAN[4], JAN[5], 200, 1),
        # A return alone is no purchase, on a purchase day it reduces the revenue.
        ("b", JAN[6], JAN[7], -100, 0),
        ("b", JAN[8], JAN[9], -50, 0),
        # Bought before as_of, known only after it.
        ("b", JAN[5], JAN[29], 900, 1),
        ("a", JAN[0], JAN[1], 700, 1),
    ]
    day = JAN[20]  # the 21st
    assert _summary(rows, [day]) == [
        ("a", day, 0, 0, 21 - 1 - 1, None),
        # (2.00 + 3.00 - 0.50) / 2 repeat days.
        ("b", day, 2, 9 - 3, 21 - 3 - 1, 2.25),
    ]


def test_each_date_sees_what_was_visible_by_then():
    rows = [("a", JAN[0], JAN[1], 100, 1), ("a", JAN[9], JAN[10], 300, 1)]
    found = _summary(rows, [JAN[10], JAN[9], JAN[0]])
    assert found == [("a", JAN[9], 0, 0, 8, None), ("a", JAN[10], 1, 9, 9, 3.0)]


def test_no_line_gives_no_row():
    assert _summary([], [JAN[5]]) == []
    assert list(summariser([JAN[5]])(iter([]))) == []
    assert _summary([("a", JAN[1], JAN[2], -5, 0)], [JAN[9]]) == []


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_summary_of_lifetimes(seed):
    from lifetimes.utils import summary_data_from_transaction_data

    draw = np.random.default_rng(seed)
    count = 400
    days = pd.Timestamp(2018, 1, 1) + pd.to_timedelta(draw.integers(0, 200, count), unit="D")
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in draw.integers(0, 60, count)],
            "day": days,
            "amount": draw.integers(1, 9000, count) / 100,
        }
    )
    as_of = dt.date(2018, 7, 20)
    expected = summary_data_from_transaction_data(
        lines, "customer_id", "day", "amount", observation_period_end=as_of - dt.timedelta(days=1)
    ).sort_index()
    rows = [
        (
            r.customer_id,
            r.day.date(),
            (r.day + pd.Timedelta(days=1)).date(),
            round(r.amount * 100),
            1,
        )
        for r in lines.itertuples()
    ]
    draw.shuffle(rows)
    found = _summary(rows, [as_of], batches=7)
    assert [r[0] for r in found] == list(expected.index)
    assert [r[2:5] for r in found] == [
        (int(f), int(r), int(t))
        for f, r, t in expected[["frequency", "recency", "T"]].itertuples(index=False)
    ]
    money = np.array([r[5] or 0.0 for r in found])
    assert np.abs(money - expected["monetary_value"].to_numpy()).max() <= 1e-9
