"""python -m tests.engines [--only NAME ...] [--folder FOLDER]: one lake on every engine, compared.

`make engines` runs it. It writes results.json and the section "All engines" of docs/platforms.md, and
exits with 1 if a table differs or an engine was not run. With --only nothing is written.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.standalone import built_package
from tests.engines import results, small_lake
from tests.engines.engines import CLASSIC, ENGINES, Engine
from tests.engines.results import NOT_RUN, EngineResult, Results
from tests.reference.compare import compare_lakes, told


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if all engines ran and every table is equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", help="an engine beside classic; repeatable")
    parser.add_argument("--folder", help="keep files and lakes in this folder, which must be new")
    parser.add_argument(
        "--render", action="store_true", help="run nothing: write the section of the stored run"
    )
    given = parser.parse_args(arguments)
    if given.render:
        write_page(results.load())
        return 0
    known = [engine.name for engine in ENGINES]
    if unknown := [name for name in given.only or () if name not in known]:
        parser.error(f"--only {unknown[0]}: must be one of {', '.join(known)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = [e for e in ENGINES if not given.only or e is CLASSIC or e.name in given.only]
    with tempfile.TemporaryDirectory(prefix="holdfast-engines-") as scratch:
        outcome = compared(chosen, Path(given.folder or scratch).resolve())
    if not given.only:
        results.save(outcome)
        write_page(outcome)
    print(results.section(outcome))
    return 0 if outcome.is_green else 1


def write_page(outcome: Results) -> None:
    """Replace the section of docs/platforms.md."""
    page = results.PAGE.read_text()
    results.PAGE.write_text(results.with_section(page, results.section(outcome)))


def compared(engines: Sequence[Engine], folder: Path) -> Results:
    """Run every engine, and compare its tables with those of the first one."""
    small_lake.write_files(folder)
    package = built_package(folder / "dist")
    ran = [_ran(engines[0], folder, package)]
    if ran[0][1]:
        raise SystemExit(f"{engines[0].name}, which the others are compared with, {ran[0][1]}")
    ran += [_ran(engine, folder, package) for engine in engines[1:]]
    rows: dict[str, int] = {}
    outcomes = []
    reference = engines[0].fetched(folder / engines[0].name)
    for engine, (seconds, fault) in zip(engines, ran, strict=True):
        tables = {}
        if not fault:
            lake = engine.fetched(folder / engine.name)
            for table in compare_lakes(reference, lake, prefix=engine.tables):
                print(f"{engine.name:<10} {told(table)}", flush=True)
                tables[table.name] = results.outcome(table)
                rows.setdefault(table.name, table.rows[0])
        outcomes.append(EngineResult(engine.name, engine.about, seconds, tables, fault))
    return Results(rows, outcomes)


def _ran(engine: Engine, folder: Path, package: Path) -> tuple[float | None, str]:
    """(seconds, fault) of the steps on one engine."""
    if engine.started is None:
        return None, NOT_RUN
    run = small_lake.write_run(folder, folder / engine.name, steps=engine.steps, conf=engine.conf)
    engine.prepared(folder / CLASSIC.name, run)
    print(f"== {engine.name}", flush=True)
    with engine.started(folder / f"{engine.name}-engine", package) as started:
        began = time.monotonic()
        variables = dict(started.environment)
        done = subprocess.run(list(started.command(run)), env=variables, cwd=run, check=False)
    seconds = round(time.monotonic() - began, 1)
    print(f"== {engine.name}: exit code {done.returncode} after {seconds} s", flush=True)
    return seconds, f"failed: exit code {done.returncode}" if done.returncode else ""


if __name__ == "__main__":
    raise SystemExit(main())
