"""ingest: each file once, later files known from their arrival on, a replay that happens once."""

from __future__ import annotations

import csv
import datetime as dt

import pandas as pd
import pytest

from tests.wiring import company_files as files

pytestmark = pytest.mark.spark_only


def moment(text: str) -> pd.Timestamp:
    return pd.Timestamp(dt.datetime.fromisoformat(text))


def naive(column: pd.Series) -> pd.Series:
    """Timestamps in UTC without their zone."""
    return pd.to_datetime(column, utc=True).dt.tz_localize(None)


def lines_of(company, name: str) -> int:
    with (company.folder / "files" / name).open() as file:
        return sum(1 for _ in csv.DictReader(file))


def test_only_rows_of_the_first_load_are_known_at_the_time_of_their_event(company):
    rows = company.table("silver.transactions")
    log = company.table("bronze.ingest_log")
    file_of = dict(zip(log["batch_id"], log["file"], strict=True))
    rows["file"] = rows["batch_id"].map(file_of)
    known, happened = naive(rows["known_at"]), naive(rows["purchased_at"])
    history = rows["file"].isin(["1_history.csv", "replay"])
    assert (known[history] == happened[history]).all()
    for file, arrival in (
        ("2_august.csv", files.AUGUST_KNOWN),
        ("3_september.csv", files.SEPTEMBER_KNOWN),
    ):
        assert set(known[rows["file"] == file]) == {moment(arrival)}
    late = rows["order_id"].isin(r["receipt"] for r in files.Company().late)
    assert late.sum() == len(files.LATE_RECEIPTS)
    assert set(rows.loc[late, "file"]) == {"2_august.csv"}


def test_each_file_is_loaded_once_on_arrival(company):
    log = company.table("bronze.ingest_log", "source = 'receipts' OR source = 'members'")
    arrivals = sorted(zip(log["source"], log["file"], naive(log["known_at"]), strict=True))
    assert arrivals == [
        ("members", "1_history.csv", moment(files.HISTORY_KNOWN)),
        ("members", "2_changes.csv", moment(files.HISTORY_KNOWN)),
        ("members", "3_late.csv", moment(files.LATE_PROFILES_KNOWN)),
        ("members", "4_august.csv", moment(files.AUGUST_KNOWN)),
        ("members", "5_september.csv", moment(files.SEPTEMBER_KNOWN)),
        ("receipts", "1_history.csv", moment(files.HISTORY_KNOWN)),
        ("receipts", "2_august.csv", moment(files.AUGUST_KNOWN)),
        ("receipts", "3_september.csv", moment(files.SEPTEMBER_KNOWN)),
        ("receipts", "replay", moment("2024-08-01T01:00:00")),
    ]
    bronze = company.sql("SELECT _file, count(*) AS n FROM {bronze.receipts} GROUP BY ALL")
    assert dict(zip(bronze["_file"], bronze["n"], strict=True)) == {
        name: lines_of(company, f"receipts/{name}")
        for name in ("1_history.csv", "2_august.csv", "3_september.csv")
    }


def test_a_run_without_new_files_and_a_second_replay_write_nothing(company):
    before, after = company.noted["idle"]
    assert before == after


def test_a_replay_moves_the_rows_that_the_new_mapping_can_read(company):
    rows = company.table("silver.transactions", "order_id LIKE 'bad-%'")
    assert rows["order_id"].tolist() == ["bad-1"]
    assert [str(a) for a in rows["amount"]] == ["12.5"] or float(rows["amount"][0]) == 12.5
    waiting = company.table("silver.quarantine", "reasons = 'amount_type'")
    assert sorted(waiting["is_replayed"]) == [False, True]


def test_an_exact_duplicate_is_dropped_and_a_conflicting_row_is_quarantined(company):
    log = company.table("bronze.ingest_log", "source = 'receipts' AND file = '2_august.csv'")
    assert log["rows_duplicate"].tolist() == [3]
    assert log["rows_quarantined"].tolist() == [1]
    refused = company.table("silver.quarantine", "reasons = 'unique_key'")
    assert len(refused) == 1 and '"paid":"1.23"' in refused["row"][0]
    assert company.sql("SELECT 1 FROM {silver.transactions} WHERE amount = 1.23").empty


def test_a_changed_profile_ends_the_version_before_it(company):
    """Customers whose profile changed, with is_opted_out of each version in order of time."""
    rows = company.table("silver.customers").sort_values(["customer_id", "valid_from"])
    states = rows.groupby("customer_id")["is_opted_out"].agg(list)
    expected = {c: [False, True] for c in files.OPTED_OUT_BY_SECOND_FILE}
    expected |= {c: [True, False] for c in files.OPTED_IN_AGAIN}
    expected |= {c: [False, True] for c in files.OPTED_OUT_AFTER_DECISION}
    expected |= {c: [False, True] for c in files.OPTED_OUT_IN_AUGUST}
    expected |= {c: [False, True] for c in files.OPTED_OUT_IN_SEPTEMBER}
    expected |= {c: [True] for c in files.OPTED_OUT}
    assert {c: states[c] for c in expected} == expected
    since = rows.loc[rows["customer_id"].isin(files.OPTED_OUT_IN_AUGUST)].groupby("customer_id")
    assert set(naive(since["valid_from"].max())) == {moment(files.AUGUST_KNOWN)}
    newest = rows.groupby("customer_id").tail(1)
    assert newest["valid_to"].isna().all() and rows["valid_to"].isna().sum() == len(newest)
