"""Every test is run by a target of the Makefile, and no package is left out of a check."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from tests.architecture.packages import SHIPPED

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENGINE_OF = {"spark_only": "spark", "duckdb_only": "duckdb"}


def runs():
    """(engine, marker expression) of each pytest run of the Makefile that takes whole folders."""
    # tests/conftest.py refuses a test that these paths would leave out.
    paths = r"(?:tests/wiring|tests/jobs tests/notebooks|\$\(ON_SPARK\))"
    pattern = rf'HOLDFAST_ENGINE=(\w+) \$\(PY\) -m pytest\s+(?:{paths}\s+)?-m "([^"]+)"'
    return re.findall(pattern, MAKEFILE.replace("\\\n", " "))


def markers():
    """Every combination of the project's markers that a test can have."""
    names = [
        text.partition(":")[0] for text in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]
    ]
    for size in range(len(names) + 1):
        for chosen in itertools.combinations(names, size):
            if not {"spark_only", "duckdb_only"} <= set(chosen):
                yield frozenset(chosen)


def is_run(chosen):
    """Whether a run of the Makefile selects tests with these markers on an engine they accept."""
    engines = {ENGINE_OF[name] for name in chosen if name in ENGINE_OF} or {"spark", "duckdb"}
    return any(
        engine in engines and Expression.compile(text).evaluate(lambda name, **_: name in chosen)
        for engine, text in runs()
    )


@pytest.mark.parametrize(
    "chosen", list(markers()), ids=lambda chosen: "+".join(sorted(chosen)) or "none"
)
def test_every_test_is_run_by_a_target(chosen):
    assert is_run(chosen), "no pytest run of the Makefile selects such tests"


def test_runs_take_whole_folders():
    assert len(runs()) >= 3
    assert re.findall(r"tests/\S*test_\w+\.py", MAKEFILE) == []
    assert "--deselect" not in MAKEFILE and "--ignore" not in MAKEFILE


def test_every_file_with_tests_is_collected():
    """pytest collects test_*.py only."""
    hidden = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if not path.name.startswith("test_")
        and re.search(r"^(async )?def test_", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert hidden == []


def test_every_package_is_type_checked():
    mypy = PYPROJECT["tool"]["mypy"]
    assert mypy["files"] == ["."]
    excluded = [
        name for name in SHIPPED if any(re.search(e, f"{name}/x.py") for e in mypy["exclude"])
    ]
    assert excluded == []


def test_every_package_has_import_rules():
    importlinter = PYPROJECT["tool"]["importlinter"]
    assert sorted(importlinter["root_packages"]) == list(SHIPPED)
    layers = next(c for c in importlinter["contracts"] if c["id"] == "layers")["layers"]
    assert sorted(name for layer in layers for name in layer.split(" | ")) == list(SHIPPED)


def test_doctests_of_every_package_run():
    assert "--doctest-modules $(PACKAGES)" in MAKEFILE
    listed = re.search(r"^PACKAGES := (.*)$", MAKEFILE, re.MULTILINE)
    assert listed and "wildcard */__init__.py" in listed.group(1)
