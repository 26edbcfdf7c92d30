"""The command line that all jobs share, and how a run starts and ends."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime import settings as settings_module
from runtime.commands import job_command
from runtime.errors import HoldfastError, UsageError
from runtime.lakehouse.connection import check_remote
from runtime.run_info import RunInfo
from runtime.suggestions import did_you_mean
from runtime.wording import shown_lines

if TYPE_CHECKING:
    from runtime.context import Context
    from runtime.settings import Settings

Env = Annotated[
    str,
    typer.Option(
        help="Name of a file in conf/ (without .yaml).",
        autocompletion=settings_module.environments,
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        help="Day (YYYY-MM-DD); events before its 00:00 count. "
        "Default: conf, else the day after the last complete day of purchases."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print plan and row counts; write nothing.")
]
ConfDir = Annotated[
    str | None, typer.Option(help="Folder with YAML files of your own instead of conf/.")
]
ENGINES = ("spark", "duckdb")


@dataclass(frozen=True)
class RunOptions:
    """The options that most commands share, as given on the command line.

    changes: settings that options of the command line override, by section. checks: called with
    the settings before Spark is imported, to raise a UsageError for an option or a setting.
    """

    env: str
    as_of: str | None = None
    is_dry: bool = False
    conf_dir: str | None = None
    engine: str = "spark"
    changes: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[Callable[[Settings], object]] = ()


def parse_day(text: str | None, option: str) -> dt.date | None:
    """A date from the command line. UsageError if it is not YYYY-MM-DD.

    An empty text counts as not given: a parameter of a Databricks job cannot be left out.
    """
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: must be a date as YYYY-MM-DD, such as 2018-01-01."
        ) from None


def parse_days(texts: Sequence[str] | None, option: str) -> tuple[dt.date, ...]:
    """The dates of an option that can be repeated."""
    return tuple(day for text in texts or () if (day := parse_day(text, option)))


def built_days(texts: Sequence[str] | None, with_training: bool) -> tuple[dt.date, ...]:
    """The dates that build_features builds; empty: as_of and the dates that training there uses.

    UsageError if these are asked for with several dates.
    """
    days = parse_days(texts, "--as-of")
    if with_training and len(days) > 1:
        raise UsageError(
            f"--with-training-dates: takes one --as-of, got {len(days)}. Run the command once per "
            "date."
        )
    return () if with_training else days


def parse_moment(text: str | None, option: str) -> dt.datetime | None:
    """A time from the command line; without a zone it is UTC. UsageError if it is not a time."""
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: must be a date or time as YYYY-MM-DD[THH:MM:SS], such as "
            f"2018-01-01T06:00:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


@contextmanager
def started(job: str, options: RunOptions) -> Iterator[Context]:
    """The context of one command. Unless it is a dry run it holds the leases of its tables.

    A HoldfastError inside becomes one message on standard error and the exit code of its class.
    """
    # Before the JVM starts, which inherits both: other users of the machine cannot read the files,
    # and MLflow does not report its use.
    os.umask(os.umask(0o027) | 0o027)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with reported(job):
        settings, as_of = _checked(options)
        if options.engine == "duckdb":
            _activate_duckdb()
        else:
            check_remote(settings)
        from runtime.context import Context  # pyspark takes 0.5 s

        context = Context(
            settings, RunInfo(job), given_as_of=as_of, is_dry=options.is_dry, engine=options.engine
        )
        if options.is_dry:
            context.progress.say(f"Dry run of {job} on {options.env}: nothing is written.")
        settings.root.check()
        with closing(context), context.leases.of_command(job):
            yield context


@contextmanager
def reported(job: str) -> Iterator[None]:
    """Turn a HoldfastError into one message on standard error and the exit code of its class."""
    try:
        yield
    except HoldfastError as error:
        print(f"holdfast {job}: {shown_lines(str(error))}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


@contextmanager
def service_installed(job: str) -> Iterator[None]:
    """Turn a missing package of the service into a UsageError that names the fix."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{job}: the package {error.name} is not installed. Run `bin/setup service` in a "
            "checkout, else `pip install 'holdfast[service]'`."
        ) from None


def _checked(options: RunOptions) -> tuple[Settings, dt.date | None]:
    """The settings and --as-of. UsageError for whatever is wrong without reading any data."""
    if options.engine not in ENGINES:
        raise UsageError(
            f"--engine {options.engine}: must be {' or '.join(ENGINES)}."
            f"{did_you_mean(options.engine, ENGINES)}"
        )
    as_of = parse_day(options.as_of, "--as-of")
    settings_module.use_conf_dir(options.conf_dir)
    settings = settings_module.load(options.env, **options.changes)
    for check in options.checks:
        check(settings)
    return settings, as_of


def _activate_duckdb() -> None:
    try:  # before anything imports pyspark
        from runtime.lakehouse.duck_session import activate
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the package {error.name}, which `check` and `--engine duckdb` need, is not "
            "installed. Run `bin/setup duckdb` in a checkout, else `pip install "
            "'holdfast[duckdb]'`."
        ) from None
    activate()


def application(command: Callable[..., None]) -> Callable[[], None]:
    """An entry point for spark-submit from one function with Typer options."""

    def main() -> None:
        job_command(command)()

    return main
