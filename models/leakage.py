"""Leakage check: the ranking power of a single column. A column that leaks the future ranks churn
suspiciously well."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
# Smaller categories are merged into one: their churn rate mostly reflects their own few labels.
FEWEST_ROWS = 20


def ranking_power(values: pd.Series, label: Array, is_number: bool) -> float:
    """ROC AUC of a single column, in the direction that ranks better.

    Nulls of a number are placed below all values and then above all values, and the better result
    counts, because the null itself may leak. Texts rank by the churn rate of their category; null
    is a category. 0.5 if the labels hold only one class.

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
    """The churn rate of each row's category. Null is a category."""
    named = values.fillna("").astype(str)
    counts = named.map(named.value_counts())
    grouped = named.where(counts >= FEWEST_ROWS, "\uffff")
    rates = pd.Series(label, index=values.index).groupby(grouped).transform("mean")
    return rates.to_numpy(dtype=float)


def _either_way(score: Array, label: Array) -> float:
    """The larger of AUC and 1 - AUC, computed from ranks. Ties count half."""

    churned = label == 1
    count = churned.sum()
    below = rankdata(score)[churned].sum() - count * (count + 1) / 2
    area = float(below / (count * (len(label) - count)))
    return max(area, 1 - area)
