"""Check the files of a source against its mapping in conf and against its first load."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from contracts.expressions import columns_used
from contracts.rules import MALFORMED_ROW, TOKEN_REASONS, UNIQUE_KEY
from contracts.silver import mapped_columns
from contracts.table import Table
from pipelines.ingestion.source_checks import TARGETS, is_history_known
from pipelines.ingestion.source_files import MALFORMED, RESERVED, Described, Part
from runtime.errors import SourceError
from runtime.wording import plural

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipelines.ingestion.ingest_log import IngestLog
    from runtime.settings import Settings
    from runtime.settings.sources import SourceSettings

# Files with the same columns, however they are read.
Files = TypeVar("Files", bound=Described)


def columns_behind(
    reason: str, table: Table, source: SourceSettings, *, present: Sequence[str]
) -> list[str]:
    """The columns of a source that explain why a row was rejected, without personal ones.

    `present`: the columns that the source has.
    """
    hidden = {
        column
        for name in table.personal_columns
        for column in columns_used(source.mapping.get(name, ""), present)
    }
    kind, _, changed = reason.partition(":")
    if changed:
        return [changed] if changed not in hidden else []
    if kind == MALFORMED_ROW:
        # Nobody knows what the columns hold that no mapping uses: often names and addresses.
        own = [c for c in present if c not in RESERVED]
        return [] if hidden or _unmapped(source, own) else [MALFORMED]
    of_rules = {r.name: r.columns for r in table.rules} | {UNIQUE_KEY: tuple(source.key)}
    of_rules |= dict.fromkeys(TOKEN_REASONS, ("token",))
    names = of_rules.get(kind, (kind.removesuffix("_type").removesuffix("_not_finite"),))
    used = {c for n in names for c in columns_used(source.mapping.get(n, ""), present)}
    return [c for c in present if c in used - hidden]


def expected_columns(
    source: SourceSettings, parts: Sequence[Described], bronze: Mapping[str, str]
) -> dict[str, str]:
    """The columns (name -> type) that bronze.<source> has after this run.

    These are the columns of the first load (`bronze`, empty in the first load itself), and new ones
    that the mapping uses.
    """
    expected = dict(bronze)
    lower = {c.lower() for c in expected}
    for part in parts:
        for column, kind in part.types.items():
            is_added = not bronze or _users(source, column)
            if column.lower() not in lower and is_added:
                expected[column] = kind
                lower.add(column.lower())
    return expected


def by_fitting_columns(
    source: SourceSettings, parts: Sequence[Files], bronze: Mapping[str, str]
) -> tuple[list[Files], list[tuple[Files, str]]]:
    """The parts that have every column of the mapping, and the others with the reason.

    A column that no file has, neither now nor in the first load, is a fault of the mapping.
    """
    expected = expected_columns(source, parts, bronze)
    fitting: list[Files] = []
    others: list[tuple[Files, str]] = []
    for part in parts:
        if missing := _missing_column(source, part, expected):
            reason = _no_column(*missing, part)
            others.append((part, f"it {reason}"))
        else:
            fitting.append(part)
    return (fitting, others) if fitting or bronze else (list(parts), [])


def _missing_column(
    source: SourceSettings, part: Described, expected: Mapping[str, str]
) -> tuple[str, str] | None:
    """The first expected column that the part lacks although the mapping needs it, and its user."""
    present = {c.lower() for c in part.types}
    columns = mapped_columns(TARGETS[source.table])
    required = {"where", *(f"mapping.{c.name}" for c in columns if not c.nullable)}
    for column in (c for c in expected if c.lower() not in present):
        # In JSON a missing key means null, so only columns that every row needs must be present.
        for user in _users(source, column):
            if source.format != "json" or user in required:
                return column, user
    return None


def _no_column(column: str, user: str, part: Described, hint: str = "") -> str:
    return (
        f"has no column {column}, which {user} uses.{hint} Its columns are {', '.join(part.types)}"
    )


def mapped_part(source: SourceSettings, part: Part) -> Part:
    """The part without the columns that neither the mapping nor a lookup uses."""
    unmapped = _unmapped(source, part.types)
    kept = [f"`{c.replace('`', '``')}`" for c in part.frame.columns if c not in unmapped]
    return replace(part, frame=part.frame.select(*kept))


def _unmapped(source: SourceSettings, columns: Iterable[str]) -> set[str]:
    """The columns that neither the mapping nor a lookup uses."""
    joined = {c.lower() for lookup in source.lookups.values() for c in lookup.join_on}
    return {c for c in columns if c.lower() not in joined and not _users(source, c)}


def column_warnings(
    env: str, name: str, source: SourceSettings, *, part: Part, expected: Mapping[str, str]
) -> list[str]:
    """A warning for each column of a part that is missing, new, or has another type.

    SourceError if the mapping uses a column that is missing.
    """
    if missing := _missing_column(source, part, expected):
        raise missing_column(env, name, missing[1], column=missing[0], part=part)
    present = {c.lower(): kind for c, kind in part.types.items()}
    warnings = [
        f"{name}: {part.title} has no column {column}. It is null in the rows of this file."
        for column in expected
        if column.lower() not in present
    ]
    lower = {c.lower() for c in expected}
    new = [c for c in part.types if c.lower() not in lower]
    if new:
        warnings.append(
            f"{name}: {part.title} has columns that the first load did not have: {', '.join(new)}. "
            f"Their values are kept in bronze.{name}._rescued. Add the columns to the mapping to "
            f"use them."
        )
    for column, kind in expected.items():
        now = present.get(column.lower(), kind)
        if now != kind:
            warnings.append(
                f"{name}: {part.title} has {column} as {now}, but the first load had {kind}. Rows "
                f"whose value does not fit {kind} are quarantined as type_changed:{column}."
            )
    return warnings


def _users(source: SourceSettings, column: str) -> list[str]:
    """The settings whose expression uses a column of the source."""
    return [s for s, expression in source.expressions.items() if columns_used(expression, [column])]


def missing_column(
    env: str, name: str, user: str, *, column: str, part: Described, hint: str = ""
) -> SourceError:
    """The error for a column that a setting (`user`) uses and a file does not have."""
    return SourceError(
        f"source {name}: {part.title} {_no_column(column, user, part, hint)}. Nothing was written. "
        f"Deliver the file with this column, or change sources.{name}.{user} in conf/{env}.yaml."
    )


def check_lookup(
    name: str, lookup: str, on: Sequence[str], *, rows: DataFrame, lookup_rows: DataFrame
) -> None:
    """SourceError if a lookup lacks a join column, has a key twice, or has a column of the source.

    `rows`: the source. `lookup_rows`: the lookup.
    """
    where = f"source {name}, lookup {lookup}"
    lacking = [c for c in on if c not in rows.columns or c not in lookup_rows.columns]
    if lacking:
        raise SourceError(
            f"{where}: join_on must name columns of both the source and the lookup, got "
            f"{', '.join(lacking)}. The lookup's columns are {', '.join(lookup_rows.columns)}."
        )
    hidden = [c for c in lookup_rows.columns if c in rows.columns and c not in on]
    if hidden:
        raise SourceError(
            f"{where}: the source also has a column {', '.join(hidden)}. Rename it in the lookup."
        )
    twice = lookup_rows.groupBy(*on).count().where("count > 1").count()
    if twice:
        raise SourceError(
            f"{where}: {plural(twice, 'value')} of {', '.join(on)} "
            f"{'occurs' if twice == 1 else 'occur'} more than once, so the join would duplicate "
            f"rows. Keep one row per value."
        )


def file_warnings(
    settings: Settings, name: str, files: Collection[str], *, waiting: int, log: IngestLog
) -> list[str]:
    """Warnings about files that wait for the next run, and about files that were loaded before."""
    source, known = settings.sources[name], log.file_names(name)
    warnings = []
    if waiting:
        history = (
            " The other files of this first load will count as known on arrival. To avoid that, "
            "raise the limit before the first load."
            if not known and is_history_known(settings, name)
            else ""
        )
        warnings.append(
            f"{name}: {len(files):,} of {len(files) + waiting:,} new files are loaded, the others "
            f"in the next run (limit: ingest.max_files_a_run).{history}"
        )
    if not source.key and source.table != "customers":
        warnings += [
            f"{name}: {file} was loaded before with other content. Without a key, all its rows are "
            f"loaded again. Set sources.{name}.key, or give new files new names."
            for file in sorted({*files} & known)
        ]
    return warnings
