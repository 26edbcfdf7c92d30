"""The whole list as CSV: every customer, signs of the locale, and no formula of a spreadsheet."""

import csv
import dataclasses

import pytest

from pipelines.reporting.contact_file import COLUMNS, write_contacts
from runtime.files import Location
from runtime.settings.report import ReportSettings
from runtime.spreadsheet import text_cell
from tests.unit.pipelines.reporting.report_sample import FULL, customer


def lines(path, separator=","):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def test_the_file_has_every_customer_in_order(tmp_path):
    customers = [
        customer("c1", 1234.5, [("recency_days", "45")], "Call", "ten"),
        *[customer(f"c{n}", 100.0 - n) for n in range(2, 31)],
    ]
    path = tmp_path / "lake" / "report-contacts.csv"
    assert write_contacts(Location.of(path), FULL, iter(customers))
    rows = lines(path)
    assert tuple(rows[0]) == COLUMNS
    assert [r["customer_id"] for r in rows] == [f"c{n}" for n in range(1, 31)]
    assert [r["place"] for r in rows] == [str(n) for n in range(1, 31)]
    assert rows[0] == {
        "place": "1",
        "customer_id": "c1",
        "segment": "At Risk",
        "risk_level": "HIGH",
        "churn_probability": "0.5000",
        "why": "no purchase for 45 days",
        "what_to_do": "Send the offer “10% off”; Call",
        "when": "2018-01-02",
        "offer_id": "ten",
        "at_risk": "1234.50",
        "at_stake": "2469.00",
        "cost": "7.50",
        "value_kept": "246.90",
        "currency": "",
        "owner": "",
    }


def test_a_decimal_comma_separates_columns_by_semicolons(tmp_path):
    report = ReportSettings(
        locale="de", currency="EUR", acquisition_cost=None, owners={"default": "CRM"}
    )
    data = dataclasses.replace(FULL, report=report)
    path = tmp_path / "report-contacts.csv"
    write_contacts(Location.of(path), data, [customer("c1", 1234.5, offer="ten")])
    (row,) = lines(path, ";")
    assert (row["at_risk"], row["currency"], row["owner"]) == ("1234,50", "EUR", "CRM")


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1", "\u00a0=1"],
)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path, text):
    path = tmp_path / "report-contacts.csv"
    write_contacts(Location.of(path), FULL, [customer(text, 1.0)])
    (row,) = lines(path)
    assert row["customer_id"].startswith("'")
    assert "\t" not in row["customer_id"] and "\r" not in row["customer_id"]


def test_other_texts_stay_as_they_are():
    assert [text_cell(t) for t in ("c-1", "a=b", "", None)] == ["c-1", "a=b", "", ""]


def test_a_separator_or_a_quote_in_an_id_stays_in_its_cell(tmp_path):
    path = tmp_path / "report-contacts.csv"
    write_contacts(Location.of(path), FULL, [customer('a,"b"\nc', 1.0)])
    assert lines(path)[0]["customer_id"] == 'a,"b"?c'


def test_a_file_that_would_not_change_is_not_written(tmp_path):
    path = tmp_path / "report-contacts.csv"
    assert write_contacts(Location.of(path), FULL, [customer("c1", 1.0)])
    before = path.stat().st_mtime_ns
    assert not write_contacts(Location.of(path), FULL, [customer("c1", 1.0)])
    assert path.stat().st_mtime_ns == before
    assert write_contacts(Location.of(path), FULL, [customer("c2", 1.0)])
    assert [p.name for p in tmp_path.iterdir()] == ["report-contacts.csv"]


def test_a_list_without_customers_has_its_heading(tmp_path):
    path = tmp_path / "report-contacts.csv"
    write_contacts(Location.of(path), FULL, [])
    assert path.read_text(encoding="utf-8-sig").strip() == ",".join(COLUMNS)
