"""Rows of survival data as blocks of arrays, and sums over them wherever they lie.

A model never sees all rows. It gives a function from blocks to one vector of sums; `Rows.total`
adds the vectors of all partitions. The same function runs in one process and in Spark's workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

# A century of days: tables by day stay small, and a time in seconds is found out.
MAX_DAYS = 36_525
# Strata multiply the tables by day.
MAX_STRATA = 100
# At risk from the beginning, its first day included.
ALWAYS = -1


class SurvivalError(ValueError):
    """Rows from which the model asked for cannot be learnt; the message says why and what to do."""


@dataclass(frozen=True)
class Block:
    """Some rows. A row is at risk on the days start < day <= stop.

    start: age in days at entry (left truncation), ALWAYS where observed from the beginning.
    stop: age in days at the event or at the end of observation.
    event: 1 where the event happened at stop, 0 where the row is censored.
    weight: case weight, as in R's survival package.
    x: (rows, columns) covariates.
    stratum: position in `Rows.strata`; each stratum has a baseline of its own.
    cluster: the customer, as a number; rows of one customer stand side by side.
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
        """The rows chosen by position or mask."""
        return Block(**{name: values[chosen] for name, values in vars(self).items()})


Partial = Callable[[Iterable[Block]], Array]


class Rows(Protocol):
    """Where the rows are.

    strata: names of the strata, sorted; one row of tables by day each.
    last_day: the largest stop.
    origin: one point near the rows, about which sums are taken; NaN where a column is unknown.
    """

    @property
    def strata(self) -> Sequence[str]: ...

    @property
    def last_day(self) -> int: ...

    @property
    def origin(self) -> Array: ...

    def total(self, partial: Partial) -> Array:
        """The sum of partial(blocks) over all partitions; a customer lies in one partition."""
        ...

    def with_columns(self, columns: Sequence[int]) -> Rows:
        """The same rows with some of the covariates."""
        ...


@dataclass(frozen=True)
class ArrayRows:
    """Rows in memory, in parts as Spark would hold them: for tests, samples and small data."""

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
        """Rows from columns; days must be whole. Without a cluster each row is a customer."""
        days = whole_days("stop", stop)
        count = len(days)
        if not count:
            raise SurvivalError("rows: none given. Fit on at least two customers.")
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
        """Smallest value of each column; NaN where all are NaN."""
        return np.fmin.reduce(self.block.x, axis=0)

    def total(self, partial: Partial) -> Array:
        """As Spark adds: one vector a part."""
        part = self.block.cluster % self.parts
        vectors = [partial([self.block.rows(part == k)]) for k in range(self.parts)]
        return np.sum(vectors, axis=0)

    def with_columns(self, columns: Sequence[int]) -> ArrayRows:
        """The same rows with some of the covariates."""
        return replace(self, block=replace(self.block, x=self.block.x[:, list(columns)]))


class Layout:
    """Named arrays side by side in one vector, since only vectors are added.

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
        """The named arrays within a vector; what is written to them is written to it."""
        found, at = {}, 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape))
            found[name] = vector[at : at + size].reshape(shape)
            at += size
        return found

    def zeros(self) -> tuple[Array, dict[str, Array]]:
        """A vector of zeros and its views."""
        vector = np.zeros(self.size)
        return vector, self.views(vector)


def whole_days(name: str, values: ArrayLike) -> Whole:
    """The values as integers. SurvivalError where one has a fraction or is unknown."""
    days = np.asarray(values, dtype=float)
    wrong = days[~(days == np.floor(days))]
    if len(wrong):
        raise SurvivalError(
            f"{name}: must be whole days, got {wrong[0]}. Round a time up to the day in which it "
            "falls; leave out rows without a time."
        )
    return days.astype(np.int64)


def checked_last_day(last_day: int) -> int:
    """The day itself; SurvivalError beyond MAX_DAYS or below zero."""
    if not 0 <= last_day <= MAX_DAYS:
        raise SurvivalError(
            f"stop: must lie in 0..{MAX_DAYS} days, got {last_day}. Give ages in days, not dates "
            "or seconds."
        )
    return last_day


def checked_strata(strata: Sequence[str]) -> Sequence[str]:
    """The strata themselves; SurvivalError where they are too many for tables by day."""
    if len(strata) > MAX_STRATA:
        raise SurvivalError(
            f"stratum: at most {MAX_STRATA} strata, got more. Stratify by a coarser attribute."
        )
    return strata


def cluster_sums(rows: Iterable[tuple[Whole, Array]]) -> Iterable[Array]:
    """(customers, columns) sums by customer, from (cluster, values) blocks in a row.

    Rows of one customer stand side by side, but may spread over two blocks: the last customer of
    a block waits for the next one.
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
