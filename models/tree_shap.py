"""Exact SHAP values of a tree ensemble, path-dependent, as xgboost's `pred_contribs` gives them.

The game is that of Lundberg et al. (2018, "Consistent individualized feature attribution for tree
ensembles"; 2020, Nature Machine Intelligence 2). On the path to a leaf, let o_j be 1 if the row
meets all conditions on column j, else 0, and z_j the share of the training cover that follows the
path at the nodes asking column j. When the columns S are known, the leaf is worth v(S) = value *
prod(o_j, j in S) * prod(z_j, j not in S). By the multilinear extension (Owen 1972, Management
Science 18) its Shapley value is

    phi_j = value * (o_j - z_j) * integral from 0 to 1 of prod_{i != j} (z_i + (o_i - z_i) u) du,

for d columns a polynomial of degree d - 1 in u: Gauss-Legendre with ceil(d / 2) points is exact,
and as every factor lies in [0, 1] nothing cancels. Two ways to the same numbers:

- tables: neighbouring leaves share a table of phi by the set of their conditions that hold; a row
  costs one comparison a condition and one look-up a column of each table;
- polynomials, where tables would be too large: each leaf's product at the Gauss points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.tree_ensemble import LEAF, TreeEnsemble, read_only

# 200 trees of depth 5 take 3 MB, 200 full trees of depth 8 about 210 MB.
MAX_TABLE_BYTES = 512 * 2**20
BLOCK_ROWS = 1024  # the sums of 30 columns are then 240 kB of level-2 cache

CONDITION_TYPE = np.dtype(
    [("column", np.int64), ("low", np.float32), ("high", np.float32), ("missing", np.bool_)]
)


class Condition(NamedTuple):
    """low <= x < high, or x is missing and `missing` is true; those of one path are merged."""

    column: int
    low: float = -np.inf
    high: float = np.inf
    missing: bool = True


class Term(NamedTuple):
    """One column on the path to a leaf: z_j, and the conditions (bits) that make o_j = 1: those of
    a table in `care` must hold or fail as they do in `want`."""

    share: float = 1.0
    care: int = 0
    want: int = 0


class Leaf(NamedTuple):
    """A leaf among the conditions of its table."""

    node: int
    terms: dict[int, Term]


class Branch(NamedTuple):
    """A subtree whose leaves share a table: its root, what the path to it asks, each column's z."""

    node: int
    path: dict[int, Condition]
    share: dict[int, float]


@dataclass(frozen=True, eq=False)
class ShapTables:
    """SHAP values of one ensemble, prepared once, used on any number of rows and threads.

    base: mean raw score over the training cover; base + the contributions of a row = its raw score.
    is_tabulated: by tables, else by polynomials; the results agree to 1e-6.
    """

    ensemble: TreeEnsemble
    base: float
    is_tabulated: bool
    prepared: tuple[NDArray[Any], ...]

    @classmethod
    def build(
        cls, ensemble: TreeEnsemble, max_depth: int = 8, max_bytes: int = MAX_TABLE_BYTES
    ) -> Self:
        """Prepare tables of at most `max_depth` conditions each and `max_bytes` in all.

        Where a path asks more than `max_depth` distinct columns, or the tables would be larger,
        the whole ensemble is explained by polynomials.
        """
        sizes, branches = _branches(ensemble, most=max_depth)
        table_bytes = sum(4 * size * 2**size for size in sizes)
        tabulated = max(sizes, default=0) <= max_depth and table_bytes <= max_bytes
        prepared = _tables(ensemble, branches) if tabulated else _polynomials(ensemble)
        return cls(ensemble, ensemble.expected, tabulated, prepared)

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """What each column adds to each row's raw score, (rows, columns), in the raw score's unit.

        Rows as `TreeEnsemble.predict` takes them; the first call on a machine compiles.
        """
        matrix = self.ensemble.checked(matrix)
        kernel: Any = _add_from_tables if self.is_tabulated else _add_from_polynomials
        phi = np.empty(matrix.shape, dtype=np.float64)
        for begin in range(0, len(matrix), BLOCK_ROWS):
            rows = slice(begin, begin + BLOCK_ROWS)
            by_column = read_only(matrix[rows].T, np.float32)
            sums = np.zeros(by_column.shape, dtype=np.float64)
            kernel(by_column, *self.prepared, sums)
            phi[rows] = sums.T
        return phi


