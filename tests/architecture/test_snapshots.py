"""Help texts, table definitions and resolved settings change only together with a snapshot."""

from __future__ import annotations

import os

import pytest

from contracts import catalog
from tests.snapshots import rebuild


@pytest.fixture(autouse=True)
def no_settings_of_this_shell(monkeypatch):
    """HOLDFAST__... variables would change the resolved settings."""
    for name in [n for n in os.environ if n.upper().startswith("HOLDFAST__")]:
        monkeypatch.delenv(name)


def test_snapshots_are_current():
    wanted, stored = rebuild.snapshots(), rebuild.stored()
    stale = sorted(n for n in wanted.keys() | stored.keys() if wanted.get(n) != stored.get(n))
    assert stale == [], "run `make snapshots`, and review the changes"


def test_there_is_a_snapshot_of_every_job_table_and_environment():
    snapshots = rebuild.snapshots()
    kinds = {kind: {n for n in snapshots if n.startswith(kind)} for kind in rebuild.KINDS}
    assert "holdfast run_pipeline [OPTIONS]" in snapshots["help/run_pipeline.txt"]
    jobs = [p.stem for p in (rebuild.ROOT / "jobs").glob("*.py") if p.name != "__init__.py"]
    assert kinds["help"] == {f"help/{name}.txt" for name in ("holdfast", *jobs)}
    ddl = "".join(snapshots[n] for n in kinds["ddl"])
    assert [t for t in catalog.tables() if f"CREATE TABLE IF NOT EXISTS {t} (" not in ddl] == []
    # Merged from defaults.yaml (the first) and demo.yaml (the second).
    assert "primary_horizon_days: 30" in snapshots["conf/demo.yaml"]
    assert "as_of: '2018-01-01'" in snapshots["conf/demo.yaml"]


def test_rebuilding_writes_changed_snapshots_and_removes_obsolete_ones(tmp_path, capsys):
    rebuild.main(tmp_path)
    assert rebuild.stored(tmp_path) == rebuild.snapshots()
    (tmp_path / "help" / "ingest.txt").write_text("old\n")
    (tmp_path / "help" / "no_job.txt").write_text("old\n")
    capsys.readouterr()
    rebuild.main(tmp_path)
    assert capsys.readouterr().out == "help/ingest.txt: written\nhelp/no_job.txt: removed\n"
    assert rebuild.stored(tmp_path) == rebuild.snapshots()
