"""Settings of sources and of ingest."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from runtime.settings.core import Section, TimeZone
from runtime.settings.fetch import FetchSettings
from runtime.settings.streams import StreamSourceSettings

# Options whose values a message may show. `url` must not contain a password (see source_checks).
_SHOWN_OPTIONS = ("dbtable", "driver", "header", "inferschema", "multiline", "query", "url")


class _WithOptions(Section):
    """Options of Spark's reader. They may hold passwords and keys, so they are never printed."""

    options: dict[str, SecretStr] = Field(default_factory=dict)

    @property
    def reader_options(self) -> dict[str, str]:
        """The options in clear, for the reader alone."""
        return {name: value.get_secret_value() for name, value in self.options.items()}

    @property
    def hidden_values(self) -> list[str]:
        """Values of options that no message may show: all but short ones and _SHOWN_OPTIONS."""
        given = self.reader_options.items()
        return [v for k, v in given if k.lower() not in _SHOWN_OPTIONS and len(v) >= 4]


class LookupSettings(_WithOptions):
    """A small file that is left-joined to a source on `join_on`, before columns are mapped."""

    format: Literal["csv", "json", "parquet", "delta"]
    path: str
    join_on: list[str]


class IncrementalSettings(Section):
    """Each run reads the rows of a jdbc source from the highest cursor so far less the overlap.

    cursor: a column that grows when a row is added or changed: a time, a date or a number. overlap:
    seconds, or units of a number; rows may become visible so much later than their cursor says.
    """

    cursor: str
    overlap: int = Field(ge=0)


class SourceSettings(_WithOptions):
    """One source: its location, and the SQL expression of each column of the target table."""

    table: str
    format: Literal["csv", "json", "parquet", "delta", "jdbc", "kafka"]
    path: str | None = None
    key: list[str] = Field(default_factory=list)
    mapping: dict[str, str]
    # Rows for which this SQL condition is not true are left out, and counted. None: no row is.
    where: str | None = None
    # Zone of times without a zone.
    time_zone: TimeZone = "UTC"
    lookups: dict[str, LookupSettings] = Field(default_factory=dict)
    first_load_known: Literal["event_time", "arrival"] | None = None
    # False: columns that neither the mapping nor a lookup uses are not stored.
    keep_unmapped: bool = True
    # Severity of rules (contracts/silver.py) by name, where this source needs another one.
    severity: dict[str, Literal["reject", "warn", "off"]] = Field(default_factory=dict)
    # A REST API whose records fetch_sources stores in `path`, from where ingest loads them.
    fetch: FetchSettings | None = None
    # How later runs read a table of a database. None: they read it completely.
    incremental: IncrementalSettings | None = None
    # Events that stream_events reads as they arrive. ingest only replays those that came late.
    stream: StreamSourceSettings | None = None

    @property
    def expressions(self) -> dict[str, str]:
        """Every SQL text over the source's columns, by its setting."""
        where = {} if self.where is None else {"where": self.where}
        return {f"mapping.{column}": text for column, text in self.mapping.items()} | where

    @field_validator("mapping", mode="before")
    @classmethod
    def _texts(cls, mapping: dict[str, Any]) -> dict[str, str]:
        return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in mapping.items()}

    @field_validator("severity", mode="before")
    @classmethod
    def _off_is_no_boolean(cls, severity: dict[str, Any]) -> dict[str, Any]:
        return {rule: "off" if value is False else value for rule, value in severity.items()}

    @model_validator(mode="after")
    def _has_a_place(self) -> SourceSettings:
        if self.format not in ("jdbc", "kafka") and not self.path:
            raise ValueError(f"a source of format {self.format} needs a path")
        if self.fetch is not None and self.format != "json":
            raise ValueError(f"a source with fetch needs format: json, got {self.format}")
        if self.incremental is not None and self.format != "jdbc":
            raise ValueError(f"a source with incremental needs format: jdbc, got {self.format}")
        if fault := self._stream_fault():
            raise ValueError(fault)
        return self

    def _stream_fault(self) -> str | None:
        """What is wrong with a stream. None: nothing, or the source is none."""
        if self.stream is None:
            return "format kafka needs a section stream" if self.format == "kafka" else None
        if self.format not in ("json", "kafka"):
            return f"a source with stream needs format: json or kafka, got {self.format}"
        if self.table != "engagement_events":
            return f"a source with stream fills table: engagement_events, got {self.table}"
        if not self.key or not set(self.key) <= set(self.mapping):
            return "a source with stream needs a key of mapped columns, such as [event_id]"
        if self.lookups:
            return "a source with stream has no lookups; remove them"
        if self.format == "kafka" and not (self.stream.servers and self.stream.topic):
            return "a source of format kafka needs stream.servers and stream.topic"
        return None


class IngestSettings(Section):
    first_load_known: Literal["event_time", "arrival"]
    max_quarantined_share: float = Field(ge=0, le=1)
    max_files_a_run: int = Field(ge=1)
    # A scan reads blocks of 64 KiB and counts on lines inside a block to be shorter than the limit.
    max_line_bytes: int = Field(ge=65_536, le=1_000_000_000)
    max_column_chars: int = Field(ge=1_000, le=100_000_000)
    max_expansion: float = Field(ge=1)
