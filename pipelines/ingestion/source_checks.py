"""What conf says of the sources, held against the contracts and against what the files hold.

Every fault is found before the first read or the first write, and named with its fix.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from contracts.expressions import columns_used, tokens, with_try_casts
from contracts.rules import MALFORMED_ROW, UNIQUE_KEY
from contracts.silver import QUARANTINE, SILVER, mapped_columns
from contracts.table import Rule, Table
from pipelines.ingestion.ingest_log import Ledger
from pipelines.ingestion.readers import FORCED_OPTIONS
from pipelines.ingestion.source_files import MALFORMED, RESERVED, Part
from runtime.errors import SourceError, UsageError
from runtime.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.settings import Settings
    from runtime.settings.sources import SourceSettings

# Folders that jobs/simulate.py writes the answers to.
_IN_TRUTH = re.compile(r"-truth(/|$)")

TARGETS = {t.short_name: t for t in SILVER if t is not QUARANTINE}


def check_sources(settings: Settings) -> None:
    """Raise UsageError with every fault of conf's sources that can be seen without their data."""
    faults = [
        f"conf/{settings.env}.yaml: sources.{name}{fault}"
        for name, source in settings.sources.items()
        for fault in _faults(name, source)
    ]
    if faults:
        raise UsageError("\n".join(faults))


def _faults(name: str, source: SourceSettings) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == "ingest_log":
        yield ": a source is named in lower snake_case, and not ingest_log. Rename it."
    if source.table not in TARGETS:
        yield f".table = {source.table!r}: must be one of {', '.join(TARGETS)}."
        return
    table = TARGETS[source.table]
    columns = mapped_columns(table)
    names = [c.name for c in columns]
    for unknown in (c for c in source.mapping if c not in names):
        yield f".mapping.{unknown}: {table.name} has no such column; it has {', '.join(names)}."
    for required in (c for c in columns if not c.nullable and c.name not in source.mapping):
        yield (
            f".mapping.{required.name} is missing: {table.name} needs it ({required.comment}). "
            f"Say which column or expression gives it."
        )
    for column, expression in source.mapping.items():
        if "::" in tokens(expression):
            yield (
                f".mapping.{column} = {expression!r}: `::` turns '1.5'::int into 1 without a word. "
                f"Write cast(... as ...), which refuses such a row."
            )
    for unknown in (c for c in source.key if c not in source.mapping):
        yield f".key: {unknown} is not mapped; mapped are {', '.join(source.mapping)}."
    if source.format in ("jdbc", "delta") and not source.key and table.name != "silver.customers":
        yield (
            f".key is missing: a {source.format} source is read whole each time, and only a key "
            f"tells its new rows. Name the columns that identify a row."
        )
    for path in (source.path or "", *(lookup.path for lookup in source.lookups.values())):
        if _IN_TRUTH.search(path):
            yield (
                f".path = {path!r}: lies in a simulator's truth, which no job may learn from. "
                f"Take the files of lakehouse-<env>-sources/."
            )
    rules = [r.name for r in table.rules]
    for unknown in (r for r in source.severity if r not in rules):
        yield f".severity.{unknown}: {table.name} has no such rule; it has {', '.join(rules)}."
    needed = {f"{c.name}_not_null" for c in columns if not c.nullable}
    for rule in sorted(needed & {r for r, s in source.severity.items() if s != "reject"}):
        yield f".severity.{rule} must stay reject: {table.name} holds no row without the value."
    for forced in sorted(FORCED_OPTIONS.keys() & source.options.keys()):
        yield f".options.{forced} is set by ingest, so that no row is lost. Remove it."
    if "password=" in source.options.get("url", "").lower():
        yield (
            f".options.url holds a password. Take it out, and set the variable "
            f"HOLDFAST__SOURCES__{name.upper()}__OPTIONS__PASSWORD."
        )


def rules_of(table: Table, source: SourceSettings) -> list[Rule]:
    """The table's rules with the severities of conf; those that are off are left out."""
    found = []
    for rule in table.rules:
        severity = source.severity.get(rule.name, rule.severity)
        if severity == "warn":
            found.append(rule.as_warning())
        elif severity == "reject":
            found.append(Rule(rule.name, rule.passes, rule.columns, "reject", rule.explanation))
    return found


def columns_behind(
    reason: str, table: Table, source: SourceSettings, there: Sequence[str]
) -> list[str]:
    """The columns of a source (`there`) that tell why a row was rejected, less personal ones."""
    hidden = {
        column
        for name in table.personal_columns
        for column in columns_used(source.mapping.get(name, ""), there)
    }
    kind, _, changed = reason.partition(":")
    if changed:
        return [changed] if changed not in hidden else []
    if kind == MALFORMED_ROW:
        return [] if hidden else [MALFORMED]
    of_rules = {r.name: r.columns for r in table.rules} | {UNIQUE_KEY: tuple(source.key)}
    names = of_rules.get(kind, (kind.removesuffix("_type").removesuffix("_not_finite"),))
    used = {c for n in names for c in columns_used(source.mapping.get(n, ""), there)}
    return [c for c in there if c in used - hidden]


def expected_columns(
    env: str,
    name: str,
    source: SourceSettings,
    parts: Sequence[Part],
    bronze: Mapping[str, str],
    progress: Progress,
) -> dict[str, str]:
    """The columns (name -> type) that bronze.<source> has after this run.

    Those of its first load (`bronze`; empty: this is the first), and new ones that the mapping
    names. Raises SourceError where a file lacks a column that the mapping uses; warns of new,
    missing and changed columns.
    """
    expected = dict(bronze)
    lower = {c.lower() for c in expected}
    for part in parts:
        for column, kind in part.types.items():
            is_taken = not bronze or _users(source, column)
            if column.lower() not in lower and is_taken:
                expected[column] = kind
                lower.add(column.lower())
    for part in parts:
        _compare(env, name, source, part, expected, progress)
    return expected


