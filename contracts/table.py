"""How a table is declared: its grain, key, columns and row rules.

Types are SQL type texts ("decimal(18,2)"), so that a contract can be read where there is no Spark.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

LAYERS = ("bronze", "silver", "features", "gold")


@dataclass(frozen=True)
class Column:
    """One column. `comment` says the unit and what a null means; `personal`: personal data."""

    name: str
    type: str
    comment: str
    nullable: bool = True
    personal: bool = False
    # Free text is written by people: it may start with "=" or hold anything but broken encoding.
    is_free_text: bool = False

    @property
    def is_floating(self) -> bool:
        return self.type in ("double", "float")


@dataclass(frozen=True)
class Rule:
    """One row rule. `passes` is a SQL predicate; a row fails where it is false, a null passes."""

    name: str
    passes: str
    columns: tuple[str, ...]
    severity: str = "reject"
    explanation: str = ""

    def as_warning(self) -> Rule:
        return replace(self, severity="warn")


@dataclass(frozen=True)
class Table:
    """One Delta table.

    `row` completes "One row is ...". `key` is unique over the table. `slice_by` is the column whose
    values a job replaces as a whole (an as_of date, a batch); None: the table is merged on its key.
    `references` are (column, table, column) that should exist elsewhere; a miss is a warning.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    slice_by: str | None = None
    rules: tuple[Rule, ...] = ()
    references: tuple[tuple[str, str, str], ...] = ()
    event_time: str | None = None
    cluster_by: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        layer, _, short = self.name.partition(".")
        if layer not in LAYERS or not short:
            raise ValueError(
                f"table name {self.name!r}: must be <layer>.<table>, layer in {LAYERS}"
            )
        unknown = [c for c in (*self.key, *self.cluster_by) if c not in self.column_names]
        if unknown:
            raise ValueError(f"{self.name}: key or cluster columns {unknown} are not declared")

    @property
    def layer(self) -> str:
        return self.name.partition(".")[0]

    @property
    def short_name(self) -> str:
        return self.name.partition(".")[2]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def description(self) -> str:
        """The table's comment: its grain, its key, its personal columns."""
        text = f"One row is: {self.row}"
        text += f" Key: {', '.join(self.key)}." if self.key else " No key."
        if self.personal_columns:
            text += f" Personal data: {', '.join(self.personal_columns)}."
        return text

    @property
    def types(self) -> dict[str, str]:
        return {c.name: c.type for c in self.columns}

    @property
    def personal_columns(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.personal)

    @property
    def ddl(self) -> str:
        """Columns and types as Spark reads them: "customer_id string, as_of date"."""
        return ", ".join(f"{c.name} {c.type}" for c in self.columns)

    def column(self, name: str) -> Column:
        for candidate in self.columns:
            if candidate.name == name:
                return candidate
        raise KeyError(f"{self.name} has no column {name!r}; it has {', '.join(self.column_names)}")
