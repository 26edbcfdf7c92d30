"""Training rows in this process, for fits of few rows: Spark takes longer to start than they take.

Also used where a learner is always fitted on a bounded sample (the network).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Spark's hash of the customer id: folds and held-back customers are chosen by it on both paths.
CUSTOMER_HASH = "customer_hash"


@dataclass(frozen=True, eq=False)
class MatrixRows:
    """One row per (customer_id, as_of), sorted by as_of and customer_id.

    keys: all columns of a row that are not in the matrix, such as as_of, split, the label and
    customer_hash. x: the encoded columns, one row per row of keys. A null is NaN.
    """

    keys: pd.DataFrame
    x: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.keys)

    def where(self, mask: NDArray[np.bool_] | pd.Series[bool]) -> MatrixRows:
        """The rows of a mask, in the same order."""
        inside = np.asarray(mask, dtype=bool)
        return MatrixRows(self.keys[inside], self.x[inside])

    def with_columns(self, positions: Sequence[int]) -> MatrixRows:
        """Only these columns of the matrix."""
        return replace(self, x=self.x[:, list(positions)])

    def label(self, name: str) -> NDArray[np.int64]:
        """A label column, 0 or 1."""
        return self.keys[name].to_numpy(dtype=np.int64)


def collected(frame: DataFrame, names: Sequence[str]) -> MatrixRows:
    """The rows of a Spark frame. The caller bounds their number (training.rows_in_one_process).

    names: the columns of the matrix. The vector `features` of pyspark.ml is left out.
    """
    others = [c for c in frame.columns if c not in {*names, "features", CUSTOMER_HASH}]
    rows = frame.selectExpr(
        *[f"`{c}`" for c in (*others, *names)], f"xxhash64(customer_id) AS {CUSTOMER_HASH}"
    ).toArrow()
    rows = rows.sort_by([("as_of", "ascending"), ("customer_id", "ascending")])
    # One column at a time: no second copy of the whole matrix.
    x = np.empty((rows.num_rows, len(names)), dtype=np.float32)
    for position, name in enumerate(names):
        x[:, position] = rows[name].to_numpy()
    return MatrixRows(rows.select([*others, CUSTOMER_HASH]).to_pandas(), x)
