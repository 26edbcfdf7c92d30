"""erase_customer on a small lake: no byte of the person is left, nobody else's row changes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from pipelines.erasure import customer_erasure
from pipelines.erasure.customer_erasure import ErasureOptions
from runtime.errors import UsageError
from runtime.lakehouse import erasing
from runtime.lakehouse.writes import Write
from tests.jobs.decision_lake import AS_OF, rows_of
from tests.jobs.ingest_lake import TRANSACTIONS

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
ANNA, EMAIL, NAME = "aa-00471", "annabellexq@erase.example", "Annabellexq"
BERT = "zz-00815"
CONTACT = hashlib.md5(b"anna").hexdigest()
OF_ANNA = (ANNA, EMAIL, NAME, CONTACT)
OTHERS = [f"mm-{n:05d}" for n in range(20)]
MEMBERS = {
    "table": "customers",
    "format": "csv",
    "mapping": {"customer_id": "id", "first_name": "name", "email": "mail", "plan": "plan"},
}
TICKETS = {
    "table": "support_tickets",
    "format": "csv",
    "key": ["ticket_id"],
    "mapping": {
        "ticket_id": "ticket",
        "customer_id": "nullif(id, '')",
        "opened_at": "opened",
        "text": "text",
    },
}
ANSWERS = {
    "table": "survey_answers",
    "format": "csv",
    "mapping": {"customer_id": "id", "answered_at": "time", "score": "score", "text": "text"},
}
ONE_DAY = dt.datetime(2018, 8, 1, tzinfo=dt.UTC)


class Killed(BaseException):
    """The process ended here."""


def lines_of(person, name, mail):
    return f"{person},{name},{mail},basic"


def write_files(company, day, tag=""):
    people = [(i, f"Name{i[3:]}", f"{i}@other.example") for i in OTHERS]
    people += [(ANNA, NAME, EMAIL), (BERT, "Bertramxq", "bertramxq@erase.example")]
    company.file(
        f"members/{tag}{day}.csv", "id,name,mail,plan", *[lines_of(*p) for p in people], day=day
    )
    bought = [f"{i},{tag}{day}-{n},p1,{day} 09:00:00,1,5.00,0" for n, (i, *_) in enumerate(people)]
    company.file(
        f"receipts/{tag}{day}.csv",
        "customer,order,product,time,pieces,price,rebate",
        *bought,
        f"{ANNA},{tag}{day}-bad,p1,{day} 10:00:00,1,not-a-price,0",
        f"{OTHERS[0]},{tag}{day}-bad,p1,{day} 10:00:00,1,not-a-price,0",
        # Too many columns, so that no mapping can read it.
        f"{ANNA},{tag}{day}-long,p1,{day} 10:00:00,1,5.00,0,{EMAIL},x",
        day=day,
    )
    company.file(
        f"tickets/{tag}{day}.csv",
        "ticket,id,opened,text",
        f'{tag}{day}-1,{ANNA},{day} 11:00:00,"I am {NAME}"',
        f'{tag}{day}-2,,{day} 11:00:00,"please write to {EMAIL}."',
        f'{tag}{day}-3,,{day} 11:00:00,"nobody knows whose"',
        f'{tag}{day}-4,{OTHERS[1]},{day} 11:00:00,"too slow"',
        day=day,
    )
    company.file(
        f"answers/{tag}{day}.csv",
        "id,time,score,text",
        f"{ANNA},{day} 12:00:00,3,{NAME} says no",
        f"{OTHERS[2]},{day} 12:00:00,9,fine",
        day=day,
    )


def write_gold(context):
    people = [*OTHERS, ANNA, BERT]
    tables = {
        "features.transactions": [{"customer_id": i, "total_orders": 2} for i in people],
        "gold.customer_scores": [{"customer_id": i, "churn_probability": 0.5} for i in people],
        "gold.risk_factors": [{"customer_id": i, "rank": 1, "feature": "x"} for i in people],
        "gold.messages": [
            {"customer_id": i, "campaign_id": "c", "text": f"Hello {NAME if i == ANNA else i}"}
            for i in people
        ],
        "gold.outbox": [
            {
                "customer_id": i,
                "contact_id": CONTACT if i == ANNA else hashlib.md5(i.encode()).hexdigest(),
            }
            for i in people
        ],
        "gold.outbox_deliveries": [
            {
                "customer_id": i,
                "contact_id": CONTACT if i == ANNA else hashlib.md5(i.encode()).hexdigest(),
            }
            for i in people
        ],
        "gold.inference_log": [
            {"request_id": f"r{n}", "customer_id": i, "features": json.dumps({"id": i})}
            for n, i in enumerate(people)
        ],
    }
    writes = []
    for name, rows in tables.items():
        table = context.table(name)
        mode = "slice" if table.slice_by else "merge"
        writes.append(Write(table, rows_of(context, name, rows), [AS_OF], mode, is_checked=False))
    context.lake.commit(writes)


@pytest.fixture
def firm(company):
    company.source("members", MEMBERS)
    company.source("receipts", TRANSACTIONS)
    company.source("tickets", TICKETS)
    company.source("answers", ANSWERS)
    return company


def filled(firm):
    """Two ingests, so that tables have versions; gold twice; files of outbox and report."""
    for day, known_at in (("2018-06-01", "2018-06-03"), ("2018-06-02", "2018-06-04")):
        write_files(firm, day)
        firm.ingest(known_at, ingest={"max_quarantined_share": 0.5})
        write_gold(firm.context())
    outbox = firm.root / "outbox"
    outbox.mkdir()
    (outbox / f"{CONTACT}.json").write_text(json.dumps({"to": EMAIL}))
    (outbox / f"{'0' * 32}.json").write_text("{}")
    (firm.root / "outbox.journal").write_text(f"{CONTACT}\n{'0' * 32}\n")
    (firm.root / "report.html").write_text(f"call {ANNA}")
    (firm.root / "report-contacts.csv").write_text(f"1,{ANNA}")


def erase(firm, *ids, **options):
    context = firm.context(service={"redis": {"url": None}})
    customer_erasure.run(context, ErasureOptions(ids, now=ONE_DAY, **options))
    return context


def texts_of(root: Path):
    """(path, text) of every file: the bytes, and the values of Parquet, checkpoints too."""
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        if path.suffix == ".parquet":
            yield path, json.dumps(pq.read_table(path).to_pylist(), default=str)
        yield path, raw.decode("latin-1")


def places(root, values):
    """The files in which a value stands."""
    return sorted(
        {
            str(path.relative_to(root))
            for path, text in texts_of(root)
            for value in values
            if value.lower() in text.lower()
        }
    )


def others_rows(root, gone):
    """A hash of all rows of each table that do not hold one of these values."""
    hashes = {}
    for log in sorted(root.glob("*/*/_delta_log")):
        name = f"{log.parents[1].name}.{log.parent.name}"
        rows = [
            json.dumps(r, default=str)
            for r in DeltaTable(str(log.parent)).to_pyarrow_table().to_pylist()
        ]
        kept = sorted(r for r in rows if not any(v.lower() in r.lower() for v in gone))
        hashes[name] = (len(kept), hashlib.sha256("\n".join(kept).encode()).hexdigest())
    return {n: h for n, h in hashes.items() if n not in ("gold.erasures", "silver.erasure_list")}


def test_no_byte_is_left_and_a_killed_run_is_finished_by_the_next(firm, monkeypatch, spark):
    filled(firm)
    root = firm.root
    before = others_rows(root, OF_ANNA)
    assert len(places(root, [ANNA])) > 30 and len(places(root, [NAME])) > 5
    assert len(before) > 10

    # Killed at each point in turn. Each next run is killed one table later.
    passed: list[str] = []
    for point, turn in (
        ("erase_files", 1),
        ("erase_deleted", 2),
        ("erase_checkpointed", 9),
    ):
        seen: list[str] = []

        def kill(name, point=point, turn=turn, seen=seen):
            seen.append(name)
            if name == point and seen.count(point) == turn:
                raise Killed(point)

        for module in (customer_erasure, erasing):
            monkeypatch.setattr(module, "fault_point", kill)
        with pytest.raises(Killed):
            erase(firm, ANNA)
        passed.append(point)
        assert places(root, [EMAIL, ANNA]), point
        context = firm.context()
        begun = context.read("gold.erasures").collect()
        assert [(r["done_at"], r["rows_removed"] > 20) for r in begun] == [(None, True)]
    monkeypatch.undo()
    erase(firm, ANNA)

    assert places(root, OF_ANNA) == []
    assert others_rows(root, OF_ANNA) == before
    certificate = firm.context().read("gold.erasures").collect()
    assert len(certificate) == 1
    row = certificate[0]
    assert row["done_at"] is not None and row["is_log_clean"] is True
    assert row["rows_removed"] == expected_rows()
    assert set(row["tables_touched"].split(", ")) >= {"bronze.members", "gold.inference_log"}
    # The files of others are left. The report named customers.
    assert [p.name for p in (root / "outbox").iterdir()] == [f"{'0' * 32}.json"]
    assert (root / "outbox.journal").read_text() == f"{'0' * 32}\n"
    assert not (root / "report.html").exists()

    # No old version, no restored one, no delivered file brings the person back.
    version = DeltaTable(str(root / "silver/customers")).version()
    for old in range(version):
        with pytest.raises(Exception, match=r"(?i)log|version|file"):
            spark.read.format("delta").option("versionAsOf", old).load(
                str(root / "silver/customers")
            ).collect()
    write_files(firm, "2018-06-01", tag="again")
    context = firm.ingest("2018-07-01", ingest={"max_quarantined_share": 0.5})
    said = " ".join(context.progress.lines)
    assert "members: 1 file, 22 rows in" in said and "+ 1 of erased customers" in said
    firm.ingest("2018-07-02", replay="receipts", ingest={"max_quarantined_share": 0.9})
    assert places(root, OF_ANNA) == []
    log = firm.rows("bronze.ingest_log", "source", "rows_in", "rows_erased")
    assert {(s, e) for s, _, e in log if e} == {
        ("members", 1),
        ("receipts", 3),
        ("tickets", 2),
        ("answers", 1),
    }
    # Another key would let everybody back in.
    monkeypatch.setenv("HOLDFAST_ERASURE_KEY", "another key, which has enough characters")
    with pytest.raises(UsageError, match="digests of another key"):
        firm.ingest("2018-07-03")


def expected_rows():
    bronze = 2 * (1 + 3 + 2 + 1)  # two days: profile; 3 receipts; 2 tickets; answer
    quarantine = 2 * 2  # the bad price and the malformed row
    silver = 1 + 2 * (1 + 2 + 1)  # one version; purchase, 2 tickets, answer
    gold = 7  # one row per table of write_gold, the second one replaces the first
    return bronze + quarantine + silver + gold


def test_a_thousand_customers_cost_at_most_twice_one(firm):
    people = [f"kk-{n:05d}" for n in range(1_100)]
    lines = [lines_of(i, "Ada", f"{i}@other.example") for i in people]
    firm.file("members/all.csv", "id,name,mail,plan", *lines)
    bought = [f"{i},o{n},p1,2018-06-01 09:00:00,1,5.00,0" for n, i in enumerate(people)]
    firm.file("receipts/all.csv", "customer,order,product,time,pieces,price,rebate", *bought)
    firm.file("tickets/all.csv", "ticket,id,opened,text")
    firm.file("answers/all.csv", "id,time,score,text")
    firm.ingest("2018-06-03")
    erase(firm, people[0])  # the JVM compiles
    seconds = []
    for some in (people[1:2], people[2:1_002]):
        began = time.monotonic()
        erase(firm, *some)
        seconds.append(time.monotonic() - began)
    print(f"one customer {seconds[0]:.1f} s, 1,000 customers {seconds[1]:.1f} s")
    assert seconds[1] <= 2 * seconds[0]
    assert places(firm.root, people[:1_002][::50]) == []
    kept = {(i,) for i in people[1_002:]}
    assert set(firm.rows("silver.customers", "customer_id")) == kept
    done = firm.rows("gold.erasures", "rows_removed", "is_log_clean")
    assert done == [(4, True)] * 1_002  # profile and purchase, in bronze and in silver
