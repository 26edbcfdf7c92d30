"""Receipt lines of whole customers -> their BTYD summary, in numpy: the body of a mapInArrow.

Why Python: Spark's two aggregations (customer-days, then customers) hash each line twice. Sorting
whole numbers once does the same work (benchmarks/RESULTS.md has the time of the whole).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.packed_rows import unpack

SUMMARY_DDL = (
    "customer_id string, as_of date, frequency bigint, recency_days bigint, T_days bigint, "
    "monetary_value double"
)
_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("as_of", pa.date32()),
        ("frequency", pa.int64()),
        ("recency_days", pa.int64()),
        ("T_days", pa.int64()),
        ("monetary_value", pa.float64()),
    ]
)
Ints = NDArray[np.int64]
_EPOCH = dt.date(1970, 1, 1)


def summariser(
    as_of_dates: Sequence[dt.date],
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for mapInArrow over partitions that hold whole customers, packed (packed_rows).

    In: customer_id, day and visible_from (date), cents (bigint), is_purchase (int); out:
    SUMMARY_DDL, rows of a date by customer_id. A partition's lines are held at once, 40 bytes each.
    """
    dates = [(d - _EPOCH).days for d in sorted(set(as_of_dates))]

    def summarise(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        lines = unpack(batches)
        if lines is None:
            return
        yield from (batch for date in _summaries(lines, dates) for batch in date.to_batches())

    return summarise


def _summaries(lines: pa.Table, dates: Sequence[int]) -> Iterator[pa.Table]:
    ids = lines["customer_id"].combine_chunks().dictionary_encode()
    by_name = pc.array_sort_indices(ids.dictionary).to_numpy()
    rank = np.empty(len(by_name), dtype=np.int64)
    rank[by_name] = np.arange(len(by_name))
    customer = rank[ids.indices.to_numpy(zero_copy_only=False)]
    day = _days(lines["day"])
    first = int(day.min())
    span = int(day.max()) - first + 1
    key = customer * span + (day - first)
    # Not stable, by AVX: sums of whole numbers do not depend on the order within a day.
    order = np.argsort(key)
    key = key[order]
    visible, cents, bought = (
        column[order]
        for column in (
            _days(lines["visible_from"]),
            lines["cents"].to_numpy(),
            lines["is_purchase"].to_numpy(),
        )
    )
    sorted_names = ids.dictionary.to_numpy(zero_copy_only=False)[by_name]
    for date in dates:
        seen = slice(None) if visible.max() <= date else visible <= date
        found = _of_date(key[seen], cents[seen], bought[seen], span, first, date)
        if found is not None:
            who, *columns = found
            yield pa.table([pa.array(sorted_names[who], pa.string()), *columns], schema=_SCHEMA)


def _days(column: pa.ChunkedArray) -> Ints:
    return column.combine_chunks().cast(pa.int32()).to_numpy().astype(np.int64)


def _of_date(
    key: Ints, cents: Ints, bought: Ints, span: int, first: int, date: int
) -> tuple[Ints, ...] | None:
    """Customers and the columns of their summary; lines are sorted by customer and day."""
    if not len(key):
        return None
    starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    is_day = np.maximum.reduceat(bought, starts) > 0
    totals, days = np.add.reduceat(cents, starts)[is_day], key[starts][is_day]
    if not len(days):
        return None
    customer, day = days // span, days % span + first
    begins = np.flatnonzero(np.diff(customer, prepend=-1))
    ends = np.append(begins[1:], len(days))
    frequency = ends - begins - 1
    first_day, last_day = day[begins], day[ends - 1]
    repeat = np.add.reduceat(totals, begins) - totals[begins]
    value = pa.array(repeat / np.maximum(frequency, 1) / 100.0, mask=frequency == 0)
    as_of = np.full(len(begins), date, dtype=np.int32)
    return (
        customer[begins],
        pa.array(as_of, pa.int32()).cast(pa.date32()),
        frequency,
        last_day - first_day,
        date - first_day - 1,
        value,
    )
