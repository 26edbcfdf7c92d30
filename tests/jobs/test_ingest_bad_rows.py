"""Bad rows never reach silver, and no good row is lost because of them."""

from __future__ import annotations

import json

import pytest

from runtime.errors import QualityGateError
from tests.jobs.ingest_lake import HEADER, TRANSACTIONS

EACH = 100  # rows of each defect: 1 % of 10,000
GOOD = "c{0},o{0},p1,2018-05-01 10:00:00,1,9.99,0.50"

# rule -> a row that breaks only this rule. {0} is the number of the row.
PURCHASES = {
    "customer_id_not_null": ",o{0},p1,2018-05-01 10:00:00,1,9.99,0.50",
    "amount_not_null": "c{0},o{0},p1,2018-05-01 10:00:00,1,,0.50",
    "amount_type": "c{0},o{0},p1,2018-05-01 10:00:00,1,twelve,0.50",
    "discount_type": 'c{0},o{0},p1,2018-05-01 10:00:00,1,9.99,"0,50"',
    "quantity_type": "c{0},o{0},p1,2018-05-01 10:00:00,1e30,9.99,0.50",
    "purchased_at_type": "c{0},o{0},p1,01.05.2018,1,9.99,0.50",
    "purchased_at_not_future": "c{0},o{0},p1,2018-06-01 00:00:01,1,9.99,0.50",
    "purchased_at_not_before": "c{0},o{0},p1,1969-12-31 23:59:59,1,9.99,0.50",
    "discount_in_range": "c{0},o{0},p1,2018-05-01 10:00:00,1,9.99,-0.01",
    "amount_in_range": "c{0},o{0},p1,2018-05-01 10:00:00,1,1000000.01,0.50",
    "customer_id_encoding": "M\udcfcller{0},o{0},p1,2018-05-01 10:00:00,1,9.99,0.50",
    "product_id_formula": "c{0},o{0},=cmd(),2018-05-01 10:00:00,1,9.99,0.50",
    "product_id_length": "c{0},o{0},{1},2018-05-01 10:00:00,1,9.99,0.50",
    "malformed_row": "c{0},o{0},p1,2018-05-01 10:00:00,1,9.99,0.50,extra",
}
SHORT = "c{0},o{0},p1,2018-05-01 10:00:00,1,9.99"
EVENTS = {
    "table": "engagement_events",
    "format": "csv",
    "mapping": {
        "customer_id": "customer",
        "event_id": "event",
        "kind": "kind",
        "occurred_at": "time",
        "duration_minutes": "minutes",
    },
}
HAPPENED = {
    "kind_one_of": "c1,e{0},logon,2018-05-01,1.5",
    "duration_minutes_not_finite": "c1,e{0},login,2018-05-01,NaN",
    "duration_minutes_in_range": "c1,e{0},login,2018-05-01,-1",
}


def planted(defects, first):
    """(number, rule, line) of EACH rows per defect."""
    for place, (rule, line) in enumerate(defects.items()):
        for turn in range(EACH):
            number = first + place * EACH + turn
            # Three of the long values have a megabyte.
            long = "x" * (1_000_000 if turn < 3 else 1_001)
            yield number, rule, line.format(number, long)


@pytest.fixture
def rotten(company):
    """10,000 purchases in two files and 10,000 events. Each defect is in 1 % of the rows."""
    company.source("purchases", TRANSACTIONS)
    company.source("events", EVENTS)
    bad = list(planted(PURCHASES, 0))
    short = [(n, "malformed_row", SHORT.format(n)) for n in range(5_000, 5_000 + EACH)]
    good = range(6_000, 16_000 - len(bad) - len(short) - EACH)
    lines = [HEADER, *(line for *_, line in [*bad, *short]), *(GOOD.format(n) for n in good)]
    content = "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"
    company.raw("purchases/day1.csv", content, day="2018-05-31")
    # One day later: the keys of 100 good rows, with another price.
    again = [GOOD.format(n).replace("9.99", "8.88") for n in good[:EACH]]
    company.file("purchases/day2.csv", HEADER, *again, day="2018-06-01")

    odd = list(planted(HAPPENED, 0))
    infinite = [(n, "duration_minutes_not_finite", f"c1,e{n},login,2018-05-01,Infinity")
                for n in range(5_000, 5_000 + EACH)]  # fmt: skip
    fine = range(6_000, 16_000 - len(odd) - len(infinite))
    company.file(
        "events/all.csv",
        "customer,event,kind,time,minutes",
        *(line for *_, line in [*odd, *infinite]),
        *(f"c1,e{n},login,2018-05-01,1.5" for n in fine),
    )
    company.expected = {
        "purchases": {
            **{f"o{n}": rule for n, rule, _ in [*bad, *short]},
            **{f"o{n} 8.88": "unique_key" for n in good[:EACH]},
        },
        "events": {f"e{n}": rule for n, rule, _ in [*odd, *infinite]},
    }
    company.good = {"purchases": {f"o{n}" for n in good}, "events": {f"e{n}" for n in fine}}
    return company


def named(source, text):
    """The order or event by which a quarantined row is identified."""
    row = json.loads(text)
    if "_malformed" in row:
        return row["_malformed"].split(",")[1]
    if source == "events":
        return row["event"]
    return row["order"] + (" 8.88" if row.get("price") == "8.88" else "")


