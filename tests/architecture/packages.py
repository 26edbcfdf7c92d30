"""The packages of the checkout, found on disk: the one place that says which are shipped."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_SHIPPED = {"benchmarks", "tests", "docs", "notebooks"}
SHIPPED = tuple(
    sorted(p.parent.name for p in ROOT.glob("*/__init__.py") if p.parent.name not in NOT_SHIPPED)
)
# conf holds data only.
CODE = tuple(name for name in SHIPPED if name != "conf")
