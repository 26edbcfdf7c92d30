"""A small lake with every silver table that features read, written without ingest."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa

from contracts import catalog
from runtime.context import Context
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.lakehouse.writes import Write
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import load

# Only the windows that formulas read: with few rows, query planning takes most of the time.
WINDOWS = [30, 60, 90, 365]
TABLES = catalog.tables(WINDOWS)
BATCH = "b1"


def row(customer, **values):
    return {"customer_id": customer, **values}


def bought(customer, order, at, amount, **more):
    return row(customer, order_id=order, purchased_at=at, amount=amount, **more)


def did(customer, kind, at, **more):
    return row(customer, kind=kind, occurred_at=at, **more)


def asked(customer, ticket, at, text, **more):
    return row(customer, ticket_id=ticket, opened_at=at, text=text, **more)


# "a" buys in most months. "b" buys once and leaves. "c" has only a profile. "z" has the last purchase.
SILVER = {
    "silver.transactions": [
        bought("a", "a1", "2017-10-01", 10, product_id="p"),
        bought("a", "a2", "2017-11-01", 20, product_id="p"),
        bought("a", "a3", "2017-12-01", 30, product_id="q"),
        bought("a", "a4", "2017-12-05", -3),
        bought("b", "b1", "2017-12-28", 7, discount=1),
        bought("a", "a5", "2018-02-01", 40, product_id="p"),
        bought("z", "z1", "2018-02-20", 1),
    ],
    "silver.customers": [
        row(
            "a",
            valid_from="2017-09-15",
            signup_on="2017-09-15",
            plan="gold",
            monthly_charge="9.99",
            email="ada@example.org",
            first_name="Ada",
        ),
        row("c", valid_from="2017-12-31", plan="basic"),
    ],
    "silver.support_tickets": [
        asked("a", "t1", "2017-12-20T10:00", "I love it!", resolved_at="2017-12-20T12:00"),
        asked("a", "t2", "2017-12-21T10:00", "It broke again."),
        asked("b", "t3", "2017-12-21T10:00", None),
    ],
    "silver.engagement_events": [
        did("a", "login", "2017-12-30T10:00", session_id="s", duration_minutes=1.25),
        did("a", "feature_use", "2017-12-30T10:00", feature="f"),
        did("b", "feature_use", "2017-12-29T10:00", feature="g"),
    ],
    "silver.reviews": [row("b", reviewed_at="2017-12-30T10:00", stars=4.5, text="I love it!")],
    "silver.terminations": [row("b", terminated_at="2018-01-10T10:00")],
}


def context_at(root, is_dry=False, as_of=None, engine="spark") -> Context:
    """The context of build_features for the lake at `root`, as the command line would make it."""
    place, windows = {"root": str(root), "catalog": None}, {"windows_days": WINDOWS}
    settings = load("demo", lakehouse=place, features=windows)
    return Context(
        settings,
        RunInfo("build_features"),
        Progress(is_quiet=True),
        given_as_of=as_of,
        is_dry=is_dry,
        engine=engine,
    )


def write_silver(root, silver=None) -> None:
    """Write the silver tables with Spark."""
    context = context_at(root)
    context.lake.commit(
        [
            Write(
                TABLES[name], frame_of(context.spark, name, rows), [BATCH], mode, is_checked=False
            )
            for name, rows in (silver or SILVER).items()
            for mode in ["slice" if TABLES[name].slice_by else "merge"]
        ]
    )


def frame_of(spark, name, rows):
    """Rows of a table as a frame. Missing values are null, except the lineage columns."""
    return spark.createDataFrame(arrow_of(name, rows), TABLES[name].ddl)


def arrow_of(name, rows):
    """Rows of a table as an Arrow table."""
    full = [_filled(TABLES[name], row) for row in rows]
    return pa.Table.from_pylist(full, _nullable(TABLES[name]))


def _nullable(table):
    return pa.schema([f.with_nullable(True) for f in arrow_schema(table)])


def _filled(table, row):
    full = {c.name: _value(c.type, row.get(c.name)) for c in table.columns}
    if "batch_id" in full:
        known_at = full[table.event_time or "valid_from"]
        lineage = {"known_at": known_at, "source": "test", "batch_id": BATCH, "content_hash": 0}
        full.update({n: v for n, v in lineage.items() if full.get(n, v) is None})
    return full


def _value(sql_type, value):
    if isinstance(value, str) and sql_type == "timestamp":
        return dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
    if isinstance(value, str) and sql_type == "date":
        return dt.date.fromisoformat(value)
    if value is not None and sql_type.startswith("decimal"):
        return Decimal(str(value))
    return value
