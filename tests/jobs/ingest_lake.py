"""A small company for tests of ingest: its source files, its conf and its runs."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from runtime.progress import Progress

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
HEADER = "customer,order,product,time,pieces,price,rebate"


class Said(Progress):
    """Collects the lines and the warnings that a run prints."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def say(self, line: str = "") -> None:
        self.lines.append(line.strip())

    def warn(self, line: str) -> None:
        self.warnings.append(line)


class Company:
    """Source files in one folder, one lakehouse, and the runs of ingest."""

    def __init__(self, make_context, folder: Path) -> None:
        self.make_context, self.folder = make_context, folder
        self.files, self.root = folder / "files", folder / "lakehouse"
        self.sources: dict[str, dict] = {}
        self.said = Said()

    def source(self, name: str, base: dict, **changes) -> None:
        """Declare a source with the folder files/<name>. `changes` override its settings."""
        (self.files / name).mkdir(parents=True, exist_ok=True)
        self.sources[name] = {**base, "path": str(self.files / name), **changes}

    def no_purchases(self) -> None:
        """Declare a source of purchases, which every conf needs, whose only file has no rows."""
        self.source("purchases", TRANSACTIONS)
        self.file("purchases/none.csv", HEADER)

    def file(
        self, path: str, *lines: str, day: str = "2018-06-01", encoding: str = "utf-8"
    ) -> Path:
        """Write a file under files/, with the lines and the modification day given."""
        return self.raw(path, "".join(f"{line}\n" for line in lines).encode(encoding), day)

    def raw(self, path: str, content: bytes, day: str = "2018-06-01") -> Path:
        """Write a file under files/ from bytes."""
        target = self.files / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        moment = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp()
        os.utime(target, (moment, moment))
        return target

    def context(self, **options):
        """A Context of the company's lakehouse. `options`: sections of conf, and is_dry."""
        made = self.make_context(root=self.root, sources=self.sources, **options)
        made.progress = Said()
        return made

    def ingest(self, known_at: str = "2018-06-01", replay: str | None = None, **options):
        """Run ingest and return its Context."""
        from pipelines.ingestion.source_ingestion import IngestOptions, run

        context = self.context(**options)
        self.said = context.progress
        moment = dt.datetime.fromisoformat(known_at).replace(tzinfo=dt.UTC)
        run(context, IngestOptions(moment, replay))
        return context

    def frame(self, table: str):
        """The present content of a table."""
        context = self.context()
        return context.spark.read.format("delta").load(context.lake.path(table))

    def rows(self, table: str, *columns: str) -> list[tuple]:
        """The rows of a table as tuples, sorted by their columns."""
        rows = [tuple(r) for r in self.frame(table).select(*columns).collect()]
        return sorted(rows, key=lambda row: [(v is not None, str(v)) for v in row])

    def versions(self) -> dict[str, int]:
        """The number of commits of every table that exists."""
        logs = self.root.glob("*/*/_delta_log")
        return {
            f"{log.parents[1].name}.{log.parent.name}": len([*log.glob("*.json")])
            for log in sorted(logs)
        }
