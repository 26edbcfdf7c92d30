"""Workers import the project from the archive, and a worker that lacks a package is one sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.cluster.standalone import (
    ROOT,
    driver_environment,
    environment,
    running_processes,
    standalone,
)
from tests.engines import small_lake
from tests.engines.engines import PROGRAM

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only, pytest.mark.timeout(900)]

PACKAGES = Path(sysconfig.get_path("purelib"))
# One row per task: where it runs and what it imports.
PLACES = """
import json, os, sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()

def seen(batches):
    import pyarrow, pipelines, udfs
    for _ in batches:
        pass
    path = [p for p in sys.path if p]
    row = [pipelines.__file__, udfs.__file__, os.getcwd(), os.environ.get("PYTHONPATH", ""), path]
    yield pyarrow.RecordBatch.from_pydict({"seen": [json.dumps(row)]})

for row in spark.range(100).mapInArrow(seen, "seen string").collect():
    print("worker", row.seen)
spark.stop()
"""


def submitted(command, cwd, **variables):
    return subprocess.run(
        command,
        cwd=cwd,
        env=driver_environment(**variables),
        text=True,
        capture_output=True,
        check=False,
    )


def test_workers_import_the_project_from_the_archive(cluster, package, tmp_path):
    program = tmp_path / "places.py"
    program.write_text(PLACES)

    done = submitted(cluster.submit_command(program, package=package), tmp_path)

    assert done.returncode == 0, done.stderr
    rows = [json.loads(x.partition(" ")[2]) for x in done.stdout.splitlines() if "worker" in x]
    assert len(rows) == 2
    for pipelines, udfs, folder, python_path, path in rows:
        # Spark copies the archive into the folder of the executor.
        assert pipelines.endswith(f"/{package.name}/pipelines/__init__.py")
        assert udfs.startswith(pipelines.removesuffix("pipelines/__init__.py"))
        assert str(cluster.folder) in folder
        assert str(ROOT) not in python_path.split(":")
        assert str(ROOT) not in path
    assert {Path(folder).parts[-3] for _, _, folder, _, _ in rows} == {"work0", "work1"}


@pytest.fixture
def lacking(tmp_path):
    """A function that makes a Python with all packages but some: links to those of the project."""

    def make(*modules):
        folder = tmp_path / ("lacks-" + "-".join(modules))
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        (site,) = folder.glob("lib/python3.*/site-packages")
        for path in PACKAGES.iterdir():
            if path.name.split(".")[0].split("-")[0] not in modules:
                (site / path.name).symlink_to(path)
        return folder / "bin" / "python"

    return make


def sentences(done):
    """What a command says of its failure: one line, and no stack trace.

    spark-submit passes the standard error of Python on as standard output.
    """
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    said = [line for line in text.splitlines() if line.startswith("holdfast ")]
    assert len(said) == 1, text
    return said


@pytest.mark.parametrize("module", ["xgboost", "pandas", "pyarrow"])
def test_a_worker_without_a_package_is_one_sentence(cluster, package, tmp_path, lacking, module):
    small_lake.write_files(tmp_path)
    run = small_lake.write_run(
        tmp_path, tmp_path / "run", steps=small_lake.BUILD, conf={"spark_profile": "cluster"}
    )

    # The driver has all packages; PYSPARK_PYTHON is the Python of the workers.
    command = cluster.submit_command(PROGRAM, str(run), package=package)
    done = submitted(command, run, PYSPARK_PYTHON=str(lacking(module)))

    assert done.returncode == 1, done.stdout + done.stderr
    (sentence,) = sentences(done)
    assert f"cannot import {module}. Install requirements.txt" in sentence
    assert list((run / "lakehouse").glob("*/*/_delta_log")) == []


def test_workers_without_the_archive_are_one_sentence(cluster, package, tmp_path):
    small_lake.write_files(tmp_path)
    run = small_lake.write_run(
        tmp_path, tmp_path / "run", steps=small_lake.BUILD, conf={"spark_profile": "cluster"}
    )
    command = cluster.submit_command(PROGRAM, str(run), package=package)
    place = command.index("--py-files")
    del command[place : place + 2]

    # The driver has the project by PYTHONPATH, the workers do not have it.
    done = submitted(command, run, PYTHONPATH=str(ROOT))

    assert done.returncode == 1, done.stdout + done.stderr
    (sentence,) = sentences(done)
    assert "cannot import the packages of holdfast. Pass `--py-files" in sentence
    assert list((run / "lakehouse").glob("*/*/_delta_log")) == []


def daemons(folder):
    return [pid for pid, _, words in running_processes() if any(str(folder) in w for w in words)]


def test_the_cluster_is_stopped_after_an_error_and_after_sigterm(tmp_path):
    with pytest.raises(ZeroDivisionError), standalone(tmp_path / "first"):
        assert len(daemons(tmp_path / "first")) == 2
        raise ZeroDivisionError
    assert daemons(tmp_path / "first") == []

    program = (
        "import signal, sys, time; from pathlib import Path; "
        "from tests.cluster.standalone import standalone; "
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        f"with standalone(Path({str(tmp_path / 'second')!r})):\n"
        "    print('up', flush=True); time.sleep(300)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment(PYTHONPATH=str(ROOT)), stdout=-1
    )
    assert process.stdout is not None and process.stdout.readline() == b"up\n"
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(60) == 143
    time.sleep(1)
    assert daemons(tmp_path / "second") == []
