"""The packages of the checkout, found on disk, and the syntax trees of their modules."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_SHIPPED = {"benchmarks", "tests", "docs", "notebooks"}
SHIPPED = tuple(
    sorted(p.parent.name for p in ROOT.glob("*/__init__.py") if p.parent.name not in NOT_SHIPPED)
)
# conf holds data only.
CODE = tuple(name for name in SHIPPED if name != "conf")


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file, parsed once per process. Every rule reads the same tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of the syntax tree of a file."""
    return tuple(ast.walk(tree_of(path)))
