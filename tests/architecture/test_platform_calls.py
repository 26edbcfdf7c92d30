"""Calls that Spark Connect refuses or serverless compute forbids stand in platform.py only.

ruff's banned-api sees imported names, and these are attributes of objects, so this is a test.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.packages import CODE, nodes

ROOT = Path(__file__).parents[2]
PLATFORM = "runtime/lakehouse/platform.py"
# Attributes with these names, whatever the object is.
REFUSED = {
    *("sparkContext", "_jvm", "_jsc", "_jdf", "_sc", "rdd", "toJavaRDD"),
    *("persist", "unpersist", "cache", "checkpoint", "localCheckpoint", "cacheTable"),
}
# Delta's Python API needs the JVM, or a plug-in of the Connect server.
MODULES = ("delta.tables", "delta.connect")


def refused(path: Path, name: str) -> list[str]:
    """`file:line attribute` of every call that only platform.py may make."""
    calls = []
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and node.attr in REFUSED:
            calls.append(f"{name}:{node.lineno} {node.attr}")
        is_set = isinstance(node, ast.Attribute) and node.attr in ("set", "unset")
        if is_set and ast.unparse(node.value).endswith(".conf"):
            calls.append(f"{name}:{node.lineno} conf.{node.attr}")
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(MODULES):
            calls.append(f"{name}:{node.lineno} {node.module}")
    return calls


def test_only_the_platform_module_makes_calls_that_connect_or_serverless_refuse():
    outside = []
    for package in CODE:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            outside += [] if name == PLATFORM else refused(path, name)
    assert outside == []


def test_each_refused_call_is_named_with_its_line(tmp_path):
    path = tmp_path / "m.py"
    path.write_text(
        "from delta.tables import DeltaTable\n"
        "def f(spark, frame):\n"
        "    frame.persist()\n"
        "    spark.conf.set('a', 'b')\n"
        "    spark.sparkContext._jvm\n"
        "    settings.set('a')\n"
        "    spark.conf.get('a')\n"
    )
    assert sorted(refused(path, "m.py")) == [
        "m.py:1 delta.tables",
        "m.py:3 persist",
        "m.py:4 conf.set",
        "m.py:5 _jvm",
        "m.py:5 sparkContext",
    ]
