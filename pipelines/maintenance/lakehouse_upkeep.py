"""Delete old dates, compact small files, delete the files of old versions."""

from __future__ import annotations

import datetime as dt
from fnmatch import fnmatchcase

from contracts.table import Table
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.spark_lake import SparkLake
from runtime.lakehouse.upkeep import Stored, compact, delete, stored, vacuum
from runtime.machine import gigabytes
from runtime.wording import plural


def run(context: Context) -> None:
    """Maintain every table of the lakehouse. No row changes, except that old dates are deleted.

    A dry run prints what is stored, and the dates that would be deleted.
    """
    lake = context.lake
    assert isinstance(lake, SparkLake)
    check_patterns(context)
    for name in names_of(context):
        if lake.exists(name):
            with context.leases.on([name]):
                before, after = stored(lake, name), maintained(context, lake, name)
            context.progress.say(f"      {name:<30} {outcome(before, after)}")


def names_of(context: Context) -> list[str]:
    """The tables of the contracts, and the bronze table of each source."""
    return [*(f"bronze.{source}" for source in context.settings.sources), *context.tables]


def check_patterns(context: Context) -> None:
    """UsageError if a pattern of maintenance.dated_tables matches no table with an as_of."""
    dated = [t.name for t in context.tables.values() if t.slice_by == "as_of"]
    for pattern in context.settings.maintenance.dated_tables:
        if not any(fnmatchcase(name, pattern) for name in dated):
            raise UsageError(
                f"maintenance.dated_tables: {pattern} matches no table with an as_of. Remove it, "
                "or use a name of docs/data_dictionary.md."
            )


def maintained(context: Context, lake: SparkLake, name: str) -> Stored:
    """Maintain one table; what is stored afterwards. A dry run changes nothing."""
    condition = old_dates(context, name)
    if condition:
        verb = "would delete" if context.is_dry else "deleted"
        context.progress.say(f"      {name:<30} {verb} the rows with {condition}")
    if not context.is_dry:
        context.leases.check(name)
        if condition:
            delete(lake, name, condition)
        compact(lake, name)
        vacuum(lake, name, context.settings.maintenance.keep_versions_days)
    return stored(lake, name)


def old_dates(context: Context, name: str) -> str | None:
    """The condition for the dates to delete; None if no date of the table is too old."""
    settings = context.settings.maintenance
    if settings.keep_dates_days is None or not is_dated(
        context.tables.get(name), settings.dated_tables
    ):
        return None
    days = context.read(name).selectExpr("min(as_of)", "max(as_of)").collect()[0]  # one row
    if days[0] is None:
        return None
    first = days[1] - dt.timedelta(days=settings.keep_dates_days)
    return f"as_of < DATE'{first}'" if days[0] < first else None


def is_dated(table: Table | None, patterns: list[str]) -> bool:
    """Whether old dates of the table may be deleted."""
    return (
        table is not None
        and table.slice_by == "as_of"
        and any(fnmatchcase(table.name, pattern) for pattern in patterns)
    )


def outcome(before: Stored, after: Stored) -> str:
    """Files of the newest version, and bytes with older versions, before and after."""
    files = plural(before.files, "file")
    if before.files != after.files:
        files += f" -> {after.files:,}"
    sizes = [gigabytes(s.size if s.on_disk is None else s.on_disk) for s in (before, after)]
    return f"{files}, {' -> '.join(dict.fromkeys(sizes))}"
