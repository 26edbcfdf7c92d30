"""Files and tables in a bucket, without a JVM: a local S3 server in a process of its own."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import socket
import time

import pyarrow as pa
import pytest
import yaml

from contracts.table import Column, Table
from jobs import build_features
from pipelines.ingestion import sample_check
from pipelines.ingestion.local_files import local_files, source_file
from pipelines.ingestion.sample_rows import read_sample
from pipelines.outreach.delivery import Journal
from pipelines.outreach.sinks import FileSink
from runtime import file_systems
from runtime.context import Context
from runtime.errors import StoreError
from runtime.files import Location
from runtime.lakehouse.writes import Write
from runtime.run_info import RunInfo
from runtime.settings import load, use_conf_dir
from tests.jobs.ingest_lake import Said
from tests.s3_server import s3_server
from tests.unit.pipelines.outreach.conftest import contact_of

pytestmark = [pytest.mark.acceptance, pytest.mark.duckdb_only]

_numbers = itertools.count()
DAY, NEXT = dt.date(2018, 1, 1), dt.date(2018, 1, 2)
SCORES = Table(
    "gold.scores",
    "a customer's score.",
    (
        Column("customer_id", "string", "Who", False),
        Column("as_of", "date", "When", False),
        Column("score", "double", "A probability"),
    ),
    key=("customer_id", "as_of"),
    slice_by="as_of",
)
REFUSED = (
    "cannot be used: the store refuses the credentials of the environment, or there are none. Set "
    "the variables that docs/platforms.md lists under Object stores, and check what this user may "
    "read and write."
)
SILENT = (
    "cannot be used: the store does not answer. Check the address, the network and, for a server "
    "of your own, AWS_ENDPOINT_URL."
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3") / "server.log") as running:
        yield running


@pytest.fixture
def root(server):
    """The root of a lakehouse in a bucket of its own."""
    bucket = f"shop-{next(_numbers)}"
    server.make_bucket(bucket)
    return Location.of(f"s3a://{bucket}/lake")


def test_a_report_is_replaced_only_if_it_changed(root):
    file = root / "report.html"
    assert file.read() is None
    file.write(b"one")
    before = file.modified_ms
    with open(__file__, "rb") as text:
        assert file.update(text)
    with open(__file__, "rb") as text:
        assert not file.update(text)
    assert file.modified_ms >= before
    with open(__file__, "rb") as text:
        assert file.read() == text.read()


def test_outbox_and_journal_survive_a_killed_run(root):
    contacts = [contact_of(n) for n in range(3)]
    sink, journal = FileSink(root / "outbox"), Journal(root / "outbox.journal")
    for contact in contacts:
        sink.send(contact)
        journal.note(contact.contact_id)
    sent = [json.loads(f.read()) for f in (root / "outbox").files()]
    assert [s["contact_id"] for s in sent] == sorted(c.contact_id for c in contacts)
    again = Journal(root / "outbox.journal")
    assert again.taken == {c.contact_id for c in contacts}
    again.forget(c.contact_id for c in contacts[:2])
    assert Journal(root / "outbox.journal").taken == {contacts[2].contact_id}
    again.forget([contacts[2].contact_id])
    assert not (root / "outbox.journal").is_file


def test_a_sample_is_read_from_a_bucket(root):
    for name, text in (("b.csv", "id,paid\n2,3\n"), ("a.csv", "id,paid\n1,2\n"), ("_x", "")):
        (root / "in" / name).write(text.encode())
    files = local_files("orders", f"{root}/in/*.csv")
    assert (
        files == local_files("orders", f"{root}/in")[:2] == [root / "in/a.csv", root / "in/b.csv"]
    )
    sample = read_sample("orders", "csv", files, options={})
    assert sample.table.column("id").to_pylist() == ["1", "2"]
    listed = source_file("orders", files[0])
    assert (listed.path, listed.length, listed.is_local) == (f"{root}/in/a.csv", 12, False)


def test_check_reads_a_source_and_its_lookup_in_a_bucket(root, tmp_path):
    (root / "in" / "day 1.csv").write(b"no,who,at,sum\n1,a,2024-07-01,1.5\n2,b,x,2.5\n")
    (root / "shops.csv").write(b"who,currency\na,EUR\nb,EUR\n")
    mapping = {"customer_id": "who", "order_id": "no", "purchased_at": "at", "amount": "sum"}
    source = {
        **{"table": "transactions", "format": "csv", "path": f"{root}/in/*.csv"},
        "mapping": {**mapping, "currency": "currency"},
        "lookups": {"shops": {"format": "csv", "path": f"{root}/shops.csv", "join_on": ["who"]}},
    }
    conf = {"sources": {"orders": source}, "ingest": {"max_quarantined_share": 0.5}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**conf, "currency": "EUR"}))
    use_conf_dir(str(tmp_path))
    try:
        context = Context(load("mine"), RunInfo("check"), Said(), is_dry=True)
        sample_check.run(context)
    finally:
        use_conf_dir(None)
    assert context.progress.lines[0] == (
        "orders: 1 file, 2 rows in = 1 kept + 1 quarantined + 0 exact duplicates\n"
        "      quarantined: purchased_at_type 1"
    )


@pytest.fixture
def lake(root):
    from runtime.lakehouse.duck_lake import DuckLake

    values = load("demo", lakehouse={"root": str(root)}, mlflow={"tracking_uri": "http://x"})
    return DuckLake(values, RunInfo("test"))


def rows_of(lake):
    return sorted(tuple(r.values()) for r in lake.stream(lake.read(SCORES)))


def scores(lake, *rows, day=DAY):
    content = pa.table(
        {
            "customer_id": [r[0] for r in rows],
            "as_of": pa.array([day] * len(rows), pa.date32()),
            "score": [r[1] for r in rows],
        }
    )
    return Write(SCORES, lake._frame(content, SCORES.column_names), slices=[day])


def test_a_table_is_written_changed_and_restored_in_a_bucket(lake, monkeypatch):
    assert not lake.exists("gold.scores") and lake.version("gold.scores") is None
    lake.commit([scores(lake, ("c1", 0.5), ("c2", 0.25))])
    first = lake.version("gold.scores")
    lake.commit([scores(lake, ("c1", 0.75))])
    assert rows_of(lake) == [("c1", DAY, 0.75)]
    assert lake.content_version("gold.scores") == lake.version("gold.scores") == first + 1
    assert lake.written_at("gold.scores") is not None
    assert not lake.commit([scores(lake, ("c1", 0.75))])[0].is_changed

    def broken(write, content):
        raise KeyboardInterrupt

    real = lake._write
    monkeypatch.setattr(lake, "_write", lambda w, c: (real(w, c), broken(w, c)))
    with pytest.raises(KeyboardInterrupt):
        lake.commit([scores(lake, ("c9", 0.1), day=NEXT)])
    assert rows_of(lake) == [("c1", DAY, 0.75)]


def test_a_table_of_a_failed_first_commit_is_removed(lake, root, monkeypatch):
    real = lake._write

    def broken(write, content):
        real(write, content)
        raise KeyboardInterrupt

    monkeypatch.setattr(lake, "_write", broken)
    with pytest.raises(KeyboardInterrupt):
        lake.commit([scores(lake, ("c1", 0.5))])
    assert not lake.exists("gold.scores")
    assert root.files(is_recursive=True) == []


# ---------------------------------------------------------------------- bad input


def refused(root, capsys, tmp_path):
    """What build_features says of a root."""
    (tmp_path / "shop.yaml").write_text(
        f"lakehouse: {{root: '{root}'}}\nmlflow: {{tracking_uri: 'http://127.0.0.1:1'}}\n"
    )
    began = time.monotonic()
    try:
        with pytest.raises(SystemExit) as caught:
            build_features.command(env="shop", conf_dir=str(tmp_path), engine="duckdb")
    finally:
        use_conf_dir(None)
    assert caught.value.code == 1
    assert time.monotonic() - began < 60
    return capsys.readouterr().err


def test_a_bucket_that_does_not_exist(server, capsys, tmp_path):
    assert refused("s3a://no-such-shop/lake", capsys, tmp_path) == (
        "holdfast build_features: s3a://no-such-shop/lake: cannot be used: there is no such bucket. "
        "Create it, or fix the address.\n"
    )


def test_wrong_credentials(server, root, capsys, tmp_path):
    server.refuse_keys()
    try:
        assert refused(root, capsys, tmp_path) == f"holdfast build_features: {root}: {REFUSED}\n"
    finally:
        server.accept_keys()
    assert root.files(is_recursive=True) == []


def test_a_server_that_is_not_there(server, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    said = refused("s3a://shop/lake", capsys, tmp_path)
    assert said == f"holdfast build_features: s3a://shop/lake: {SILENT}\n"


def test_a_server_that_never_answers(server, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(file_systems, "REQUEST_SECONDS", 1)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        said = refused("s3a://shop/lake", capsys, tmp_path)
    assert said == f"holdfast build_features: s3a://shop/lake: {SILENT}\n"


def test_an_outbox_that_cannot_be_reached_keeps_its_contacts(server, root, monkeypatch):
    from pipelines.outreach.contact import NotSentError

    server.refuse_keys()
    try:
        with pytest.raises(NotSentError) as caught:
            FileSink(root / "outbox").send(contact_of())
    finally:
        server.accept_keys()
    assert (caught.value.reason, caught.value.is_final) == ("connection", False)


def test_a_bucket_in_an_error_is_no_secret(root):
    with pytest.raises(StoreError) as caught:
        Location.of("s3a://no-such-shop/x").write(b"1")
    assert "qzs" not in str(caught.value) and "AKIA" not in str(caught.value)
