"""Exact path-dependent SHAP values of a tree ensemble, equal to xgboost's `pred_contribs`.

The game is defined by Lundberg et al. (2018, "Consistent individualized feature attribution for
tree ensembles"; 2020, Nature Machine Intelligence 2). On the path to a leaf, let o_j be 1 if the
row meets all conditions on column j, else 0. Let z_j be the share of the training cover that
follows the path at the nodes that split on column j. If the columns in S are known, the leaf is
worth v(S) = value * prod(o_j, j in S) * prod(z_j, j not in S). By the multilinear extension (Owen
1972, Management Science 18) its Shapley value is

    phi_j = value * (o_j - z_j) * integral from 0 to 1 of prod_{i != j} (z_i + (o_i - z_i) u) du.

For d columns the integrand is a polynomial of degree d - 1 in u, so Gauss-Legendre quadrature with
ceil(d / 2) points is exact. All factors lie in [0, 1], so nothing cancels. Two implementations:

- tables: neighbouring leaves share a table of phi, indexed by the set of their conditions that
  hold. Each row costs one comparison per condition and one look-up per column of each table.
- polynomials, if the tables would be too large: each leaf's product at the Gauss points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.tree_ensemble import LEAF, TreeEnsemble, read_only
from models.tree_shap_row import add_row_from_tables

# 200 trees of depth 5 take 3 MB, 200 full trees of depth 8 about 210 MB.
MAX_TABLE_BYTES = 512 * 2**20
BLOCK_ROWS = 1024  # the sums of 30 columns then take 240 kB and fit in the level-2 cache

CONDITION_TYPE = np.dtype(
    [("column", np.int64), ("low", np.float32), ("high", np.float32), ("missing", np.bool_)]
)


class Condition(NamedTuple):
    """low <= x < high, or x is missing and `missing` is True. One per column of a path (merged)."""

    column: int
    low: float = -np.inf
    high: float = np.inf
    missing: bool = True


class Term(NamedTuple):
    """One column on the path to a leaf: `share` is its z_j; o_j is 1 if the table's condition bits,
    masked by `care`, equal `want`."""

    share: float = 1.0
    care: int = 0
    want: int = 0


class Leaf(NamedTuple):
    """A leaf with its terms, by column."""

    node: int
    terms: dict[int, Term]


class Branch(NamedTuple):
    """A subtree whose leaves share a table: its root, and by column the conditions and the cover
    shares z of the path to the root."""

    node: int
    path: dict[int, Condition]
    share: dict[int, float]


@dataclass(frozen=True, eq=False)
class ShapTables:
    """SHAP values of one ensemble. Prepared once, then usable on many rows and from many threads.

    base: mean raw score of the training rows. base + sum of a row's contributions = its raw score.
    is_tabulated: True for tables, False for polynomials. The results agree to 1e-6.
    """

    ensemble: TreeEnsemble
    base: float
    is_tabulated: bool
    prepared: tuple[NDArray[Any], ...]

    @classmethod
    def build(
        cls, ensemble: TreeEnsemble, max_depth: int = 8, max_bytes: int = MAX_TABLE_BYTES
    ) -> Self:
        """Prepare tables with at most `max_depth` conditions each and `max_bytes` in total.

        If a path splits on more than `max_depth` distinct columns, or the tables would be larger,
        the whole ensemble is explained by polynomials.
        """
        sizes, branches = _branches(ensemble, most=max_depth)
        table_bytes = sum(4 * size * 2**size for size in sizes)
        tabulated = max(sizes, default=0) <= max_depth and table_bytes <= max_bytes
        prepared = _tables(ensemble, branches) if tabulated else _polynomials(ensemble)
        return cls(ensemble, ensemble.expected, tabulated, prepared)

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """The contribution of each column to each row's raw score, (rows, columns), in its unit.

        `matrix`: as for `TreeEnsemble.predict`. The first call on a machine compiles the kernel.
        """
        matrix = self.ensemble.checked(matrix)
        if len(matrix) == 1 and self.is_tabulated:
            sums = np.zeros(matrix.shape, dtype=np.float64)
            add_row_from_tables(matrix[0], *self._for_one_row, sums[0])
            return sums
        kernel: Any = _add_from_tables if self.is_tabulated else _add_from_polynomials
        phi = np.empty(matrix.shape, dtype=np.float64)
        for begin in range(0, len(matrix), BLOCK_ROWS):
            rows = slice(begin, begin + BLOCK_ROWS)
            by_column = read_only(matrix[rows].T, np.float32)
            sums = np.zeros(by_column.shape, dtype=np.float64)
            kernel(by_column, *self.prepared, sums)
            phi[rows] = sums.T
        return phi

    @cached_property
    def _for_one_row(self) -> tuple[NDArray[Any], ...]:
        """For the kernel of one row: an array per part of the conditions, and tables by set."""
        start, asked, slots, columns, at, table = self.prepared
        parts = (np.ascontiguousarray(asked[name]) for name in CONDITION_TYPE.names or ())
        pairs = zip(np.split(table, at[1:-1]), np.diff(slots), strict=True)
        by_set = [part.reshape(size, -1).T.ravel() for part, size in pairs] or [table]
        return (start, *parts, slots, columns, at, np.concatenate(by_set))


def _gauss_points(columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss points and weights on [0, 1], exact for a path with this many columns."""
    points, weights = np.polynomial.legendre.leggauss(max(1, -(-columns // 2)))
    return (points + 1.0) / 2.0, weights / 2.0


def _branches(ensemble: TreeEnsemble, most: int) -> tuple[list[int], list[Branch]]:
    """(sizes, subtrees): the largest subtrees with at most `most` conditions, and single leaves if
    their path has more. A condition is a distinct column on the path, or an inner node below it."""
    inner_nodes = (ensemble.feature != LEAF).astype(np.int64)
    for node in np.flatnonzero(ensemble.parent >= 0)[::-1]:
        inner_nodes[ensemble.parent[node]] += inner_nodes[node]
    waiting = [Branch(int(root), {}, {}) for root in ensemble.tree_start[:-1]]
    sizes, branches = [], []
    while waiting:
        branch = waiting.pop()
        size = len(branch.path) + int(inner_nodes[branch.node])
        if size > most and ensemble.feature[branch.node] != LEAF:
            waiting.extend(_both_sides(ensemble, branch))
        elif size:
            sizes.append(size)
            branches.append(branch)
    return sizes, branches


def _both_sides(ensemble: TreeEnsemble, branch: Branch) -> Iterator[Branch]:
    """The two children of the branch. The node's condition is merged into the path of each."""
    column, _, threshold, missing_left = _goes_left(ensemble, branch.node)
    _, low, high, missing = branch.path.get(column, Condition(column))
    below = Condition(column, low, min(high, threshold), missing and missing_left)
    above = Condition(column, max(low, threshold), high, missing and not missing_left)
    for side, condition in ((ensemble.left, below), (ensemble.right, above)):
        node = int(side[branch.node])
        z = branch.share.get(column, 1.0) * float(ensemble.cover_share[node])
        yield Branch(node, {**branch.path, column: condition}, {**branch.share, column: z})


def _goes_left(ensemble: TreeEnsemble, node: int) -> Condition:
    """The condition under which a row goes left at the node."""
    column, threshold = int(ensemble.feature[node]), float(ensemble.strict_threshold[node])
    return Condition(column, high=threshold, missing=bool(ensemble.default_left[node]))


def _offsets(sizes: Iterable[int]) -> NDArray[np.int64]:
    """The start of each run, followed by the total length."""
    return read_only(np.cumsum([0, *sizes]), np.int64)


def _tables(ensemble: TreeEnsemble, branches: list[Branch]) -> tuple[NDArray[Any], ...]:
    """The arguments of `_add_from_tables`: conditions, columns and tables of all branches."""
    conditions, columns, tables = [], [], [np.zeros(0)]
    for branch in branches:
        asked = list(branch.path.values())
        terms = {c: Term(z, 1 << k, 1 << k) for k, (c, z) in enumerate(branch.share.items())}
        leaves = list(_leaves(ensemble, branch.node, terms, asked))
        conditions.append(asked)
        columns.append(sorted({condition.column for condition in asked}))
        tables.append(_table(ensemble, leaves, columns[-1], len(asked)).ravel())
    return (
        _offsets(map(len, conditions)),
        read_only([condition for asked in conditions for condition in asked], CONDITION_TYPE),
        _offsets(map(len, columns)),
        read_only([column for used in columns for column in used], np.int64),
        _offsets(map(len, tables[1:])),
        read_only(np.concatenate(tables), np.float32),
    )


def _leaves(
    ensemble: TreeEnsemble, node: int, terms: dict[int, Term], asked: list[Condition]
) -> Iterator[Leaf]:
    """The leaves below the node with their terms. Appends the conditions on the way to `asked`."""
    if ensemble.feature[node] == LEAF:
        yield Leaf(node, terms)
        return
    bit = 1 << len(asked)
    asked.append(_goes_left(ensemble, node))
    column = asked[-1].column
    z, care, want = terms.get(column, Term())
    for side, wanted in ((ensemble.left, want | bit), (ensemble.right, want)):
        child = int(side[node])
        term = Term(z * float(ensemble.cover_share[child]), care | bit, wanted)
        yield from _leaves(ensemble, child, {**terms, column: term}, asked)


def _table(
    ensemble: TreeEnsemble, leaves: list[Leaf], columns: list[int], conditions: int
) -> NDArray[np.float64]:
    """phi summed over the leaves, for each set of conditions that hold: (columns, 2^conditions).
    A column that is not on a leaf's path has o = z = 1 and contributes 0."""
    terms = np.array([[leaf.terms.get(c, Term()) for c in columns] for leaf in leaves])
    z = terms[:, :, :1]
    care, want = terms[:, :, 1:2].astype(np.int64), terms[:, :, 2:].astype(np.int64)
    slope = ((np.arange(1 << conditions) & care) == want) - z
    phi = np.zeros_like(slope)
    for u, weight in zip(*_gauss_points(len(columns)), strict=True):
        factor = z + slope * u
        product = weight * factor.prod(axis=1, keepdims=True)
        # A factor is 0 only if o = z = 0. The slope is then 0 as well.
        phi += product * np.divide(slope, factor, out=np.zeros_like(factor), where=factor > 0)
    return np.einsum("l,lcs->cs", ensemble.leaf_value[[leaf.node for leaf in leaves]], phi)


def _polynomials(ensemble: TreeEnsemble) -> tuple[NDArray[Any], ...]:
    """The arguments of `_add_from_polynomials`: conditions, z and value per leaf; Gauss points."""
    _, leaves = _branches(ensemble, most=0)
    return (
        _offsets(len(leaf.path) for leaf in leaves),
        read_only([c for leaf in leaves for c in leaf.path.values()], CONDITION_TYPE),
        read_only([z for leaf in leaves for z in leaf.share.values()], np.float64),
        read_only(ensemble.leaf_value[[leaf.node for leaf in leaves]], np.float64),
        *_gauss_points(max((len(leaf.path) for leaf in leaves), default=0)),
    )


@compiled
def _mark(x, condition, holds):  # type: ignore[no-untyped-def]
    # NaN fails each comparison, so the first form accepts NaN and the second rejects it.
    low, high = condition.low, condition.high
    if condition.missing:
        for row in range(len(x)):
            holds[row] = (not (x[row] < low)) & (not (x[row] >= high))
    else:
        for row in range(len(x)):
            holds[row] = (x[row] >= low) & (x[row] < high)


@compiled
def _add_from_tables(x, start, asked, slot_start, slot_column, table_start, table, phi):  # type: ignore[no-untyped-def]
    held, holds = np.empty(x.shape[1], np.uint32), np.empty(x.shape[1], np.bool_)
    for branch in range(len(start) - 1):
        held[:] = 0
        for k in range(start[branch], start[branch + 1]):
            _mark(x[asked[k].column], asked[k], holds)
            bit = np.uint32(1 << (k - start[branch]))
            for row in range(len(held)):
                held[row] |= bit if holds[row] else np.uint32(0)
        at, sets = table_start[branch], 1 << (start[branch + 1] - start[branch])
        for slot in range(slot_start[branch], slot_start[branch + 1]):
            into, of_set = phi[slot_column[slot]], table[at : at + sets]
            for row in range(len(held)):
                into[row] += of_set[held[row]]
            at += sets


@compiled
def _add_from_polynomials(x, start, asked, share, value, points, weights, phi):  # type: ignore[no-untyped-def]
    held, product = np.empty(x.shape, np.bool_), np.empty(x.shape[1])
    for leaf in range(len(value)):
        first, end = start[leaf], start[leaf + 1]
        for k in range(first, end):
            _mark(x[asked[k].column], asked[k], held[k - first])
        for u, weight in zip(points, weights):  # noqa: B905 - numba's zip is never strict
            product[:] = value[leaf] * weight
            for k in range(first, end):
                z, holds = share[k], held[k - first]
                passed, failed = z + (1 - z) * u, z * (1 - u)
                for row in range(len(product)):
                    product[row] *= passed if holds[row] else failed
            for k in range(first, end):
                z, holds, into = share[k], held[k - first], phi[asked[k].column]
                # (o - z) / (z + (o - z) u) at o = 1 and o = 0
                passed, failed = (1 - z) / (z + (1 - z) * u), -1 / (1 - u)
                for row in range(len(product)):
                    into[row] += product[row] * (passed if holds[row] else failed)
