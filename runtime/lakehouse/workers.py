"""Check at the start of a session that the workers of a cluster can run what the driver sends.

Without it a missing package fails in the middle of a command, with a stack trace per task.
"""

from __future__ import annotations

import importlib
import json
import re
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from runtime.errors import WorkerError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Modules that workers import, beside the standard library, pyspark and this project.
MODULES = (
    *("numpy", "pandas", "pyarrow", "scipy", "sklearn", "threadpoolctl", "numba", "xgboost"),
    *("vaderSentiment", "textblob", "pycld2", "pydantic", "pydantic_settings", "yaml", "mlflow"),
)
# One package of this project stands for all: they are in one archive.
PROJECT = "models"
# spark.range makes one task per core if it has at least as many rows. 2,000 tasks at most.
ROWS = 2_000
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_PYTHON = re.compile(r'Cannot run program "([^"]+)"')
_OTHER_PYTHON = re.compile(
    r"Python in worker has different version: (\S+) than that in driver: ([\d.]+\d)"
)
_FIX = (
    "Install requirements.txt of this version into the Python of the workers, or set "
    "PYSPARK_PYTHON to a Python on the workers that has these packages."
)


@dataclass(frozen=True)
class WorkerFacts:
    """What one task saw. versions: by module; a module without a version has an empty text.

    missing: modules that cannot be imported.
    """

    host: str
    python: str
    versions: dict[str, str]
    missing: list[str]


def check_workers(spark: SparkSession) -> None:
    """WorkerError, in one sentence, if a worker lacks a package or has another version of it.

    One task per core, on the executors that are registered at the start of the session. With the
    master local[...] the worker is the driver's machine and Python, so that nothing is checked.
    """
    master = spark.conf.get("spark.master", "local") or "local"
    if re.match(r"local(\[|$)", master):
        return
    fault = _fault(spark, master)
    if fault is not None:
        raise WorkerError(fault)


def _fault(spark: SparkSession, master: str) -> str | None:
    report = reporter((*MODULES, PROJECT))
    try:
        rows = spark.range(ROWS).mapInArrow(report, "facts string").collect()  # one row per task
    except Exception as error:  # of the JVM: Py4J and Spark Connect have different classes
        fault = fault_of_failure(master, str(error))
        if fault is None:
            raise
        return fault
    workers = [WorkerFacts(**json.loads(row["facts"])) for row in rows]
    return fault_of_facts(master, driver_versions(), workers)


def reporter(
    modules: Sequence[str],
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for mapInArrow: one row per task, its WorkerFacts as JSON.

    A nested function is sent by value, so that a worker without this project can run it.
    """

    def report(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            pass
        versions, missing = {}, []
        for name in modules:
            try:
                module = importlib.import_module(name)
                versions[name] = str(getattr(module, "__version__", ""))
            except (ImportError, OSError):  # OSError: a shared library is missing
                missing.append(name)
        facts = {"host": socket.gethostname(), "python": sys.executable}
        text = json.dumps({**facts, "versions": versions, "missing": missing})
        yield pa.RecordBatch.from_pydict({"facts": [text]})

    return report


def driver_versions() -> dict[str, str]:
    """The version of each module of MODULES on the driver."""
    return {
        name: str(getattr(importlib.import_module(name), "__version__", "")) for name in MODULES
    }


def fault_of_facts(
    master: str, driver: dict[str, str], workers: Sequence[WorkerFacts]
) -> str | None:
    """The sentence about the first worker that lacks a module or has another version; else None."""
    for worker in workers:
        place = f"{master}: a worker on {worker.host} ({worker.python})"
        if PROJECT in worker.missing and len(worker.missing) == 1:
            return (
                f"{place} cannot import the packages of holdfast. Pass `--py-files "
                "dist/holdfast-<version>-py3-none-any.zip` to spark-submit (the .zip: workers "
                "ignore a .whl), or install the wheel on the workers."
            )
        if names := [name for name in worker.missing if name != PROJECT]:
            return f"{place} cannot import {', '.join(names)}. {_FIX}"
        others = [
            f"{name} {worker.versions[name]} (driver: {version})"
            for name, version in driver.items()
            if worker.versions[name] != version
        ]
        if others:
            return f"{place} has {', '.join(others)}; models need the same versions. {_FIX}"
    return None


def fault_of_failure(master: str, text: str) -> str | None:
    """The sentence about workers on which Python does not start; None: the error is another one."""
    if version := _OTHER_PYTHON.search(text):
        return (
            f"{master}: workers have Python {version[1]}, the driver has {version[2]}; both must "
            "have the same minor version. Set PYSPARK_PYTHON to a Python of that version on the "
            "workers."
        )
    if program := _NO_PYTHON.search(text):
        return f"{master}: a worker cannot start Python as {program[1]}. {_FIX}"
    if module := _NO_MODULE.search(text):
        return f"{master}: the Python of a worker cannot import {module[1]}. {_FIX}"
    return None
