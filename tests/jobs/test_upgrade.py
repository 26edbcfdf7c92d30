"""A lakehouse that version 0.1.0 wrote, opened by this version.

tests/data/lake_0.1.0.zip: the Delta tables that run_pipeline of 0.1.0 made of the first 60 customers
of tests/small_lake.py, at 2018-01-01, without models.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from deltalake import DeltaTable

from pipelines import full_pipeline
from runtime.progress import Progress
from tests import small_lake

pytestmark = pytest.mark.acceptance
STORED = Path(__file__).parents[1] / "data" / "lake_0.1.0.zip"
LATER = dt.date(2017, 12, 25)


def contents(root):
    """Table name -> (columns with types, multiset of rows)."""
    tables = {}
    for log in sorted(root.glob("*/*/_delta_log")):
        rows = DeltaTable(str(log.parent)).to_pyarrow_table()
        types = {f.name: str(f.type) for f in rows.schema}
        counted = Counter(tuple(map(repr, row.values())) for row in rows.to_pylist())
        tables[f"{log.parents[1].name}.{log.parent.name}"] = (types, counted)
    return tables


@pytest.fixture(scope="module")
def upgraded(spark, tmp_path_factory):
    """The tables before and after a run of this version for another date."""
    folder = tmp_path_factory.mktemp("upgrade")
    with zipfile.ZipFile(STORED) as stored:
        stored.extractall(folder / "lakehouse")
    before = contents(folder / "lakehouse")
    lake = small_lake.small_files_in(folder, customers=60)
    full_pipeline.run(lake.context(Progress(), as_of=LATER))
    return lake, before, contents(folder / "lakehouse")


def test_old_tables_keep_their_columns_and_their_rows(upgraded):
    _, before, after = upgraded
    assert set(before) <= set(after)
    for name, (types, rows) in before.items():
        now, present = after[name]
        assert {c: now.get(c) for c in types} == types, name
        if "as_of" in types:
            old = [list(now).index(c) for c in types]
            kept = Counter({tuple(r[k] for k in old): n for r, n in present.items()})
            assert not rows - kept, name


def test_tables_that_are_written_gain_the_columns_of_their_contract(upgraded):
    lake, before, after = upgraded
    context = lake.context(Progress(), as_of=LATER)
    written = [n for n, (types, rows) in after.items() if rows != before.get(n, ({}, None))[1]]
    assert {"gold.customer_scores", "gold.customer_segments", "gold.retention_plan"} <= set(written)
    for name in written:
        if name in context.tables:
            assert set(context.tables[name].column_names) <= set(after[name][0]), name


def test_columns_that_were_gained_are_null_on_old_dates(upgraded):
    _, before, after = upgraded
    gained = set(after["gold.customer_segments"][0]) - set(before["gold.customer_segments"][0])
    assert "segment_r" in gained
    columns = list(after["gold.customer_segments"][0])
    as_of, held = columns.index("as_of"), columns.index("segment_r")
    values = {
        (r[as_of] == repr(LATER), r[held] == "None") for r in after["gold.customer_segments"][1]
    }
    assert (False, False) not in values
    assert (True, False) in values
