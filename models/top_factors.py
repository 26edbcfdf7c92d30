"""The features that move a score most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled


def top_factors(
    contributions: NDArray[np.float64], k: int = 5
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(indices, values) of the k largest |contributions| per row, descending: (rows, k or fewer).

    Ties keep the order of the features. A feature without a contribution can be included. Its value
    is exactly 0, so that callers can leave it out of a text.
    """
    indices = np.empty((len(contributions), min(k, contributions.shape[1])), dtype=np.int64)
    _largest(contributions, indices)
    return indices, contributions[np.arange(len(indices))[:, None], indices]


@compiled
def _largest(contributions, indices):  # type: ignore[no-untyped-def]
    """Per row the positions of the largest |values|, descending; the first of tied values."""
    for row in range(contributions.shape[0]):
        for place in range(indices.shape[1]):
            best, size = -1, -1.0
            for column in range(contributions.shape[1]):
                value = abs(contributions[row, column])
                if value > size:
                    is_taken = False
                    for earlier in range(place):
                        is_taken |= indices[row, earlier] == column
                    if not is_taken:
                        best, size = column, value
            indices[row, place] = best
