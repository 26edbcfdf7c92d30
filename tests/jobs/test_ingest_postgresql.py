"""Rows of a real PostgreSQL: incremental by a cursor, late rows, and a server that goes away.

Skipped without PostgreSQL's programs. `bin/setup acceptance` installs its JDBC driver.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from py4j.protocol import Py4JError

from runtime.errors import SourceError
from tests.jobs.ingest_lake import TRANSACTIONS

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
PORT = "55439"
OPTIONS = {"url": f"jdbc:postgresql://127.0.0.1:{PORT}/postgres", "user": "reader"}
OPTIONS["driver"] = "org.postgresql.Driver"
PASSWORD = "pw-of-reader"


def programs():
    """The folder of initdb and pg_ctl: on PATH, or where Debian installs them."""
    initdb = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return Path(initdb).resolve().parent if initdb else next(iter(folders[::-1]), None)


class Postgres:
    """A cluster of its own in a temporary folder. initdb refuses to run as root."""

    def __init__(self, folder):
        self.folder, self.data = folder, folder / "data"
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            os.chown(folder, pwd.getpwnam(self.user).pw_uid, -1)
        (folder / "password").write_text(PASSWORD)
        os.chmod(folder / "password", 0o644)
        self.call("initdb", "-D", self.data, "-A", "scram-sha-256", "-U", "reader",
                  "--pwfile", folder / "password", "-E", "UTF8", "--no-sync")  # fmt: skip

    def call(self, program, *arguments):
        subprocess.run(
            [programs() / program, *map(str, arguments)],
            **{"check": True, "user": self.user, "cwd": self.folder},
            **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL},
        )

    def start(self):
        options = f"-p {PORT} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off"
        self.call(
            "pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start"
        )

    def stop(self):
        self.call("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def run(self, sql):
        subprocess.run(
            [
                *(programs() / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"),
                *("-p", PORT, "-U", "reader", "-d", "postgres", "-c", sql),
            ],
            **{"check": True, "env": {**os.environ, "PGPASSWORD": PASSWORD}},
        )


def has_driver(spark):
    """Whether the JVM knows the driver, also one that came with --packages."""
    loader = spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()
    try:
        spark._jvm.java.lang.Class.forName("org.postgresql.Driver", False, loader)
    except Py4JError:
        return False
    return True


@pytest.fixture(scope="module")
def postgres(spark):
    if programs() is None:
        pytest.skip("needs PostgreSQL (apt-get install postgresql)")
    assert has_driver(spark), "run bin/setup acceptance, which installs the JDBC driver"
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pg-"))
    server = Postgres(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def shop(company, postgres):
    postgres.run(
        "DROP TABLE IF EXISTS orders; CREATE TABLE orders (id text, customer text, price numeric,"
        " ordered timestamp, changed timestamptz)"
    )
    company.source(
        "purchases",
        TRANSACTIONS,
        format="jdbc",
        path=None,
        key=["order_id"],
        time_zone="Europe/Berlin",
        options={**OPTIONS, "password": PASSWORD, "dbtable": "orders"},
        incremental={"cursor": "changed", "overlap": 600},
        mapping={
            **{"customer_id": "customer", "order_id": "id", "purchased_at": "ordered"},
            "amount": "price",
        },
    )
    return company


def insert(postgres, *rows):
    values = ", ".join(f"('{i}', 'c1', {price}, '{at}', '{at}+00')" for i, price, at in rows)
    postgres.run(f"INSERT INTO orders VALUES {values}")


def kept(shop):
    return shop.rows("silver.transactions", "order_id", "amount")


def test_a_run_reads_new_and_late_rows_and_no_older_ones(shop, postgres):
    insert(postgres, ("o1", 1, "2018-01-01 10:00"), ("o2", 2, "2018-01-01 12:00"))
    shop.ingest("2018-06-01")
    assert [f"{o} {a}" for o, a in kept(shop)] == ["o1 1.00", "o2 2.00"]
    # The zone of the source applies to a time without a zone: 12:00 in Berlin is 11:00 UTC.
    (at,) = (
        shop.frame("silver.transactions")
        .where("order_id = 'o2'")
        .selectExpr("date_format(purchased_at, 'HH:mm')")
        .collect()[0]
    )
    assert at == "11:00"
    # o3 becomes visible after o2 but is dated 10 minutes before it; o4 is dated one second earlier
    # than the overlap reaches; o1 changes in the database without a new cursor.
    insert(postgres, ("o3", 3, "2018-01-01 11:50"), ("o4", 4, "2018-01-01 11:49:59"))
    insert(postgres, ("o5", 5, "2018-01-02 09:00"))
    postgres.run("UPDATE orders SET price = 9 WHERE id = 'o1'")
    shop.ingest("2018-06-02")
    assert [f"{o} {a}" for o, a in kept(shop)] == ["o1 1.00", "o2 2.00", "o3 3.00", "o5 5.00"]
    # o2 was read again and is the only duplicate.
    (log,) = shop.frame("bronze.ingest_log").where("rows_duplicate > 0").collect()
    assert (log["rows_in"], log["rows_kept"], log["rows_duplicate"]) == (3, 2, 1)
    assert shop.frame("bronze.purchases").count() == 4
    shop.ingest("2018-06-03")
    assert len(kept(shop)) == 4


def test_a_row_without_a_cursor_is_read_and_a_number_can_be_the_cursor(shop, postgres):
    source = shop.sources["purchases"]
    source["incremental"] = {"cursor": "price", "overlap": 1}
    insert(postgres, ("o1", 10, "2018-01-01 10:00"))
    shop.ingest("2018-06-01")
    insert(postgres, ("o2", 9, "2018-01-01 10:00"), ("o3", 8.99, "2018-01-01 10:00"))
    shop.ingest("2018-06-02")
    assert [o for o, _ in kept(shop)] == ["o1", "o2"]
    source["incremental"] = {"cursor": "changed", "overlap": 0}
    postgres.run("INSERT INTO orders VALUES ('o4', 'c1', 4, '2018-01-01 10:00', NULL)")
    shop.ingest("2018-06-03")
    assert [o for o, _ in kept(shop)] == ["o1", "o2", "o3", "o4"]


def test_a_server_that_goes_away_half_way_is_named_and_nothing_is_lost(shop, postgres):
    insert(postgres, *((f"o{n}", n, "2018-01-01 10:00") for n in range(1, 4)))
    shop.ingest("2018-06-01")
    insert(postgres, *((f"n{n}", n, "2018-01-02 10:00") for n in range(100)))
    options = shop.sources["purchases"]["options"]
    options["dbtable"] = "(SELECT *, pg_sleep(0.2)::text AS slow FROM orders) AS slow_orders"
    options["fetchsize"] = "10"
    before = kept(shop)
    stopper = threading.Timer(4.0, postgres.stop)
    stopper.start()
    with pytest.raises(SourceError) as caught:
        shop.ingest("2018-06-02")
    stopper.join()
    text = str(caught.value)
    assert text.startswith("source purchases: the database cannot be read: ")
    assert text.endswith(
        ". Nothing was written. Run ingest again when the database answers, or fix "
        "sources.purchases.options in conf."
    )
    assert PASSWORD not in text and "\n" not in text
    assert kept(shop) == before
    with pytest.raises(SourceError):
        shop.ingest("2018-06-02")
    postgres.start()
    options["dbtable"] = "orders"
    shop.ingest("2018-06-02")
    assert len(kept(shop)) == 103


@pytest.mark.parametrize(
    ("cursor", "text"),
    [
        (
            "updated",
            "sources.purchases.incremental.cursor = 'updated': the query has no such column. Its "
            "columns are id, customer, price, ordered, changed.",
        ),
        (
            "customer",
            "sources.purchases.incremental.cursor = 'customer': is a string, but must be a time, a "
            "date or a number. Name another column.",
        ),
    ],
)
def test_a_wrong_cursor_is_named(shop, postgres, cursor, text):
    shop.sources["purchases"]["incremental"]["cursor"] = cursor
    insert(postgres, ("o1", 1, "2018-01-01 10:00"))
    with pytest.raises(SourceError) as caught:
        shop.ingest("2018-06-01")
    assert str(caught.value) == text
