"""The leases of a run: its command, its commits, and what Delta's log then says. On DuckDB."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from deltalake import DeltaTable, write_deltalake

from contracts.table import Column, Table
from runtime.cli import RunOptions, started
from runtime.errors import BusyError, TableError
from runtime.lakehouse.lease_files import FolderFiles
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.lease_watch import numbers_of
from runtime.lakehouse.leases import Lease, Terms, leases
from runtime.lakehouse.writes import Write
from tests.jobs.silver_lake import arrow_of, bought
from tests.unit.runtime.lakehouse.lease_process import ROOT

pytestmark = pytest.mark.duckdb_only

DAY = dt.date(2018, 1, 1)
COLUMNS = (Column("as_of", "date", "", False), Column("score", "double", ""))
# Two names that plan_retention declares; it holds both.
COMPARED = Table("gold.strategy_comparison", "x.", COLUMNS, key=("as_of",), slice_by="as_of")
PLANS = replace(COMPARED, name="gold.retention_plan")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The lakehouse of the demo, elsewhere."""
    monkeypatch.setenv("HOLDFAST__LAKEHOUSE__ROOT", str(tmp_path / "lakehouse"))
    return tmp_path / "lakehouse"


def command(job="plan_retention", **options):
    return started(job, RunOptions("demo", engine="duckdb", **options))


def rows(context, score, table=COMPARED):
    """A write of one row."""
    sql = f"SELECT DATE'{DAY}' AS as_of, CAST({score} AS double) AS score"
    return Write(table, context.lake.session.sql(sql), [DAY])


def newest(root, table):
    return max(numbers_of(FolderFiles(root), table).values())


def taken_over(root):
    """What another run does after it has waited for a stopped one."""
    files = FolderFiles(root)
    number = newest(root, COMPARED.name) + 1
    assert Lease(files, COMPARED.name, number, holder=Holder.now("x", "y"), seconds=60).take()


def numbers_of_commits(root, table=COMPARED):
    """The fencing numbers in the metadata of the commits that wrote rows, the oldest first."""
    history = DeltaTable(root / table.name.replace(".", "/")).history()
    facts = [json.loads(c["userMetadata"]) for c in reversed(history) if c.get("userMetadata")]
    return [f.get("lease") for f in facts]


def test_the_number_of_the_lease_is_in_each_commit_and_grows_with_each_run(root):
    with command() as context:
        assert sorted(context.leases.held) == [PLANS.name, COMPARED.name]
        context.write([rows(context, 0.1)])
        context.write([rows(context, 0.2)])
    assert context.leases.held == {}
    with command() as context:
        context.write([rows(context, 0.3)])
    assert numbers_of_commits(root) == [1, 1, 2]


def test_a_commit_outside_a_command_takes_a_lease_of_its_own(root):
    with command(is_dry=True) as context:
        settings = context.settings
    from runtime.lakehouse.duck_lake import DuckLake
    from runtime.run_info import RunInfo

    context.lake = DuckLake(settings, RunInfo("notebook"))
    context.lake.commit([rows(context, 0.1)])
    context.lake.commit([rows(context, 0.2)])
    assert numbers_of_commits(root) == [1, 2]
    assert context.lake.leases.held == {}


def test_a_command_that_writes_a_table_that_it_does_not_declare_is_refused(root):
    with pytest.raises(SystemExit) as ended, command("score_customers") as context:
        context.write([rows(context, 0.1)])
    assert ended.value.code == 1
    assert not (root / "gold" / "strategy_comparison").exists()
    with command("score_customers") as context, pytest.raises(TableError) as error:
        context.write([rows(context, 0.1)])
    assert str(error.value) == (
        "gold.strategy_comparison: score_customers does not declare in contracts/writers.py that "
        "it writes this table. Nothing was written. Add the table there."
    )


def test_a_step_inside_a_command_may_write_what_either_declares(root):
    with command("run_pipeline") as context:
        assert sorted(context.leases.held) == ["files.pipeline"]
        with context.leases.of_command("plan_retention"):
            assert context.leases.held.keys() == {"files.pipeline", PLANS.name, COMPARED.name}
            context.write([rows(context, 0.1)])
        assert sorted(context.leases.held) == ["files.pipeline"]
        with pytest.raises(TableError, match="run_pipeline does not declare"):
            context.write([rows(context, 0.2)])


