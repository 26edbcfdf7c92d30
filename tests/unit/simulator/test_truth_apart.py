"""No job that trains or scores can read the simulator's truth: not by name, path or import."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from contracts import catalog
from contracts.table import Column, Table
from pipelines.ingestion.source_checks import check_sources
from pipelines.simulation import company_files
from runtime.context import Context
from runtime.errors import UsageError
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import load
from simulator.files import TRUTH

ROOT = Path(__file__).parents[3]


def context_of(env, tmp_path, **more):
    settings = load(env, lakehouse={"root": str(tmp_path / "lake"), "catalog": None}, **more)
    return Context(settings, RunInfo("test"), Progress(is_quiet=True))


def test_truth_lies_outside_the_lakehouse(tmp_path):
    context = context_of("simulated", tmp_path)
    truth = company_files.truth_folder(context)
    assert str(truth) == str(tmp_path / "lake-truth")
    assert not str(truth).startswith(f"{context.settings.root}/")


def test_the_truth_of_an_environment_is_named_after_it():
    settings = load("simulated")
    context = Context(settings, RunInfo("test"))
    assert company_files.truth_folder(context).name == "lakehouse-simulated-truth"
    assert company_files.sources_folder(context).name == "lakehouse-simulated-sources"


def test_no_declared_table_is_a_table_of_truth_and_none_can_be_declared():
    shorts = {name.partition(".")[2] for name in catalog.tables()}
    assert shorts & set(TRUTH) == set()
    with pytest.raises(ValueError, match="layer in"):
        Table("truth.effects", "One.", (Column("a", "int", "a"),), key=("a",))


@pytest.mark.parametrize(
    "path",
    [
        "lakehouse-simulated-truth/effects_truth/*.parquet",
        "/data/lakehouse-simulated-truth",
        "lakehouse-simulated-sources/../lakehouse-simulated-truth/customers_truth",
    ],
)
def test_a_source_in_the_truth_is_refused(path, tmp_path):
    settings = load("simulated")
    source = settings.sources["terminations"].model_copy(update={"path": path})
    faulty = settings.model_copy(update={"sources": settings.sources | {"terminations": source}})
    with pytest.raises(UsageError) as refused:
        check_sources(faulty)
    assert str(refused.value) == (
        f"conf/simulated.yaml: sources.terminations.path = {path!r}: is the truth of a simulation, "
        "which no job may read. Use the files in lakehouse-<env>-sources/."
    )


def test_the_simulated_environment_itself_is_accepted():
    check_sources(load("simulated"))


def test_only_the_job_that_simulates_names_the_truth():
    """Any other module that imports the simulator must be listed here."""
    may = {"pipelines/simulation/company_files.py", "pipelines/simulation/live_events.py"}
    naming = {
        path.relative_to(ROOT).as_posix()
        for package in ("jobs", "pipelines", "runtime", "models", "transforms", "udfs", "contracts")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and any(
            name.split(".")[0] == "simulator"
            for name in [getattr(node, "module", None) or "", *(a.name for a in node.names)]
        )
    }
    assert naming == may


def test_nothing_else_holds_a_path_or_a_table_of_truth():
    """company_files.py creates the folder; source_checks.py refuses it as a source."""
    may = {"pipelines/simulation/company_files.py", "pipelines/ingestion/source_checks.py"}
    naming = re.compile("|".join(["-truth", "truth_folder", *TRUTH]))
    packages = (
        *("jobs", "pipelines", "runtime", "models", "transforms", "udfs", "contracts"),
        *("messages", "notebooks"),
    )
    files = [p for package in packages for p in (ROOT / package).rglob("*.py")]
    files += (ROOT / "conf").rglob("*.yaml")
    actual = {p.relative_to(ROOT).as_posix() for p in files if naming.search(p.read_text())}
    assert actual == may


def test_a_real_environment_cannot_be_simulated_over(tmp_path):
    with pytest.raises(UsageError) as refused:
        company_files.run(context_of("demo", tmp_path))
    assert str(refused.value) == (
        "--env demo: conf has no section `simulation`, so its sources are real data. Use "
        "--env simulated, or add the section to your own conf file."
    )


def test_two_companies_do_not_mix(tmp_path):
    context = context_of("simulated", tmp_path)
    folder = Path(company_files.sources_folder(context))
    folder.mkdir()
    (folder / company_files.MANIFEST).write_text('{"seed": 2, "customers": 9, "simulator": "abc"}')
    code = company_files.manifest(context)["simulator"]
    with pytest.raises(UsageError) as refused:
        company_files.run(context)
    assert str(refused.value) == (
        "lake-sources: holds 9 customers, seed 2 of simulator abc, but conf asks for 3,000 "
        f"customers, seed 1 of simulator {code}. Different simulations must not be mixed. Remove "
        "lake, lake-sources, lake-truth, or restore simulation.seed and simulation.customers."
    )
