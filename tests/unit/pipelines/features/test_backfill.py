"""build_features on DuckDB: rows that arrive late do not change past training rows."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
from deltalake import DeltaTable, write_deltalake

from pipelines.features import feature_tables
from pipelines.features.feature_tables import FeatureOptions
from tests.jobs.silver_lake import SILVER, arrow_of, asked, bought, context_at, did, row

pytestmark = pytest.mark.duckdb_only

DATES = [dt.date(2018, 1, 1), dt.date(2018, 1, 15)]
FEATURES = ("demographics", "behavior", "transactions", "labels")
# Each event is on a day before an as_of date, or in a horizon after it.
LATE = {
    "silver.transactions": [
        bought("a", "a9", "2017-12-30", 500, product_id="r"),
        bought("b", "b9", "2018-01-03", 5),
        bought("d", "d1", "2017-12-30", 5),  # a customer who was unknown so far
    ],
    "silver.customers": [row("b", valid_from="2017-12-01", plan="gold")],
    "silver.support_tickets": [asked("a", "t9", "2017-12-25T10:00", "Still broken!")],
    "silver.engagement_events": [did("a", "login", "2017-12-29T10:00", session_id="s9")],
    "silver.reviews": [row("a", reviewed_at="2017-12-29T10:00", stars=1.0, text="I hate it.")],
    "silver.terminations": [row("a", terminated_at="2018-01-03T10:00")],
}


def append(root, name, rows):
    folder = root / name.replace(".", "/")
    folder.mkdir(parents=True, exist_ok=True)
    write_deltalake(folder, arrow_of(name, rows), mode="append")


def build(root):
    """Rows and versions of the tables after a run over both dates."""
    feature_tables.run(context_at(root, engine="duckdb"), FeatureOptions(DATES))
    tables = {name: DeltaTable(root / "features" / name) for name in FEATURES}
    rows = {name: table.to_pyarrow_table().to_pylist() for name, table in tables.items()}
    return rows, {name: table.version() for name, table in tables.items()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A lake with features of both dates: folder, rows, versions. Tests change only a copy of it."""
    root = tmp_path_factory.mktemp("built")
    for name, rows in SILVER.items():
        append(root, name, rows)
    return root, *build(root)


def test_a_backfill_that_arrives_late_changes_no_past_training_row(built, tmp_path):
    root, rows, versions = built
    assert all(rows.values())
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    for name, late in LATE.items():
        when = "valid_from" if name == "silver.customers" else "known_at"
        append(tmp_path, name, [{**late_row, when: "2018-06-01T10:00"} for late_row in late])
    assert build(tmp_path)[1] == versions


def test_the_same_rows_change_every_table_if_they_were_known_in_time(built, tmp_path):
    root, rows, _ = built
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    for name, late in LATE.items():
        append(tmp_path, name, late)
    rebuilt, _ = build(tmp_path)
    assert [name for name in FEATURES if rebuilt[name] == rows[name]] == []
