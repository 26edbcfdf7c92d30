"""How a job's command begins and ends: arguments, leases, exit codes."""

from __future__ import annotations

import datetime as dt
import importlib
import sys

import pytest
import typer
from typer.testing import CliRunner

from runtime.cli import RunOptions, parse_day, parse_days, parse_moment, started
from runtime.errors import HoldfastError, ModelGateError, QualityGateError, UsageError
from runtime.lakehouse.lease_files import FolderFiles
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.leases import Terms, leases


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The lakehouse of the demo, elsewhere."""
    monkeypatch.setenv("HOLDFAST__LAKEHOUSE__ROOT", str(tmp_path / "lakehouse"))
    return tmp_path / "lakehouse"


def unreachable(context):
    raise AssertionError("the job must not begin")


def ended(run, capsys, **options):
    """The exit code, and what was said on standard error."""
    with (
        pytest.raises(SystemExit) as caught,
        started("ingest", RunOptions("demo", **options)) as context,
    ):
        run(context)
    return caught.value.code, capsys.readouterr().err


def test_of_two_runs_at_once_the_second_says_who_is_at_work_and_changes_nothing(
    root, capsys, monkeypatch
):
    monkeypatch.setenv("HOLDFAST__LAKEHOUSE__LEASE_SECONDS", "1")
    monkeypatch.setenv("HOLDFAST__LAKEHOUSE__LEASE_WAIT_SECONDS", "1.2")
    first = Holder.now("train_churn", "first")
    with leases(FolderFiles(root), ["silver.quarantine"], first, terms=Terms(1, 2)):
        before = sorted(root.rglob("*"))
        code, said = ended(unreachable, capsys)
        assert sorted(root.rglob("*")) == before
    assert code == 1
    assert said == (
        f"holdfast ingest: silver.quarantine: {first} has held its lease since {first.since}. "
        "This run waited 1.2 s and has not written the table. Start it again when that run has "
        "ended, or raise lakehouse.lease_wait_seconds.\n"
    )
    seen = []
    with started("ingest", RunOptions("demo")) as context:  # the first has ended
        seen.append(context)
    assert len(seen) == 1


def test_control_characters_of_data_reach_neither_terminal_nor_log(root, capsys):
    """A file name with a line end must not add a line, and an escape code must not be executed."""
    with started("ingest", RunOptions("demo", is_dry=True)) as context:
        capsys.readouterr()
        context.progress.say("read \x1b[2Jday1.csv\nand day2\udcff.csv")
        context.progress.warn("day1\nwarning: all is well\u202e.csv")
    said = capsys.readouterr()
    assert said.out == "read ?[2Jday1.csv\nand day2?.csv\n"
    assert said.err == "warning: day1?warning: all is well?.csv\n"

    def fails(context):
        raise HoldfastError("first\nsecond \x07")

    assert ended(fails, capsys)[1] == "holdfast ingest: first\nsecond ?\n"


def test_a_dry_run_needs_no_lock_and_leaves_no_trace(root, capsys):
    seen = []
    with started("ingest", RunOptions("demo", is_dry=True)) as context:
        seen.append(context)
    assert seen[0].is_dry and not root.exists()
    assert capsys.readouterr().out == "Dry run of ingest on demo: nothing is written.\n"


@pytest.mark.parametrize(
    "error, code", [(HoldfastError, 1), (UsageError, 2), (QualityGateError, 3), (ModelGateError, 4)]
)
def test_an_error_is_one_sentence_and_an_exit_code(root, capsys, error, code):
    def fails(context):
        raise error("orders.csv: amount = 'x' is no number. Fix it.")

    assert ended(fails, capsys) == (
        code,
        "holdfast ingest: orders.csv: amount = 'x' is no number. Fix it.\n",
    )


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"as_of": "01.02.2018"},
            "--as-of 01.02.2018: must be a date as YYYY-MM-DD, such as 2018-01-01.",
        ),
        ({"engine": "pandas"}, "--engine pandas: must be spark or duckdb."),
        ({"engine": "duckbd"}, "--engine duckbd: must be spark or duckdb. Did you mean duckdb?"),
        (
            {"conf_dir": "/nowhere"},
            "--conf-dir /nowhere: does not exist. It must be a folder with YAML files.",
        ),
    ],
)
def test_an_argument_that_breaks_a_rule_is_refused(root, capsys, options, message):
    assert ended(unreachable, capsys, **options) == (2, f"holdfast ingest: {message}\n")
    assert not root.exists()


def test_the_engine_without_a_jvm_says_how_to_install_it(root, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "runtime.lakehouse.duck_session", raising=False)
    monkeypatch.setitem(sys.modules, "duckdb", None)  # an import then raises ModuleNotFoundError

    assert ended(unreachable, capsys, engine="duckdb") == (
        2,
        "holdfast ingest: the package duckdb, which `check` and `--engine duckdb` need, is not "
        "installed. Run `bin/setup duckdb` in a checkout, else `pip install 'holdfast[duckdb]'`.\n",
    )
    assert not root.exists()


def test_an_unknown_option_is_refused():
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(importlib.import_module("jobs.ingest").command)
    result = CliRunner().invoke(app, ["--knownat", "2018-01-01"])
    assert result.exit_code == 2
    assert "No such option: --knownat" in result.output


def test_a_moment_without_a_zone_is_utc():
    noon = dt.datetime(2018, 1, 1, 12, tzinfo=dt.UTC)
    assert parse_moment("2018-01-01T12:00", "--known-at") == noon
    assert parse_moment("2018-01-01T14:00+02:00", "--known-at") == noon
    assert parse_day("2018-01-01", "--as-of") == noon.date()
    with pytest.raises(UsageError, match="--known-at noon: must be a date or time"):
        parse_moment("noon", "--known-at")


def test_an_option_that_can_be_repeated_gives_every_day():
    assert parse_days(None, "--as-of") == ()
    days = parse_days(["2018-01-01", "2017-12-01"], "--as-of")
    assert days == (dt.date(2018, 1, 1), dt.date(2017, 12, 1))
    with pytest.raises(UsageError) as refused:
        parse_days(["2018-01-01", "soon"], "--as-of")
    assert str(refused.value) == "--as-of soon: must be a date as YYYY-MM-DD, such as 2018-01-01."
