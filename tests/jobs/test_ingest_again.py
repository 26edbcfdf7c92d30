"""Runs after the first one: new, late and repeated files, and runs that fail or are killed."""

from __future__ import annotations

import datetime as dt

import pytest

from runtime.lakehouse.spark_lake import SparkLake
from tests.jobs.ingest_lake import HEADER, TRANSACTIONS

pytestmark = pytest.mark.acceptance

FIRST = [
    "c1,o1,p1,2018-01-01 10:00:00,1,10.00,",
    "c1,o2,p1,2018-02-01 10:00:00,0,0.00,",
    "c2,o3,p1,2018-03-01 10:00:00,101,-5.00,0.10",
    # The same line twice.
    "c2,o3,p1,2018-03-01 10:00:00,101,-5.00,0.10",
]
SECOND = [
    "c3,o4,p1,2018-06-15 10:00:00,1,10.00,",
    # A late row, a duplicate of a row in the first file, and a conflict with one.
    "c1,o5,p1,2018-01-15 10:00:00,1,10.00,",
    "c1,o1,p1,2018-01-01 10:00:00,1,10.00,",
    "c1,o2,p1,2018-02-01 10:00:00,1,1.00,",
]


@pytest.fixture
def shop(company):
    company.source("purchases", TRANSACTIONS)
    company.file("purchases/june.csv", HEADER, *FIRST, day="2018-06-01")
    return company


def at(*parts):
    return dt.datetime(*parts)


def test_each_file_is_loaded_once(shop):
    shop.ingest("2018-06-01")
    assert shop.said.lines[:3] == [
        "known_at 2018-06-01 00:00:00 UTC",
        "purchases: 1 file, 4 rows in = 3 kept + 0 quarantined + 1 exact duplicate\n"
        "      warnings: amount_is_negative 1, amount_is_zero 1, quantity_is_high 1, "
        "quantity_is_zero 1",
        "wrote       bronze.purchases",
    ]
    assert shop.said.warnings == [
        "purchases: rows that equal an earlier row of the same file, dropped as exact duplicates: "
        "1. If an order may list the same article twice, map line_number and add it to "
        "sources.purchases.key. If the export has no line number, and no row is delivered twice, "
        "remove the key.",
        "purchases: 2 of 2 customers have no profile",
    ]
    # Rows of the first load count as known at their event. Returns and zeros are kept, with warnings.
    assert shop.rows("silver.transactions", "order_id", "amount", "known_at", "warnings") == [
        ("o1", pytest.approx(10), at(2018, 1, 1, 10), None),
        ("o2", 0, at(2018, 2, 1, 10), "amount_is_zero, quantity_is_zero"),
        ("o3", -5, at(2018, 3, 1, 10), "amount_is_negative, quantity_is_high"),
    ]
    assert shop.frame("bronze.purchases").count() == 4
    before = shop.versions()

    shop.ingest("2018-06-02")
    assert shop.said.lines == ["known_at 2018-06-02 00:00:00 UTC", "nothing new"]
    assert shop.versions() == before

    shop.file("purchases/july.csv", HEADER, *SECOND, day="2018-07-01")
    shop.ingest("2018-07-01", ingest={"max_quarantined_share": 0.5})
    assert shop.said.lines[1] == (
        "purchases: 1 file, 4 rows in = 2 kept + 1 quarantined + 1 exact duplicate\n"
        "      quarantined: unique_key 1"
    )
    # Rows of later files are known since their arrival, also if the event was in January.
    known = dict(shop.rows("silver.transactions", "order_id", "known_at"))
    assert (known["o4"], known["o5"]) == (at(2018, 7, 1), at(2018, 7, 1))
    assert known["o1"] == at(2018, 1, 1, 10)
    assert dict(shop.rows("silver.transactions", "order_id", "amount"))["o2"] == 0
    log = shop.rows("bronze.ingest_log", "file", "rows_in", "rows_kept", "rows_quarantined")
    assert log == [("july.csv", 4, 2, 1), ("june.csv", 4, 3, 0)]


def test_a_first_load_can_be_known_from_its_arrival_on(shop):
    shop.sources["purchases"]["first_load_known"] = "arrival"
    shop.ingest("2018-06-01")
    assert {k for (k,) in shop.rows("silver.transactions", "known_at")} == {at(2018, 6, 1)}


def test_files_over_the_limit_wait_for_the_next_run(shop):
    shop.file("purchases/july.csv", HEADER, *SECOND[:1], day="2018-07-01")
    shop.ingest("2018-07-01", ingest={"max_files_a_run": 1})
    assert shop.said.warnings[0] == (
        "purchases: 1 of 2 new files are loaded, the others in the next run (limit: "
        "ingest.max_files_a_run). The other files of this first load will count as known on "
        "arrival. To avoid that, raise the limit before the first load."
    )
    # The oldest file is loaded first.
    assert shop.rows("bronze.ingest_log", "file") == [("june.csv",)]
    shop.ingest("2018-07-01", ingest={"max_files_a_run": 1})
    assert shop.rows("bronze.ingest_log", "file") == [("july.csv",), ("june.csv",)]


def test_without_a_key_a_file_that_is_delivered_twice_is_reported(shop):
    shop.sources["purchases"]["key"] = []
    shop.ingest("2018-06-01")
    assert shop.frame("silver.transactions").count() == 4
    shop.file("purchases/june.csv", HEADER, *FIRST, SECOND[0], day="2018-06-02")
    shop.ingest("2018-07-01")
    assert shop.said.warnings[0] == (
        "purchases: june.csv was loaded before with other content. Without a key, all its rows "
        "are loaded again. Set sources.purchases.key, or give new files new names."
    )
    assert shop.frame("silver.transactions").count() == 4 + 5


