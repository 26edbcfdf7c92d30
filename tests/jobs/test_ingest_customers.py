"""Versions of customer profiles over time, from one or several sources."""

from __future__ import annotations

import datetime as dt

import pytest

pytestmark = pytest.mark.acceptance

CRM = {
    "table": "customers",
    "format": "csv",
    "mapping": {"customer_id": "id", "plan": "plan", "monthly_charge": "charge", "email": "mail"},
}
SURVEY = {
    "table": "customers",
    "format": "csv",
    "mapping": {"customer_id": "id", "age_band": "age"},
}
EVER = dt.datetime(1900, 1, 1)


@pytest.fixture
def firm(company):
    company.source("crm", CRM)
    company.source("survey", SURVEY)
    company.file(
        "crm/june.csv", "id,plan,charge,mail", "c1,basic,10,a@x.org", "c2,basic,10,b@x.org"
    )
    company.file("survey/all.csv", "id,age", "c1,30-39")
    company.no_purchases()
    return company


def june(day):
    return dt.datetime(2018, 6, day)


def versions(firm, *columns):
    return firm.rows("silver.customers", "customer_id", "valid_from", "valid_to", *columns)


def test_customer_versions_over_three_runs(firm):
    firm.ingest("2018-06-01")
    # The first load is valid from 1900 on. Two sources at the same moment give one version.
    assert versions(firm, "plan", "age_band", "source") == [
        ("c1", EVER, None, "basic", "30-39", "crm+survey"),
        ("c2", EVER, None, "basic", None, "crm"),
    ]
    before = firm.versions()
    firm.ingest("2018-06-02")
    assert firm.versions() == before

    # c1 changes, c2 does not, c3 is new. c4 has two different rows, c5 two equal rows.
    firm.file(
        "crm/july.csv",
        "id,plan,charge,mail",
        "c1,plus,20,a@x.org",
        "c2,basic,10,b@x.org",
        "c3,plus,20,",
        "c4,plus,20,",
        "c4,basic,10,",
        "c5,plus,20,",
        "c5,plus,20,",
        # A negative charge is rejected.
        "c6,plus,-1,",
    )
    firm.ingest("2018-06-10", ingest={"max_quarantined_share": 0.5})
    assert firm.said.lines[1] == (
        "crm: 1 file, 8 rows in = 4 kept + 2 quarantined + 2 exact duplicates\n"
        "      quarantined: monthly_charge_in_range 1, unique_key 1"
    )
    stored = versions(firm, "plan", "age_band")
    assert [v for v in stored if v[0] != "c4"] == [
        ("c1", EVER, june(10), "basic", "30-39"),
        # The value of the other source is kept.
        ("c1", june(10), None, "plus", "30-39"),
        ("c2", EVER, None, "basic", None),
        ("c3", june(10), None, "plus", None),
        ("c5", june(10), None, "plus", None),
    ]
    assert len([v for v in stored if v[0] == "c4"]) == 1

    # A file with only duplicates is loaded, but the table gets no new version.
    before = firm.versions()["silver.customers"]
    firm.file("crm/august.csv", "id,plan,charge,mail", "c2,basic,10,b@x.org", day="2018-06-11")
    firm.ingest("2018-06-11")
    assert "1 row in = 0 kept + 0 quarantined + 1 exact duplicate" in firm.said.lines[1]
    assert firm.versions()["silver.customers"] == before
    # Column statistics hold no addresses.
    for log in (firm.root / "bronze/crm/_delta_log").glob("*.json"):
        assert "x.org" not in log.read_text()


def test_files_of_one_run_are_versions_in_the_order_of_their_days(firm):
    firm.ingest("2018-06-01")
    firm.file("crm/b.csv", "id,plan,charge,mail", "c1,plus,20,a@x.org", day="2018-07-02")
    firm.file("crm/a.csv", "id,plan,charge,mail", "c1,gold,30,a@x.org", day="2018-07-01")
    firm.ingest("2018-06-10")
    assert versions(firm, "plan")[:3] == [
        ("c1", EVER, june(10) - dt.timedelta(microseconds=1), "basic"),
        ("c1", june(10) - dt.timedelta(microseconds=1), june(10), "gold"),
        ("c1", june(10), None, "plus"),
    ]
