"""Histograms of a feature: of the training sample, and of a later date in the same bins.

A reference is bounded: at most BINS bins or MOST_CATEGORIES categories. The same bins are counted
later (transforms.feature_bins).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

BINS, MOST_CATEGORIES = 20, 50


@dataclass(frozen=True)
class Reference:
    """Histogram of a feature in the training sample.

    edges: upper bounds of all bins but the last one; a bin is (lower, upper]. categories: the texts
    of a text feature, one bin each; None for numbers. counts, means: per bin; means are those of
    the numbers. others: rows with a category that has no bin. missing: rows without a value.
    customers: distinct customers of the sample. Rows of one customer at several dates are no
    independent evidence, so tests use this number.
    """

    feature: str
    counts: tuple[int, ...]
    missing: int
    customers: int
    edges: tuple[float, ...] = ()
    means: tuple[float, ...] = ()
    categories: tuple[str, ...] | None = None
    others: int = 0
    low: float | None = None
    high: float | None = None
    deviation: float = 0.0

    @property
    def rows(self) -> int:
        return sum(self.counts) + self.others + self.missing

    @classmethod
    def of_numbers(cls, feature: str, values: pd.Series, customers: int) -> Self:
        """Bins between the quantiles of the sample. Equal quantiles make one bin."""
        numbers = pd.to_numeric(values).astype(float)
        known = numbers[numbers.notna()].to_numpy()
        missing = len(numbers) - len(known)
        if not len(known):
            return cls(feature, (0,), missing, customers, means=(0.0,))
        cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf"))
        edges = cuts[cuts < known.max()]
        bins = np.searchsorted(edges, known, side="left")
        counts = np.bincount(bins, minlength=len(edges) + 1)
        sums = np.bincount(bins, weights=known, minlength=len(edges) + 1)
        return cls(
            feature,
            tuple(map(int, counts)),
            missing,
            customers,
            edges=tuple(map(float, edges)),
            means=tuple(map(float, sums / counts)),
            low=float(known.min()),
            high=float(known.max()),
            deviation=float(known.std()),
        )

    @classmethod
    def of_texts(cls, feature: str, values: pd.Series, customers: int) -> Self:
        """One bin per text, the MOST_CATEGORIES most frequent ones; ties: the first by name."""
        counted = values.dropna().astype(str).value_counts()
        order = sorted(counted.index, key=lambda name: (-counted[name], name))[:MOST_CATEGORIES]
        missing = int(values.isna().sum())
        counts = tuple(int(counted[name]) for name in order)
        others = int(counted.sum()) - sum(counts)
        return cls(feature, counts, missing, customers, categories=tuple(order), others=others)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The content of `asdict`, also after JSON."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content.items()
        }
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Current:
    """The counts of a later date in the bins of a reference.

    sums: sum of the numbers per bin. new: rows with a category that has no bin in the reference.
    below, above: rows outside the range of the sample, which the first and last bin also count.
    """

    counts: tuple[int, ...]
    missing: int
    sums: tuple[float, ...] = ()
    new: int = 0
    below: int = 0
    above: int = 0

    @property
    def rows(self) -> int:
        return sum(self.counts) + self.missing + self.new

    @property
    def filled(self) -> int:
        return sum(self.counts) + self.new

    @classmethod
    def of(cls, reference: Reference, values: pd.Series) -> Self:
        """The counts of values in memory, equal to those of transforms.feature_bins."""
        known = values.dropna()
        missing = len(values) - len(known)
        if reference.categories is not None:
            counts = tuple(int((known == c).sum()) for c in reference.categories)
            return cls(counts, missing, new=len(known) - sum(counts))
        numbers = known.to_numpy(dtype=float)
        bins = np.searchsorted(reference.edges, numbers, side="left")
        size = len(reference.counts)
        sums = np.bincount(bins, weights=numbers, minlength=size)
        below = 0 if reference.low is None else int((numbers < reference.low).sum())
        above = 0 if reference.high is None else int((numbers > reference.high).sum())
        counts = tuple(map(int, np.bincount(bins, minlength=size)))
        return cls(counts, missing, tuple(map(float, sums)), below=below, above=above)
