"""From a company's own export to the report: `init`, then `run_pipeline`, with default settings."""

from __future__ import annotations

import csv
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Section

HEADER = ("Order ID", "Customer ID", "SKU", "Quantity", "Total", "Order Date")
FIRST_DAY, DAYS = dt.datetime(2024, 1, 1), 730
LINES_PER_ORDER = 5
OWN = ("--env", "own", "--conf-dir", "conf")
HOLDFAST = ("-P", "-c", "from jobs import main; main()")
# Lines of the export, customers, and the goal for run_pipeline in wall seconds.
COMPANIES = ((10_000, 1_000, 90), (40_000, 3_000, 180), (550_000, 4_400, 360))


def run(_: Any, folder: Path) -> Section:
    """Measure each company in processes of their own, as a user starts them."""
    section = Section(
        "Own data: from an export to the report",
        "One CSV file of order lines over two years, made up: customers order at rates with a "
        "heavy tail (log-normal, sigma 1.3) and leave after about 400 days. `holdfast init`, then "
        "`holdfast run_pipeline` from an empty lakehouse with the settings that `init` wrote. Wall "
        "seconds with the start of the processes.",
        ("lines", "customers", "init", "run_pipeline", "goal", "reached"),
    )
    for lines, customers, goal in COMPANIES:
        place = folder / f"own_{lines}"
        (place / "conf").mkdir(parents=True, exist_ok=True)
        write_export(place / "orders.csv", lines, customers)
        guessed = seconds(place, "init", "orders.csv", *OWN)
        took = seconds(place, "run_pipeline", *OWN)
        section.add(
            f"{lines:,}", f"{customers:,}", guessed, took, goal, "yes" if took <= goal else "no"
        )
    return section


def seconds(folder: Path, *arguments: str) -> float:
    """Run one command in this folder; its output is kept beside the export."""
    started = time.monotonic()
    with (folder / f"{arguments[0]}.log").open("w") as log:
        subprocess.run(
            [sys.executable, *HOLDFAST, *arguments],
            check=True,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        )
    return time.monotonic() - started


def write_export(file: Path, lines: int, customers: int, seed: int = 1) -> None:
    """Exactly this many order lines of exactly this many customers, in order of time."""
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        writer.writerows(order_lines(lines, customers, seed))


def order_lines(lines: int, customers: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Order, customer, article, units, amount and time of each line."""
    draw = np.random.default_rng(seed)
    orders = lines // LINES_PER_ORDER
    rates = draw.lognormal(sigma=1.3, size=customers)
    joined = draw.uniform(0, DAYS * 0.8, customers)
    left = np.minimum(DAYS, joined + 30 + draw.exponential(400, customers))
    shares = rates * (left - joined)
    extra = draw.choice(customers, orders - customers, p=shares / shares.sum())
    buyers = np.concatenate([np.arange(customers), extra])
    days = joined[buyers] + draw.random(orders) * (left - joined)[buyers]
    size = draw.multinomial(lines - orders, np.full(orders, 1 / orders)) + 1
    for place in np.argsort(days, kind="stable"):
        moment = FIRST_DAY + dt.timedelta(minutes=int(days[place] * 1440))
        for article in draw.choice(500, size[place], replace=False):
            units = int(draw.integers(1, 6))
            yield (
                f"{100_000 + place}",
                f"C{buyers[place]:05}",
                f"A{article:03}",
                f"{units}",
                f"{units * (1 + article % 40 + 0.95):.2f}",
                f"{moment:%Y-%m-%d %H:%M}",
            )
