"""Jobs: each reads tables, calls transforms and models, and writes tables. `holdfast` runs them."""

from __future__ import annotations

import sys

from runtime.commands import PROGRAM, command_line


def main() -> None:
    """The console script `holdfast`."""
    command_line(sys.modules[__name__])(prog_name=PROGRAM)
