"""build_features as a job on DuckDB: what comes late changes no training row that was made."""

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
# Each tells of a day before a date, or of a day in a horizon after it.
LATE = {
    "silver.transactions": [
        bought("a", "a9", "2017-12-30", 500, product_id="r"),
        bought("b", "b9", "2018-01-03", 5),
        bought("d", "d1", "2017-12-30", 5),  # nobody had heard of them
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
    """The tables and their versions after a run over both dates."""
    feature_tables.run(context_at(root, engine="duckdb"), FeatureOptions(DATES))
    tables = {name: DeltaTable(root / "features" / name) for name in FEATURES}
    rows = {name: table.to_pyarrow_table().to_pylist() for name, table in tables.items()}
    return rows, {name: table.version() for name, table in tables.items()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A lake with features of both dates: its folder, their rows and versions. Copy it to change it."""
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
        append(tmp_path, name, [{**one, when: "2018-06-01T10:00"} for one in late])
    assert build(tmp_path)[1] == versions


def test_the_same_rows_known_in_time_are_seen_by_every_table(built, tmp_path):
    root, rows, _ = built
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    for name, late in LATE.items():
        append(tmp_path, name, late)
    found, _ = build(tmp_path)
    assert [name for name in FEATURES if found[name] == rows[name]] == []
