"""Import rules: what each package may import, and the names of pyspark's modules.

import-linter (`make lint`, pyproject.toml) checks the layers and the forbidden packages. It has no
allow-lists and sees an external package only as a whole, so these rules are tests.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.architecture.packages import CODE as PACKAGES, nodes

ROOT = Path(__file__).parents[2]

# What each package may import besides the standard library.
ALLOWED = {
    "contracts": {"contracts", "pyspark.sql.types"},
    "udfs": {
        *("udfs", "numpy", "pandas", "scipy"),
        *("pyspark.sql.functions", "pyspark.sql.types", "pyspark.sql.Column"),
        *("vaderSentiment", "textblob", "pycld2"),  # the only formula in Python
        *("pyarrow", "pyarrow.compute"),  # the batches of a mapInArrow
    },
    "transforms": {
        *("transforms", "contracts", "udfs"),
        *("pyspark.sql.DataFrame", "pyspark.sql.Column", "pyspark.sql.Window"),
        *("pyspark.sql.functions", "pyspark.sql.types", "pyspark.sql.WindowSpec"),
    },
    "simulator": {"simulator", "numpy", "pandas", "scipy"},
    "messages": {"messages", "anthropic", "tenacity"},
    "models": {
        *("models", "contracts", "udfs", "numpy", "pandas", "scipy", "sklearn", "xgboost"),
        *("shap", "optuna", "numba", "threadpoolctl", "pyspark.ml"),
    },
}


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def imports(path, with_types=False):
    """Full names that a module imports, with those under TYPE_CHECKING only if `with_types`."""
    of_types = {
        node
        for block in nodes(path)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in nodes(path):
        if node in of_types and not with_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: use absolute imports"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_allowed(name, allowed):
    is_standard = name.split(".")[0] in sys.stdlib_module_names
    return is_standard or any(name == a or name.startswith(f"{a}.") for a in allowed)


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_is_allowed(package):
    outside = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(package)
        for name in imports(path)
        if not is_allowed(name, ALLOWED[package])
    }
    assert outside == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_have_no_import_cycles(package):
    paths = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in modules(package)}
    wanted = {
        module: {m for name in imports(path) for m in (name, name.rpartition(".")[0]) if m in paths}
        for module, path in paths.items()
    }
    while ready := [m for m, needs in wanted.items() if not needs - {m} & set(wanted)]:
        for module in ready:
            del wanted[module]
    assert wanted == {}


def test_pyspark_has_one_name_everywhere():
    """from pyspark.sql import DataFrame, functions as F, types as T.

    Another name is allowed only where the module also imports that name from contracts.table.
    """
    others = {
        f"{path.relative_to(ROOT)}: {alias.name} as {alias.asname}"
        for package in PACKAGES
        for path in modules(package)
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module == "pyspark.sql"
        for alias in node.names
        if alias.asname != {"functions": "F", "types": "T"}.get(alias.name)
        and f"contracts.table.{alias.name}" not in set(imports(path))
    }
    assert others == set()


def test_the_checks_detect_a_module_that_breaks_the_rules(tmp_path):
    path = tmp_path / "m.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "from pyspark.sql import SparkSession, functions as F\n"
        "if TYPE_CHECKING:\n    import mlflow\n"
        "def f():\n    import requests\n"
    )
    refused = {n for n in imports(path) if not is_allowed(n, ALLOWED["transforms"])}
    assert refused == {"pyspark.sql.SparkSession", "requests"}
    assert "mlflow" in set(imports(path, with_types=True))
