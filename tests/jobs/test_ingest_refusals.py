"""What ingest refuses. Each message has the value, the rule and the fix, and nothing is written."""

from __future__ import annotations

import pytest

from runtime.errors import QualityGateError, SourceError, UsageError
from tests.jobs.ingest_lake import HEADER, TRANSACTIONS

LINE = "c1,o1,p1,2018-01-01 10:00:00,1,10.00,"


@pytest.fixture
def shop(company):
    company.source("purchases", TRANSACTIONS)
    company.file("purchases/day1.csv", HEADER, LINE)
    return company


def refused(shop, error, **options):
    with pytest.raises(error) as caught:
        shop.ingest(**options)
    assert shop.versions() == {}
    return str(caught.value)


def test_a_path_without_a_file_is_refused(shop):
    for path in (shop.files / "nowhere", shop.files / "*.parquet"):
        shop.sources["purchases"]["path"] = str(path)
        assert refused(shop, UsageError) == (
            f"source purchases: {path} matches no file. Put a file there, or fix "
            "sources.purchases.path in conf (a file, a folder, a pattern, or "
            "package:<package>/<path>)."
        )
    shop.sources["purchases"]["path"] = "package:no_such_package/data.csv"
    assert refused(shop, UsageError) == (
        "source purchases: package:no_such_package/data.csv names the Python package "
        "no_such_package, which is not installed. Install it with `pip install no_such_package`."
    )


def test_files_that_are_all_of_another_format_are_refused(shop):
    shop.sources["purchases"]["format"] = "parquet"
    env = shop.context().settings.env
    assert refused(shop, QualityGateError) == (
        "purchases: 1 file and 0 of 0 rows (100.0%) would be quarantined, the limit is 5.0%. The "
        f"warnings above name the files.\nNothing was written. Fix the source or its mapping in "
        f"conf/{env}.yaml, set a rule's severity to warn, or raise ingest.max_quarantined_share."
    )
    (warning,) = shop.said.warnings
    assert warning.startswith(
        "purchases: day1.csv is quarantined as a file (unreadable): its footer is not that of a "
        "Parquet file ("
    )


def test_a_column_that_the_mapping_uses_and_no_file_has_is_refused(shop):
    env = shop.context().settings.env
    shop.file("purchases/day1.csv", HEADER.replace("price", "cost"), LINE)
    assert refused(shop, SourceError) == (
        "source purchases: day1.csv has no column price, which mapping.amount uses. Its columns "
        "are customer, order, product, time, pieces, cost, rebate. Nothing was written. Deliver "
        f"the file with this column, or change sources.purchases.mapping.amount in conf/{env}.yaml."
    )
    # Each of two files lacks another column, so neither fits.
    shop.file("purchases/day2.csv", HEADER.replace("rebate", "cost"), LINE)
    assert refused(shop, SourceError).startswith(
        "source purchases: day1.csv has no column price, which mapping.amount uses."
    )


def test_expressions_that_spark_cannot_read_are_refused(shop):
    env = shop.context().settings.env
    columns = "The source's columns are customer, order, product, time, pieces, price, rebate."
    cases = {
        "prise * 2": None,
        "price +* 2": "[PARSE_SYNTAX_ERROR] Syntax error at or near '2': extra input '2'.",
        "twice(price)": "[UNRESOLVED_ROUTINE] Cannot resolve routine `twice` on search path",
        "array(price)": "[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION] Cannot resolve",
    }
    for expression, reason in cases.items():
        mapping = {**TRANSACTIONS["mapping"], "amount": expression}
        shop.sources["purchases"]["mapping"] = mapping
        if reason is None:
            message = refused(shop, SourceError)
            assert message.startswith(
                "source purchases: day1.csv has no column prise, which mapping.amount uses. Its "
                "columns are "
            )
            continue
        message = refused(shop, UsageError)
        assert message.startswith(
            f"conf/{env}.yaml: sources.purchases.mapping.amount = {expression!r} is not an "
            f"expression of type decimal(18,2): {reason}"
        )
        assert message.endswith(columns)


