"""The shipped package: the wheel in a new environment, and the .zip on Spark's workers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.architecture.packages import SHIPPED

ROOT = Path(__file__).resolve().parents[2]
# The version stands in setup.py only.
VERSION = re.search(r'version="(.+)"', (ROOT / "setup.py").read_text())[1]
THIRD_PARTY = Path(sysconfig.get_path("purelib"))
PACKAGES = set(SHIPPED)
JOBS = sorted(p.stem for p in (ROOT / "jobs").glob("*.py") if p.name != "__init__.py")

# Reports, on a driver and on a Python worker, the path of the package and that it is complete.
REPORT = """
def report():
    import importlib, json, pkgutil
    from importlib import metadata, resources
    import udfs
    for module in pkgutil.iter_modules(udfs.__path__, "udfs."):
        importlib.import_module(module.name)
    conf = resources.files("conf").joinpath("defaults.yaml").read_text()
    return json.dumps([udfs.__file__, metadata.version("holdfast"), "churn:" in conf])
"""
SPARK_JOB = (
    REPORT
    + """
import pandas as pd
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()

@F.pandas_udf("string")
def on_worker(ids: pd.Series) -> pd.Series:
    return pd.Series([report()] * len(ids))

print("driver", report())
for row in spark.range(4).select(on_worker("id").alias("seen")).distinct().collect():
    print("worker", row.seen)
