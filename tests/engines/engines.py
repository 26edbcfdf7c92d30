"""The engines, one small record each: how the program of steps is started, and with which settings.

To add an engine, write a context manager `started(folder)` that yields a Started, and add an Engine to
ENGINES. An engine without one is reported as not run.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.standalone import (
    ROOT,
    driver_environment,
    environment,
    spark_home,
    standalone,
)
from tests.engines import small_lake

PROGRAM = ROOT / "tests" / "engines" / "steps.py"


@dataclass(frozen=True)
class Started:
    """A running engine: the command that runs the steps of a folder, and its environment."""

    command: Callable[[Path], Sequence[str]]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Engine:
    """One engine of the comparison.

    started: (folder for its own files, the package as .zip) -> the running engine, stopped at the
        end; None: nobody has written it yet.
    conf: sections of the settings that differ from those of the small lake.
    prepared: (folder of the reference's run, folder of this run), before the steps.
    fetched: the folder of a run -> a local folder with its tables.
    tables: prefix of the tables that this engine writes.
    """

    name: str
    about: str
    started: Callable[[Path, Path], AbstractContextManager[Started]] | None
    conf: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[small_lake.Step] = small_lake.STEPS
    prepared: Callable[[Path, Path], None] = lambda reference, run: None
    fetched: Callable[[Path], Path] = lambda run: run / "lakehouse"
    tables: str = ""


@contextmanager
def _local(folder: Path, package: Path) -> Iterator[Started]:
    def command(run: Path) -> Sequence[str]:
        return [
            str(spark_home() / "bin" / "spark-submit"),
            *("--master", "local[2]", "--driver-memory", "3g", "--py-files", str(package)),
            *("--conf", "spark.driver.host=127.0.0.1"),
            *("--conf", "spark.driver.bindAddress=127.0.0.1"),
            *_options(small_lake.FOR_FEW_ROWS),
            *(str(PROGRAM), str(run)),
        ]

    yield Started(command, driver_environment())


@contextmanager
def _cluster(folder: Path, package: Path) -> Iterator[Started]:
    with standalone(folder) as running:
        yield Started(
            lambda run: running.submit_command(
                PROGRAM, str(run), package=package, conf=small_lake.FOR_FEW_ROWS
            ),
            driver_environment(),
        )


@contextmanager
def _duckdb(folder: Path, package: Path) -> Iterator[Started]:
    yield Started(
        lambda run: [sys.executable, str(PROGRAM), str(run)],
        environment(PYTHONPATH=str(package)),
    )


def _with_silver(reference: Path, run: Path) -> None:
    """DuckDB builds feature tables alone, from the silver tables of the reference."""
    for layer in ("bronze", "silver"):
        shutil.copytree(reference / "lakehouse" / layer, run / "lakehouse" / layer)


def _options(settings: Mapping[str, str]) -> list[str]:
    return [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]


CLASSIC = Engine("classic", "`spark-submit --master local[2]`, profile `local`", _local)
ENGINES: tuple[Engine, ...] = (
    CLASSIC,
    Engine(
        "cluster",
        "`spark-submit` to a standalone master and two workers of one core, profile `cluster`",
        _cluster,
        conf={"spark_profile": "cluster"},
    ),
    Engine("connect", "a Spark Connect server of this machine", None),
    Engine("s3a", "classic, with the lakehouse in a bucket of a local S3 server", None),
    Engine(
        "duckdb",
        "`build_features --engine duckdb`, without a JVM, over the silver tables of classic",
        _duckdb,
        steps=small_lake.ON_DUCKDB,
        prepared=_with_silver,
        tables="features.",
    ),
)
