"""Long texts that must not change unnoticed. `make snapshots` rebuilds them.

help/: the --help of `holdfast` and of each job. ddl/: the SQL that creates each table in a catalog. conf/: the settings
of each environment after its file is merged over the defaults, with its Spark profile.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

import jobs
from contracts import catalog
from runtime import settings as settings_module
from runtime.commands import PROGRAM, command_line
from runtime.lakehouse.ddl import create_sql

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
WIDTH = "100"
KINDS = ("help", "ddl", "conf")


def snapshots() -> dict[str, str]:
    """Path below this folder -> content."""
    return {**dict(_helps()), **dict(_tables()), **dict(_environments())}


def _helps() -> Iterator[tuple[str, str]]:
    group = command_line(jobs)
    yield f"help/{PROGRAM}.txt", help_text(group)
    for job in group.commands:
        yield f"help/{job}.txt", help_text(group, job)


def help_text(group: Any, *job: str) -> str:
    """What `holdfast <job> --help` prints."""
    printed = io.StringIO()
    with mock.patch.dict(os.environ, COLUMNS=WIDTH), redirect_stdout(printed):
        group([*job, "--help"], prog_name=PROGRAM, standalone_mode=False)
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def _tables() -> Iterator[tuple[str, str]]:
    for layer, tables in groupby(catalog.tables().values(), key=lambda t: t.layer):
        made = [create_sql(t, t.name, is_clustered=True) for t in tables]
        yield f"ddl/{layer}.sql", ";\n\n".join(made) + ";\n"


def _environments() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "conf").glob("*.yaml")):
        if path.stem in settings_module.RESERVED:
            continue
        resolved = settings_module.load(path.stem)
        values = {**resolved.model_dump(mode="json"), "spark": resolved.spark_profile_values()}
        yield f"conf/{path.name}", yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def stored(folder: Path = FOLDER) -> dict[str, str]:
    """The stored snapshots: path below the folder -> content."""
    files = (p for kind in KINDS for p in sorted((folder / kind).glob("*")))
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in files}


def main(folder: Path = FOLDER) -> None:
    """Write every snapshot, remove obsolete ones, and print the names of changed files."""
    wanted, present = snapshots(), stored(folder)
    for name in sorted(wanted.keys() | present.keys()):
        if wanted.get(name) == present.get(name):
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in wanted:
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
        sys.stdout.write(f"{name}: {'written' if name in wanted else 'removed'}\n")


if __name__ == "__main__":
    main()
