"""What a source may choose in conf: rows, names as in the header, time zone, and currency."""

from __future__ import annotations

import datetime as dt

import pytest

from runtime.errors import SourceError, UsageError
from tests.jobs.ingest_lake import HEADER, TRANSACTIONS
from transforms.purchases import lines_by_visibility

HEAD = "Bestell-Nr.;Pos.;Kunden Nr.;Artikel;Größe;Betrag (EUR);Rabatt %;Zeit;Status;Währung"
LINES = [
    # Both are 00:30 in Berlin: before and after the clocks go forward on 25 March 2018, 01:00 UTC.
    "B1;1;K1;A;M;1.249,00;;25.03.2018 00:30;offen;EUR",
    "B2;1;K2;A;M;5,00;10;26.03.2018 00:30;offen;eur ",
    # The same article twice in one order.
    "B2;2;K2;A;M;5,00;10;26.03.2018 00:30;offen;eur ",
    "B3;1;K2;A;M;5,00;;26.03.2018 10:00;storniert;EUR",
    # A condition that is null is not true.
    "B4;1;K2;A;M;5,00;;26.03.2018 10:00;;EUR",
    "B5;1;K2;A;M;5,00;;26.03.2018 10:00;offen;USD",
    "B6;1;K2;A;M;5,00;;26.03.2018 10:00;offen;",
    # Left out, although its amount cannot be read.
    "B7;1;K2;A;M;fünf;;26.03.2018 10:00;storniert;EUR",
    # Too few columns: the condition cannot be trusted.
    "B8;1;K2",
]
ORDERS = {
    "table": "transactions",
    "format": "csv",
    "options": {"sep": ";"},
    "key": ["order_id", "product_id", "line_number"],
    "where": "Status <> 'storniert'",
    "time_zone": "Europe/Berlin",
    "mapping": {
        "customer_id": "Kunden Nr.",
        "order_id": "Bestell-Nr.",
        "product_id": "concat(Artikel, '-', `Größe`)",
        "purchased_at": "to_timestamp(Zeit, 'dd.MM.yyyy HH:mm')",
        "amount": "cast(replace(replace(`Betrag (EUR)`, '.', ''), ',', '.') as decimal(18,2))",
        "discount": "Rabatt %",
        "line_number": "Pos.",
        "currency": "Währung",
    },
}
BERLIN = {
    "currency": "EUR",
    "features": {"business_time_zone": "Europe/Berlin"},
    "ingest": {"max_quarantined_share": 0.5},
}


@pytest.fixture
def shop(company):
    company.source("orders", ORDERS)
    company.file("orders/export.csv", HEAD, *LINES)
    return company


def mapped(shop, **changes):
    shop.sources["orders"]["mapping"] = {**ORDERS["mapping"], **changes}


def test_an_export_is_read_with_the_names_of_its_header(shop):
    shop.ingest(**BERLIN)
    assert shop.said.lines[1].splitlines()[0] == (
        "orders: 1 file, 9 rows in = 3 kept + 3 quarantined + 0 exact duplicates + 3 left out"
    )
    log = ("rows_in", "rows_kept", "rows_quarantined", "rows_duplicate", "rows_left_out")
    assert shop.rows("bronze.ingest_log", *log) == [(9, 3, 3, 0, 3)]
    # Bronze holds the rows that are left out, too.
    assert shop.frame("bronze.orders").count() == 9
    columns = ("order_id", "line_number", "product_id", "discount", "currency", "purchased_at")
    assert shop.rows("silver.transactions", *columns) == [
        ("B1", "1", "A-M", None, "EUR", dt.datetime(2018, 3, 24, 23, 30)),
        ("B2", "1", "A-M", 10, "eur ", dt.datetime(2018, 3, 25, 22, 30)),
        ("B2", "2", "A-M", 10, "eur ", dt.datetime(2018, 3, 25, 22, 30)),
    ]
    assert shop.rows("silver.quarantine", "reasons") == [
        ("currency_is_other",),
        ("currency_is_other",),
        ("malformed_row",),
    ]
    assert shop.said.warnings[0] == (
        "orders: export.csv, Währung = 'USD': currency_is_other, currency must be that of the "
        "lakehouse, `currency` in conf. Rows with this reason, for silver.quarantine: 2. Fix the "
        "file, or fix sources.orders in conf and run ingest with --replay orders."
    )