def test_a_commit_whose_lease_is_lost_is_refused_and_nothing_is_rolled_back(root):
    with command() as context:
        context.write([rows(context, 0.1)])
        taken_over(root)
        with pytest.raises(BusyError, match="another run has taken over the lease of this run"):
            context.write([rows(context, 0.2)])
    assert DeltaTable(root / "gold" / "strategy_comparison").to_pyarrow_table().num_rows == 1
    assert numbers_of_commits(root) == [1]


def test_a_lease_that_is_lost_between_two_tables_leaves_the_second_unwritten(root, monkeypatch):
    """The first table is still held, so it is rolled back; the other run's table is not touched."""
    with command() as context:
        context.write([rows(context, 0.1, PLANS), rows(context, 0.1)])
        write = context.lake._write

        def then_lose(change, content):
            write(change, content)
            taken_over(root)

        monkeypatch.setattr(context.lake, "_write", then_lose)
        with pytest.raises(BusyError):
            context.write([rows(context, 0.2, PLANS), rows(context, 0.2)])
    assert numbers_of_commits(root) == [1]
    history = DeltaTable(root / "gold" / "retention_plan").history()
    assert [c["operation"] for c in history[:2]] == ["RESTORE", "WRITE"]


def test_a_dry_run_takes_no_lease_and_does_not_wait(root):
    terms = Terms(60, 61)
    with (
        leases(FolderFiles(root), [COMPARED.name], Holder.now("x", "y"), terms=terms),
        command(is_dry=True) as context,
    ):
        before = sorted(root.rglob("*"))
        context.write([rows(context, 0.1)])
        assert (context.leases.held, sorted(root.rglob("*"))) == ({}, before)


# ---------------------------------------------------------------------- two commands

FEATURES = [f"features.{name}" for name in ("behavior", "demographics", "labels", "transactions")]


@pytest.fixture
def silver(root):
    days = [f"2017-{month:02d}-0{day} 10:00" for month in range(1, 13) for day in (1, 5)]
    (root / "silver").mkdir(parents=True)
    lines = [bought(f"c{n % 3}", f"o{n}", day, 1) for n, day in enumerate(days)]
    write_deltalake(root / "silver" / "transactions", arrow_of("silver.transactions", lines))
    return root


def leases_of(root, *names):
    holder = Holder.now("train_churn", "abc")
    return leases(FolderFiles(root), names, holder, terms=Terms(60, 61))


def build_features(day, **seconds):
    """The command on DuckDB, as a process."""
    given = {"HOLDFAST__FEATURES__WINDOWS_DAYS": "[30, 60, 90, 365]"}
    given |= {f"HOLDFAST__LAKEHOUSE__{name.upper()}": str(value) for name, value in seconds.items()}
    words = ["--env", "demo", "--engine", "duckdb", "--as-of", day]
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.build_features", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_commands_wait_for_the_same_table_one_after_the_other_and_not_for_another_one(silver):
    """A run holds a table of theirs until both wait, and all the time a table of another command."""
    mine = leases_of(silver, "features.labels")
    with leases_of(silver, "gold.customer_scores"):
        with mine:
            commands = [build_features("2017-11-01"), build_features("2017-11-02")]
            for command in commands:
                line = next(line for line in command.stdout if "waiting" in line)
                assert line.startswith("      waiting     features.labels: train_churn (run abc, p")
        said = [command.communicate(timeout=100) for command in commands]
    assert [command.returncode for command in commands] == [0, 0], said
    numbers = {name: newest(silver, name) for name in FEATURES}
    assert numbers == {**dict.fromkeys(FEATURES, 2), "features.labels": 3}
    written = DeltaTable(silver / "features" / "transactions").to_pyarrow_table()
    assert {day.isoformat() for day in written.column("as_of").to_pylist()} == {
        *("2017-11-01", "2017-11-02")
    }


def test_a_command_that_waited_in_vain_names_the_holder_and_changes_nothing(silver):
    holder = Holder.now("train_churn", "abc")
    with leases(FolderFiles(silver), ["features.labels"], holder, terms=Terms(60, 61)):
        before = sorted(silver.rglob("*"))
        with build_features("2017-11-01", lease_seconds=1, lease_wait_seconds=2) as command:
            _, errors = command.communicate(timeout=100)
        assert sorted(silver.rglob("*")) == before
    assert command.returncode == 1
    assert errors == (
        f"holdfast build_features: features.labels: {holder} has held its lease since "
        f"{holder.since}. This run waited 2 s and has not written the table. Start it again when "
        "that run has ended, or raise lakehouse.lease_wait_seconds.\n"
    )
