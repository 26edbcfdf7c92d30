"""The check of a cluster's workers names every library that workers import."""

from __future__ import annotations

import ast
import re
import sys

from runtime.lakehouse.workers import MODULES
from tests.architecture.packages import CODE, ROOT

# Spark sends functions of these calls to its workers, which import the modules of the functions.
CALLS = re.compile(r"\.(mapInPandas|mapInArrow|applyInPandas)\(|pandas_udf\(")
# Spark brings it along.
OF_SPARK = {"pyspark"}
# It makes a UDF of a function of its caller; workers do not import it.
PASSES_ON = {"runtime.lakehouse.spark_lake"}


def sources():
    """Every module of the project by name."""
    for package in CODE:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path.read_text()


def imported_at_start(text):
    """Names that the import of a module imports: not those in functions or under TYPE_CHECKING."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_workers_are_checked_for_every_library_that_they_import():
    modules = dict(sources())
    waiting = {name for name, text in modules.items() if CALLS.search(text)} - PASSES_ON
    seen, libraries = set(), set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for imported in imported_at_start(modules[name]):
            if imported in modules and imported not in seen:
                waiting.add(imported)
            root = imported.split(".")[0]
            if root not in CODE and root not in sys.stdlib_module_names:
                libraries.add(root)

    assert "models.scoring" in seen and "pipelines.churn.customer_scoring" in seen
    assert libraries - OF_SPARK - set(MODULES) == set()
    # pyarrow carries the rows; the lexicon and xgboost are imported in functions.
    in_functions = {"pyarrow", "vaderSentiment", "xgboost"}
    assert set(MODULES) - in_functions <= libraries