def test_a_dry_run_counts_and_writes_nothing(shop):
    context = shop.ingest("2018-06-01", is_dry=True)
    assert "3 kept" in shop.said.lines[1]
    assert shop.said.lines[2] == "would write bronze.purchases"
    assert context.read("silver.transactions").count() == 3
    assert shop.versions() == {}


def test_a_run_that_fails_rolls_everything_back(shop, monkeypatch):
    shop.ingest("2018-06-01")
    before, rows = shop.versions(), shop.rows("silver.transactions", "order_id", "batch_id")
    shop.file("purchases/july.csv", HEADER, *SECOND, day="2018-07-01")
    write, tables = SparkLake._write, []

    def third_fails(lake, given, frame):
        tables.append(given.table.name)
        if len(tables) == 3:
            raise OSError("no space left on device")
        return write(lake, given, frame)

    monkeypatch.setattr(SparkLake, "_write", third_fails)
    with pytest.raises(OSError, match="no space left"):
        shop.ingest("2018-07-01", ingest={"max_quarantined_share": 0.5})
    assert tables == ["bronze.purchases", "silver.transactions", "silver.quarantine"]
    assert shop.rows("silver.transactions", "order_id", "batch_id") == rows
    assert shop.frame("bronze.purchases").count() == 4
    # silver.quarantine was empty before. The ingest log was not written.
    assert shop.versions()["bronze.ingest_log"] == before["bronze.ingest_log"]


@pytest.mark.parametrize("killed_at", ["silver.transactions", "bronze.ingest_log"])
def test_a_killed_run_is_repeated_by_the_next_run(shop, monkeypatch, killed_at):
    """The run is killed before a commit and cannot roll back. Then other files arrive."""
    shop.sources["purchases"]["key"] = []
    shop.file("purchases/july.csv", HEADER, *SECOND, day="2018-07-01")
    write = SparkLake._write

    def killed(lake, given, frame):
        if given.table.name == killed_at:
            raise KeyboardInterrupt
        return write(lake, given, frame)

    with monkeypatch.context() as patch:
        patch.setattr(SparkLake, "_write", killed)
        patch.setattr(SparkLake, "_roll_back", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            shop.ingest("2018-07-01")
    # One of the two files is delivered again before the next run, so it has another batch.
    shop.file("purchases/july.csv", HEADER, *SECOND[:2], day="2018-07-02")
    shop.ingest("2018-07-02")
    orders = [o for (o,) in shop.rows("silver.transactions", "order_id")]
    assert orders == ["o1", "o2", "o3", "o3", "o4", "o5"]
    assert shop.frame("bronze.purchases").count() == 6
    before = shop.versions()
    shop.ingest("2018-07-03")
    assert shop.versions() == before


def test_quarantined_rows_are_replayed_after_the_mapping_is_fixed(shop):
    german = [
        'c1,o6,p1,2018-04-01 10:00:00,1,"12,50",',
        'c1,o7,p1,2018-04-02 10:00:00,1,"7,00",',
        # Still bad after the fix, and a malformed row.
        "c1,o8,p1,2018-04-02 10:00:00,1,free,",
        "c1,o9,p1",
    ]
    shop.file("purchases/june.csv", HEADER, *FIRST, *german)
    shop.ingest("2018-06-01", ingest={"max_quarantined_share": 0.5})
    assert shop.rows("silver.quarantine", "reasons") == [("amount_type",)] * 3 + [
        ("malformed_row",)
    ]

    shop.ingest("2018-06-02", replay="purchases")
    assert shop.said.lines[1] == (
        "purchases: quarantine, 4 rows in = 0 kept + 4 quarantined + 0 exact duplicates\n"
        "      quarantined: amount_type 3, malformed_row 1"
    )
    before = shop.versions()

    fixed = {**TRANSACTIONS["mapping"], "amount": "replace(price, ',', '.')"}
    shop.sources["purchases"]["mapping"] = fixed
    shop.ingest("2018-06-03", replay="purchases")
    assert shop.said.lines[1] == (
        "purchases: quarantine, 4 rows in = 2 kept + 2 quarantined + 0 exact duplicates\n"
        "      quarantined: amount_type 1, malformed_row 1"
    )
    rows = shop.rows("silver.transactions", "order_id", "amount", "known_at", "batch_id")
    amounts = {o: (float(a), k, b[:7]) for o, a, k, b in rows if o in ("o6", "o7")}
    # They arrived in the first load, whose rows count as known at their event.
    assert amounts == {
        "o6": (12.5, at(2018, 4, 1, 10), "replay-"),
        "o7": (7.0, at(2018, 4, 2, 10), "replay-"),
    }
    assert shop.rows("silver.quarantine", "is_replayed") == [(False,)] * 2 + [(True,)] * 2
    assert set(shop.versions()) == set(before)

    before = shop.versions()
    shop.ingest("2018-06-04", replay="purchases")
    assert "2 rows in = 0 kept + 2 quarantined" in shop.said.lines[1]
    assert shop.versions() == before
    # A replay is not a file: the next run has nothing new.
    shop.ingest("2018-06-05")
    assert shop.said.lines[1] == "nothing new"
