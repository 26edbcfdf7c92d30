"""Commits of the app to Delta tables, each with the lease of its table."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, write_deltalake

from contracts.table import Table
from contracts.writers import may_write
from runtime.errors import UsageError
from runtime.files import Location, table_location
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.lakehouse.delta_tables import dataset_of, opened
from runtime.lakehouse.lease_files import lease_files
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.leases import Terms, leases

JOB = "app"
# A person waits in front of the screen.
TERMS = Terms(lease_seconds=10, wait_seconds=15)


def append(root: Location, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows in one commit. Columns that a row does not name are null.

    BusyError: a command holds the table for longer than a person waits.
    """
    schema = arrow_schema(table)
    full = [{field.name: row.get(field.name) for field in schema} for row in rows]
    content = pa.Table.from_pylist(full, schema=schema)
    with _leased(root, table) as (delta, commit):
        write_deltalake(delta, content, mode="append", commit_properties=commit)


def update(
    root: Location, table: Table, key: str, *, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Replace the row with this key by what `change` makes of it, in one commit.

    key: letters and digits. UsageError: it is another text, or no row has it.
    """
    (column,) = table.key
    if not key.isalnum():
        raise UsageError(f"{table.name}: {column} must be letters and digits, got {key[:20]!r}.")
    with _leased(root, table) as (delta, commit):
        rows = dataset_of(delta, table).to_table(filter=pc.field(column) == key).to_pylist()
        if not rows:
            raise UsageError(
                f"{column} {key[:20]}: {table.name} has no such row. Load the page again."
            )
        content = pa.Table.from_pylist([change(row) for row in rows], schema=arrow_schema(table))
        # Not delta.update: it writes texts as string_view, which a filter of Arrow cannot compare.
        write_deltalake(
            delta,
            content,
            mode="overwrite",
            predicate=f"{column} = '{key}'",
            commit_properties=commit,
        )


@contextmanager
def _leased(root: Location, table: Table) -> Iterator[tuple[DeltaTable, CommitProperties]]:
    """The table, opened under its lease, and what its commit says about itself."""
    if not may_write(JOB, table.name, {}):
        raise UsageError(f"{table.name}: contracts/writers.py does not let the app write it.")
    run = uuid.uuid4().hex
    with leases(lease_files(root), [table.name], Holder.now(JOB, run), terms=TERMS) as held:
        lease = held[table.name]
        delta = opened(str(table_location(root, table.name)), table)
        message = {"job": JOB, "run_id": run, "lease": lease.number}
        lease.check()
        yield delta, CommitProperties(custom_metadata={"userMetadata": json.dumps(message)})


def now() -> dt.datetime:
    """The time of a change, UTC."""
    return dt.datetime.now(dt.UTC)
