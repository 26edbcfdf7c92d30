"""What a dry run says about consent, and how a source's answers become is_opted_out."""

from __future__ import annotations

import pytest

from tests.jobs.ingest_lake import HEADER, TRANSACTIONS

pytestmark = pytest.mark.spark_only
MEMBERS = {
    "table": "customers",
    "format": "csv",
    "mapping": {
        "customer_id": "id",
        # The example of docs/own_data.md.
        "is_opted_out": "case lower(newsletter) when 'no' then true when 'yes' then false end",
    },
}
NO_CONSENT = {"when_consent_unknown": "do_not_contact"}


@pytest.fixture
def shop(company):
    """c1 to c4 have a profile: yes, no, an empty cell, another word. c1 and c5 have a purchase."""
    company.source("members", MEMBERS)
    company.source("orders", TRANSACTIONS)
    company.file("members/all.csv", "id,newsletter", "c1,yes", "c2,No", "c3,", "c4,perhaps")
    line = ",o1,p1,2018-05-01,1,10.00,0"
    company.file("orders/all.csv", HEADER, f"c1{line}", f"c5{line.replace('o1', 'o2')}")
    return company


def of_consent(shop):
    return [line for line in shop.said.warnings if "consent" in line]


def test_a_dry_run_says_how_many_customers_are_held_back(shop):
    shop.ingest(is_dry=True, contact=NO_CONSENT)
    assert of_consent(shop) == [
        "3 of 5 customers of the new files are held back from delivery: their consent is unknown "
        "(silver.customers.is_opted_out is null or there is no profile). Map is_opted_out, or set "
        "contact.when_consent_unknown: contact in conf to contact them."
    ]
    shop.ingest(is_dry=True, contact={"when_consent_unknown": "contact"})
    assert of_consent(shop) == []


def test_an_empty_cell_and_an_unknown_word_leave_the_consent_unknown(shop):
    shop.ingest(contact=NO_CONSENT)
    assert shop.rows("silver.customers", "customer_id", "is_opted_out") == [
        ("c1", False),
        ("c2", True),
        ("c3", None),
        ("c4", None),
    ]
