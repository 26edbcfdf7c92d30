"""Rows of survival data as blocks of arrays, and sums over the rows.

A model never reads all rows at once. It provides a function that turns blocks into a vector of
sums, and `Rows.total` adds the vectors of all partitions. The same function runs in one process and
in Spark's workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

# A century of days: keeps tables per day small, and detects times in seconds.
MAX_DAYS = 36_525
# Each stratum has its own tables per day.
MAX_STRATA = 100
# Start of a row that is at risk from the beginning, including day 0.
ALWAYS = -1


class SurvivalError(ValueError):
    """The rows or arguments cannot be used; the message says why and how to fix it."""


@dataclass(frozen=True)
class Block:
    """Arrays with one entry per row. A row is at risk on the days start < day <= stop.

    start: age in days at entry (left truncation); ALWAYS if observed from the beginning.
    stop: age in days at the event or at the end of observation.
    event: 1 if the event happened at stop, 0 if the row is censored.
    weight: case weight, as in R's package survival.
    x: covariates, of shape (rows, columns).
    stratum: position in `Rows.strata`; each stratum has its own baseline.
    cluster: number of the customer; the rows of a customer are adjacent.
    """

    start: Whole
    stop: Whole
    event: Whole
    weight: Array
    x: Array
    stratum: Whole
    cluster: Whole

    def __len__(self) -> int:
        return len(self.stop)

    def rows(self, chosen: ArrayLike) -> Block:
        """The rows at these positions, or the rows where a mask is true."""
        return Block(**{name: values[chosen] for name, values in vars(self).items()})


Partial = Callable[[Iterable[Block]], Array]


class Rows(Protocol):
    """Access to rows in memory or in Spark.

    strata: sorted names of the strata; tables per day have one row per stratum.
    last_day: the largest stop.
    origin: a point near the rows, subtracted before summing; NaN where a column has no value.
    """

    @property
    def strata(self) -> Sequence[str]: ...

    @property
    def last_day(self) -> int: ...

    @property
    def origin(self) -> Array: ...

    def total(self, partial: Partial) -> Array:
        """The sum of partial(blocks) over all partitions.

        All rows of a customer are in the same partition.
        """
        ...

    def with_columns(self, columns: Sequence[int]) -> Rows:
        """The same rows with only the covariates at these positions."""
        ...


@dataclass(frozen=True)
class ArrayRows:
    """Rows in memory, for small data, samples and tests. parts: number of partitions."""

    block: Block
    strata: Sequence[str]
    parts: int = 1

    @classmethod
    def of(
        cls,
        stop: ArrayLike,
        event: ArrayLike,
        x: ArrayLike | None = None,
        *,
        start: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        stratum: Sequence[str] | None = None,
        cluster: ArrayLike | None = None,
        parts: int = 1,
    ) -> ArrayRows:
        """Rows from columns. start, stop: whole days. cluster: None if each row is one customer.

        Raises SurvivalError without rows, for a fraction of a day, or with too many strata.
        """
        days = whole_days("stop", stop)
        count = len(days)
        if not count:
            raise SurvivalError("rows: got none. Fit on at least two customers.")
        names = ["" for _ in range(count)] if stratum is None else [str(s) for s in stratum]
        strata = sorted(set(names))
        code = {name: k for k, name in enumerate(strata)}
        block = Block(
            start=np.full(count, ALWAYS) if start is None else whole_days("start", start),
            stop=days,
            event=np.asarray(event).astype(np.int64),
            weight=np.ones(count) if weight is None else np.asarray(weight, dtype=float),
            x=np.empty((count, 0)) if x is None else np.array(x, dtype=float).reshape(count, -1),
            stratum=np.array([code[name] for name in names]),
            cluster=np.arange(count) if cluster is None else np.asarray(cluster, dtype=np.int64),
        )
        order = np.argsort(block.cluster, kind="stable")
        return cls(block.rows(order), checked_strata(strata), parts)

    @property
    def last_day(self) -> int:
        """The largest stop."""
        return checked_last_day(int(self.block.stop.max()))

    @property
    def origin(self) -> Array:
        """Smallest value of each column; NaN where all values are NaN."""
        return np.fmin.reduce(self.block.x, axis=0)

    def total(self, partial: Partial) -> Array:
        """The sum of partial(blocks), with one vector per part as in Spark."""
        part = self.block.cluster % self.parts
        vectors = [partial([self.block.rows(part == k)]) for k in range(self.parts)]
        return np.sum(vectors, axis=0)

    def with_columns(self, columns: Sequence[int]) -> ArrayRows:
        """The same rows with only the covariates at these positions."""
        return replace(self, block=replace(self.block, x=self.block.x[:, list(columns)]))


class Layout:
    """Named arrays stored in a single vector, because only vectors are added.

    >>> layout = Layout(rows=(), by_column=(2,))
    >>> vector, sums = layout.zeros()
    >>> sums["by_column"] += [1.0, 2.0]
    >>> vector.tolist()
    [0.0, 1.0, 2.0]
    """

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        self.shapes = shapes
        self.size = sum(int(np.prod(shape)) for shape in shapes.values())

    def views(self, vector: Array) -> dict[str, Array]:
        """The named arrays as views: writing to a view changes the vector."""
        views, at = {}, 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape))
            views[name] = vector[at : at + size].reshape(shape)
            at += size
        return views

    def zeros(self) -> tuple[Array, dict[str, Array]]:
        """A vector of zeros and its views."""
        vector = np.zeros(self.size)
        return vector, self.views(vector)


def whole_days(name: str, values: ArrayLike) -> Whole:
    """The values as integers. SurvivalError for a fraction or a missing value."""
    days = np.asarray(values, dtype=float)
    wrong = days[~(days == np.floor(days))]
    if len(wrong):
        raise SurvivalError(
            f"{name}: must be whole days, got {wrong[0]}. Round fractions up to the next whole "
            "day, and leave out rows without a time."
        )
    return days.astype(np.int64)


def checked_last_day(last_day: int) -> int:
    """The argument, unchanged. SurvivalError if it is not from 0 to MAX_DAYS."""
    if not 0 <= last_day <= MAX_DAYS:
        raise SurvivalError(
            f"stop: must be from 0 to {MAX_DAYS} days, got {last_day}. Use ages in days, not "
            "dates or seconds."
        )
    return last_day


def checked_strata(strata: Sequence[str]) -> Sequence[str]:
    """The argument, unchanged. SurvivalError for more than MAX_STRATA strata."""
    if len(strata) > MAX_STRATA:
        raise SurvivalError(
            f"stratum: must have at most {MAX_STRATA} values, got more. Stratify by a coarser "
            "attribute."
        )
    return strata


def cluster_sums(rows: Iterable[tuple[Whole, Array]]) -> Iterable[Array]:
    """Sums per customer, of shape (customers, columns), from consecutive (cluster, values) blocks.

    The rows of a customer are adjacent, but may be split over two blocks. So the last customer of a
    block is held back until the next block.
    """
    waiting: Array | None = None
    last = 0
    for cluster, values in rows:
        if not len(cluster):
            continue
        begins = np.flatnonzero(np.diff(cluster, prepend=cluster[0] - 1) != 0)
        sums = np.add.reduceat(values, begins, axis=0)
        if waiting is not None:
            if cluster[0] == last:
                sums[0] += waiting
            else:
                yield waiting[None]
        waiting, last = sums[-1].copy(), int(cluster[-1])
        yield sums[:-1]
    if waiting is not None:
        yield waiting[None]
