"""How well one column alone tells who churns: a column that knows the future does it too well."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Categories with fewer rows count as one: the rate of a handful says what these few did, no more.
FEWEST_ROWS = 20


def ranking_power(values: pd.Series, label: Array, is_number: bool) -> float:
    """ROC AUC of one column taken alone, in the direction that ranks better.

    Nulls of a number stand once below and once above all values, since that there is one may be
    what tells. Texts rank by the churn rate of their category, nulls by theirs. 0.5 where one class
    only is there.

    >>> label = np.array([0.0, 0.0, 1.0, 1.0])
    >>> ranking_power(pd.Series([4.0, 3.0, 2.0, 1.0]), label, True)
    1.0
    >>> ranking_power(pd.Series([None, 2.0, 1.0, None]), label, True)
    0.625
    """
    if not 0 < label.sum() < len(label):
        return 0.5
    if not is_number:
        return _either_way(_rates(values, label), label)
    numbers = values.astype(float).to_numpy()
    return max(_either_way(np.nan_to_num(numbers, nan=end), label) for end in (-np.inf, np.inf))


def _rates(values: pd.Series, label: Array) -> Array:
    """The churn rate of each row's category; a null is a category."""
    named = values.fillna("").astype(str)
    counts = named.map(named.value_counts())
    grouped = named.where(counts >= FEWEST_ROWS, "\uffff")
    rates = pd.Series(label, index=values.index).groupby(grouped).transform("mean")
    return rates.to_numpy(dtype=float)


def _either_way(score: Array, label: Array) -> float:
    """ROC AUC by ranks, or 1 less it, the greater; ties count half."""
    from scipy.stats import rankdata

    churned = label == 1
    count = churned.sum()
    below = rankdata(score)[churned].sum() - count * (count + 1) / 2
    area = float(below / (count * (len(label) - count)))
    return max(area, 1 - area)
