"""The small company from ingest to plan on a local Spark Connect server gives the tables of a classic
session. Each kind of session has a process of its own, because pyspark allows one kind per process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reference.chain import FORCED
from tests.reference.compare import compare_lakes, told

pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).parents[2]
MINUTES = 15


def chain(folder: Path, profile: str) -> str:
    """Run the commands on a profile; what they printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.reference.chain", str(folder / profile), profile],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
    )
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-5000:]
    return ran.stdout


@pytest.fixture(scope="module")
def classic(tmp_path_factory):
    """The lakehouse of a classic session."""
    folder = tmp_path_factory.mktemp("platforms")
    assert "session: pyspark.sql.session" in chain(folder, "local")
    return folder / "local" / "lakehouse"


@pytest.mark.timeout(60 * MINUTES)
@pytest.mark.parametrize("profile", ["connect", FORCED])
def test_the_tables_are_those_of_a_classic_session(classic, profile):
    folder = classic.parents[1]
    assert "session: pyspark.sql.connect.session" in chain(folder, profile)
    lake = folder / profile / "lakehouse"
    compared = compare_lakes(classic, lake)
    assert len(compared) > 20
    assert [told(table) for table in compared if not table.is_equal] == []
    # Nothing temporary is left.
    assert {p.name for p in lake.iterdir()} == {p.name for p in classic.iterdir()}
