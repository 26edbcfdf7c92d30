"""The purchase summary at all dates of a run, and its likelihoods on the driver or in Spark."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from models.btyd.choice import MOST_START_ROWS, PARTIAL_DDL, partial_sums
from models.btyd.gamma_gamma import SpendRows
from models.btyd.rows import Array, PurchaseRows
from runtime.context import Context
from transforms.lifetime import purchase_rows, spend_rows, spend_sums, total_customers, with_fold
from transforms.purchase_summary import purchase_summary, purchase_totals
from transforms.samples import hash_sample
from transforms.slices import at_date

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Rows = TypeVar("Rows", PurchaseRows, SpendRows)


class SparkLikelihood:
    """A likelihood that Spark sums over the rows: one job per evaluation."""

    def __init__(self, rows: DataFrame, name: str) -> None:
        self.rows, self.name = rows, name

    def __call__(self, log_parameters: Array) -> tuple[float, Array]:
        # One row per batch of 10,000 distinct rows. fsum does not depend on their order.
        sums = self.rows.mapInPandas(partial_sums(self.name, log_parameters), PARTIAL_DDL)
        parts: Array = np.array(sums.collect()).reshape(-1, 5)
        value, *gradient = (math.fsum(column) for column in parts.T)
        return value, np.array(gradient[: len(log_parameters)])


@dataclass(frozen=True)
class Fittable(Generic[Rows]):
    """Rows to fit on.

    in_spark: None where `rows` are all rows. Otherwise all rows, and `rows` are a sample of them.
    customers: the number of customers of all rows.
    """

    rows: Rows
    in_spark: DataFrame | None
    customers: float

    def likelihood(self, name: str) -> SparkLikelihood | None:
        """The likelihood of a model, summed in Spark; None: all rows are on the driver."""
        return None if self.in_spark is None else SparkLikelihood(self.in_spark, name)


class Bounded(NamedTuple):
    """The rows of one date as in Fittable, before they become rows of a model."""

    rows: pd.DataFrame
    in_spark: DataFrame | None
    customers: float


@dataclass(frozen=True)
class Summaries:
    """Frames of one pass over the purchases, kept in Spark.

    days: one row per customer and day with purchases or returns, with visible_from. summary: one
    row per (customer_id, as_of), with is_held_out. counted, spends: the distinct rows of summary
    with their number of customers. on_driver: those of these two that are small enough, by name.
    """

    days: DataFrame
    summary: DataFrame
    counted: DataFrame
    spends: DataFrame
    on_driver: dict[str, pd.DataFrame]

    @classmethod
    def at(cls, context: Context, dates: Sequence[dt.date]) -> Summaries:
        """The purchases known at each date."""
        keep, settings = context.lake.keep, context.settings.lifetime
        days = keep(purchase_totals(context.read("silver.transactions")))
        summary = keep(with_fold(purchase_summary(days, dates), settings.holdout_share))
        frames = {"counted": keep(purchase_rows(summary)), "spends": keep(spend_rows(summary))}
        most = settings.most_rows_on_driver
        # All dates at once where they fit: one job instead of two per date and model.
        small = {n: f.toPandas() for n, f in frames.items() if f.count() <= most}
        return cls(days, summary, frames["counted"], frames["spends"], small)

    def summary_at(self, day: dt.date) -> DataFrame:
        """The summary of one date: one row per customer."""
        return at_date(self.summary, day)

    def purchases(self, day: dt.date, is_held_out: bool | None = None) -> Fittable[PurchaseRows]:
        """Distinct purchase rows of a date: of the hold-out, of the others, or of all (None)."""
        names = ("frequency", "recency_days", "T_days")
        bounded = self._bounded("counted", day, names, is_held_out)
        rows = PurchaseRows.of(*(bounded.rows[c] for c in (*names, "customers")))
        return Fittable(rows, bounded.in_spark, bounded.customers)

    def spend(self, day: dt.date) -> Fittable[SpendRows]:
        """Distinct spend rows of the repeat customers with a positive amount."""
        names = ("frequency", "monetary_value")
        bounded = self._bounded("spends", day, names, None)
        rows = SpendRows.of(*(bounded.rows[c] for c in (*names, "customers")))
        return Fittable(rows, bounded.in_spark, bounded.customers)

    def spend_sums(self, day: dt.date) -> pd.DataFrame:
        """One row per frequency: customers, value, square. At most one row per day of history."""
        return spend_sums(at_date(self.spends, day)).orderBy("frequency").toPandas()

    def _bounded(
        self, kind: str, day: dt.date, names: Sequence[str], is_held_out: bool | None
    ) -> Bounded:
        """All rows of a date if the driver holds them; otherwise a sample and the rows in Spark."""
        if kind in self.on_driver:
            rows = self.on_driver[kind]
            rows = rows[rows["as_of"] == day]
            if is_held_out is not None:
                rows = rows[rows["is_held_out"] == is_held_out]
            return Bounded(_sorted(rows, names), None, float(rows["customers"].sum()))
        in_spark = at_date(getattr(self, kind), day)
        if is_held_out is not None:
            in_spark = in_spark.where("is_held_out" if is_held_out else "NOT is_held_out")
        in_spark = in_spark.select(*names, "customers")
        customers = total_customers(in_spark).collect()[0][0]  # one row
        sample = hash_sample(in_spark, names, MOST_START_ROWS).toPandas()
        return Bounded(_sorted(sample, names), in_spark, float(customers))


def _sorted(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    # Sums then do not depend on the order in which the partitions arrive.
    return rows.sort_values(list(names)).reset_index(drop=True)
