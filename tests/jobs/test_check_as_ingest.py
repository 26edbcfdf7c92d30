"""`check`, on DuckDB, counts what `ingest` counts on Spark, for every export that init guesses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.ingestion.conf_guess import run as init
from runtime import settings as settings_module
from runtime.settings.new_environment import init_options
from tests import exports
from tests.jobs.ingest_lake import Said

ROOT = Path(__file__).parents[2]


@pytest.fixture
def conf(tmp_path):
    """A folder with all.yaml, whose sources are all exports as init guesses them."""
    folder, sources = tmp_path / "conf", {}
    folder.mkdir()
    made = {name: make for name, (make, _, _) in exports.EXPORTS.items()}
    for name, make in {**made, "damaged": exports.damaged}.items():
        init(init_options(str(make(tmp_path)), name, str(folder)))
        sources[name] = yaml.safe_load((folder / f"{name}.yaml").read_text())["sources"]["orders"]
    (folder / "all.yaml").write_text(yaml.safe_dump({"sources": sources}))
    yield folder
    settings_module.use_conf_dir(None)


def told(lines):
    """The counts, reasons and warnings of each source."""
    kinds = re.compile(r"\w+: \d+ files?, |quarantined: |warnings: ")
    return [line.strip() for line in lines if kinds.match(line.strip())]


def test_check_counts_what_ingest_counts(spark, conf, tmp_path):
    from pipelines.ingestion.source_ingestion import run as ingest
    from runtime.context import Context
    from runtime.run_info import RunInfo

    settings = settings_module.load("all", lakehouse={"root": str(tmp_path / "lakehouse")})
    context = Context(settings, RunInfo("ingest"), Said(), is_dry=True)
    ingest(context)
    checked = subprocess.run(
        [sys.executable, "-m", "jobs.check", "all", "--conf-dir", str(conf)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    expected = told("\n".join(context.progress.lines).splitlines())
    assert told(checked.stdout.splitlines()) == expected
    assert len([line for line in expected if "rows in" in line]) == 10
