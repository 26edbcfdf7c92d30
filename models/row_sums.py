"""Weighted sums of rows whose last digit does not depend on which rows stand beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def row_sums(rows: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """The sum of weight x value of each row; weights of several columns give a column each.

    Not a matrix product: its rounding depends on how many rows come along, so that the same
    customer would get another figure in another batch.

    >>> row_sums([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0]).tolist()
    [12.0, 34.0]
    """
    table = np.ascontiguousarray(rows, dtype=float)
    wanted = np.asarray(weights, dtype=float)
    if wanted.ndim == 1:
        return (table * wanted).sum(axis=1)
    sums = [(table * column).sum(axis=1) for column in wanted.T]
    return np.column_stack(sums) if sums else np.empty((len(table), 0))
