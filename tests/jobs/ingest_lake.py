"""A small company: its files, what conf says of them, and ingest run over them."""

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
    """What a run told its user."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def say(self, line: str = "") -> None:
        self.lines.append(line.strip())

    def warn(self, line: str) -> None:
        self.warnings.append(line)


class Company:
    """Files under one folder, one lakehouse, and the runs over them."""

    def __init__(self, make_context, folder: Path) -> None:
        self.make_context, self.folder = make_context, folder
        self.files, self.root = folder / "files", folder / "lakehouse"
        self.sources: dict[str, dict] = {}
        self.said = Said()

    def source(self, name: str, base: dict, **changes) -> None:
        """Declare a source of the folder files/<name>, unless told otherwise."""
        (self.files / name).mkdir(parents=True, exist_ok=True)
        self.sources[name] = {**base, "path": str(self.files / name), **changes}

    def file(
        self, path: str, *lines: str, day: str = "2018-06-01", encoding: str = "utf-8"
    ) -> Path:
        """Write a file under files/, delivered on a day."""
        return self.raw(path, "".join(f"{line}\n" for line in lines).encode(encoding), day)

    def raw(self, path: str, content: bytes, day: str = "2018-06-01") -> Path:
        """The same from bytes."""
        target = self.files / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        moment = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp()
        os.utime(target, (moment, moment))
        return target

    def context(self, **options):
        """A Context over the company's lakehouse; `ingest`: settings of that section."""
        settings = {"ingest": options.pop("ingest", {})}
        made = self.make_context(
            root=self.root,
            sources=self.sources,
            is_dry=options.pop("is_dry", False),
            **settings,
        )
        made.progress = Said()
        return made

    def ingest(self, known_at: str = "2018-06-01", replay: str | None = None, **options):
        """Run the job and return its Context."""
        from pipelines.ingestion.source_ingestion import IngestOptions, run

        context = self.context(**options)
        self.said = context.progress
        moment = dt.datetime.fromisoformat(known_at).replace(tzinfo=dt.UTC)
        run(context, IngestOptions(moment, replay))
        return context

    def frame(self, table: str):
        """A table as it is now."""
        context = self.context()
        return context.spark.read.format("delta").load(context.lake.path(table))

    def rows(self, table: str, *columns: str) -> list[tuple]:
        """A table's rows in the order of their columns."""
        found = [tuple(r) for r in self.frame(table).select(*columns).collect()]
        return sorted(found, key=lambda row: [(v is not None, str(v)) for v in row])

    def versions(self) -> dict[str, int]:
        """Every table that exists, and how often it was written."""
        logs = self.root.glob("*/*/_delta_log")
        return {
            f"{log.parents[1].name}.{log.parent.name}": len([*log.glob("*.json")])
            for log in sorted(logs)
        }
