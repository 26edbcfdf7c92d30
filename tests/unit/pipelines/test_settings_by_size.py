"""A run takes the settings by size of its customers before as_of."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from contracts import catalog
from pipelines import settings_by_size
from runtime import settings
from runtime.context import Context
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.run_info import RunInfo
from runtime.settings import size_classes
from runtime.settings.size_classes import SIZE_CLASSES
from tests.jobs.ingest_lake import Said


def context_of(tmp_path, customers):
    """A run on a DuckDB lake with one purchase on 2018-01-01 of each customer, as of the next day."""
    values = settings.load("demo").model_dump() | {"as_of": None}
    values["lakehouse"]["root"] = str(tmp_path / "lakehouse")
    context = Context(
        settings.Settings(**values), RunInfo("test"), Said(), dt.date(2018, 1, 2), engine="duckdb"
    )
    table = catalog.tables()["silver.transactions"]
    day = dt.datetime(2018, 1, 1, 4, tzinfo=dt.UTC)
    later = day + dt.timedelta(days=1)  # counts for as_of 2018-01-03 only
    filled = {"string": "x", "bigint": 0, "int": 0, "double": 0.0, "boolean": False}
    needed = {c.name: filled.get(c.type) for c in table.columns if not c.nullable}
    rows = [
        needed | {"customer_id": name, "purchased_at": moment, "known_at": moment}
        for name, moment in [*((c, day) for c in customers), ("later", later)]
    ]
    rows = [row | {"amount": Decimal("1.00")} for row in rows]
    data = pa.Table.from_pylist(rows, schema=arrow_schema(table))
    write_deltalake(context.lake.path("silver.transactions"), data)
    return context


@pytest.mark.duckdb_only
def test_a_run_counts_the_customers_before_as_of_and_says_once_what_follows(tmp_path, monkeypatch):
    """Two customers, one of them with two purchases: above the limit of one. The third is later."""
    small, medium, large = SIZE_CLASSES
    limits = (replace(small, most_customers=1), replace(medium, most_customers=2), large)
    monkeypatch.setattr(size_classes, "SIZE_CLASSES", limits)
    context = context_of(tmp_path, ["a", "b", "a"])
    sized = settings_by_size.sized(context)
    assert settings_by_size.sized(context).settings == sized.settings
    assert sized.settings.training.stability.folds == 5
    assert context.settings.training.stability.folds == 10  # other steps keep the run's settings
    assert sized.lake is context.lake
    assert context.progress.lines == [
        "settings by size: medium (up to 2 customers): training.learners [xgboost, random_forest, "
        "logistic_regression], training.stability.folds 5"
    ]