def test_every_planted_row_is_quarantined_and_no_other(rotten):
    rotten.ingest(ingest={"max_quarantined_share": 1.0})
    quarantined = rotten.rows("silver.quarantine", "source", "row", "reasons", "is_replayed")
    for source, expected in rotten.expected.items():
        reasons = {named(s, row): reason for s, row, reason, _ in quarantined if s == source}
        assert reasons == expected
    assert len(quarantined) == sum(len(e) for e in rotten.expected.values())
    assert not any(is_replayed for *_, is_replayed in quarantined)
    orders = rotten.rows("silver.transactions", "order_id")
    assert len(orders) == len(rotten.good["purchases"])
    assert {o for (o,) in orders} == rotten.good["purchases"]
    assert {e for (e,) in rotten.rows("silver.engagement_events", "event_id")} == rotten.good[
        "events"
    ]
    log = rotten.rows(
        "bronze.ingest_log", "file", "rows_in", "rows_kept", "rows_quarantined", "rows_duplicate"
    )
    # 15 kinds of bad purchases on the first day (14, and rows that are too short), 4 kinds of events.
    assert log == [
        ("all.csv", 10_000, 10_000 - 4 * EACH, 4 * EACH, 0),
        ("day1.csv", 10_000 - EACH, 10_000 - 16 * EACH, 15 * EACH, 0),
        ("day2.csv", EACH, 0, EACH, 0),
    ]
    # Bronze has every row unchanged.
    assert rotten.frame("bronze.purchases").count() == 10_000


@pytest.mark.parametrize(("options", "product"), [({}, 'a"b3'), ({"escape": "\\"}, '"a""b3"')])
def test_a_doubled_quote_is_one_quote_as_excel_writes_it(company, options, product):
    """RFC 4180, 2.7. With a backslash as escape, Spark keeps the text as it is."""
    company.source("purchases", TRANSACTIONS, options=options)
    company.file("purchases/a.csv", HEADER, 'c1,o1,"a""b3",2018-05-01 10:00:00,1,9.99,0.50')
    company.ingest()
    assert company.rows("silver.transactions", "product_id") == [(product,)]


@pytest.mark.parametrize("is_kept", [True, False])
def test_an_unmapped_address_of_an_order_is_not_in_the_delta_log(company, is_kept):
    """Minimum and maximum of a column would keep two addresses after a person is erased."""
    company.source("purchases", TRANSACTIONS, keep_unmapped=is_kept)
    lines = [f"c{n},o{n},p1,2018-05-01 10:00:00,1,9.99,0.50,z{n}@marker.example" for n in range(9)]
    company.file("purchases/day1.csv", HEADER + ",Mail", *lines)
    company.ingest()
    logs = company.root.glob("*/*/_delta_log/*.json")
    assert not any("marker.example" in log.read_text() for log in logs)
    stored = company.frame("bronze.purchases")
    assert ("Mail" in stored.columns) is is_kept
    assert stored.where("_rescued is not null").count() == 0
    assert company.frame("silver.transactions").count() == 9


def test_a_warning_about_a_bad_row_has_file_value_rule_and_fix(company):
    company.source("purchases", TRANSACTIONS)
    company.file(
        "purchases/may.csv",
        HEADER,
        ",o1,p1,2018-05-01 10:00:00,1,9.99,",
        "c1,o2,p1,2018-06-02 00:00:00,1,9.99,",
        "c1,o3,p1,2018-05-01 10:00:00,1,twelve,",
        "c1,o4",
        "c1,o5,p1,2018-05-01 10:00:00,1,9.99,",
        "c1,o5,p1,2018-05-01 10:00:00,1,8.88,",
    )
    mail = {"customer_id": "id", "monthly_charge": "charge", "email": "lower(mail)"}
    company.source("crm", {"table": "customers", "format": "csv", "mapping": mail})
    company.file("crm/june.csv", "id,charge,mail", "c1,free,a@x.org", "c2,9,=cmd()", "c3,b@x.org")
    company.ingest("2018-06-01", ingest={"max_quarantined_share": 1.0})

    def warning(source, what):
        return (
            f"{source}: {what}. Rows with this reason, for silver.quarantine: 1. Fix the file, or "
            f"fix sources.{source} in conf and run ingest with --replay {source}."
        )

    assert [w for w in company.said.warnings if "profile" not in w] == [
        warning("purchases", f"may.csv, {what}")
        for what in (
            "price = 'twelve': amount_type, the value cannot be read as the type of its column",
            "customer = null: customer_id_not_null, customer_id must have a value",
            "the row = 'c1,o4': malformed_row, the row has too few or too many columns, or is not "
            "a JSON object",
            "time = '2018-06-02 00:00:00': purchased_at_not_future, purchased_at must not be later "
            "than the time the row arrived",
            "order = 'o5', product = 'p1': unique_key, an earlier row has the same key and "
            "different content",
        )
    ] + [
        warning("crm", f"june.csv{what}")
        for what in (
            # Addresses are personal. No message shows one, nor a row that may hold one.
            ": email_formula, email must not be a spreadsheet formula",
            ": malformed_row, the row has too few or too many columns, or is not a JSON object",
            ", charge = 'free': monthly_charge_type, the value cannot be read as the type of its "
            "column",
        )
    ]


def test_over_the_limit_nothing_is_written(rotten):
    with pytest.raises(QualityGateError) as caught:
        rotten.ingest()
    env = rotten.context().settings.env
    # 16 kinds of 100 bad rows, two of them malformed. The events stay under 5 %.
    assert str(caught.value) == (
        "purchases: 1,600 of 10,000 rows (16.0%) would be quarantined, the limit is 5.0%. Most "
        "frequent reasons: malformed_row 200, amount_in_range 100, amount_not_null 100, "
        "amount_type 100, customer_id_encoding 100. malformed_row means: the row has too few or "
        "too many columns, or is not a JSON object.\n"
        f"Nothing was written. Fix the source or its mapping in conf/{env}.yaml, set a rule's "
        "severity to warn, or raise ingest.max_quarantined_share."
    )
    assert caught.value.exit_code == 3
    assert rotten.versions() == {}
