"""The command line that all jobs share, and how a run starts and ends."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime import settings as settings_module
from runtime.errors import HoldfastError, UsageError
from runtime.lakehouse.lock import only_writer
from runtime.run_info import RunInfo

if TYPE_CHECKING:
    from runtime.context import Context

Env = Annotated[str, typer.Option(help="Name of a file in conf/ (without .yaml).")]
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

    changes: settings that options of the command line override, by section.
    """

    env: str
    as_of: str | None = None
    is_dry: bool = False
    conf_dir: str | None = None
    engine: str = "spark"
    changes: Mapping[str, Any] = field(default_factory=dict)


def parse_day(text: str | None, option: str) -> dt.date | None:
    """A date from the command line. UsageError if it is not YYYY-MM-DD."""
    if text is None:
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
    """The context of one command. Unless it is a dry run it holds the lakehouse's lock.

    A HoldfastError inside becomes one message on standard error and the exit code of its class.
    """
    # Before the JVM starts, which inherits both: other users of the machine cannot read the files,
    # and MLflow does not report its use.
    os.umask(os.umask(0o027) | 0o027)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        if options.engine not in ENGINES:
            raise UsageError(f"--engine {options.engine}: must be spark or duckdb.")
        if options.engine == "duckdb":
            try:  # before anything imports pyspark
                from runtime.lakehouse.duck_session import activate
            except ModuleNotFoundError as error:
                raise UsageError(
                    f"--engine duckdb: the package {error.name} is not installed. Run "
                    "`bin/setup duckdb` in a checkout, else `pip install 'holdfast[duckdb]'`."
                ) from None
            activate()
        from runtime.context import Context  # pandas takes 0.5 s

        settings_module.use_conf_dir(options.conf_dir)
        settings = settings_module.load(options.env, **options.changes)
        context = Context(
            settings,
            RunInfo(job),
            given_as_of=parse_day(options.as_of, "--as-of"),
            is_dry=options.is_dry,
            engine=options.engine,
        )
        if options.is_dry:
            context.progress.say(f"Dry run of {job} on {options.env}: nothing is written.")
        lock = nullcontext() if options.is_dry else only_writer(settings.root, context.run.run_id)
        with lock:
            yield context
    except HoldfastError as error:
        print(f"holdfast {job}: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


@contextmanager
def reported(job: str) -> Iterator[None]:
    """For a command without a lakehouse: a HoldfastError becomes a message and an exit code."""
    try:
        yield
    except HoldfastError as error:
        print(f"holdfast {job}: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def application(command: Callable[..., None]) -> Callable[[], None]:
    """A console entry point from one function with Typer options."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(command)

    def main() -> None:
        app()

    return main
