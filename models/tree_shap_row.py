"""The kernel of `models.tree_shap` for one row: without blocks, the same sums in the same order.

A service asks for one customer. The kernel for blocks takes 180 µs for 200 trees of depth 5 then,
because it starts a loop over rows at each condition; this one takes 40 µs. Its tables have the
values of one set of conditions side by side, so that a branch costs one access to memory instead of
one per column.
"""

from __future__ import annotations

import numpy as np

from models.compiled import compiled


@compiled
def add_row_from_tables(  # type: ignore[no-untyped-def]
    x, start, column, low, high, missing, slot_start, slot_column, table_start, table, phi
):
    """Add each column's contribution for the row x to phi. As `tree_shap._add_from_tables`."""
    for branch in range(len(start) - 1):
        first, held = start[branch], 0
        for k in range(first, start[branch + 1]):
            value = x[column[k]]
            # Without a jump: which conditions hold differs from row to row, so a processor would
            # guess wrong half of the time.
            holds = (value >= low[k]) & (value < high[k]) | (value != value) & missing[k]
            held |= np.int64(holds) << (k - first)
        begin, end = slot_start[branch], slot_start[branch + 1]
        at = table_start[branch] + held * (end - begin)
        for slot in range(begin, end):
            phi[slot_column[slot]] += table[at + slot - begin]
