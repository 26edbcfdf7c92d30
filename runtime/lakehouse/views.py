"""Tables, views and scoring functions by name, for notebooks and SQL.

In a catalog the tables have these names already. A lakehouse in a folder gets one view per Delta
folder: a view reads the newest version, and replacing it never changes a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.gold_views import VIEWS, GroupedView, View
from contracts.pseudonyms import PSEUDONYMS
from contracts.table import Table
from runtime import settings
from runtime.cli import parse_day
from runtime.context import Context
from runtime.lakehouse.pseudonymous_views import pseudonymous_selects
from runtime.run_info import RunInfo
from udfs.sql_functions import register


def has_latest(table: Table) -> bool:
    """Whether the table has a `_latest` view: gold tables with an as_of do."""
    return table.layer == "gold" and "as_of" in table.column_names


def latest_select(source: str) -> str:
    """SELECT of the rows with the newest as_of, for Spark, Databricks and DuckDB.

    >>> latest_select("gold.customer_scores")
    'SELECT * FROM gold.customer_scores WHERE as_of = (SELECT max(as_of) FROM gold.customer_scores)'
    """
    return f"SELECT * FROM {source} WHERE as_of = (SELECT max(as_of) FROM {source})"


def duckdb_latest_views(tables: Iterable[Table]) -> str:
    """One CREATE VIEW statement per table with a `_latest` view, over <layer>_<table>."""
    names = [t.name.replace(".", "_") for t in tables if has_latest(t)]
    return "\n\n".join(
        f"CREATE OR REPLACE TEMP VIEW {name}_latest AS\n{latest_select(name)};" for name in names
    )


def view_select(view: View | GroupedView, source: str) -> str:
    """SELECT of the columns and rows of a view, for Spark, Databricks and DuckDB."""
    if isinstance(view, GroupedView):
        return view.query.format(source=source)
    columns = ", ".join(view.columns)
    latest = f"as_of = (SELECT max(as_of) FROM {source})"
    return f"SELECT {columns} FROM {source} WHERE {latest} AND {view.condition}"


def duckdb_views(views: Iterable[View | GroupedView]) -> str:
    """One CREATE VIEW statement per view, over <layer>_<table>."""
    return "\n\n".join(
        f"CREATE OR REPLACE TEMP VIEW {v.name.replace('.', '_')} AS\n"
        f"{view_select(v, v.source.replace('.', '_'))};"
        for v in views
    )


def open_lakehouse(env: str, as_of: str = "") -> Context:
    """The context for a notebook, with tables, views and SQL functions registered.

    as_of: a date as text; empty as for a job without --as-of. No table is written.
    """
    day = parse_day(as_of.strip() or None, "as_of")
    context = Context(settings.load(env), RunInfo("notebook"), given_as_of=day)
    register_tables(context)
    return context


def register_tables(context: Context) -> list[str]:
    """Make `SELECT ... FROM silver.transactions` work. Returns the names that can be read.

    In a catalog the names start with lakehouse.schema_prefix, as in dev_silver.transactions.
    Registers the tables that exist, the `_latest` views of gold, the views of contracts.gold_views,
    the `_pseudonymous` views of gold if make_pseudonyms has run, and the scoring formulas with the
    constants of conf as SQL functions. Call it again after a table was created or got a column.
    """
    of_sources = [f"bronze.{source}" for source in context.settings.sources]
    names = [n for n in (*context.tables, *of_sources) if context.lake.exists(n)]
    prefix = context.settings.lakehouse.schema_prefix
    if context.settings.lakehouse.catalog:
        context.spark.catalog.setCurrentCatalog(context.settings.lakehouse.catalog)
    else:
        _views_over_folders(context, names)
    latest = [n for n in names if n in context.tables and has_latest(context.table(n))]
    selects = {f"{name}_latest": latest_select(f"{prefix}{name}") for name in latest}
    views = [v for v in VIEWS if v.source in names and _has_columns(context, v, prefix)]
    selects |= {v.name: view_select(v, f"{prefix}{v.source}") for v in views}
    if PSEUDONYMS.name in names:
        declared = [context.table(n) for n in names if n in context.tables]
        selects |= pseudonymous_selects(declared, prefix)
    for name, select in selects.items():
        context.spark.sql(f"CREATE OR REPLACE VIEW {prefix}{name} AS {select}")
    register(context.spark, context.settings.model_dump())
    return [f"{prefix}{name}" for name in (*names, *selects)]


def _has_columns(context: Context, view: View | GroupedView, prefix: str) -> bool:
    """False for a table that was last written before the view's columns existed."""
    if isinstance(view, GroupedView):
        return True
    return set(view.columns) <= set(context.spark.table(f"{prefix}{view.source}").columns)


def _views_over_folders(context: Context, names: Sequence[str]) -> None:
    """<layer>.<table> in the session's catalog, with the table's column comments."""
    for layer in sorted({name.partition(".")[0] for name in names}):
        context.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {layer}")
    for name in names:
        source = context.lake.address(name)
        context.spark.sql(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {source}")
