"""Days that a customer stays within a horizon: expectation and variance, from the survival curve.

With S(u) the probability of still being a customer u days ahead, E[D] = sum of S(u) and
E[D^2] = sum of (2 u + 1) S(u), both for u = 0 to the horizon - 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from models.row_sums import row_sums
from models.survival.portable import LifetimeModel
from models.survival.rows import Array

# Rows per block: 4,096 curves x 365 days x 8 bytes = 12 MB.
ROWS_AT_ONCE = 4096


class Lived(NamedTuple):
    """One entry per row: expected days as a customer within the horizon, and their variance."""

    days: Array
    variance: Array


def lived(life: LifetimeModel, frame: pd.DataFrame, horizon: int) -> Lived:
    """Days as a customer within `horizon` days of each row of the frame, alive now."""
    day = np.arange(horizon)
    weights = np.column_stack([np.ones(horizon), 2 * day + 1])
    blocks = [np.empty((0, 2))]
    for begin in range(0, len(frame), ROWS_AT_ONCE):
        curve = life.conditional_survival(frame.iloc[begin : begin + ROWS_AT_ONCE], day)
        blocks.append(row_sums(curve, weights))
    sums = np.concatenate(blocks)
    return Lived(sums[:, 0], np.maximum(sums[:, 1] - sums[:, 0] ** 2, 0.0))
