"""How a table is declared: grain, key, columns and row rules.

Types are SQL type names such as "decimal(18,2)", so a contract can be read without Spark.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

LAYERS = ("bronze", "silver", "features", "gold")


@dataclass(frozen=True)
class Column:
    """One column. `comment` gives the unit and the meaning of a null. `personal`: personal data."""

    name: str
    type: str
    comment: str
    nullable: bool = True
    personal: bool = False
    # People write free text, so it may start with "=". Only its encoding and length are checked.
    is_free_text: bool = False

    @property
    def is_floating(self) -> bool:
        return self.type in ("double", "float")


@dataclass(frozen=True)
class Rule:
    """One row rule. `passes` is a SQL predicate. A row fails if it is false; null passes."""

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

    `row` states the grain, and starts with "One row per". `key` is unique in the table. A job
    replaces all rows of one value of `slice_by` (an as_of date, a batch) together. If `slice_by` is
    None, rows are merged on the key. `references` are triples (column, other table, its column);
    a value that is missing in the other table is a warning.
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
        """The table comment: grain, key and personal columns."""
        text = self.row
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
        """Columns and types as a Spark schema string: "customer_id string, as_of date"."""
        return ", ".join(f"{c.name} {c.type}" for c in self.columns)

    def column(self, name: str) -> Column:
        for candidate in self.columns:
            if candidate.name == name:
                return candidate
        raise KeyError(
            f"{self.name} has no column {name!r}. Columns: {', '.join(self.column_names)}."
        )
