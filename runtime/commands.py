"""The command `holdfast`: every module of jobs/ with a function `command` is a sub-command.

A job is imported when it runs. The list of jobs reads only the first line of each module's text.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

PROGRAM = "holdfast"


@contextmanager
def _suggestions() -> Iterator[None]:
    """Let the error of an unknown option end with 'Did you mean --as-of?'."""
    try:
        yield
    except Exception as error:  # Typer has no public name for this error
        nearest = getattr(error, "possibilities", None)
        if nearest:
            error.message = f"{error.message}. Did you mean {', '.join(sorted(nearest))}?"  # type: ignore[attr-defined]
            error.possibilities = None  # type: ignore[attr-defined]
        raise


class Job(TyperCommand):
    """A command whose unknown options are answered with a suggestion."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _suggestions():
            return super().parse_args(ctx, args)


class Jobs(TyperGroup):
    """The jobs of a package. `commands` has names and summaries only, until one is chosen.

    A name may be written with hyphens: score-customers is score_customers.
    """

    package: str = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _suggestions():
            return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name.replace("-", "_"))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, listed, others = super().resolve_command(ctx, args)
        if listed is None:
            return name, listed, others
        job = importlib.import_module(f"{self.package}.{listed.name}")
        return listed.name, job_command(job.command), others


def job_command(function: Callable[..., None]) -> Any:
    """The command line of a job: its parameters are the options."""
    app = _application()
    app.command(cls=Job)(function)
    return get_command(app)


def command_line(package: ModuleType) -> Any:
    """The command line of a package of jobs, with --install-completion and --show-completion."""
    app = _application(cls=Jobs, no_args_is_help=True, add_completion=True)

    @app.callback()
    def holdfast() -> None:
        """Find out which customers are about to leave, why, and which of them to contact first.

        `holdfast <job> --help` shows the options of a job.
        """

    group: Any = get_command(app)
    group.package = package.__name__
    group.commands = {name: Job(name, short_help=text) for name, text in job_summaries(package)}
    return group


def job_summaries(package: ModuleType) -> Iterator[tuple[str, str]]:
    """Name and first docstring line of each job, by name. No job is imported."""
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        if module.name.startswith("_"):
            continue
        # The loaders of folders and of archives (--py-files) have get_source.
        spec: Any = importlib.util.find_spec(f"{package.__name__}.{module.name}")
        tree = ast.parse(spec.loader.get_source(spec.name))
        yield module.name, (ast.get_docstring(tree) or "").partition("\n")[0]


def _application(**options: Any) -> typer.Typer:
    plain = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}
    return typer.Typer(**{**plain, **options})
