"""Queries over Delta tables: missing tables, gained columns, and the cache by version."""

from __future__ import annotations

import pyarrow as pa
from deltalake import write_deltalake

from app.lake import Lake
from tests.unit.app.small_lake_folder import AS_OF, score, write

COUNT = "SELECT count(*) AS customers FROM {gold.customer_scores} WHERE as_of = $as_of"


def test_a_table_that_does_not_exist_is_empty(tmp_path):
    assert Lake(tmp_path).row(COUNT, {"as_of": AS_OF}) == {"customers": 0}
    assert Lake(tmp_path).version("gold.customer_scores") is None


def test_a_result_is_kept_until_the_table_has_another_version(lake, monkeypatch):
    assert lake.row(COUNT, {"as_of": AS_OF}) == {"customers": 5}
    with monkeypatch.context() as patched:
        patched.setattr("app.lake.duckdb.connect", lambda **_: 1 / 0)
        assert lake.row(COUNT, {"as_of": AS_OF}) == {"customers": 5}

    write(lake.root, "gold.customer_scores", [score("f", 0.2, 10.0)])

    assert lake.row(COUNT, {"as_of": AS_OF}) == {"customers": 6}


def test_a_column_that_the_table_does_not_have_yet_is_null(tmp_path):
    rows = pa.table({"as_of": pa.array([AS_OF]), "customer_id": ["a"]})
    write_deltalake(str(tmp_path / "gold" / "customer_scores"), rows)

    row = Lake(tmp_path).row("SELECT customer_id, risk_level FROM {gold.customer_scores}")

    assert row == {"customer_id": "a", "risk_level": None}


def test_a_query_returns_no_more_rows_than_a_page_may_show(lake):
    assert len(lake.rows("SELECT * FROM {gold.customer_scores}", most=2)) == 2
    assert len(lake.rows("SELECT * FROM range(1000)")) == 200


def test_a_value_is_never_part_of_the_sql(lake):
    sql = "SELECT count(*) AS n FROM {gold.customer_scores} WHERE customer_id = $customer_id"

    assert lake.row(sql, {"customer_id": "' OR 1=1 --"}) == {"n": 0}
