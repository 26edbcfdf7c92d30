"""Rows come out of their packets as they went in, a bucket's together."""

from __future__ import annotations

import pyarrow as pa

from udfs import packed_rows
from udfs.packed_rows import pack, unpack

ROWS = pa.table(
    {
        "bucket": pa.array([2, 0, 2, 1, 0], pa.int32()),
        "name": ["c", "a", "d", None, "b"],
        "n": [3, 1, 4, None, 2],
    }
)


def _by_bucket(packets):
    return {
        packet["bucket"].as_py(): unpack(iter([pa.RecordBatch.from_pylist([packet_row(packet)])]))
        for packet in packets
    }


def packet_row(packet):
    return {k: v.as_py() for k, v in packet.items()}


def _packets(batches):
    for batch in pack(iter(batches)):
        for n in range(batch.num_rows):
            yield {name: batch.column(name)[n] for name in batch.schema.names}


def test_a_packet_a_bucket_with_its_rows_in_order():
    found = _by_bucket(_packets(ROWS.to_batches(max_chunksize=2)))
    assert {bucket: rows.to_pydict() for bucket, rows in found.items()} == {
        0: {"name": ["a", "b"], "n": [1, 2]},
        1: {"name": [None], "n": [None]},
        2: {"name": ["c", "d"], "n": [3, 4]},
    }


def test_every_chunk_has_packets_of_its_own(monkeypatch):
    monkeypatch.setattr(packed_rows, "CHUNK_ROWS", 2)
    # Chunks (2, 0), (2, 1) and (0): each bucket has a row.
    packets = list(_packets(ROWS.to_batches(max_chunksize=1)))
    assert [p["bucket"].as_py() for p in packets] == [0, 2, 1, 2, 0]


def test_what_is_packed_is_unpacked():
    out = unpack(pack(iter(ROWS.to_batches(max_chunksize=3)))).to_pydict()
    assert out == {"name": ["a", "b", None, "c", "d"], "n": [1, 2, None, 3, 4]}


def test_nothing_packs_to_nothing():
    assert list(pack(iter([]))) == []
    assert unpack(iter([])) is None
    assert unpack(pack(iter(ROWS.slice(0, 0).to_batches()))) is None