def test_a_purchase_belongs_to_the_day_of_the_business(shop):
    shop.ingest(**BERLIN)
    days = {"B1": dt.date(2018, 3, 25), "B2": dt.date(2018, 3, 26)}
    context = shop.context(**BERLIN)
    lines = lines_by_visibility(context.read("silver.transactions"))
    placed = lines.select("order_id", "day", "visible_from").distinct().collect()
    following = {order: (day, day + dt.timedelta(days=1)) for order, day in days.items()}
    assert {r["order_id"]: (r["day"], r["visible_from"]) for r in placed} == following
    assert (context.observed_from, context.observed_until) == (days["B1"], days["B2"])
    # In UTC, both were made on the evening before.
    utc = shop.context()
    lines = lines_by_visibility(utc.read("silver.transactions"))
    placed = lines.select("order_id", "day").distinct().collect()
    assert {r["order_id"]: r["day"] for r in placed} == {
        order: day - dt.timedelta(days=1) for order, day in days.items()
    }


def test_rows_in_quarantine_can_be_left_out_by_a_replay(shop):
    shop.ingest(**BERLIN)
    shop.sources["orders"]["where"] = "Status <> 'storniert' and `Währung` = 'EUR'"
    shop.ingest("2018-06-02", replay="orders", **BERLIN)
    assert shop.said.lines[1].splitlines()[0] == (
        "orders: quarantine, 3 rows in = 0 kept + 1 quarantined + 0 exact duplicates + 2 left out"
    )
    assert shop.rows("silver.quarantine", "reasons", "is_replayed") == [
        ("currency_is_other", True),
        ("currency_is_other", True),
        ("malformed_row", False),
    ]


def test_a_dry_run_warns_if_the_key_drops_equal_articles_of_an_order(shop):
    mapping = {c: e for c, e in ORDERS["mapping"].items() if c != "line_number"}
    shop.sources["orders"] |= {"mapping": mapping, "key": ["order_id", "product_id"]}
    shop.ingest(is_dry=True, **BERLIN)
    assert "2 kept + 3 quarantined + 1 exact duplicate + 3 left out" in shop.said.lines[1]
    assert (
        "orders: rows that equal an earlier row of the same file, dropped as exact duplicates: 1. "
        "If an order may list the same article twice, map line_number and add it to "
        "sources.orders.key. If the export has no line number, and no row is delivered twice, "
        "remove the key."
    ) in shop.said.warnings


def test_only_times_without_a_zone_are_in_the_zone_of_the_source(company):
    company.source("purchases", TRANSACTIONS, time_zone="Europe/Berlin")
    line = "c1,{0},p1,{1},1,10.00,"
    company.file(
        "purchases/day1.csv",
        HEADER,
        line.format("clock", "2018-01-01 10:00:00"),
        line.format("zone", "2018-01-01T10:00:00Z"),
        line.format("day", "2018-01-01"),
    )
    # The second source of the same run has its own zone.
    company.source("others", TRANSACTIONS)
    company.file("others/day1.csv", HEADER, line.format("other", "2018-01-01 10:00:00"))
    company.ingest()
    assert dict(company.rows("silver.transactions", "order_id", "purchased_at")) == {
        "clock": dt.datetime(2018, 1, 1, 9),
        "zone": dt.datetime(2018, 1, 1, 10),
        "day": dt.datetime(2017, 12, 31, 23),
        "other": dt.datetime(2018, 1, 1, 10),
    }
    assert company.said.warnings[0] == (
        "purchases: its times are in Europe/Berlin, but days begin at 00:00 UTC "
        "(features.business_time_zone). A purchase at 00:00 may count for another day than in the "
        "source. Set both to one zone, unless this is intended."
    )
    assert not any(w.startswith("others: its times") for w in company.said.warnings)


def test_a_name_that_needs_backticks_in_an_expression_is_named(shop):
    mapped(shop, order_id="upper(Bestell-Nr.)")
    with pytest.raises((SourceError, UsageError)) as caught:
        shop.ingest(**BERLIN)
    hint = (
        " Did you mean `Bestell-Nr.`? Inside an expression, a name with spaces or signs stands in "
        "backticks."
    )
    assert hint in str(caught.value)
    mapped(shop, order_id="upper(Bestell-Nr_)")
    with pytest.raises(SourceError) as caught:
        shop.ingest(**BERLIN)
    assert str(caught.value).startswith(
        "source orders: export.csv has no column Bestell, which mapping.order_id uses."
        + hint.replace("Nr.", "Nr_")
    )
    mapped(shop)
    shop.sources["orders"]["where"] = "Status <> storniert"
    with pytest.raises(SourceError) as caught:
        shop.ingest(**BERLIN)
    assert str(caught.value).startswith(
        "source orders: export.csv has no column storniert, which where uses. Its columns are "
    )
    assert str(caught.value).endswith("or change sources.orders.where in conf/demo.yaml.")
    assert shop.versions() == {}
