"""Compact rows and back: the blocks that a Spark worker makes of its batches."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.survival import distributed
from models.survival.distributed import as_bytes, blocks_of


def batch(*stops):
    count = len(stops)
    matrix = np.column_stack([stops, np.full(count, 0.5)]).astype(np.float32)
    return pd.DataFrame(
        {
            "cluster": range(count),
            "start": 1,
            "stop": stops,
            "event": 1,
            "weight": 2.0,
            "stratum": ["b", "a"] * (count // 2) + ["b"] * (count % 2),
            "x": as_bytes(matrix),
        }
    )


def test_batches_become_blocks_of_enough_rows(monkeypatch):
    monkeypatch.setattr(distributed, "BLOCK_ROWS", 4)
    batches = [batch(10, 11), batch(12, 13, 14), batch(), batch(15)]
    blocks = list(blocks_of(iter(batches), [0, 1], ["a", "b"]))
    assert [block.stop.tolist() for block in blocks] == [[10, 11, 12, 13, 14], [15]]
    assert blocks[0].x[:, 0].tolist() == [10, 11, 12, 13, 14]
    assert blocks[0].x[:, 1].tolist() == [0.5] * 5
    assert blocks[0].stratum.tolist() == [1, 0, 1, 0, 1]


def test_columns_are_chosen_in_their_order():
    (block,) = blocks_of(iter([batch(10, 11)]), [1, 0], [""])
    assert block.x.tolist() == [[0.5, 10], [0.5, 11]]
    assert block.stratum.tolist() == [0, 0]


def test_an_empty_partition_has_no_block():
    assert list(blocks_of(iter([]), [0], [""])) == []
    assert list(blocks_of(iter([batch()]), [0], [""])) == []
