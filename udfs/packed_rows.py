"""Rows packed for a shuffle: many rows of a bucket travel as one binary value.

Why Python: Spark's shuffle writes and reads each row by itself, and then makes Arrow of it once
more; here rows stay in Arrow's columns from the first stage to the second.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

PACKED_DDL = "bucket int, rows binary"
_PACKED = pa.schema([("bucket", pa.int32()), ("rows", pa.binary())])
# Rows gathered before they are sorted by bucket: 40 to 100 MB of receipt lines.
CHUNK_ROWS = 1_000_000


def pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """For mapInArrow: rows with `bucket` (int, from 0) in, PACKED_DDL out.

    One value has the other columns of up to CHUNK_ROWS rows of its bucket, as an Arrow stream.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(b.num_rows for b in held) >= CHUNK_ROWS:
            yield _packed(pa.Table.from_batches(held))
            held = []
    if held:
        yield _packed(pa.Table.from_batches(held))


def unpack(batches: Iterator[pa.RecordBatch]) -> pa.Table | None:
    """All rows that `pack` put into these batches; None where there are none. Nothing is copied."""
    tables = [
        pa.ipc.open_stream(rows.as_buffer()).read_all()
        for batch in batches
        for rows in batch.column("rows")
    ]
    return pa.concat_tables(tables) if tables else None


def _packed(rows: pa.Table) -> pa.RecordBatch:
    rows = rows.sort_by("bucket").combine_chunks()  # stable, and by counting: buckets are few
    bucket = rows["bucket"].to_numpy()
    rows = rows.drop_columns("bucket")
    begins = np.flatnonzero(np.diff(bucket, prepend=-1))
    ends = np.append(begins[1:], len(bucket))
    streams = [
        _stream(rows.slice(begin, end - begin)) for begin, end in zip(begins, ends, strict=True)
    ]
    return pa.record_batch(
        [pa.array(bucket[begins], pa.int32()), pa.array(streams, pa.binary())], schema=_PACKED
    )


def _stream(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue().to_pybytes()
