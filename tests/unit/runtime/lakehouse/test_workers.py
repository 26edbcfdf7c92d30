"""What the check of a cluster's workers says, without a cluster. tests/cluster runs it on one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from runtime.lakehouse.workers import (
    MODULES,
    PROJECT,
    WorkerFacts,
    check_workers,
    fault_of_facts,
    fault_of_failure,
    reporter,
)

MASTER = "spark://10.0.0.1:7077"
FIX = (
    " Install requirements.txt of this version into the Python of the workers, or set "
    "PYSPARK_PYTHON to a Python on the workers that has these packages."
)
DRIVER = {"numpy": "2.3.1", "xgboost": "3.2.0"}


def worker(host="w1", missing=(), **versions):
    return WorkerFacts(host, "/venv/bin/python", {**DRIVER, **versions}, list(missing))


def test_workers_like_the_driver_are_right():
    assert fault_of_facts(MASTER, DRIVER, [worker(), worker("w2")]) is None


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (
            worker("w2", missing=["numpy", "xgboost"]),
            f"cannot import numpy, xgboost.{FIX}",
        ),
        # A package of the project that imports a missing module is not the fault to name.
        (worker("w2", missing=["numpy", PROJECT]), f"cannot import numpy.{FIX}"),
        (
            worker("w2", missing=[PROJECT]),
            "cannot import the packages of holdfast. Pass `--py-files "
            "dist/holdfast-<version>-py3-none-any.zip` to spark-submit (the .zip: workers ignore "
            "a .whl), or install the wheel on the workers.",
        ),
        (
            worker("w2", numpy="2.0.0"),
            f"has numpy 2.0.0 (driver: 2.3.1); models need the same versions.{FIX}",
        ),
    ],
)
def test_the_first_worker_that_differs_is_named(second, said):
    fault = fault_of_facts(MASTER, DRIVER, [worker(), second])
    assert fault == f"{MASTER}: a worker on w2 (/venv/bin/python) {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Error from python worker:\n  ModuleNotFoundError: No module named 'pandas'\n",
            f"the Python of a worker cannot import pandas.{FIX}",
        ),
        (
            'java.io.IOException: Cannot run program "/no/python": error=2, No such file',
            f"a worker cannot start Python as /no/python.{FIX}",
        ),
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.12 than that in "
            "driver: 3.11, PySpark cannot run with different minor versions.",
            "workers have Python 3.12, the driver has 3.11; both must have the same minor version. "
            "Set PYSPARK_PYTHON to a Python of that version on the workers.",
        ),
    ],
)
def test_a_python_that_does_not_start_is_one_sentence(text, said):
    assert fault_of_failure(MASTER, text) == f"{MASTER}: {said}"


def test_another_failure_keeps_its_own_message():
    assert fault_of_failure(MASTER, "Job aborted: no space left on device") is None


class LocalSession:
    """A session on one machine. It has no other attribute, so that a job would fail."""

    def __init__(self, master):
        self.conf = {"spark.master": master}


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]", "local[4, 2]"])
def test_on_one_machine_nothing_runs(master):
    check_workers(LocalSession(master))


def test_a_standalone_cluster_and_local_cluster_are_checked():
    for master in (MASTER, "local-cluster[2,1,1024]", "yarn", "k8s://https://host"):
        with pytest.raises(AttributeError, match="range"):
            check_workers(LocalSession(master))


def test_the_report_of_a_task_names_versions_and_what_cannot_be_imported():
    batches = reporter(["json", "numpy", "no_such_module"])(iter([]))
    (row,) = next(batches).to_pylist()
    facts = WorkerFacts(**json.loads(row["facts"]))

    import numpy

    assert facts.missing == ["no_such_module"]
    assert facts.versions == {"json": json.__version__, "numpy": numpy.__version__}
    assert facts.python == sys.executable
    assert list(batches) == []


def test_the_function_is_sent_by_value():
    """A Python that cannot import this project runs it."""
    import base64

    import cloudpickle

    sent = base64.b64encode(cloudpickle.dumps(reporter(["numpy", PROJECT]))).decode()
    program = (
        "import base64, pickle; "
        f"report = pickle.loads(base64.b64decode('{sent}')); "
        "print(next(report(iter([]))).to_pylist()[0]['facts'])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        text=True,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["missing"] == [PROJECT]


def test_the_page_for_operators_names_every_module():
    from tests.conftest import ROOT

    page = (ROOT / "docs" / "platforms.md").read_text()
    assert [name for name in MODULES if f"`{name}`" not in page] == []