def _compare(
    env: str,
    name: str,
    source: SourceSettings,
    part: Part,
    expected: Mapping[str, str],
    progress: Progress,
) -> None:
    found = {c.lower(): kind for c, kind in part.types.items()}
    required = {c.name for c in mapped_columns(TARGETS[source.table]) if not c.nullable}
    for column in (c for c in expected if c.lower() not in found):
        # In JSON an absent key is how a row says null; only what every row needs must be there.
        users = [u for u in _users(source, column) if source.format != "json" or u in required]
        if users:
            raise missing_column(env, name, users[0], column, part)
        progress.warn(f"{name}: {part.title} has no column {column}; its rows have null there.")
    lower = {c.lower() for c in expected}
    new = [c for c in part.types if c.lower() not in lower]
    if new:
        progress.warn(
            f"{name}: {part.title} has columns that the first load had not: {', '.join(new)}. "
            f"Their values are kept in bronze.{name}._rescued; name them in the mapping to use "
            f"them."
        )
    for column, kind in expected.items():
        now = found.get(column.lower(), kind)
        if now != kind:
            progress.warn(
                f"{name}: {part.title} has {column} as {now}, the first load had {kind}. Rows "
                f"whose value does not fit are quarantined as type_changed:{column}."
            )


def _users(source: SourceSettings, column: str) -> list[str]:
    """The mapped columns whose expression names a column of the source."""
    return [c for c, expression in source.mapping.items() if columns_used(expression, [column])]


def missing_column(env: str, name: str, user: str, column: str, part: Part) -> SourceError:
    """The error for a column that the mapping uses and a file lacks."""
    return SourceError(
        f"source {name}: {part.title} has no column {column}, which mapping.{user} uses. "
        f"Found: {', '.join(part.types)}. Nothing was written. Deliver the file with it, or change "
        f"sources.{name}.mapping.{user} in conf/{env}.yaml."
    )


def check_expressions(
    env: str, name: str, source: SourceSettings, frame: DataFrame, part: Part | None
) -> None:
    """Raise where Spark cannot read a mapping's expression over the frame, or cannot cast it."""
    from pyspark.errors import AnalysisException, ParseException
    from pyspark.sql import functions as F

    types = TARGETS[source.table].types
    for column, expression in source.mapping.items():
        try:
            value = F.expr(with_try_casts(expression))
            frame.select(value.alias("value")).select(F.col("value").try_cast(types[column]))
        except (AnalysisException, ParseException) as error:
            condition, facts = error.getCondition() or "", error.getMessageParameters() or {}
            unknown = facts.get("objectName", "").strip("`")
            if condition.startswith("UNRESOLVED_COLUMN") and part is not None:
                raise missing_column(env, name, column, unknown, part) from None
            reason = str(error).strip().splitlines()[0].partition(" SQLSTATE")[0]
            raise UsageError(
                f"conf/{env}.yaml: sources.{name}.mapping.{column} = {expression!r} is no "
                f"expression that gives a {types[column]}: {reason} "
                f"The source has {', '.join(c for c in frame.columns if c not in RESERVED)}."
            ) from None


def check_lookup(
    name: str, lookup: str, on: Sequence[str], rows: DataFrame, found: DataFrame
) -> None:
    """Raise where a lookup lacks its join columns, has a key twice, or hides a source's column."""
    where = f"source {name}, lookup {lookup}"
    lacking = [c for c in on if c not in rows.columns or c not in found.columns]
    if lacking:
        raise SourceError(
            f"{where}: {', '.join(lacking)} of join_on must be a column of both. "
            f"The lookup has {', '.join(found.columns)}."
        )
    hidden = [c for c in found.columns if c in rows.columns and c not in on]
    if hidden:
        raise SourceError(
            f"{where}: {', '.join(hidden)} stands in the source too. Rename it in the lookup."
        )
    twice = found.groupBy(*on).count().where("count > 1").count()
    if twice:
        raise SourceError(
            f"{where}: {twice} values of {', '.join(on)} stand more than once, so rows would be "
            f"doubled. Keep one row for each."
        )


def is_history_known(settings: Settings, name: str) -> bool:
    """Whether the source's first load counts as known when it happened."""
    own = settings.sources[name].first_load_known
    return (own or settings.ingest.first_load_known) == "event_time"


def warn_of_files(
    settings: Settings, name: str, files: Collection[str], left: int, ledger: Ledger, say: Progress
) -> None:
    """Files that wait for the next run, and files that come a second time."""
    source, known = settings.sources[name], ledger.file_names(name)
    if left:
        history = (
            " The rest of this history will count as known on arrival: raise the limit first."
            if not known and is_history_known(settings, name)
            else ""
        )
        say.warn(
            f"{name}: of {len(files) + left:,} new files {len(files):,} are taken in, the rest "
            f"waits for the next run (ingest.max_files_a_run).{history}"
        )
    for file in sorted({*files} & known) if not source.key and source.table != "customers" else ():
        say.warn(
            f"{name}: {file} came before with other content. Without a key all its rows are taken "
            f"in again. Set sources.{name}.key, or give new files new names."
        )


@contextmanager
def null_on_failure(spark: SparkSession) -> Iterator[None]:
    """ANSI off while a source is mapped: one row that cannot be computed gives null, not the end.

    Spark fixes the mode of an expression when the frame is made, on Spark Connect when it runs; so
    both belong inside.
    """
    key = "spark.sql.ansi.enabled"
    before = spark.conf.get(key) or "true"
    spark.conf.set(key, "false")
    try:
        yield
    finally:
        spark.conf.set(key, before)
