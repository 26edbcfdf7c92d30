"""The statements that only Unity Catalog of Databricks accepts, and where they run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import yaml

from contracts import catalog
from contracts.gold_metrics import METRIC_VIEWS
from contracts.gold_views import VIEWS
from contracts.table import Column, Table
from runtime.lakehouse.platform import has_unity_catalog
from runtime.lakehouse.unity_catalog import (
    FOLLOWED,
    governance_sql,
    governed_sql,
    metric_view_sql,
    primary_key_sql,
)

KEY = Column("customer_id", "string", "Customer", False)
DAY = Column("as_of", "date", "Day", False)
NAME = Column("name", "string", "Name", personal=True)
TABLES = catalog.tables()


def address(name):
    return f"main.acme_{name}"


def test_a_feature_table_has_a_time_series_key_and_a_change_feed():
    table = Table("features.behavior", "A row.", (KEY, DAY), key=("customer_id", "as_of"))
    assert governance_sql(table, "main.acme_features.behavior") == [
        "ALTER TABLE main.acme_features.behavior ADD CONSTRAINT behavior_pk PRIMARY KEY "
        "(`customer_id`, `as_of` TIMESERIES)",
        "ALTER TABLE main.acme_features.behavior SET TAGS ('layer' = 'features')",
        "ALTER TABLE main.acme_features.behavior SET TBLPROPERTIES "
        "('delta.enableChangeDataFeed' = 'true')",
    ]


def test_personal_columns_are_tagged_and_a_gold_key_has_no_time_series():
    table = Table("gold.people", "A row.", (DAY, KEY, NAME), key=("as_of", "customer_id"))
    assert governance_sql(table, "c.gold.people") == [
        "ALTER TABLE c.gold.people ADD CONSTRAINT people_pk PRIMARY KEY (`as_of`, `customer_id`)",
        "ALTER TABLE c.gold.people SET TAGS ('layer' = 'gold')",
        "ALTER TABLE c.gold.people ALTER COLUMN `name` SET TAGS ('personal_data' = 'true')",
    ]


def test_a_key_that_may_be_null_is_no_primary_key():
    may_be_null = Column("order_id", "string", "Order")
    assert primary_key_sql(Table("gold.t", "A row.", (may_be_null,), key=("order_id",)), "t") == []
    assert primary_key_sql(Table("gold.t", "A row.", (KEY,)), "t") == []


def test_every_table_with_a_key_has_a_primary_key_except_these():
    """A key column of these may be null: a line without a product, a row that was never parsed."""
    without = {n for n, t in TABLES.items() if t.key and not primary_key_sql(t, n)}
    assert without == NULL_KEYS


NULL_KEYS: set[str] = set()


def test_the_feature_tables_of_a_customer_and_day_are_time_series():
    for name in ("features.demographics", "features.behavior", "features.transactions"):
        (key,) = primary_key_sql(TABLES[name], name)
        assert key.endswith("(`customer_id`, `as_of` TIMESERIES)")
    assert set(FOLLOWED) <= set(TABLES)


def test_new_columns_of_an_existing_table_get_their_tags_and_nothing_else():
    table = Table("gold.people", "A row.", (KEY, NAME), key=("customer_id",))
    assert governed_sql(table, {"customer_id"}, address) == [
        "ALTER TABLE main.acme_gold.people ALTER COLUMN `name` SET TAGS ('personal_data' = 'true')"
    ]
    assert governed_sql(table, {"customer_id", "name"}, address) == []


def test_a_metric_view_is_made_with_its_table():
    statements = governed_sql(TABLES["gold.alerts"], None, address)
    (made,) = [s for s in statements if s.startswith("CREATE")]
    (view,) = [v for v in METRIC_VIEWS if v.source == "gold.alerts"]
    assert made == metric_view_sql(view, address)
    head, _, body = made.partition("AS $$\n")
    assert head.split() == (
        [
            "CREATE",
            "OR",
            "REPLACE",
            "VIEW",
            "main.acme_gold.alert_metrics",
            "WITH",
            "METRICS",
            "LANGUAGE",
            "YAML",
        ]
    )
    content = yaml.safe_load(body.removesuffix("$$"))
    assert (content["version"], content["source"]) == ("1.1", "main.acme_gold.alerts")
    assert content["measures"][0] == {"name": "alerts", "expr": "COUNT(*)", "comment": "Alerts"}
    assert content["dimensions"][0]["comment"] == TABLES["gold.alerts"].column("as_of").comment


def test_a_metric_view_has_a_name_of_its_own():
    taken = {*TABLES, *(view.name for view in VIEWS)}
    assert taken.isdisjoint(view.name for view in METRIC_VIEWS)


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [(None, "18.1", False), ("main", "18.1", True), ("spark_catalog", None, False)],
)
def test_the_statements_run_on_databricks_with_a_catalog_alone(
    monkeypatch, name, version, expected
):
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    if version:
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", version)
    assert has_unity_catalog(name) is expected


@pytest.mark.spark_only  # imports the package delta; no session is started
@pytest.mark.parametrize("is_databricks", [True, False])
def test_a_lake_runs_them_after_create_table(monkeypatch, is_databricks):
    from runtime.lakehouse.spark_lake import SparkLake

    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    if is_databricks:
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.1")
    said: list[str] = []
    lake = SimpleNamespace(
        exists=lambda name: False,
        settings=SimpleNamespace(lakehouse=SimpleNamespace(catalog="main")),
        address=address,
        spark=SimpleNamespace(sql=said.append),
    )
    SparkLake.create(lake, TABLES["gold.customer_scores"])
    kinds = [" ".join(sql.split()[:2]) for sql in said]
    assert kinds[:2] == ["CREATE SCHEMA", "CREATE TABLE"]
    assert "CLUSTER BY (customer_id, as_of)" in said[1] and "COMMENT" in said[1]
    expected = ["ALTER TABLE", "ALTER TABLE", "ALTER TABLE", "CREATE OR"]
    assert kinds[2:] == (expected if is_databricks else [])
