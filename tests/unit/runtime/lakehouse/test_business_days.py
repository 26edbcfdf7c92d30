"""The day of a time begins at 00:00 in the business day's time zone, on DuckDB."""

from __future__ import annotations

import datetime as dt

import pytest
from deltalake import write_deltalake

from runtime.context import Context
from runtime.lakehouse.duck_session import duck_session
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import load
from tests.jobs.silver_lake import arrow_of, bought
from transforms.purchases import lines_by_visibility

pytestmark = pytest.mark.duckdb_only

# In Berlin the clocks go forward on 2024-03-31 and back on 2024-10-27, both at 01:00 UTC.
# UTC -> the day in Berlin
DAYS = {
    "2024-03-30 22:30": dt.date(2024, 3, 30),
    "2024-03-30 23:30": dt.date(2024, 3, 31),
    "2024-03-31 21:59": dt.date(2024, 3, 31),
    "2024-03-31 22:30": dt.date(2024, 4, 1),
    "2024-03-31 23:30": dt.date(2024, 4, 1),
    "2024-10-26 21:59": dt.date(2024, 10, 26),
    "2024-10-26 22:30": dt.date(2024, 10, 27),
    "2024-10-27 22:30": dt.date(2024, 10, 27),
    "2024-10-27 23:30": dt.date(2024, 10, 28),
}


@pytest.fixture
def silver(tmp_path):
    purchases = [bought("a", at, at, 1) for at in DAYS]
    (tmp_path / "silver").mkdir()
    rows = arrow_of("silver.transactions", purchases)
    write_deltalake(tmp_path / "silver" / "transactions", rows)
    yield tmp_path
    # One session serves all tests of a process.
    duck_session()


def test_a_table_of_an_older_version_has_fewer_columns(tmp_path):
    rows = arrow_of("silver.transactions", [bought("a", "o1", "2024-03-30", 1)])
    (tmp_path / "silver").mkdir()
    write_deltalake(tmp_path / "silver" / "transactions", rows.drop_columns(["line_number"]))
    settings = load("demo", lakehouse={"root": str(tmp_path), "catalog": None})
    context = Context(settings, RunInfo("build_features"), Progress(True), engine="duckdb")
    columns = context.read("silver.transactions").columns
    assert "line_number" not in columns
    assert "order_id" in columns


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC"])
def test_a_purchase_belongs_to_the_day_of_the_business(silver, zone):
    place, features = {"root": str(silver), "catalog": None}, {"business_time_zone": zone}
    settings = load("demo", lakehouse=place, features=features)
    context = Context(settings, RunInfo("build_features"), Progress(True), engine="duckdb")
    lines = lines_by_visibility(context.read("silver.transactions"))
    expected = DAYS if zone != "UTC" else {at: dt.date.fromisoformat(at[:10]) for at in DAYS}
    rows = lines.select("order_id", "day", "visible_from").toArrow().to_pylist()
    assert {r["order_id"]: r["day"] for r in rows} == expected
    assert all(r["visible_from"] - r["day"] == dt.timedelta(days=1) for r in rows)
    assert context.observed_from == min(expected.values())
    assert context.observed_until == max(expected.values())