spark.stop()
"""
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel. The .zip is in the same folder."""
    folder = tmp_path_factory.mktemp("dist")
    run(ROOT / "bin" / "package", folder, cwd=folder)
    (path,) = folder.glob("holdfast-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """A new environment with the wheel. A .pth file adds the libraries of the project."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    (site,) = folder.glob("lib/python3.*/site-packages")
    (site / "third_party.pth").write_text(f"{THIRD_PARTY}\n")
    return folder


def run(*command: object, cwd: Path, **variables: str) -> str:
    """Output of a command that cannot see the source tree: its environment does not name it."""
    ours = ("PYTHON", "PYSPARK_", "SPARK_", "HOLDFAST_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    java_home = ROOT / ".venv" / "java_home"
    if java_home.exists():
        env["JAVA_HOME"] = java_home.read_text().strip()
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=env | variables, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def seen_by(printed: str) -> dict[str, list]:
    """{"driver": [path of udfs, version, conf is readable], "worker": [...]}"""
    return {line.split()[0]: json.loads(line.split(" ", 1)[1]) for line in printed.splitlines()}


def test_the_zip_equals_the_wheel_and_a_second_build_gives_the_same_bytes(wheel, tmp_path):
    run(ROOT / "bin" / "package", tmp_path, cwd=tmp_path)

    assert wheel.with_suffix(".zip").read_bytes() == wheel.read_bytes()
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_wheel_holds_all_packages_and_all_of_conf(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    source = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]

    assert {name for name in names if ".dist-info/" not in name} == set(source)


def test_pinned_versions_are_in_the_ranges_that_the_wheel_requires(wheel):
    shipped = metadata.PathDistribution(dist_info(wheel))
    extras = ["", *(shipped.metadata.get_all("Provides-Extra") or [])]
    asked = {
        canonical(need.name): need.specifier
        for need in map(Requirement, shipped.requires or [])
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
    }
    pins = [
        Requirement(line)
        for file in ROOT.glob("requirements*.in")
        # A server, a browser's driver and a tool, which the product does not import.
        if file.name
        not in ("requirements-moto.in", "requirements-browser.in", "requirements-sbom.in")
        for line in file.read_text().splitlines()
        if line and not line.startswith(("#", "-"))
    ]
    outside = [
        f"{pin} is not in {asked.get(canonical(pin.name), 'any list of setup.py')}"
        for pin in pins
        if canonical(pin.name) not in asked
        or not asked[canonical(pin.name)].contains(str(pin.specifier).removeprefix("=="))
    ]

    assert outside == []
    assert set(asked) == {canonical(pin.name) for pin in pins}


def dist_info(wheel: Path) -> zipfile.Path:
    (folder,) = (p for p in zipfile.Path(wheel).iterdir() if p.name.endswith(".dist-info"))
    return folder


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def commands(environment, tmp_path_factory) -> str:
    """The list of commands that the environment shows."""
    return run(environment / "bin" / "holdfast", "--help", cwd=tmp_path_factory.mktemp("help"))


@pytest.mark.parametrize("job", JOBS)
def test_each_job_is_a_command_of_the_environment(environment, commands, tmp_path, job):
    printed = run(environment / "bin" / "holdfast", job, "--help", cwd=tmp_path, COLUMNS="100")

    assert printed.startswith(f"Usage: holdfast {job} ")
    assert f"\n  {job} " in commands


def test_the_zip_has_the_command_too(wheel, tmp_path):
    """The summaries of the jobs are read from inside the archive."""
    program = "from jobs import main; main()"
    zipped = str(wheel.with_suffix(".zip"))

    printed = run(sys.executable, "-c", program, "--help", cwd=tmp_path, PYTHONPATH=zipped)

    assert re.search(r"\n  roll_back +Make the previous champion the champion again\.\n", printed)


def test_settings_load_from_inside_the_zip(wheel, tmp_path):
    # On a cluster, --py-files does not unpack the archive, so the folder conf/ does not exist.
    program = "from runtime import settings; print(settings.load('demo').as_of)"

    printed = run(
        sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(wheel.with_suffix(".zip"))
    )

    assert printed == "2018-01-01\n"


@pytest.mark.parametrize("pyfunc", ["churn/churn_pyfunc.py", "lifetime/lifetime_pyfunc.py"])
def test_a_model_is_registered_from_inside_the_zip_with_the_same_code(wheel, tmp_path, pyfunc):
    """train_churn and fit_lifetime copy the modules of the model, which lie in the archive."""
    program = (
        "import pipelines, sys; from pathlib import Path; "
        "from runtime.model_code import model_code; "
        f"code = Path(pipelines.__file__).parent / {pyfunc!r}; "
        "print(model_code(code, Path(sys.argv[1])).package.name)"
    )
    names = []
    for path in (str(wheel.with_suffix(".zip")), str(ROOT)):
        folder = tmp_path / f"copy{len(names)}"
        folder.mkdir()
        command = (sys.executable, "-c", program, folder)
        names.append(run(*command, cwd=tmp_path, PYTHONPATH=path).strip())

    assert names[0].startswith("holdfast_") and names[0] == names[1]
    copies = [
        {p.relative_to(tmp_path / f"copy{n}"): p.read_bytes() for p in files.rglob("*.py")}
        for n, files in enumerate((tmp_path / "copy0", tmp_path / "copy1"))
    ]
    assert copies[0] == copies[1] and len(copies[0]) > 3


@pytest.mark.spark_only
def test_a_udf_imports_the_wheel_on_a_worker(environment, tmp_path):
    (tmp_path / "job.py").write_text(SPARK_JOB)
    python = str(environment / "bin" / "python")

    seen = seen_by(run(python, "job.py", cwd=tmp_path, **spark_variables(python)))

    (installed,) = environment.glob("lib/python3.*/site-packages/udfs/__init__.py")
    facts = [str(installed), VERSION, True]
    assert seen == {"driver": facts, "worker": facts}


@pytest.mark.spark_only
def test_a_udf_imports_the_zip_in_an_executor_process(wheel, tmp_path):
    (tmp_path / "job.py").write_text(SPARK_JOB)
    archive = wheel.with_suffix(".zip")
    # local-cluster writes to SPARK_HOME/work, so this test gets a SPARK_HOME of links.
    home = tmp_path / "spark"
    home.mkdir()
    for part in ("bin", "jars", "python"):
        (home / part).symlink_to(THIRD_PARTY / "pyspark" / part)

    printed = run(
        "bash", home / "bin" / "spark-submit",
        "--master", "local-cluster[1,1,1024]", "--py-files", archive, "job.py",
        cwd=tmp_path, SPARK_HOME=str(home), **spark_variables(sys.executable),
    )  # fmt: skip

    seen = seen_by(printed)
    assert {who: facts[1:] for who, facts in seen.items()} == {
        "driver": [VERSION, True],
        "worker": [VERSION, True],
    }
    # Driver and worker import from their own copies of the archive, which Spark distributed.
    paths = {who: facts[0] for who, facts in seen.items()}
    assert all(path.endswith(f"/{archive.name}/udfs/__init__.py") for path in paths.values())
    assert paths["driver"] != paths["worker"]


def spark_variables(python: str) -> dict[str, str]:
    return {
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1",
    }
