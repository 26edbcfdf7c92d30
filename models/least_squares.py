"""Non-negative least squares for columns of very different size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from contracts.wording import plural

Array = NDArray[np.float64]


class LeastSquaresError(ValueError):
    """The search for the weights does not end on these rows."""


def non_negative(design: Array, actual: Array, model: str) -> Array:
    """Weights of at least 0 with the least squared error; one per column of `design`.

    Columns are divided by their length: money of 10^7 beside a rate of 1 needs too many steps.
    Raises LeastSquaresError, which names the model, where the search does not end.

    >>> non_negative(np.array([[1.0, 0.0], [0.0, 1e7]]), np.array([2.0, -3.0]), "rate").tolist()
    [2.0, 0.0]
    """
    length = np.sqrt((design**2).sum(axis=0))
    length = np.where(length > 0, length, 1.0)
    try:
        weights, _ = nnls(design / length, actual)
    except RuntimeError:
        raise LeastSquaresError(
            f"{model}: non-negative least squares did not end on {plural(len(design), 'row')}. "
            "Check for single customers with extreme amounts."
        ) from None
    return np.asarray(weights / length, dtype=np.float64)
