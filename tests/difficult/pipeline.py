"""Run the whole pipeline on a difficult company, as a user would: files, a page of YAML, a command."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from deltalake import DeltaTable

from tests import small_lake
from tests.difficult.companies import FIRST_DAY, Company

ROOT = Path(__file__).resolve().parents[2]
# Few windows, learners, trials and cuts: planning of queries takes most of the time of small data.
CONF: dict[str, Any] = {
    "features": {"windows_days": [30, 60, 90, 365]},
    "churn": {"horizons_days": [7, 30]},
    "lifetime": {"backtest": {"cuts": 1, "horizons_days": [30]}},
    "training": {
        "train_dates": 2,
        "bootstrap_samples": 50,
        "partitions": 1,
        "learners": ["xgboost", "logistic_regression"],
        "search": "none",
        "compare_feature_sets": False,
        "stability": {"folds": 2, "learners": []},
        "starts": {"xgboost": {"n_estimators": 100, "learning_rate": 0.2}},
    },
}
SOURCE: dict[str, Any] = {**small_lake.CONF["sources"]["receipts"], "format": "parquet"}


@dataclass(frozen=True)
class Ended:
    """How a run ended. said, errors: its two streams. root: the lakehouse."""

    code: int
    said: str
    errors: str
    seconds: float
    root: Path

    @property
    def faults(self) -> list[str]:
        """What no run may do: show a traceback or a warning of numpy, write NaN, end in silence."""
        both = self.said + self.errors
        faults = [w for w in ("Traceback", "RuntimeWarning", "Warning:") if w in both]
        if self.code:
            told = [line for line in both.splitlines() if line.startswith("holdfast ")]
            faults += [] if len(told) == 1 else [f"exit code {self.code} without one sentence"]
        elif not (self.root / "report.html").exists():
            faults.append("no report")
        return faults + nan_columns(self.root)


def written(company: Company, folder: Path) -> Path:
    """Write the company's files and its conf to a folder, and return the folder of the conf."""
    settings = dict(company.settings)
    receipts = {**SOURCE, "path": str(folder / "receipts.parquet")}
    receipts |= {"severity": settings.pop("severity")} if "severity" in settings else {}
    _save(company.lines, folder / "receipts.parquet", dt.time(12))
    sources = {"receipts": receipts}
    if company.ends is not None:
        _save(company.ends, folder / "ends.parquet", dt.time(13))
        sources["ends"] = {
            "table": "terminations",
            "format": "parquet",
            "path": str(folder / "ends.parquet"),
            "key": ["customer_id"],
            "mapping": {"customer_id": "customer", "terminated_at": "time"},
        }
    conf = {**CONF, **settings, "sources": sources}
    conf["lakehouse"] = {"root": str(folder / "lakehouse")}
    (folder / "conf").mkdir()
    (folder / "conf" / "difficult.yaml").write_text(yaml.safe_dump(conf), encoding="utf-8")
    return folder / "conf"


def _save(rows: pd.DataFrame, path: Path, hour: dt.time) -> None:
    midnight = pd.Timestamp(dt.datetime.combine(FIRST_DAY, hour))
    times = midnight + pd.to_timedelta(rows["day"], unit="D")
    rows.drop(columns="day").assign(time=times).to_parquet(path, coerce_timestamps="us")


def run(company: Company, folder: Path) -> Ended:
    """Run run_pipeline in a process of its own."""
    conf = written(company, folder)
    command = ["bin/holdfast", "run_pipeline", "--env", "difficult"]
    environment = {**os.environ, "HOLDFAST_JIT": "quick"}
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--conf-dir", str(conf)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - began
    return Ended(done.returncode, done.stdout, done.stderr, seconds, folder / "lakehouse")


def nan_columns(root: Path) -> list[str]:
    """Gold columns with a NaN, as sentences. Null is no NaN."""
    faults = []
    for log in sorted((root / "gold").glob("*/_delta_log")):
        rows = DeltaTable(str(log.parent)).to_pyarrow_table()
        for field in rows.schema:
            if str(field.type) in ("double", "float"):
                values = rows[field.name].drop_null().to_numpy()
                if (values != values).any():
                    faults.append(f"NaN in gold.{log.parent.name}.{field.name}")
    return faults
