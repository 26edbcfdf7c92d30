"""What only Unity Catalog of Databricks has: primary keys, tags, change feeds, metric views.

The open-source engines refuse these statements, so they run only where `has_unity_catalog`.
Comments and liquid clustering stand in the CREATE TABLE statement of every platform (ddl.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import yaml

from contracts.catalog import tables
from contracts.gold_metrics import METRIC_VIEWS, Metric, MetricView
from contracts.table import Column, Table
from runtime.lakehouse.ddl import quoted

# Tag of a column with personal data. Policies of Unity Catalog (masks, row filters) refer to it.
PERSONAL = "personal_data"
# Tables whose changes are read: the online feature store publishes feature tables and scores.
FOLLOWED = (
    *("features.demographics", "features.behavior", "features.transactions"),
    "gold.customer_scores",
)
METRIC_VERSION = "1.1"


def governed_sql(
    table: Table, present: Collection[str] | None, address: Callable[[str], str]
) -> list[str]:
    """What Unity Catalog needs after a table was created, or has gained columns.

    present: the columns that an existing table had before; None: the table is new.
    """
    if present is not None:
        gained = [c for c in table.columns if c.name not in present]
        return personal_tags_sql(gained, address(table.name))
    views = [metric_view_sql(view, address) for view in metric_views_of(table)]
    return governance_sql(table, address(table.name)) + views


def governance_sql(table: Table, address: str) -> list[str]:
    """ALTER TABLE statements after the table was created.

    A primary key needs columns that are not null. In feature tables as_of is the time series
    column, which makes them feature tables with point-in-time lookups.
    """
    statements = primary_key_sql(table, address)
    statements += [f"ALTER TABLE {address} SET TAGS ({tag('layer', table.layer)})"]
    statements += personal_tags_sql(table.columns, address)
    if table.name in FOLLOWED:
        statements.append(
            f"ALTER TABLE {address} SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')"
        )
    return statements


def primary_key_sql(table: Table, address: str) -> list[str]:
    """The primary key of a table. None if the table has no key, or a key that may be null."""
    columns = {c.name: c for c in table.columns}
    if not table.key or any(columns[name].nullable for name in table.key):
        return []
    is_series = table.layer == "features"
    names = [
        f"`{name}`{' TIMESERIES' if is_series and name == 'as_of' else ''}" for name in table.key
    ]
    name = f"{table.short_name}_pk"
    return [f"ALTER TABLE {address} ADD CONSTRAINT {name} PRIMARY KEY ({', '.join(names)})"]


def personal_tags_sql(columns: Iterable[Column], address: str) -> list[str]:
    """The tag of each personal column."""
    return [
        f"ALTER TABLE {address} ALTER COLUMN `{c.name}` SET TAGS ({tag(PERSONAL, 'true')})"
        for c in columns
        if c.personal
    ]


def tag(name: str, value: str) -> str:
    """A tag in SET TAGS.

    >>> tag("layer", "gold")
    "'layer' = 'gold'"
    """
    return f"{quoted(name)} = {quoted(value)}"


def metric_views_of(table: Table) -> list[MetricView]:
    """The metric views over a table."""
    return [view for view in METRIC_VIEWS if view.source == table.name]


def metric_view_sql(view: MetricView, address: Callable[[str], str]) -> str:
    """CREATE VIEW of a metric view. address: the name in the catalog of a table or view."""
    text = metric_view_yaml(view, address(view.source))
    return (
        f"CREATE OR REPLACE VIEW {address(view.name)}\nWITH METRICS\nLANGUAGE YAML\nAS $$\n{text}$$"
    )


def metric_view_yaml(view: MetricView, source: str) -> str:
    """The definition of a metric view. source: the table's name in the catalog."""
    comments = {c.name: c.comment for c in tables()[view.source].columns}
    content: dict[str, Any] = {
        "version": METRIC_VERSION,
        "comment": view.comment,
        "source": source,
        **({"filter": view.condition} if view.condition else {}),
        "dimensions": [_entry(Metric(n, n, comments[n])) for n in view.dimensions],
        "measures": [_entry(measure) for measure in view.measures],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _entry(metric: Metric) -> dict[str, str]:
    return {"name": metric.name, "expr": metric.expr, "comment": metric.comment}
