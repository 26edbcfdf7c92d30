"""The BTYD summary at all dates of a run, and its likelihoods on the driver or in Spark."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.btyd.choice import MOST_START_ROWS, PARTIAL_DDL, partial_sums
from models.btyd.gamma_gamma import SpendRows
from models.btyd.rows import Array, PurchaseRows
from runtime.context import Context


class SparkLikelihood:
    """A likelihood whose sums are made where the rows are: one job an evaluation."""

    def __init__(self, rows: Any, name: str) -> None:
        self.rows, self.name = rows, name

    def __call__(self, log_parameters: Array) -> tuple[float, Array]:
        # One row a batch of 10,000 distinct rows; fsum: the order they arrive in does not matter.
        sums = self.rows.mapInPandas(partial_sums(self.name, log_parameters), PARTIAL_DDL)
        parts = np.array(sums.collect()).reshape(-1, 5)
        value, *gradient = (math.fsum(column) for column in parts.T)
        return value, np.array(gradient[: len(log_parameters)])


@dataclass(frozen=True)
class Fittable:
    """Rows to fit on: all of them, or a sample of those that stay in Spark, `in_spark`."""

    rows: Any
    in_spark: Any | None
    customers: float

    def likelihood(self, name: str) -> SparkLikelihood | None:
        """The likelihood of a model that Spark sums; None: all rows are on the driver."""
        return None if self.in_spark is None else SparkLikelihood(self.in_spark, name)


@dataclass(frozen=True)
class Summaries:
    """Frames of one pass over the purchases, kept in Spark.

    days: a row a customer-day and visible_from, returns too; summary: a row a (customer_id, as_of)
    with is_held_out; counted and spends: its distinct rows with their customers. on_driver holds
    those of the two that are small.
    """

    context: Context
    days: Any
    summary: Any
    counted: Any
    spends: Any
    on_driver: dict[str, pd.DataFrame]

    @classmethod
    def at(cls, context: Context, dates: Sequence[dt.date]) -> Summaries:
        """The purchases known at each date."""
        from transforms.lifetime import purchase_rows, spend_rows, with_fold
        from transforms.purchase_summary import purchase_summary, purchase_totals

        keep = context.lake.keep
        days = keep(purchase_totals(context.read("silver.transactions")))
        share = context.settings.lifetime.holdout_share
        summary = keep(with_fold(purchase_summary(days, dates), share))
        frames = {"counted": keep(purchase_rows(summary)), "spends": keep(spend_rows(summary))}
        most = context.settings.lifetime.most_rows_on_driver
        # All dates at once where they fit: one job instead of two a date and model.
        small = {n: f.toPandas() for n, f in frames.items() if f.count() <= most}
        return cls(context, days, summary, frames["counted"], frames["spends"], small)

    def of_day(self, frame: Any, day: dt.date) -> Any:
        """The rows of one date."""
        return frame.where(f"as_of = DATE'{day}'")

    def purchases(self, day: dt.date, is_held_out: bool | None = None) -> Fittable:
        """Distinct purchase rows of a date; of the customers held out, of the others, or of all."""
        names = ("frequency", "recency_days", "T_days")
        found, in_spark, customers = self._bounded("counted", day, names, is_held_out)
        sample = PurchaseRows.of(*(found[c] for c in (*names, "customers")))
        return Fittable(sample, in_spark, customers)

    def spend(self, day: dt.date) -> Fittable:
        """Distinct rows of repeaters with money."""
        names = ("frequency", "monetary_value")
        found, in_spark, customers = self._bounded("spends", day, names)
        rows = SpendRows.of(*(found[c] for c in (*names, "customers")))
        return Fittable(rows, in_spark, customers)

    def spend_sums(self, day: dt.date) -> pd.DataFrame:
        """By frequency: customers, value, square. At most one row a day of history."""
        from transforms.lifetime import spend_sums

        return spend_sums(self.of_day(self.spends, day)).orderBy("frequency").toPandas()

    def _bounded(
        self, kind: str, day: dt.date, names: Sequence[str], is_held_out: bool | None = None
    ) -> tuple[pd.DataFrame, Any | None, float]:
        """All rows of a date; or a sample of them, and where the others are. And the customers."""
        from pyspark.sql import functions as F

        if kind in self.on_driver:
            every = self.on_driver[kind]
            of_day = every[every["as_of"] == day]
            if is_held_out is not None:
                of_day = of_day[of_day["is_held_out"] == is_held_out]
            return _sorted(of_day, names), None, float(of_day["customers"].sum())
        rows = self.of_day(getattr(self, kind), day)
        if is_held_out is not None:
            rows = rows.where("is_held_out" if is_held_out else "NOT is_held_out")
        customers = rows.agg(F.coalesce(F.sum("customers"), F.lit(0))).collect()[0][0]
        chosen = rows.select(*names, "customers")
        sample = chosen.orderBy(F.xxhash64(*names), *names).limit(MOST_START_ROWS).toPandas()
        return _sorted(sample, names), chosen, float(customers)


def _sorted(found: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    # Sums then do not depend on the order in which partitions answer.
    return found.sort_values(list(names)).reset_index(drop=True)
