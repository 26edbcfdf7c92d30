"""Customers at past dates and their later behaviour: rows for fitting and evaluation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from contracts.features import FEATURE_TABLES
from models.encoding import FeatureEncoder
from models.survival.distributed import SparkRows, survival_frame
from models.survival.portable import Bands
from models.survival.rows import ArrayRows, Rows
from pipelines.lifetime.covariate_encoder import encoder_of
from pipelines.lifetime.customer_kinds import horizons_ahead, lost_from
from pipelines.lifetime.summaries import Summaries
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.lake import Lake
from transforms import survival_rows
from transforms.lifetime import outcomes, with_terminated
from transforms.samples import hash_sample
from transforms.slices import at_date, at_dates
from transforms.training_rows import feature_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def feature_dates(context: Context) -> list[dt.date]:
    """The last dates with features before as_of: at most lifetime.survival.landmarks of them."""
    if not all(context.has(name) for name in FEATURE_TABLES):
        return []
    most = context.settings.lifetime.survival.landmarks
    earlier = context.read("features.transactions").where(f"as_of < DATE'{context.as_of}'")
    dates = earlier.select("as_of").distinct().orderBy("as_of", ascending=False).limit(most)
    return sorted(row["as_of"] for row in dates.collect())


def window_days(context: Context) -> int | None:
    """Days of silence after which a customer counts as lost; None: the end of a contract counts."""
    if context.settings.churn.definition == "termination":
        return None
    return lost_from(context.settings)


@dataclass(frozen=True)
class Landmarks:
    """One row per (customer_id, as_of): purchase summary, purchases in the horizons before and
    after as_of, covariates, and the time until the customer left, as known on the run's as_of.

    frame: kept in Spark. on_driver: by date, all rows (is_whole) or a sample by hash. dates: the
    landmarks, which are the dates with features. horizons: of the backtest, in days.

    entry_days is null where the customer was known to have left, or without features. duration_days
    is null also where the customer had left but this was not yet known. Such a customer gets a
    forecast like any other, but the row is not used for fitting.
    """

    as_of: dt.date
    horizons: tuple[int, ...]
    lake: Lake
    frame: DataFrame
    on_driver: dict[dt.date, pd.DataFrame]
    is_whole: bool
    dates: list[dt.date]

    @classmethod
    def at(
        cls,
        context: Context,
        summaries: Summaries,
        days: Sequence[dt.date],
        *,
        dates: list[dt.date],
    ) -> Landmarks:
        """days: all dates that need rows. dates: the landmarks among them."""
        horizons = tuple(context.settings.lifetime.backtest.horizons_days)
        ahead = horizons_ahead(context.settings)
        rows = outcomes(
            summaries.days, summaries.summary, days, horizons=horizons, only_ahead=ahead
        )
        has_ends = context.has("silver.terminations")
        rows = with_terminated(rows, context.read("silver.terminations") if has_ends else None)
        has_features = all(context.has(name) for name in FEATURE_TABLES)
        if has_features:
            times = _times(context, summaries, days)
            rows = rows.join(times, on=["customer_id", "as_of"], how="left")
        else:
            rows = survival_rows.without_times(rows)
        frame = context.lake.keep(rows)
        most = context.settings.lifetime.survival.most_rows_on_driver
        is_whole = frame.count() <= most
        on_driver = _on_driver(frame, days, None if is_whole else most // len(days))
        dates = dates if has_features else []
        return cls(context.as_of, horizons, context.lake, frame, on_driver, is_whole, dates)

    def alive(self, day: dt.date) -> pd.DataFrame:
        """The rows of customers who were not known to have left by a landmark or as_of."""
        rows = self.on_driver.get(day)
        if rows is None or day not in {*self.dates, self.as_of}:
            return pd.DataFrame()
        return rows[rows["entry_days"].notna()].reset_index(drop=True)

    def followed(self, day: dt.date) -> pd.DataFrame:
        """The rows of `alive` for fitting and evaluation: the customer had in fact not left."""
        rows = self.alive(day)
        return rows[rows["duration_days"].notna()].reset_index(drop=True) if len(rows) else rows

    def passed(self, day: dt.date, horizon: int) -> pd.DataFrame:
        """The rows of `followed` at all landmarks whose horizon had passed by the day."""
        done = [d for d in self.dates if d + dt.timedelta(days=horizon) <= day]
        return pd.concat([self.followed(d) for d in done]) if done else pd.DataFrame()

    def past(self, day: dt.date, horizons: Sequence[int] = ()) -> dict[int, pd.DataFrame]:
        """`passed` by horizon in days, without the horizons that have no rows.

        horizons: further ones, beside those of the backtest.
        """
        passed = {h: self.passed(day, h) for h in sorted({*self.horizons, *horizons})}
        return {h: rows for h, rows in passed.items() if len(rows)}

    def known(
        self,
        day: dt.date,
        horizons: Sequence[int],
        which: Callable[[pd.DataFrame], pd.Series[bool]],
    ) -> dict[int, pd.DataFrame]:
        """Rows of the landmarks, by horizon that had passed by the day; only with rows.

        which: the rows to use, a mask. Customers who had left are among them.
        """
        parts = {d: self.on_driver[d] for d in self.dates if d in self.on_driver}
        parts = {d: rows[which(rows)] for d, rows in parts.items()}
        known = {}
        for h in sorted(horizons):
            done = [rows for d, rows in parts.items() if d + dt.timedelta(days=h) <= day]
            if any(map(len, done)):
                known[h] = pd.concat(done, ignore_index=True)
        return known

    def seen(self, day: dt.date) -> Seen | None:
        """Survival rows as known on the day; None: no landmark before it, or no covariate."""
        earlier = [self.followed(d) for d in self.dates if d < day]
        if not any(map(len, earlier)):
            return None
        sample = seen_by(pd.concat(earlier, ignore_index=True), day)
        encoder = encoder_of(sample)
        return Seen(self, day, sample, encoder) if encoder else None


@dataclass(frozen=True)
class Seen:
    """Rows to fit on, as known on a day. sample: all rows, or a sample of the rows in Spark."""

    landmarks: Landmarks
    day: dt.date
    sample: pd.DataFrame
    encoder: FeatureEncoder

    @property
    def customers(self) -> int:
        return self._counts[0]

    @property
    def events(self) -> int:
        return self._counts[1]

    @cached_property
    def _counts(self) -> tuple[int, int]:
        """Customers and events of all rows, not only of the sample."""
        if self.landmarks.is_whole:
            return int(self.sample["customer_id"].nunique()), int(self.sample["event"].sum())
        counts = survival_rows.event_counts(self.frame()).collect()[0]  # one row
        return int(counts["customers"]), int(counts["events"])

    def rows(self, bands: Bands | None = None) -> Rows:
        """The rows with all columns of the encoder. bands: strata by a feature."""
        if not self.landmarks.is_whole:
            return self._in_spark(bands)
        rows = self.sample
        return ArrayRows.of(
            rows["duration_days"],
            rows["event"],
            self.encoder.encode(rows[list(self.encoder.feature_names)]),
            start=rows["entry_days"],
            stratum=bands.of(rows) if bands else None,
            cluster=pd.factorize(rows["customer_id"], sort=True)[0],
        )

    def frame(self) -> DataFrame:
        """All rows, in Spark."""
        followed = self.landmarks.frame.where("duration_days IS NOT NULL")
        known = at_dates(followed, self.landmarks.dates)
        return survival_rows.seen_by(known, self.day)

    def _in_spark(self, bands: Bands | None) -> Rows:
        rows = self.frame()
        if bands:
            stratum = survival_rows.band_of(bands.feature, bands.edges)
            rows = rows.select("*", stratum.alias("stratum"))
        compact = survival_frame(rows, self.encoder, "stratum" if bands else None)
        return SparkRows.of(self.landmarks.lake.keep(compact))


def seen_by(rows: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """The same as transforms.survival_rows.seen_by, for rows on the driver."""
    until = (pd.Timestamp(day) - pd.to_datetime(rows["as_of"])).dt.days
    lived = rows["duration_days"] - rows["entry_days"]
    was_unseen = rows["known_days"] > until
    return rows.assign(
        duration_days=rows["entry_days"] + np.where(was_unseen, until, np.minimum(lived, until)),
        event=np.where(was_unseen, 0, rows["event"]).astype(int),
        followed_days=np.minimum(rows["followed_days"], until),
    )


def _times(context: Context, summaries: Summaries, days: Sequence[dt.date]) -> DataFrame:
    """One row per customer alive at each date: TIMES and covariates.

    The columns of the time after the date are null where the customer had in fact left.
    """
    tables = {n: at_dates(context.read(n), days) for n in FEATURE_TABLES}
    rows = feature_rows(tables)
    names = context.settings.lifetime.survival.covariates
    unknown = sorted(set(names) - set(rows.columns))
    if unknown:
        raise UsageError(
            f"lifetime.survival.covariates: must be columns of the feature tables, got "
            f"{', '.join(unknown)}. Choose from features.transactions, behavior and demographics."
        )
    window = window_days(context)
    alive = context.lake.keep(survival_rows.with_covariates(rows, names, window))
    begun = alive.select("customer_id", "as_of", "entry_days")
    if window is None:
        ended = survival_rows.ends(context.read("silver.terminations"), context.as_of)
        begun = survival_rows.without_ended_before(begun, ended)
    else:
        known = summaries.days.where(f"visible_from <= DATE'{context.as_of}'")
        ended = survival_rows.lapses(known, window)
    lived = survival_rows.spells(begun, ended, context.as_of)
    return alive.join(lived.drop("entry_days"), on=["customer_id", "as_of"], how="left")


def _on_driver(
    frame: DataFrame, days: Sequence[dt.date], most: int | None
) -> dict[dt.date, pd.DataFrame]:
    """The rows of each date sorted by customer; with `most`, a sample of at most that many rows."""
    if most is None:
        rows: pd.DataFrame = frame.toPandas()
        by_day = {day: rows[rows["as_of"] == day] for day in days}
    else:
        by_day = {
            day: hash_sample(at_date(frame, day), ["customer_id"], most).toPandas() for day in days
        }
    return {d: r.sort_values("customer_id").reset_index(drop=True) for d, r in by_day.items()}
