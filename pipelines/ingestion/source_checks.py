"""Check the sources of conf against the contracts, without reading their data.

All faults are reported at once, each with its fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from contracts.expressions import refused_words, tokens
from contracts.rules import not_null
from contracts.silver import QUARANTINE, SILVER, TRANSACTIONS, mapped_columns
from contracts.silver_payments import SILVER_PAYMENTS
from contracts.table import Rule, Table
from pipelines.ingestion.source_files import FORCED_OPTIONS, TABLE_FORMATS
from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.settings import Settings
    from runtime.settings.sources import SourceSettings

# Folders in which pipelines/simulation stores the truth of a simulation.
_IN_TRUTH = re.compile(r"-truth(/|$)")

# A parameter that names a secret, or user and password before the host: user:password@ or, as
# Oracle writes it, user/password@.
_SECRET_IN_URL = re.compile(
    r"(password|passwd|pwd|secret|token)\s*=|[:/][^:/@;?]+[:/][^:/@;?]+@", re.IGNORECASE
)

TARGETS = {t.short_name: t for t in (*SILVER, *SILVER_PAYMENTS) if t is not QUARANTINE}


def check_sources(settings: Settings) -> None:
    """UsageError with every fault of conf's sources that can be detected without their data."""
    file = f"conf/{settings.env}.yaml"
    faults = [
        f"{file}: sources.{name}{fault}"
        for name, source in settings.sources.items()
        for fault in _faults(name, source, settings.currency)
    ]
    filled = sorted({source.table for source in settings.sources.values()})
    if TRANSACTIONS.short_name not in filled:
        faults.append(
            f"{file}: sources fill {', '.join(filled) or 'nothing'}, but no source has `table: "
            f"transactions`, which every other step needs. Add a source of purchases with a "
            f"customer, a time and an amount. A table with one row per customer and a column that "
            f"says who left cannot replace it: without dates nothing tells what was known before a "
            f"customer left."
        )
    if faults:
        raise UsageError("\n".join(faults))


def check_streams(settings: Settings) -> None:
    """UsageError with every fault of the sources that are streams."""
    faults = [
        f"conf/{settings.env}.yaml: sources.{name}{fault}"
        for name, source in settings.sources.items()
        if source.stream is not None
        for fault in _faults(name, source, settings.currency)
    ]
    if faults:
        raise UsageError("\n".join(faults))


def _faults(name: str, source: SourceSettings, currency: str | None) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == "ingest_log":
        yield ": the name of a source must be lower snake_case and not ingest_log. Rename it."
    if source.table not in TARGETS:
        yield f".table = {source.table!r}: must be one of {', '.join(TARGETS)}."
        return
    table = TARGETS[source.table]
    yield from _mapping_faults(table, source)
    yield from _expression_faults(source)
    if "currency" in source.mapping and table is TRANSACTIONS and currency is None:
        yield (
            ".mapping.currency is set, but `currency` of conf is not, so no amount can be compared "
            "with it. Set `currency`, such as EUR, at the top level of the file."
        )
    yield from _key_faults(table, source)
    for path in (source.path or "", *(lookup.path for lookup in source.lookups.values())):
        if _IN_TRUTH.search(path):
            yield (
                f".path = {path!r}: is the truth of a simulation, which no job may read. "
                f"Use the files in lakehouse-<env>-sources/."
            )
    yield from _severity_faults(table, source)
    for forced in sorted(FORCED_OPTIONS.keys() & source.options.keys()):
        yield f".options.{forced} is set by ingest, so that no row is lost. Remove it."
    if _SECRET_IN_URL.search(source.reader_options.get("url", "")):
        yield (
            f".options.url contains a password. Remove it, and set the environment variable "
            f"HOLDFAST__SOURCES__{name.upper()}__OPTIONS__PASSWORD."
        )


def _mapping_faults(table: Table, source: SourceSettings) -> Iterator[str]:
    columns = mapped_columns(table)
    names = [c.name for c in columns]
    for unknown in (c for c in source.mapping if c not in names):
        yield (
            f".mapping.{unknown}: {table.name} has no such column. "
            f"Its columns are {', '.join(names)}."
        )
    for required in (c for c in columns if not c.nullable and c.name not in source.mapping):
        yield (
            f".mapping.{required.name} is missing: {table.name} requires the column "
            f"({required.comment}). Set the column or expression that provides it."
        )


def _expression_faults(source: SourceSettings) -> Iterator[str]:
    for setting, expression in source.expressions.items():
        if "::" in tokens(expression):
            yield (
                f".{setting} = {expression!r}: `::` silently turns '1.5'::int into 1. "
                f"Write cast(... as ...), which rejects such a row."
            )
        for word in refused_words(expression):
            yield (
                f".{setting} = {expression!r}: uses {word}, but an expression gives one "
                f"value from the columns of its own row. Remove {word}. A column of that name is "
                f"written in backticks."
            )


def _key_faults(table: Table, source: SourceSettings) -> Iterator[str]:
    for unknown in (c for c in source.key if c not in source.mapping):
        yield f".key: {unknown} is not mapped. Mapped columns are {', '.join(source.mapping)}."
    if source.format in TABLE_FORMATS and not source.key and table.name != "silver.customers":
        yield (
            f".key is missing: each run reads a {source.format} source completely, and only a key "
            f"identifies its new rows. Set the columns that identify a row."
        )


def _severity_faults(table: Table, source: SourceSettings) -> Iterator[str]:
    rules = [r.name for r in table.rules]
    for unknown in (r for r in source.severity if r not in rules):
        yield (
            f".severity.{unknown}: {table.name} has no such rule. Its rules are {', '.join(rules)}."
        )
    required = {f"{c.name}_not_null" for c in mapped_columns(table) if not c.nullable}
    for rule in sorted(required & {r for r, s in source.severity.items() if s != "reject"}):
        yield f".severity.{rule} must be reject: {table.name} requires the column."


def rules_of(table: Table, source: SourceSettings) -> list[Rule]:
    """The table's rules with the severities of conf, without rules that are off."""
    rules = []
    for rule in table.rules:
        severity = source.severity.get(rule.name, rule.severity)
        if severity == "warn":
            rules.append(rule.as_warning())
        elif severity == "reject":
            rules.append(Rule(rule.name, rule.passes, rule.columns, "reject", rule.explanation))
    if source.stream is not None:
        # Without its key, an event that arrives twice would count twice.
        names = {rule.name for rule in rules}
        rules += [r for r in map(not_null, source.key) if r.name not in names]
    return rules


def zone_warnings(settings: Settings, name: str) -> list[str]:
    """A warning if midnight of the source is not midnight of the business."""
    zone, business = settings.sources[name].time_zone, settings.features.business_time_zone
    if zone == business:
        return []
    return [
        f"{name}: its times are in {zone}, but days begin at 00:00 {business} "
        f"(features.business_time_zone). A purchase at 00:00 may count for another day than in the "
        f"source. Set both to one zone, unless this is intended."
    ]


def is_history_known(settings: Settings, name: str) -> bool:
    """Whether the rows of the source's first load count as known at the time of their event."""
    own = settings.sources[name].first_load_known
    return (own or settings.ingest.first_load_known) == "event_time"
