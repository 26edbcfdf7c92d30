"""Formats of sources: changing columns and types, encodings, and every file format."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from tests.jobs.ingest_lake import HEADER, TRANSACTIONS

pytestmark = pytest.mark.acceptance

LINE = "c{0},o{0},p1,2018-01-0{0} 10:00:00,1,10.00,0.10"


@pytest.fixture
def shop(company):
    company.source("purchases", TRANSACTIONS)
    company.file("purchases/day1.csv", HEADER, LINE.format(1), day="2018-06-01")
    return company


def test_columns_may_be_added_removed_and_reordered(shop):
    shop.ingest("2018-06-01")
    shop.file(
        "purchases/day2.csv",
        "order,customer,product,time,pieces,price,rebate,tier,Store No.",
        "o2,c2,p1,2018-01-02 10:00:00,1,20.00,,gold,7",
        day="2018-06-02",
    )
    shop.ingest("2018-06-02")
    assert shop.said.warnings[0] == (
        "purchases: day2.csv has columns that the first load did not have: tier, Store_No_. Their "
        "values are kept in bronze.purchases._rescued. Add the columns to the mapping to use them."
    )
    assert shop.rows("silver.transactions", "order_id", "customer_id") == [
        ("o1", "c1"),
        ("o2", "c2"),
    ]
    (rescued,) = shop.frame("bronze.purchases").where("order = 'o2'").select("_rescued").collect()
    assert json.loads(rescued[0]) == {"tier": "gold", "Store_No_": "7"}

    # A column that the mapping uses is added to bronze. A column that it does not use may be missing.
    mapping = {**TRANSACTIONS["mapping"], "product_id": "concat(product, '/', tier)"}
    mapping.pop("discount")
    shop.sources["purchases"]["mapping"] = mapping
    shop.file("purchases/day3.csv", "order,customer,product,time,pieces,price,tier",
              "o3,c3,p1,2018-01-03 10:00:00,1,30.00,gold", day="2018-06-03")  # fmt: skip
    shop.ingest("2018-06-03")
    assert (
        shop.said.warnings[0]
        == "purchases: day3.csv has no column rebate. It is null in the rows of this file."
    )
    assert shop.rows("bronze.purchases", "order", "tier") == [
        ("o1", None),
        ("o2", None),
        ("o3", "gold"),
    ]
    assert shop.rows("silver.transactions", "product_id") == [("p1",), ("p1",), ("p1/gold",)]


def test_values_that_fit_the_original_type_are_kept_when_a_column_type_changes(shop, spark):
    """Integers in the first file, text in the second: 9 of its 10 rows fit."""
    folder = str(shop.files / "parquet")
    shop.source("parquet", TRANSACTIONS, format="parquet")
    shop.sources.pop("purchases")
    rows = [
        "concat('c', id) AS customer",
        "concat('o', id) AS order",
        "'p1' AS product",
        "timestamp_ntz'2018-01-01 10:00:00' AS time",
        "10.0D AS price",
        "CAST(null AS double) AS rebate",
    ]
    spark.range(0, 10, 1, 1).selectExpr(*rows, "2 AS pieces").write.mode("append").parquet(folder)
    shop.ingest("2018-06-01")
    # A timestamp without a time zone is UTC. It is stored as a type that every Delta reader has.
    kinds = dict(shop.frame("bronze.parquet").dtypes)
    assert (kinds["time"], kinds["pieces"]) == ("timestamp", "int")
    assert set(shop.rows("silver.transactions", "purchased_at", "quantity")) == {
        (dt.datetime(2018, 1, 1, 10), 2)
    }
    later = spark.range(10, 20, 1, 1).selectExpr(*rows, "if(id = 15, 'a dozen', '12') AS pieces")
    later.write.mode("append").parquet(folder)
    shop.ingest("2018-06-02", ingest={"max_quarantined_share": 0.1})
    assert "has pieces as string, but the first load had int. Rows whose" in shop.said.warnings[0]
    assert (
        "pieces = 'a dozen': type_changed:pieces, the value does not fit" in shop.said.warnings[1]
    )
    assert shop.rows("silver.quarantine", "reasons") == [("type_changed:pieces",)]
    (row,) = shop.rows("silver.quarantine", "row")[0]
    assert json.loads(json.loads(row)["_rescued"]) == {"pieces": "a dozen"}
    assert shop.frame("silver.transactions").where("quantity = 12").count() == 9

    # A replay rejects the row again, until the mapping handles such a value.
    shop.ingest("2018-06-03", replay="parquet")
    assert "0 kept + 1 quarantined" in shop.said.lines[1]
    rescued = "if(_rescued like '%a dozen%', 12, pieces)"
    shop.sources["parquet"]["mapping"] = {**TRANSACTIONS["mapping"], "quantity": rescued}
    shop.ingest("2018-06-04", replay="parquet")
    assert "1 kept + 0 quarantined" in shop.said.lines[1]
    assert shop.frame("silver.transactions").where("quantity = 12").count() == 10


def test_json_has_text_in_every_column(company):
    company.source(
        "tickets",
        {
            "table": "support_tickets",
            "format": "json",
            "key": ["ticket_id"],
            "mapping": {
                "ticket_id": "id",
                "customer_id": "get_json_object(who, '$.customer')",
                "opened_at": "opened",
                "category": "kind",
                "text": "body",
            },
        },
    )
    company.no_purchases()
    company.file(
        "tickets/a.json",
        '{"id": 1, "who": {"customer": "zoe"}, "opened": "2018-01-01T10:00:00Z", "body": "=1+1"}',
        # No customer: kept, with a warning. Only some rows have this key.
        '{"id": 2, "opened": "2018-01-02T10:00:00Z", "kind": "price"}',
        "{half a row",
    )
    company.ingest(ingest={"max_quarantined_share": 0.5})
    assert company.rows(
        "silver.support_tickets", "ticket_id", "customer_id", "text", "warnings"
    ) == [
        ("1", "zoe", "=1+1", None),
        ("2", None, None, "customer_id_not_null"),
    ]
    ((row, reasons),) = company.rows("silver.quarantine", "row", "reasons")
    assert (json.loads(row), reasons) == ({"_malformed": "{half a row"}, "malformed_row")
    # Columns of a source have no statistics.
    log = (company.root / "bronze/tickets/_delta_log/00000000000000000001.json").read_text()
    assert "zoe" not in log
    assert "_batch_id" in log
    # A later file without an optional key: null, with a warning.
    company.file("tickets/b.json", '{"id": 3, "opened": "2018-01-03T10:00:00Z", "kind": "price"}')
    company.ingest("2018-06-02")
    assert company.said.warnings[:2] == [
        "tickets: b.json has no column body. It is null in the rows of this file.",
        "tickets: b.json has no column who. It is null in the rows of this file.",
    ]


def test_a_wrong_encoding_is_quarantined_and_a_declared_one_is_read(shop):
    line = LINE.format(2).replace("c2", "Müller")
    shop.file("purchases/latin.csv", HEADER, line, *(LINE.format(n) for n in range(3, 9)),
              day="2018-06-02", encoding="latin-1")  # fmt: skip
    shop.file("purchases/mark.csv", "\ufeff" + HEADER, LINE.format(9), day="2018-06-03")
    shop.ingest(ingest={"max_quarantined_share": 0.2})
    assert shop.rows("silver.quarantine", "reasons") == [("customer_id_encoding",)]
    assert shop.frame("silver.transactions").count() == 8

    shop.source("german", TRANSACTIONS, options={"encoding": "ISO-8859-1"})
    shop.file("german/latin.csv", HEADER, line, encoding="latin-1")
    shop.ingest("2018-06-04")
    assert shop.frame("silver.transactions").where("customer_id = 'Müller'").count() == 1


def test_a_file_name_with_special_characters_and_a_file_with_only_a_header(company):
    company.source(
        "purchases",
        TRANSACTIONS,
        path=str(company.files / "purchases" / "day*.csv"),
    )
    company.file("purchases/day 1 é.csv", HEADER, LINE.format(1))
    company.file("purchases/day2.csv", HEADER)
    company.ingest()
    assert company.rows("bronze.ingest_log", "file", "rows_in") == [
        ("day 1 é.csv", 1),
        ("day2.csv", 0),
    ]
    assert company.rows("bronze.purchases", "_file", "order") == [("day 1 é.csv", "o1")]
    assert company.said.warnings[0] == "purchases: day2.csv names its columns but has no rows."


def test_a_table_is_read_completely_and_only_its_new_rows_are_kept(company, spark):
    path = str(company.folder / "shop")
    company.source("orders", TRANSACTIONS, format="delta", path=path)
    select = "SELECT 'c1' AS customer, '{0}' AS order, 'p1' AS product, '2018-01-01' AS time, "
    select += "1 AS pieces, 9.5 AS price, null AS rebate"
    spark.sql(select.format("o1")).write.format("delta").save(path)
    company.ingest("2018-06-01")
    before = company.versions()
    company.ingest("2018-06-02")
    assert company.said.lines[1] == "nothing new"
    assert company.versions() == before
    spark.sql(select.format("o2")).write.format("delta").mode("append").save(path)
    company.ingest("2018-06-03")
    assert company.said.lines[1] == (
        "orders: 1 file, 2 rows in = 1 kept + 0 quarantined + 1 exact duplicate"
    )
    assert company.rows("bronze.orders", "order", "_file") == [("o1", "shop@v0"), ("o2", "shop@v1")]
    assert company.rows("silver.transactions", "order_id") == [("o1",), ("o2",)]


def test_rows_are_read_from_a_database(company, spark):
    """Derby comes with Spark."""
    url = "jdbc:derby:memory:shop;create=true"
    options = {"url": url, "dbtable": "orders", "driver": "org.apache.derby.jdbc.EmbeddedDriver"}
    sql = (
        "SELECT 'c1' AS customer, '{0}' AS ono, 'p1' AS product, timestamp'2018-01-01' AS moment, "
    )
    sql += "1 AS pieces, CAST(9.5 AS decimal(10,2)) AS price, CAST(null AS double) AS rebate"
    writer = spark.sql(sql.format("o1")).write.format("jdbc").options(**options)
    writer.mode("overwrite").save()
    mapping = {**TRANSACTIONS["mapping"], "order_id": "ono", "purchased_at": "moment"}
    company.source(
        "orders", TRANSACTIONS, format="jdbc", path=None, options=options, mapping=mapping
    )
    company.sources["orders"].pop("path")
    company.ingest("2018-06-01")
    company.ingest("2018-06-02")
    assert company.said.lines[1] == "nothing new"
    spark.sql(sql.format("o2")).write.format("jdbc").options(**options).mode("append").save()
    company.ingest("2018-06-03")
    assert "2 rows in = 1 kept + 0 quarantined + 1 exact duplicate" in company.said.lines[1]
    assert company.rows("silver.transactions", "order_id", "amount") == [("o1", 9.5), ("o2", 9.5)]
