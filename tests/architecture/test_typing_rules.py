"""Imports at the top, real types for frames, no expressions of data outside transforms."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.packages import nodes, tree_of
from tests.architecture.test_code_rules import PACKAGES, ROOT, files, named

# path: module imported inside a function, reason
IMPORTS_IN_FUNCTIONS = {
    "udfs/formula.py": ({"pyspark.sql"}, "formulas are also SQL texts, used without Spark"),
    "runtime/cli.py": (
        {"runtime.lakehouse.duck_session", "runtime.context"},
        "pandas and DuckDB take over 0.2 s to import; --help needs neither",
    ),
    **{
        f"jobs/{path.name}": ({"pipelines", "service"}, "pyspark and mlflow take over 0.2 s")
        for path in (ROOT / "jobs").glob("*.py")
    },
    # On DuckDB sqlframe replaces pyspark, so that delta, pyspark.ml and xgboost.spark cannot be
    # imported there; DuckDB itself is an optional dependency.
    "runtime/context.py": (
        {
            *("runtime.lakehouse.duck_lake", "runtime.lakehouse.spark_lake"),
            "runtime.lakehouse.session_store",
        },
        "each engine's lake can be imported with that engine only",
    ),
    "runtime/lakehouse/lease_files.py": (
        {"pyarrow.fs"},
        "takes 0.2 s to import; a folder needs none",
    ),
    **{
        f"runtime/{name}.py": ({"pyarrow.fs"}, "takes 0.2 s to import; settings need it for no URI")
        for name in ("files", "file_systems")
    },
    "models/spark_learners.py": ({"pyspark.ml"}, "not importable on DuckDB"),
    "models/spark_vectors.py": ({"pyspark.ml"}, "not importable on DuckDB"),
    "models/learners.py": ({"xgboost.spark"}, "not importable on DuckDB"),
    "models/uplift/boosting.py": ({"xgboost.spark"}, "not importable on DuckDB"),
}

FRAME_METHODS = {
    *("select", "selectExpr", "where", "filter", "join", "groupBy", "groupby", "withColumn"),
    *("withColumns", "unionByName", "toPandas", "collect", "take", "orderBy", "crossJoin"),
    *("mapInPandas", "mapInArrow", "persist", "distinct", "agg"),
}
FRAME_NAMES = {"frame", "frames", "rows", "scores", "segments", "labels", "features", "contacts"}


def imports_in_functions(path):
    """Modules that a file imports inside functions."""
    for function in nodes(path):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            if isinstance(node, ast.ImportFrom):
                yield node.module


@pytest.mark.parametrize("path", files(*PACKAGES), ids=named)
def test_imports_stand_at_the_top(path):
    allowed, _ = IMPORTS_IN_FUNCTIONS.get(named(path), (set(), ""))
    refused = {
        name
        for name in imports_in_functions(path)
        if not any(name == a or name.startswith(f"{a}.") for a in allowed)
    }
    assert refused == set()


def test_every_exception_is_needed():
    unused = {
        name
        for name, (allowed, _) in IMPORTS_IN_FUNCTIONS.items()
        if name != "jobs/__init__.py"
        and not any(n.startswith(tuple(allowed)) for n in imports_in_functions(ROOT / name))
    }
    assert unused == set()


def frames_typed_any(tree):
    """`function(argument)` of arguments annotated Any that are used or named as frames are."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        arguments = [*function.args.args, *function.args.kwonlyargs]
        untyped = {
            a.arg for a in arguments if a.annotation and "Any" in ast.unparse(a.annotation).split()
        }
        methods = {
            node.value.id
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.attr in FRAME_METHODS
        }
        for name in sorted(untyped & (methods | FRAME_NAMES)):
            yield f"{function.name}({name})"


@pytest.mark.parametrize("path", files(*PACKAGES), ids=named)
def test_frames_have_their_type(path):
    assert list(frames_typed_any(tree_of(path))) == []


def test_a_frame_typed_any_is_recognised():
    text = "def f(x: Any, rows: Any, y: int):\n    return x.groupBy('a').count()\n"
    assert list(frames_typed_any(ast.parse(text))) == ["f(rows)", "f(x)"]


@pytest.mark.parametrize("path", files("jobs", "pipelines"), ids=named)
def test_expressions_of_data_live_in_transforms(path):
    uses = [
        ast.unparse(node)
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "F"
    ]
    assert uses == []


# Overrides a method of pydantic-settings, which calls it by position.
BY_POSITION = {"Settings.settings_customise_sources"}


def many_positional(tree):
    """Public functions with more than three parameters that can be given by position.

    Exempt: a factory method `of` that takes one array per column, and compiled functions, to which
    numba passes no keywords.
    """
    owners = [("", tree), *((n.name + ".", n) for n in tree.body if isinstance(n, ast.ClassDef))]
    for owner, node in owners:
        for function in node.body:
            if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
                continue
            decorators = {ast.unparse(d).split("(")[0] for d in function.decorator_list}
            given = len(function.args.posonlyargs) + len(function.args.args)
            if owner and "staticmethod" not in decorators:
                given -= 1
            if given > 3 and function.name != "of" and "compiled" not in decorators:
                yield f"{owner}{function.name}"


# The parameters of a command in jobs are the options of its command line.
@pytest.mark.parametrize("path", files(*(set(PACKAGES) - {"jobs"})), ids=named)
def test_parameters_from_the_fourth_on_are_given_by_name(path):
    assert set(many_positional(tree_of(path))) - BY_POSITION == set()


def test_a_fourth_positional_parameter_is_recognised():
    text = "def f(a, b, c, d): ...\ndef g(a, b, c, *, d): ...\nclass K:\n  def h(self, a, b, c, d): ..."
    assert list(many_positional(ast.parse(text))) == ["f", "K.h"]
