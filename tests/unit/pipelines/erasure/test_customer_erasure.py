"""The order of an erasure on real Delta tables without a JVM: DuckDB finds rows, delta-rs deletes.

tests/jobs/test_erase_customer.py runs the same on Spark, with quarantine and ingest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from contextlib import nullcontext
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from contracts.bronze import source_table
from contracts.catalog import tables
from runtime import settings
from runtime.context import Context
from runtime.errors import BusyError, UsageError
from runtime.files import Location
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.lakehouse.delta_tables import opened
from runtime.lakehouse.erasing import PROPERTY, clean_log
from runtime.progress import Progress
from runtime.run_info import RunInfo
from tests.unit.service.test_inference_log import answer
from udfs.keyed_digests import keyed_digest

# It needs Spark, and reads only lookups here, which no source of this test has.
_READERS = "pipelines.ingestion.readers"
with pytest.MonkeyPatch.context() as _patch:
    _patch.setitem(sys.modules, _READERS, ModuleType(_READERS))
    from pipelines.erasure import customer_erasure, person_tables
    from pipelines.erasure.customer_erasure import ErasureOptions, run

ANNA, EMAIL, NAME = "aa-00471", "annabellexq@erase.example", "Annabellexq"
# First and last of all ids, so that statistics of files name both.
OTHERS = [f"mm-{n:03d}" for n in range(8)] + ["zz-00815"]
CONTACTS = {i: hashlib.md5(i.encode()).hexdigest() for i in (ANNA, *OTHERS)}
KEY = "0123456789abcdef0123456789abcdef"
DAYS = (dt.date(2018, 1, 1), dt.date(2018, 1, 2))
NOW = dt.datetime(2018, 2, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2018, 2, 2, tzinfo=dt.UTC)
SOURCES = {
    "members": {"table": "customers", "mapping": {"customer_id": "no", "email": "mail"}},
    "answers": {
        "table": "survey_answers",
        "mapping": {"token": "token", "answered_at": "t", "score": "s"},
    },
}
BRONZE = {
    "members": {"no": "string", "mail": "string", "phone": "string"},
    "answers": {"token": "string", "t": "string", "s": "double"},
}
WITH_CUSTOMERS = ("gold.customer_scores", "gold.messages", "gold.outbox")


def of_bronze(name, day):
    meta = {"_batch_id": f"b{day}", "_file": "f.csv", "_known_at": NOW}
    people = [ANNA, *OTHERS]
    if name == "members":
        rows = [{"no": i, "mail": EMAIL if i == ANNA else f"{i}@o.example"} for i in people]
        rows += [
            {"_rescued": json.dumps({"_malformed": f"x;{ANNA};y"})},
            {"_rescued": json.dumps({"_malformed": f"x;{OTHERS[0]};y"})},
            {"phone": "nobody's"},
        ]
    else:
        rows = [{"token": f"{CONTACTS[i]}.20240101.sig", "s": 1.0} for i in (ANNA, OTHERS[0])]
    return [{**meta, **row} for row in rows]


def of_contract(table, day):
    """One row per customer, with a value in each required column."""
    plain = {"string": "x", "date": day, "timestamp": NOW, "boolean": False, "double": 0.5}
    for customer in (ANNA, *OTHERS):
        row = {c.name: plain.get(c.type, 1) for c in table.columns if not c.nullable}
        own = {"customer_id": customer, "contact_id": CONTACTS[customer], "as_of": day}
        own |= {"text": f"Hello {NAME}" if customer == ANNA else "Hello you"}
        own |= {"first_name": NAME if customer == ANNA else "Bob"}
        own |= {"email": EMAIL.upper() if customer == ANNA else f"{customer}@o.example"}
        yield {**row, **{k: v for k, v in own.items() if k in table.column_names}}


def written(root, table, rows):
    path = root / table.layer / table.short_name
    opened(str(path), table)
    write_deltalake(path, pa.Table.from_pylist(rows, schema=arrow_schema(table)), mode="append")


@pytest.fixture
def lake(tmp_path, monkeypatch):
    root = tmp_path / "lakehouse"
    for day in DAYS:
        for name, types in BRONZE.items():
            written(root, source_table(name, types), of_bronze(name, day))
        for name in (*WITH_CUSTOMERS, "silver.customers"):
            written(root, tables()[name], list(of_contract(tables()[name], day)))
    (root / "outbox").mkdir()
    for contact in CONTACTS.values():
        (root / "outbox" / f"{contact}.json").write_text(json.dumps({"id": contact}))
    (root / "outbox" / f".{CONTACTS[ANNA]}.json.draft").write_text(EMAIL)
    (root / "outbox.journal").write_text(f"{CONTACTS[ANNA]}\n{CONTACTS[OTHERS[0]]}\n")
    (root / "report-contacts.csv").write_text(ANNA)
    (root / "temporary_x").mkdir()
    (root / "temporary_x" / "part").write_text(ANNA)
    monkeypatch.setenv("HOLDFAST_ERASURE_KEY", KEY)
    monkeypatch.setattr(customer_erasure, "session_setting", lambda *_: nullcontext())
    # DuckDB's lake reads the columns of the contract, Spark's all columns of the table.
    monkeypatch.setattr(person_tables, "source_table", lambda n, _: source_table(n, BRONZE[n]))
    monkeypatch.setattr(person_tables, "time_zone", lambda spark, zone: nullcontext())
    monkeypatch.setattr(customer_erasure, "delete_rows", deleted_by_delta_rs)
    monkeypatch.setattr(customer_erasure, "forget_history", forgotten_by_delta_rs)
    return root


def deleted_by_delta_rs(lake, name, rows, *, on):
    condition = " AND ".join(f'(kept."{c}" IS NOT DISTINCT FROM gone."{c}")' for c in on)
    gone = rows.toArrow()
    gone = gone.rename_columns([c.strip("`") for c in gone.column_names])  # sqlframe keeps quotes
    merge = DeltaTable(lake.path(name)).merge(
        gone, condition, source_alias="gone", target_alias="kept"
    )
    merge.when_matched_delete().execute()


def forgotten_by_delta_rs(lake, name, moment):
    delta = DeltaTable(lake.path(name))
    delta.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    delta.alter.set_table_properties({PROPERTY: moment}, raise_if_not_exists=False)
    clean_log(Location.of(lake.path(name)))
    return True


def context_of(root, is_dry=False, **changes):
    base = {"format": "csv", "path": "/none"}
    conf = settings.load(
        "demo",
        **{
            "lakehouse": {"root": str(root), "lease_seconds": 1, "lease_wait_seconds": 1.5},
            "sources": {name: {**base, **source} for name, source in SOURCES.items()},
            "service": {"redis": {"url": None}},
            **changes,
        },
    )
    # A deep merge of settings keeps the sources of the demo.
    conf = conf.model_copy(
        update={"sources": {n: s for n, s in conf.sources.items() if n in SOURCES}}
    )
    context = Context(
        conf, RunInfo("erase_customer"), Progress(is_quiet=True), is_dry=is_dry, engine="duckdb"
    )
    context.__dict__["spark"] = context.lake.session
    return context


def places(root, values):
    names = set()
    for path in (p for p in root.rglob("*") if p.is_file() and ".leases" not in p.parts):
        text = path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            text += json.dumps(pq.read_table(path).to_pylist(), default=str)
        names |= {str(path.relative_to(root)) for v in values if v.lower() in text.lower()}
    return names


def rows_of(root, name):
    layer, _, short = name.partition(".")
    rows = DeltaTable(root / layer / short).to_pyarrow_table().to_pylist()
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)


OF_ANNA = (ANNA, EMAIL, NAME, CONTACTS[ANNA])
TABLES = ("bronze.members", "bronze.answers", "silver.customers", *WITH_CUSTOMERS)


def others(root):
    return {
        name: [r for r in rows_of(root, name) if not any(v.lower() in r.lower() for v in OF_ANNA)]
        for name in TABLES
    }


POINTS = ("erase_listed", "erase_files", *["erase_deleted", "erase_table"] * len(TABLES))


# DuckDB takes seconds to plan a run: the first points, one in the middle and the last.
@pytest.mark.parametrize("stop", [None, 1, 2, 7, len(POINTS)])
def test_nothing_is_left_of_the_customer_and_all_of_the_others(lake, monkeypatch, stop):
    before, passed = others(lake), []

    def fault_point(name):
        passed.append(name)
        if len(passed) == stop:
            raise KeyboardInterrupt(name)

    monkeypatch.setattr(customer_erasure, "fault_point", fault_point)
    if stop is not None:
        with pytest.raises(KeyboardInterrupt, match=POINTS[stop - 1]):
            run(context_of(lake), ErasureOptions((ANNA,), now=NOW))
        (row,) = DeltaTable(lake / "gold/erasures").to_pyarrow_table().to_pylist()
        assert row["done_at"] is None and row["requested_at"] == NOW
    run(context_of(lake), ErasureOptions((ANNA,), now=LATER))

    assert places(lake, OF_ANNA) == set()
    assert others(lake) == before
    (row,) = DeltaTable(lake / "gold/erasures").to_pyarrow_table().to_pylist()
    digest = keyed_digest(ANNA, KEY.encode())
    assert row["customer_digest"] == digest
    assert row["requested_at"] == (LATER if stop is None else NOW) and row["done_at"] == LATER
    # Of each day: profile and malformed row, answer; profile; three tables.
    assert row["rows_removed"] == 2 * (2 + 1 + 1 + 3)
    assert row["tables_touched"] == ", ".join(sorted(TABLES))
    listed = DeltaTable(lake / "silver/erasure_list").to_pyarrow_table()["digest"].to_pylist()
    values = (ANNA, EMAIL, CONTACTS[ANNA])
    assert sorted(listed) == sorted(keyed_digest(v, KEY.encode()) for v in values)
    for name in TABLES:
        folder = lake / name.replace(".", "/")
        with pytest.raises(Exception, match="log segment"):
            DeltaTable(folder, version=1)
    assert sorted(p.name for p in (lake / "outbox").iterdir()) == sorted(
        f"{CONTACTS[i]}.json" for i in OTHERS
    )
    assert (lake / "outbox.journal").read_text() == f"{CONTACTS[OTHERS[0]]}\n"
    assert not (lake / "report-contacts.csv").exists() and not (lake / "temporary_x").exists()
    if stop is None:
        assert tuple(passed) == POINTS


def test_several_customers_have_a_certificate_each_and_a_dry_run_writes_nothing(lake):
    before = {p: p.read_bytes() for p in lake.rglob("*") if p.is_file()}
    run(context_of(lake, is_dry=True), ErasureOptions((ANNA, OTHERS[0]), now=NOW))
    assert {p: p.read_bytes() for p in lake.rglob("*") if p.is_file()} == before

    run(context_of(lake), ErasureOptions((ANNA, OTHERS[0], "unknown"), now=NOW))
    rows = DeltaTable(lake / "gold/erasures").to_pyarrow_table().to_pylist()
    removed = {row["customer_digest"]: row["rows_removed"] for row in rows}
    assert removed == {
        keyed_digest(ANNA, KEY.encode()): 14,
        keyed_digest(OTHERS[0], KEY.encode()): 14,
        keyed_digest("unknown", KEY.encode()): 0,
    }
    assert places(lake, [*OF_ANNA, OTHERS[0], CONTACTS[OTHERS[0]]]) == set()


def test_a_bronze_table_of_no_source_stops_before_anything_is_erased(lake):
    written(lake, source_table("old", {"no": "string"}), of_bronze("answers", DAYS[0])[:0])
    before = {name: rows_of(lake, name) for name in TABLES}
    with pytest.raises(UsageError) as fault:
        run(context_of(lake), ErasureOptions((ANNA,), now=NOW))
    assert str(fault.value) == (
        "bronze.old: conf/demo.yaml has no source old, so nobody can tell whose rows it has. Nothing "
        "was erased. Put the source back into conf, or delete the table."
    )
    assert {name: rows_of(lake, name) for name in TABLES} == before


def test_another_command_or_a_service_at_work_stops_it_unless_forced(lake):
    busy = context_of(lake)
    with busy.leases.on(["gold.drift"]):  # of a table without customers
        with pytest.raises(BusyError, match=r"gold\.drift"):
            run(context_of(lake), ErasureOptions((ANNA,), now=NOW))
        assert places(lake, [ANNA])
        run(context_of(lake), ErasureOptions((ANNA,), is_forced=True, now=NOW))
    assert places(lake, OF_ANNA) <= {"temporary_x/part"}


def test_a_spool_is_erased_too(lake):
    from service.spool import Segments

    spool = Segments(lake / "spool" / "inference_log", "one")
    spool.write(answer(1, customer_id=ANNA).line() + answer(2, customer_id=OTHERS[0]).line())
    with pytest.raises(BusyError, match="the prediction service writes answers here"):
        run(context_of(lake), ErasureOptions((ANNA,), now=NOW))
    spool._lock.close()
    run(context_of(lake), ErasureOptions((ANNA,), now=NOW))
    (left,) = (lake / "spool" / "inference_log").glob("*.jsonl")
    assert left.read_bytes() == answer(2, customer_id=OTHERS[0]).line()
