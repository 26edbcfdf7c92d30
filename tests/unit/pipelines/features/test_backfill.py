"""A backfill of seven days, in any order and with days run twice, gives the tables of the days in order."""

from __future__ import annotations

import datetime as dt

import pytest
from deltalake import DeltaTable, write_deltalake

from pipelines.features import feature_tables
from pipelines.features.feature_tables import FeatureOptions
from tests.jobs.silver_lake import SILVER, TABLES, arrow_of, context_at

pytestmark = [pytest.mark.duckdb_only, pytest.mark.acceptance]

DAYS = [dt.date(2018, 1, 9) + dt.timedelta(days=n) for n in range(7)]
FEATURES = [name for name in TABLES if name.startswith("features.")]


def built(root, order):
    """The rows of the feature tables after one run per day, in this order."""
    (root / "silver").mkdir(parents=True)
    rows = arrow_of("silver.transactions", SILVER["silver.transactions"])
    write_deltalake(root / "silver" / "transactions", rows)
    for day in order:
        feature_tables.run(context_at(root, engine="duckdb"), FeatureOptions([day]))
    tables = {}
    for name in FEATURES:
        rows = DeltaTable(str(root / name.replace(".", "/"))).to_pyarrow_table().to_pylist()
        key = TABLES[name].key
        tables[name] = sorted(rows, key=lambda row, key=key: tuple(str(row[k]) for k in key))
    return tables


def test_any_order_of_the_days_gives_the_same_tables(tmp_path):
    expected = built(tmp_path / "in order", DAYS)
    assert {row["as_of"] for row in expected["features.transactions"]} == set(DAYS)
    mixed = [DAYS[n] for n in (6, 2, 2, 0, 5, 1, 4, 3, 6)]
    assert built(tmp_path / "mixed", mixed) == expected
    assert built(tmp_path / "backwards", DAYS[::-1]) == expected
