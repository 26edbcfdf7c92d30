"""A small lake that run_pipeline builds from CSV files, for tests that read its tables."""

from __future__ import annotations

import csv
import datetime as dt
import random
from dataclasses import dataclass
from pathlib import Path

import yaml

AS_OF = dt.date(2018, 1, 1)
FIRST_DAY = dt.date(2017, 7, 1)
CUSTOMERS = 300

FAMILIES = [
    "rhythm",
    "frequency",
    "spending",
    "products",
    "discounts",
    "engagement",
    "support",
    "reviews",
]

CONF = {
    "as_of": AS_OF,
    "sources": {
        "receipts": {
            "table": "transactions",
            "format": "csv",
            "key": ["order_id", "product_id"],
            "mapping": {
                "customer_id": "customer",
                "order_id": "receipt",
                "product_id": "article",
                "purchased_at": "time",
                "quantity": "units",
                "amount": "paid",
            },
        },
        "members": {
            "table": "customers",
            "format": "csv",
            "mapping": {"customer_id": "customer", "region": "region", "plan": "plan"},
        },
    },
    # Only the windows that formulas and notebooks read: query planning takes most of the time.
    "features": {"windows_days": [30, 60, 90, 365]},
    "churn": {"horizons_days": [30]},
    "lifetime": {"models": ["bg_nbd"], "backtest": {"cuts": 1, "horizons_days": [30]}},
    "training": {
        "train_dates": 1,
        "dated_attributes": ["has_profile", "region", "plan"],
        # The expectations are those of xgboost, whether or not it beats rfm_logistic on so few rows.
        "rolling_dates": 0,
        "bootstrap_samples": 50,
        "partitions": 1,
        "learners": ["xgboost", "logistic_regression"],
        "search": "none",
        # Empty families: their features count as attributes.
        "feature_families": {**{f: [] for f in FAMILIES}, "silence": ["recency_*"]},
        "stability": {"folds": 2, "learners": ["logistic_regression"]},
        "starts": {"xgboost": {"n_estimators": 10, "learning_rate": 0.2}},
        "spaces": {"xgboost": {"n_estimators": {"low": 10, "high": 300}}},
        # The planted reason to leave is easy to learn, but it is not a leak.
        "leak_alarm_roc_auc": 1.0,
        "leak_alarm_roc_auc_active_90d": 1.0,
    },
}


@dataclass(frozen=True)
class SmallLake:
    """conf: a folder with small.yaml. lines: the receipts as in the CSV file."""

    conf: Path
    root: Path
    lines: list[dict[str, str]]

    def context(self, progress, root: Path | None = None, as_of=None, is_dry: bool = False):
        """The context of a run on this lake, or on another one with the same conf."""
        from runtime import settings
        from runtime.context import Context
        from runtime.run_info import RunInfo

        settings.use_conf_dir(str(self.conf))
        try:
            place = {"root": str(root or self.root), "catalog": None}
            conf = settings.load("small", lakehouse=place)
            return Context(conf, RunInfo("tests"), progress, given_as_of=as_of, is_dry=is_dry)
        finally:
            settings.use_conf_dir(None)


def small_lake_in(folder: Path, progress) -> SmallLake:
    """Run run_pipeline on 300 invented customers. Its output goes to `progress`."""
    from pipelines import full_pipeline
    from runtime.model_registry import CHAMPION, Registry

    lake = small_files_in(folder)
    context = lake.context(progress)
    full_pipeline.run(context)
    # Tests that read the lake need a champion. The plan predicts churn better than recency alone.
    assert Registry(context.settings).by_alias(CHAMPION) is not None
    return lake


def small_files_in(folder: Path, customers: int = CUSTOMERS) -> SmallLake:
    """The CSV files of invented customers and the conf that reads them. No job has run yet."""
    lines = receipts(random.Random(7), customers)
    write_csv(folder / "receipts.csv", lines)
    # Every third customer has no profile.
    members = [
        {"customer": c, "region": "north", "plan": "basic" if may_leave(c) else "plus"}
        for c in names(customers)
        if int(c[1:]) % 3
    ]
    write_csv(folder / "members.csv", members)
    return SmallLake(write_conf(folder), folder / "lakehouse", lines)


def write_conf(folder: Path) -> Path:
    """Write small.yaml with the paths of the files, and return its folder."""
    sources = {
        name: {**source, "path": str(folder / f"{name}.csv")}
        for name, source in CONF["sources"].items()
    }
    conf = {**CONF, "sources": sources, "lakehouse": {"root": str(folder / "lakehouse")}}
    (folder / "conf").mkdir()
    (folder / "conf" / "small.yaml").write_text(yaml.safe_dump(conf))
    return folder / "conf"


def names(customers: int = CUSTOMERS) -> list[str]:
    return [f"c{n:03d}" for n in range(customers)]


def may_leave(customer: str) -> bool:
    """Whether the customer is on the basic plan: every second pair of customers is."""
    return int(customer[1:]) // 2 % 2 == 1


def receipts(draw: random.Random, customers: int = CUSTOMERS) -> list[dict[str, str]]:
    """One line per purchase. A customer buys about every eight days until they leave at random.

    Planted: every hundredth line has the amount 0 (a warning), and the first two have no amount.
    """
    lines = []
    for customer in names(customers):
        day = FIRST_DAY + dt.timedelta(days=draw.randrange(60))
        while day < AS_OF + dt.timedelta(days=1):
            paid = "0.00" if len(lines) % 100 == 50 else f"{draw.uniform(1, 90):.2f}"
            lines.append(line(customer, len(lines), day, draw, paid if len(lines) > 1 else ""))
            if may_leave(customer) and draw.random() < 0.06:
                break
            day += dt.timedelta(days=draw.randrange(1, 16))
    return lines


def line(
    customer: str, number: int, day: dt.date, draw: random.Random, paid: str
) -> dict[str, str]:
    return {
        "customer": customer,
        "receipt": f"r{number}",
        "article": f"a{draw.randrange(40)}",
        "time": f"{day} {draw.randrange(8, 20):02d}:00:00",
        "units": "1",
        "paid": paid,
    }


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
