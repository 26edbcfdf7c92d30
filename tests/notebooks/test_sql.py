"""Tables, `_latest` views and formulas in SQL."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from contracts import catalog
from contracts.gold_app import GOLD_APP
from contracts.gold_decisions import GOLD_DECISIONS
from contracts.gold_engagement import GOLD_ENGAGEMENT
from contracts.gold_erasure import ERASURES
from contracts.gold_experiments import GOLD_EXPERIMENTS
from contracts.gold_fraud import GOLD_FRAUD
from contracts.gold_messages import GOLD_MESSAGES
from contracts.gold_monitoring import GOLD_MONITORING
from contracts.gold_serving import GOLD_SERVING
from contracts.live import ENGAGEMENT_LIVE
from runtime.lakehouse.views import has_latest, open_lakehouse, register_tables

# The first test creates the small lake, which is slow on a busy machine.
pytestmark = pytest.mark.timeout(1800)
ROOT = Path(__file__).resolve().parents[2]
# Separate jobs write offers, messages, campaigns, triggered contacts, drift, logged answers and more.
LATER = (
    *GOLD_DECISIONS,
    *GOLD_ENGAGEMENT,
    *GOLD_EXPERIMENTS,
    *GOLD_MESSAGES,
    *GOLD_MONITORING,
    *GOLD_SERVING,
    *GOLD_APP,
    *GOLD_FRAUD,
    ENGAGEMENT_LIVE,
    ERASURES,
)


@pytest.fixture
def opened(small_env):
    return open_lakehouse(small_env)


def test_tables_of_all_layers_are_registered(opened, spark):
    counts = {
        name: spark.table(name).count()
        for name in (
            "bronze.ingest_log",
            "bronze.members",
            "silver.customers",
            "features.demographics",
        )
    }

    # Two files; 300 customers minus every third; known at 2018-01-01 and three dates before.
    assert counts == {
        "bronze.ingest_log": 2,
        "bronze.members": 200,
        "silver.customers": 200,
        "features.demographics": 300 * 4,
    }


def test_the_latest_view_moves_with_the_table(spark, make_context, in_small_env):
    context = make_context()
    table = context.table("gold.segment_migration")

    def add(day: str) -> None:
        row = f"DATE'{day}', DATE'2017-12-02', 'At Risk', 'Lost', 1L, 2D"
        names = ", ".join(table.column_names)
        context.lake.create(table)
        spark.sql(f"INSERT INTO {context.lake.address(table.name)} ({names}) VALUES ({row})")

    def newest() -> list[str]:
        rows = spark.sql("SELECT as_of FROM gold.segment_migration_latest").collect()
        return [f"{r['as_of']}" for r in rows]

    with in_small_env():  # drops the views afterwards
        add("2018-01-02")
        add("2018-01-01")
        register_tables(context)
        assert newest() == ["2018-01-02"]

        add("2018-01-03")

        assert newest() == ["2018-01-03"]


def test_formulas_are_sql_functions_with_the_constants_in_conf(opened, spark):
    # 100 a month for 12 months; lifetime 1.2 * 12; frequency 2 * 0.1; 0.8 below a basket of 50.
    clv = spark.sql("SELECT clv_score(1200, 12, 0.1, 40)").head()[0]

    assert clv == pytest.approx(100 * 14.4 * 0.2 * 0.8)
    assert spark.sql("SELECT risk_level(0.9, 0.5)").head()[0] == "CRITICAL"


def test_columns_keep_their_comments(opened, spark):
    for name in ("gold.customer_scores", "gold.customer_scores_latest"):
        described = spark.sql(f"DESCRIBE {name}").collect()
        comments = {r["col_name"]: r["comment"] for r in described}

        declared = opened.table("gold.customer_scores").columns
        assert comments == {c.name: c.comment for c in declared}


def test_only_existing_tables_are_registered(opened, spark):
    names = register_tables(opened)

    assert "gold.customer_segments_latest" in names
    assert "silver.reviews" not in names  # no such source
    for name in names:
        spark.table(name)


def test_an_existing_table_of_the_same_name_is_not_replaced(opened, spark, tmp_path):
    from pyspark.errors import AnalysisException

    # A metastore may contain a different table gold.customer_scores.
    spark.sql("DROP VIEW gold.customer_scores")
    spark.sql(f"CREATE TABLE gold.customer_scores (a int) USING delta LOCATION '{tmp_path}/other'")
    spark.sql("INSERT INTO gold.customer_scores VALUES (1)")

    with pytest.raises(AnalysisException):
        register_tables(opened)

    assert spark.table("gold.customer_scores").head()["a"] == 1


def test_any_delta_reader_opens_every_gold_table(small_lake):
    tables = [t for t in catalog.tables().values() if t.layer == "gold"]
    existing = [t for t in tables if (small_lake.root / "gold" / t.short_name).is_dir()]
    later = {t.name for t in LATER}
    assert {t.name for t in tables} - {t.name for t in existing} == later
    for table in existing:
        delta = DeltaTable(small_lake.root / "gold" / table.short_name)

        assert delta.protocol().min_reader_version == 1
        assert delta.to_pyarrow_dataset().schema.names == list(table.column_names)


def test_duckdb_reads_the_latest_views_as_spark_does(opened, spark, small_lake):
    """docs/latest_views.sql on the folders that the jobs wrote. Two dates are scored."""
    connection = duckdb.connect()
    for folder in (small_lake.root / "gold").iterdir():
        dataset = DeltaTable(folder).to_pyarrow_dataset()
        connection.register(f"gold_{folder.name}", dataset)
    for view in (ROOT / "docs" / "latest_views.sql").read_text().split(";"):
        with suppress(duckdb.CatalogException):  # the table does not exist yet
            connection.execute(view)
    made = [t for t in catalog.tables().values() if has_latest(t) and t not in LATER]
    for table in made:
        order = f"ORDER BY {', '.join(table.key)}"
        view = f"{table.name.replace('.', '_')}_latest"
        rows = connection.execute(f"SELECT * FROM {view} {order}").fetchall()
        names = ", ".join(d[0] for d in connection.description)
        expected = spark.sql(f"SELECT {names} FROM {table.name}_latest {order}").collect()
        assert rows == [tuple(row) for row in expected], table.name
        assert rows, table.name


def test_a_catalog_has_the_latest_views_and_its_tables(spark, make_context, tmp_path):
    # spark_catalog replaces Unity Catalog here: three-part names and managed tables.
    context = make_context(lakehouse={"catalog": "spark_catalog"})
    spark.sql(f"CREATE SCHEMA gold LOCATION '{tmp_path}/gold'")
    try:
        context.lake.create(context.table("gold.customer_segments"))

        assert register_tables(context) == [
            "gold.customer_segments",
            "gold.customer_segments_latest",
        ]

        view = spark.table("spark_catalog.gold.customer_segments_latest")
        assert view.columns == list(context.table("gold.customer_segments").column_names)
    finally:
        spark.sql("DROP SCHEMA gold CASCADE")
