"""The view with the column names of Databricks' drift metrics."""

from __future__ import annotations

import datetime as dt

import duckdb

from contracts.gold_views import DRIFT_METRICS
from runtime.lakehouse.views import view_select

DAY = dt.date(2018, 1, 1)
DRIFT = [
    (DAY, "spend", "psi", 0.3, "1"),
    (DAY, "spend", "wasserstein", 0.5, "1"),
    (DAY, "spend", "missing_share", 0.02, "1"),
    (DAY, "tier", "total_variation", 0.1, "1"),
    (DAY, "silver.reviews", "freshness_days", 9.0, None),  # a source is no column
]


def test_one_row_per_column():
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE drift (as_of DATE, feature TEXT, statistic TEXT, value DOUBLE, "
        "model_version TEXT)"
    )
    connection.executemany("INSERT INTO drift VALUES (?, ?, ?, ?, ?)", DRIFT)
    metrics = connection.execute(f"{view_select(DRIFT_METRICS, 'drift')} ORDER BY column_name")
    names = [column[0] for column in metrics.description]
    assert names == [column.name for column in DRIFT_METRICS.columns]
    assert metrics.fetchall() == [
        (DAY, "spend", "BASELINE", 0.5, 0.3, None, 2.0),
        (DAY, "tier", "BASELINE", None, None, 0.1, None),
    ]
