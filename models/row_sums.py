"""Weighted sums of rows that do not depend on the other rows of the batch, to the last digit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def row_sums(rows: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """The sum of weight * value of each row: (rows,), or (rows, k) for weights of shape (n, k).

    This is not a matrix product. The rounding of a matrix product depends on the number of rows, so
    the same customer would get different results in different batches.

    >>> row_sums([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0]).tolist()
    [12.0, 34.0]
    """
    table = np.ascontiguousarray(rows, dtype=float)
    wanted = np.asarray(weights, dtype=float)
    if wanted.ndim == 1:
        return (table * wanted).sum(axis=1)
    sums = [(table * column).sum(axis=1) for column in wanted.T]
    return np.column_stack(sums) if sums else np.empty((len(table), 0))