def test_all_faults_of_conf_are_reported_at_once(company):
    mapping = {**TRANSACTIONS["mapping"], "color": "x", "discount": "rebate::double"}
    del mapping["amount"]
    company.source(
        "purchases",
        TRANSACTIONS,
        mapping=mapping,
        key=["order_id", "line"],
        severity={"amount_is_huge": "warn", "customer_id_not_null": "off"},
        options={"mode": "DROPMALFORMED"},
    )
    company.source("Reviews", {"table": "opinions", "format": "csv", "mapping": {}})
    company.source(
        "orders", TRANSACTIONS, format="jdbc", key=[], options={"url": "jdbc:x?password=secret"}
    )
    names = (
        "customer_id, order_id, product_id, purchased_at, quantity, amount, discount, line_number, "
        "currency"
    )
    context = company.context()
    rules = ", ".join(r.name for r in context.table("silver.transactions").rules)
    where = f"conf/{context.settings.env}.yaml: sources"
    assert refused(company, UsageError).splitlines() == [
        f"{where}.purchases.mapping.color: silver.transactions has no such column. Its columns "
        f"are {names}.",
        f"{where}.purchases.mapping.amount is missing: silver.transactions requires the column "
        "(Amount that the customer paid, currency; negative: a return). Set the column or expression that provides "
        "it.",
        f"{where}.purchases.mapping.discount = 'rebate::double': `::` silently turns '1.5'::int "
        "into 1. Write cast(... as ...), which rejects such a row.",
        f"{where}.purchases.key: line is not mapped. Mapped columns are customer_id, order_id, "
        "product_id, purchased_at, quantity, discount, color.",
        f"{where}.purchases.severity.amount_is_huge: silver.transactions has no such rule. Its rules "
        f"are {rules}.",
        f"{where}.purchases.severity.customer_id_not_null must be reject: silver.transactions "
        "requires the column.",
        f"{where}.purchases.options.mode is set by ingest, so that no row is lost. Remove it.",
        f"{where}.Reviews: the name of a source must be lower snake_case and not ingest_log. Rename "
        "it.",
        f"{where}.Reviews.table = 'opinions': must be one of customers, transactions, "
        "support_tickets, engagement_events, reviews, campaign_contacts, offer_redemptions, "
        "fulfilments, task_outcomes, exit_surveys, survey_answers, terminations, payments, "
        "fraud_labels.",
        f"{where}.orders.key is missing: each run reads a jdbc source completely, and only a key "
        "identifies its new rows. Set the columns that identify a row.",
        f"{where}.orders.options.url contains a password. Remove it, and set the environment variable "
        "HOLDFAST__SOURCES__ORDERS__OPTIONS__PASSWORD.",
    ]


def test_a_replay_of_an_unknown_source_is_refused(shop):
    assert refused(shop, UsageError, replay="sales") == (
        "--replay sales: must be a source in conf. Sources are purchases."
    )


def test_invalid_lookups_are_refused_and_rows_without_a_match_are_kept(shop):
    def lookup(text):
        path = shop.file("products.csv", *text.split("|"))
        given = {"format": "csv", "path": str(path), "join_on": ["product"]}
        shop.sources["purchases"]["lookups"] = {"products": given}

    lookup("article,brand|p1,x")
    assert refused(shop, SourceError) == (
        "source purchases, lookup products: join_on must name columns of both the source and the "
        "lookup, got product. The lookup's columns are article, brand."
    )
    lookup("product,price|p1,x")
    assert refused(shop, SourceError) == (
        "source purchases, lookup products: the source also has a column price. Rename it in the "
        "lookup."
    )
    lookup("product,brand|p1,x|p1,y")
    assert refused(shop, SourceError) == (
        "source purchases, lookup products: 1 value of product occurs more than once, so the join "
        "would duplicate rows. Keep one row per value."
    )
    # A row without a match in the lookup is kept.
    lookup("product,brand|p2,x")
    mapping = {**TRANSACTIONS["mapping"], "product_id": "concat_ws('/', brand, product)"}
    shop.sources["purchases"]["mapping"] = mapping
    shop.file("purchases/day2.csv", HEADER, LINE.replace("o1,p1", "o2,p2"))
    shop.ingest()
    assert shop.rows("silver.transactions", "product_id") == [("p1",), ("x/p2",)]


def test_conf_can_turn_a_rule_into_a_warning_or_off(shop):
    shop.file("purchases/day1.csv", HEADER, LINE + "-1", LINE.replace("10.00", "0"))
    shop.sources["purchases"]["key"] = []
    # YAML reads a bare off as false.
    severity = {"discount_in_range": "warn", "amount_is_zero": False}
    shop.sources["purchases"]["severity"] = severity
    shop.ingest()
    assert shop.rows("silver.transactions", "amount", "warnings") == [
        (0, None),
        (10, "discount_in_range"),
    ]


def test_a_column_name_that_is_reserved_for_ingest_is_refused(shop):
    shop.file("purchases/day2.csv", HEADER + ",_Batch_Id", LINE + ",1")
    refused(shop, QualityGateError)
    (warning,) = shop.said.warnings
    assert warning.startswith(
        "purchases: day2.csv is quarantined as a file (columns): it has a column '_Batch_Id', but "
        "the name _Batch_Id is already taken. Names are case-insensitive, and these are reserved "
        "for ingest: _"
    )


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("explode(split(product, ''))", "explode"),
        ("reflect('java.lang.System', 'getenv', 'KEY')", "reflect"),
        ("(select max(value) from text.`/etc/passwd`)", "select"),
    ],
)
def test_an_expression_that_reads_or_gives_more_than_its_row_is_refused(shop, expression, word):
    shop.sources["purchases"]["mapping"] = {**TRANSACTIONS["mapping"], "product_id": expression}
    env = shop.context().settings.env
    assert refused(shop, UsageError) == (
        f"conf/{env}.yaml: sources.purchases.mapping.product_id = {expression!r}: uses {word}, but "
        f"an expression gives one value from the columns of its own row. Remove {word}. A column of "
        "that name is written in backticks."
    )