def top_factors(
    contributions: NDArray[np.float64], k: int = 5
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k features of largest |contribution| of each row, largest first: (indices, values).

    Equal magnitudes keep the order of the features. A feature that adds nothing can fill a place:
    its value is exactly 0, by which the caller leaves it out of a text.
    """
    size, rows = np.abs(contributions), np.arange(len(contributions))
    indices = np.empty((len(size), min(k, size.shape[1])), dtype=np.int64)
    for place in range(indices.shape[1]):  # argmax gives the first of equals
        indices[:, place] = size.argmax(axis=1)
        size[rows, indices[:, place]] = -1.0
    return indices, np.take_along_axis(contributions, indices, axis=1)


def _gauss_points(columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points and weights on [0, 1], exact for the polynomial of a path with that many columns."""
    points, weights = np.polynomial.legendre.leggauss(max(1, -(-columns // 2)))
    return (points + 1.0) / 2.0, weights / 2.0


def _branches(ensemble: TreeEnsemble, most: int) -> tuple[list[int], list[Branch]]:
    """Sizes of the largest subtrees with at most `most` conditions, and the subtrees; single leaves
    where a path alone has more. Conditions: a distinct column on the path, or an inner node."""
    inner_nodes = (ensemble.feature != LEAF).astype(np.int64)
    for node in np.flatnonzero(ensemble.parent >= 0)[::-1]:
        inner_nodes[ensemble.parent[node]] += inner_nodes[node]
    waiting = [Branch(int(root), {}, {}) for root in ensemble.tree_start[:-1]]
    sizes, found = [], []
    while waiting:
        branch = waiting.pop()
        size = len(branch.path) + int(inner_nodes[branch.node])
        if size > most and ensemble.feature[branch.node] != LEAF:
            waiting.extend(_both_sides(ensemble, branch))
        elif size:
            sizes.append(size)
            found.append(branch)
    return sizes, found


def _both_sides(ensemble: TreeEnsemble, branch: Branch) -> Iterator[Branch]:
    """The branch's children, the path of each narrowed by the node's condition."""
    column, _, threshold, missing_left = _goes_left(ensemble, branch.node)
    _, low, high, missing = branch.path.get(column, Condition(column))
    below = Condition(column, low, min(high, threshold), missing and missing_left)
    above = Condition(column, max(low, threshold), high, missing and not missing_left)
    for side, condition in ((ensemble.left, below), (ensemble.right, above)):
        node = int(side[branch.node])
        z = branch.share.get(column, 1.0) * float(ensemble.cover_share[node])
        yield Branch(node, {**branch.path, column: condition}, {**branch.share, column: z})


def _goes_left(ensemble: TreeEnsemble, node: int) -> Condition:
    """The node's own condition."""
    column, threshold = int(ensemble.feature[node]), float(ensemble.strict_threshold[node])
    return Condition(column, high=threshold, missing=bool(ensemble.default_left[node]))


def _offsets(sizes: Iterable[int]) -> NDArray[np.int64]:
    """Where each run begins, and at the end their whole length."""
    return read_only(np.cumsum([0, *sizes]), np.int64)


def _tables(ensemble: TreeEnsemble, branches: list[Branch]) -> tuple[NDArray[Any], ...]:
    """Arguments of `_add_from_tables`: conditions, columns and table of each branch."""
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
    """Each leaf below the node with its terms; conditions met on the way are added to `asked`."""
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
    """phi of the columns, summed over the leaves, for each set of conditions that hold:
    (columns, 2^conditions). A column that a leaf does not ask has o = z = 1 and adds nothing."""
    terms = np.array([[leaf.terms.get(c, Term()) for c in columns] for leaf in leaves])
    z = terms[:, :, :1]
    care, want = terms[:, :, 1:2].astype(np.int64), terms[:, :, 2:].astype(np.int64)
    slope = ((np.arange(1 << conditions) & care) == want) - z
    phi = np.zeros_like(slope)
    for u, weight in zip(*_gauss_points(len(columns)), strict=True):
        factor = z + slope * u
        product = weight * factor.prod(axis=1, keepdims=True)
        # A factor is 0 only where o = z = 0; the slope is then 0 too.
        phi += product * np.divide(slope, factor, out=np.zeros_like(factor), where=factor > 0)
    return np.einsum("l,lcs->cs", ensemble.leaf_value[[leaf.node for leaf in leaves]], phi)


def _polynomials(ensemble: TreeEnsemble) -> tuple[NDArray[Any], ...]:
    """Arguments of `_add_from_polynomials`: each leaf's value, conditions and z; Gauss points."""
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
    # NaN fails every comparison, so the first form lets it pass and the second does not.
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
