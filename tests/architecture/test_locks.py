"""The lock files: users get what the product imports, and nothing under the GPL."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

from docs import notices
from tests.architecture.packages import SHIPPED, nodes

ROOT = Path(__file__).parents[2]
USERS, DUCKDB, CONNECT, SERVICE, APP, DOCS, DEVELOPMENT, BROWSER = (
    f"requirements{name}.txt"
    for name in ("", "-duckdb", "-connect", "-service", "-app", "-docs", "-dev", "-browser")
)
# Packages of the checkout that are not in the wheel.
OURS = {p.parent.name for p in ROOT.glob("*/__init__.py")}
# Parts of the interface of a package that is named: pyspark raises errors of py4j, and jinja2's safe
# text is a class of markupsafe. The expressions of sqlframe are those of sqlglot.
# pydantic's JSON and FastAPI's responses belong to packages that they name.
IMPLIED = {"py4j", "markupsafe", "sqlglot", "pydantic-core", "starlette"}
# Only `build_features --engine duckdb`, `check` and `erase_customer` import these modules.
DUCKDB_ONLY = {
    "runtime/lakehouse/erasing.py",
    *("runtime/lakehouse/duck_lake.py", "runtime/lakehouse/duck_session.py"),
    "runtime/lakehouse/delta_tables.py",
    *("runtime/lakehouse/duck_sql.py", "pipelines/ingestion/sample_check.py"),
}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(lock: str) -> dict[str, str]:
    return notices.locked((ROOT / lock).read_text())


def direct(file: str) -> set[str]:
    """The packages that a requirements file names."""
    lines = (ROOT / file).read_text().splitlines()
    return {canonical(line.partition("==")[0]) for line in lines if re.match(r"\w", line)}


def imported(path: Path) -> set[str]:
    """Top-level modules from outside that a file imports; imports for types only count too."""
    names = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - OURS - {"__future__"}


def test_a_package_has_one_version_in_all_locks():
    names = (USERS, DUCKDB, CONNECT, SERVICE, APP, DOCS, DEVELOPMENT, BROWSER)
    locks = {lock: versions(lock) for lock in names}
    every_version = [item for lock in locks.values() for item in lock.items()]

    assert len(set(every_version)) == len({name for name, _ in every_version})
    for lock in (SERVICE, APP):
        assert locks[DUCKDB].keys() <= locks[lock].keys(), f"{lock}: reads Delta by DuckDB"
    for lock in (CONNECT, SERVICE, APP):
        assert locks[lock].keys() <= locks[DEVELOPMENT].keys(), (
            f"bin/setup dev installs what {lock} names too"
        )


def test_the_product_imports_only_what_users_install():
    modules = metadata.packages_distributions()
    shipped = [path for package in SHIPPED for path in (ROOT / package).rglob("*.py")]
    missing = []
    for path in shipped:
        name = path.relative_to(ROOT).as_posix()
        allowed = direct("requirements.in") | IMPLIED
        if name.startswith("app/"):
            allowed |= direct("requirements-app.in") | direct("requirements-duckdb.in")
        if name in DUCKDB_ONLY:
            allowed |= direct("requirements-duckdb.in")
        if name.startswith("service/"):
            allowed |= direct("requirements-service.in") | direct("requirements-duckdb.in")
        for module in imported(path):
            packages = {canonical(package) for package in modules.get(module, [module])}
            if not packages & allowed:
                missing.append(f"{name}: {module}")

    assert missing == []


def test_the_notices_name_each_locked_package_and_its_licence():
    """Also fails for a GPL package in the users' lock: `notices` refuses it."""
    assert (ROOT / notices.FILE).read_text() == notices.notices((ROOT / USERS).read_text())


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "GNU General Public License v3 (GPLv3)", "AGPL-3.0", "GPLv2+"]
)
def test_a_gpl_licence_is_refused(licence, monkeypatch):
    monkeypatch.setattr(notices, "licence_of", lambda _: licence)
    lock = f"pytest=={pytest.__version__}"

    with pytest.raises(SystemExit) as caught:
        notices.notices(lock)

    assert str(caught.value) == (
        f"pytest: is under {licence}. Users get no GPL package: remove it."
    )


@pytest.mark.parametrize(
    "licence", ["LGPL-2.1", "GNU Lesser General Public License v3 (LGPLv3)", "MIT"]
)
def test_a_licence_that_permits_use_is_not_refused(licence, monkeypatch):
    monkeypatch.setattr(notices, "licence_of", lambda _: licence)

    text = notices.notices(f"pytest=={pytest.__version__}")

    assert (
        text.splitlines()[-1]
        == f"pytest                               {pytest.__version__}        {licence}"
    )


def test_check_reports_an_outdated_file_and_writes_nothing(tmp_path, capsys):
    (tmp_path / notices.LOCK).write_text(f"pytest=={pytest.__version__} \\\n    --hash=sha256:00\n")
    assert notices.main([], tmp_path) == 0
    assert notices.main(["--check"], tmp_path) == 0
    file = tmp_path / notices.FILE
    file.write_text("old\n")

    assert notices.main(["--check"], tmp_path) == 1

    assert capsys.readouterr().out == "THIRD_PARTY_NOTICES: is out of date. Run `make notices`.\n"
    assert file.read_text() == "old\n"
