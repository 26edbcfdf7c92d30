"""Four processes write one lake concurrently, as four jobs would, while this test reads it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
WRITERS, MERGES, SLOTS, READS = 4, 25, 3, 1_000
# A job reads the counter of every slot, adds one and writes it. It retries if another job holds the
# lock.
WRITER = """
import random, sys, time
from contracts.table import Column, Table
from runtime.errors import BusyError
from runtime.lakehouse.spark_lake import SparkLake
from runtime.lakehouse.lock import only_writer
from runtime.run_info import RunInfo
from runtime.lakehouse.session import spark_session
from runtime.settings import load
from runtime.lakehouse.writes import Write

root, writer, merges, slots = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
settings = load("demo", lakehouse={"root": root, "catalog": None})
spark = spark_session(settings, writer)
columns = (Column("slot", "int", "Which", False), Column("total", "bigint", "How often", False))
table = Table("gold.totals", "a counter.", columns, key=("slot",))
refused = 0
for _ in range(merges):
    while True:
        try:
            with only_writer(Path(settings.root), writer):
                lake = SparkLake(spark, settings, RunInfo(writer))
                totals = {r["slot"]: r["total"] for r in lake.read(table).collect()}
                rows = [(slot, totals.get(slot, 0) + 1) for slot in range(slots)]
                frame = spark.createDataFrame(rows, "slot int, total bigint")
                lake.commit([Write(table, frame, mode="merge")])
            break
        except BusyError:
            refused += 1
            time.sleep(random.uniform(0.05, 0.5))
    time.sleep(random.uniform(0, 0.2))
print(f"refused {refused}", flush=True)
"""


def test_four_processes_with_25_merges_lose_nothing_and_a_thousand_reads_are_consistent(tmp_path):
    lakehouse = tmp_path / "lakehouse"
    arguments = [str(lakehouse), str(MERGES), str(SLOTS)]
    writers = []
    for number in range(WRITERS):
        given = [arguments[0], f"writer-{number}", *arguments[1:]]
        writers.append(
            subprocess.Popen(
                [sys.executable, "-c", WRITER, *given],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=(tmp_path / f"{number}.err").open("w"),
                text=True,
            )
        )
    table, reads = lakehouse / "gold" / "totals", []
    try:
        while any(writer.poll() is None for writer in writers):
            if DeltaTable.is_deltatable(str(table)):
                rows = DeltaTable(str(table)).to_pyarrow_table().to_pylist()
                reads.append(sorted((row["slot"], row["total"]) for row in rows))
            # A process that only reads would slow the writers down.
            time.sleep(0.04)
    finally:
        for writer in writers:
            writer.kill()

    errors = [(tmp_path / f"{number}.err").read_text()[-2000:] for number in range(WRITERS)]
    assert [writer.returncode for writer in writers] == [0] * WRITERS, "\n".join(errors)
    stored = DeltaTable(str(table))
    rows = sorted((r["slot"], r["total"]) for r in stored.to_pyarrow_table().to_pylist())
    assert rows == [(slot, WRITERS * MERGES) for slot in range(SLOTS)]
    jobs = [
        json.loads(c["userMetadata"])["job"] for c in stored.history() if c["operation"] == "MERGE"
    ]
    assert {job: jobs.count(job) for job in set(jobs)} == {
        f"writer-{number}": MERGES for number in range(WRITERS)
    }
    # They ran at the same time: some found the lock held.
    assert sum(int(writer.stdout.read().split()[-1]) for writer in writers) > 0
    assert len(reads) >= READS
    for rows in reads:
        # No rows just after the table was created. Later, all slots have the total of the same merge.
        assert rows == [] or [slot for slot, _ in rows] == list(range(SLOTS))
        assert len({total for _, total in rows}) <= 1
    totals = [rows[0][1] for rows in reads if rows]
    assert totals == sorted(totals)
