"""Ingest of many small files against one file with the same rows."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Section, cost

ROWS, FILES, CUSTOMERS = 20_000, 305, 4_000
HEADER = "customer,order,product,time,pieces,price,rebate"
TRANSACTIONS = {
    "table": "transactions",
    "format": "csv",
    "key": ["order_id", "product_id"],
    "mapping": {
        "customer_id": "customer",
        "order_id": "order",
        "product_id": "product",
        "purchased_at": "time",
        "quantity": "pieces",
        "amount": "price",
        "discount": "rebate",
    },
}
KNOWN_AT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def run(spark: Any, folder: Path) -> Section:
    """Measure both, after a run that warms the session."""
    section = Section(
        "Ingest of many small CSV files",
        f"{ROWS:,} order lines of {CUSTOMERS:,} customers, first load into an empty lakehouse on "
        "the local profile, after a run over 200 lines to warm up.",
        ("files", "wall seconds", "CPU seconds"),
    )
    ingested(spark, folder / "warm", files=1, rows=200)
    costs = {}
    for files in (1, FILES):
        costs[files], _ = cost(
            lambda n=files: ingested(spark, folder / f"files_{n}", files=n, rows=ROWS)
        )
        section.add(files, costs[files].wall, costs[files].cpu)
    section.reach_both(f"{FILES} files / 1 file", costs[FILES] / costs[1], 2, at_least=False)
    return section


def ingested(spark: Any, folder: Path, *, files: int, rows: int) -> None:
    """Write the files if they do not exist, and ingest them into a new lakehouse."""
    from pipelines.ingestion.source_ingestion import IngestOptions, run as ingest
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import Settings, load

    if not folder.exists():
        write_files(folder, files, rows)
    values = load("demo").model_dump()
    values["sources"] = {"orders": {**TRANSACTIONS, "path": str(folder)}}
    with tempfile.TemporaryDirectory() as lakehouse:
        values["lakehouse"]["root"] = lakehouse
        context = Context(Settings(**values), RunInfo("benchmark"), Progress(is_quiet=True))
        ingest(context, IngestOptions(KNOWN_AT))


def write_files(folder: Path, files: int, rows: int) -> None:
    """The same order lines in `files` CSV files of equal length."""
    folder.mkdir(parents=True)
    start = dt.datetime(2023, 1, 1)
    lines = [
        f"c{n % CUSTOMERS},o{n // 2},p{n % 97},{start + dt.timedelta(minutes=20 * n)},"
        f"{1 + n % 5},{(n % 1000) / 10:.2f},0.00"
        for n in range(rows)
    ]
    for place in range(files):
        part = lines[place::files]
        (folder / f"day_{place:03}.csv").write_text("\n".join([HEADER, *part]) + "\n")
