"""The command line that all jobs share, and how a run begins and ends."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from runtime import settings as settings_module
from runtime.context import Context
from runtime.errors import HoldfastError, UsageError
from runtime.lakehouse.lock import only_writer
from runtime.run_info import RunInfo

Env = Annotated[str, typer.Option(help="Name of a file in conf/ (without .yaml).")]
AsOf = Annotated[
    str | None,
    typer.Option(
        help="Day (YYYY-MM-DD); events before its 00:00 UTC count. "
        "Default: conf, else the day after the last complete day of purchases."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print plan and row counts; write nothing.")
]
ConfDir = Annotated[
    str | None, typer.Option(help="Folder with YAML files of your own instead of conf/.")
]


def parse_day(text: str | None, option: str) -> dt.date | None:
    """A date from the command line."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: must be a date as YYYY-MM-DD, such as 2018-01-01."
        ) from None


def parse_moment(text: str | None, option: str) -> dt.datetime | None:
    """A moment from the command line; without a zone it is UTC."""
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


def start(
    job: str,
    run: Callable[[Context], None],
    env: str,
    as_of: str | None = None,
    is_dry: bool = False,
    conf_dir: str | None = None,
    engine: str = "spark",
    changes: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Run a job from its command line; the exit code says how it ended.

    `changes` of settings, from options of the command line, come before conf and environment.
    """
    try:
        if engine == "duckdb":
            from runtime.lakehouse.duck_session import activate

            activate()
        elif engine != "spark":
            raise UsageError(f"--engine {engine}: must be spark or duckdb.")
        settings_module.use_conf_dir(conf_dir)
        settings = settings_module.load(env, **(changes or {}))
        info = RunInfo(job)
        options["as_of_dates"] = [
            parse_day(text, "--as-of") for text in options.pop("as_of_texts", [])
        ]
        context = Context(
            settings,
            info,
            given_as_of=parse_day(as_of, "--as-of"),
            is_dry=is_dry,
            engine=engine,
            options=options,
        )
        if is_dry:
            context.progress.say(f"Dry run of {job} on {env}: nothing is written.")
            run(context)
        else:
            with only_writer(settings.root, info.run_id):
                run(context)
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
