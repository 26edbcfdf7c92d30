"""What is known of customers at past dates, and what came of them: rows to fit and to judge on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from contracts.features import FEATURE_TABLES
from models.encoding import FeatureEncoder
from models.survival.distributed import SparkRows, survival_frame
from models.survival.portable import Bands
from models.survival.rows import ArrayRows, Rows
from pipelines.lifetime.summaries import Summaries
from runtime.context import Context
from runtime.errors import UsageError

TIMES = ("entry_days", "duration_days", "event", "followed_days", "known_days")


def feature_dates(context: Context) -> list[dt.date]:
    """The latest as_of dates before as_of that have features, at most `landmarks` of them."""
    if not all(context.has(name) for name in FEATURE_TABLES):
        return []
    most = context.settings.lifetime.survival.landmarks
    found = context.read("features.transactions").where(f"as_of < DATE'{context.as_of}'")
    # One row an as_of.
    days = found.select("as_of").distinct().orderBy("as_of", ascending=False).limit(most).collect()
    return sorted(row["as_of"] for row in days)


def window_days(context: Context) -> int | None:
    """Silence that counts as an end; None: contracts end."""
    if context.settings.churn.definition == "termination":
        return None
    chosen = context.settings.lifetime.survival.window_days
    return chosen or context.settings.lifecycle.silent_days + 1


@dataclass(frozen=True)
class Landmarks:
    """A row a (customer_id, as_of): the purchase summary, what was bought in the horizons before
    and after, covariates, and how long the customer stayed as seen by the run's as_of.

    frame: kept in Spark. on_driver: all of it (`is_whole`), or of each date a share by hash.
    dates: those with features. entry_days is null for who was known to have left, and where
    features are absent; duration_days also for who had left though nobody knew: a forecast is made
    of them as of anyone, and nothing is learnt from them.
    """

    context: Context
    frame: Any
    on_driver: dict[dt.date, pd.DataFrame]
    is_whole: bool
    dates: list[dt.date]

    @classmethod
    def at(
        cls, context: Context, summaries: Summaries, days: Sequence[dt.date], dates: list[dt.date]
    ) -> Landmarks:
        """`days`: all that rows are wanted of; `dates`: the landmarks among them."""
        from transforms.lifetime import outcomes

        horizons = context.settings.lifetime.backtest.horizons_days
        rows = outcomes(summaries.days, summaries.summary, days, horizons)
        rows = _with_terminated(context, rows)
        has_features = all(context.has(name) for name in FEATURE_TABLES)
        if has_features:
            known = _with_spells(context, summaries, days)
            rows = rows.join(known, on=["customer_id", "as_of"], how="left")
        else:
            empty = "CAST(NULL AS BIGINT) AS {}".format
            rows = rows.selectExpr("*", *[empty(name) for name in TIMES])
        frame = context.lake.keep(rows)
        most = context.settings.lifetime.survival.most_rows_on_driver
        is_whole = frame.count() <= most
        on_driver = _on_driver(frame, days, None if is_whole else most // len(days))
        return cls(context, frame, on_driver, is_whole, dates if has_features else [])

    def alive(self, day: dt.date) -> pd.DataFrame:
        """The rows of a date whose customers were not known to have left."""
        rows = self.on_driver.get(day)
        if rows is None or day not in {*self.dates, self.context.as_of}:
            return pd.DataFrame()
        return rows[rows["entry_days"].notna()].reset_index(drop=True)

    def followed(self, day: dt.date) -> pd.DataFrame:
        """Those of them to learn from and to judge on: who had not left, known or not."""
        rows = self.alive(day)
        return rows[rows["duration_days"].notna()].reset_index(drop=True) if len(rows) else rows

    def passed(self, day: dt.date, horizon: int) -> pd.DataFrame:
        """The followed of all landmarks whose horizon had passed by the day."""
        done = [d for d in self.dates if d + dt.timedelta(days=horizon) <= day]
        return pd.concat([self.followed(d) for d in done]) if done else pd.DataFrame()

    def past(self, day: dt.date) -> dict[int, pd.DataFrame]:
        """`passed` by horizon of conf (days), those that have rows."""
        horizons = self.context.settings.lifetime.backtest.horizons_days
        found = {h: self.passed(day, h) for h in horizons}
        return {h: rows for h, rows in found.items() if len(rows)}

    def seen(self, day: dt.date) -> Seen | None:
        """Survival rows as they stood on the day; None: no landmark lies before it."""
        earlier = [self.followed(d) for d in self.dates if d < day]
        if not any(map(len, earlier)):
            return None
        sample = seen_by(pd.concat(earlier, ignore_index=True), day)
        encoder = encoder_of(sample)
        return Seen(self, day, sample, encoder) if encoder else None


@dataclass(frozen=True)
class Seen:
    """Rows to fit on, as they stood on a day: all of them, or a sample of those in Spark."""

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
        """Customers and events of all rows, not of the sample alone."""
        from pyspark.sql import functions as F

        if self.landmarks.is_whole:
            return int(self.sample["customer_id"].nunique()), int(self.sample["event"].sum())
        counts = (F.countDistinct("customer_id"), F.coalesce(F.sum("event"), F.lit(0)))
        customers, events = self.frame().agg(*counts).collect()[0]  # one row
        return int(customers), int(events)

    def rows(self, bands: Bands | None = None) -> Rows:
        """The rows with all columns of the encoder; strata by bands of a feature."""
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

    def frame(self) -> Any:
        """The rows in Spark."""
        from transforms.survival_rows import seen_by as seen_in_spark

        followed = self.landmarks.frame.where("duration_days IS NOT NULL")
        known = followed.where(followed["as_of"].isin(self.landmarks.dates))
        return seen_in_spark(known, self.day)

    def _in_spark(self, bands: Bands | None) -> Rows:
        from transforms.survival_rows import band_of

        rows = self.frame()
        if bands:
            rows = rows.select("*", band_of(bands.feature, bands.edges).alias("stratum"))
        compact = survival_frame(rows, self.encoder, "stratum" if bands else None)
        return SparkRows.of(self.landmarks.context.lake.keep(compact))


def seen_by(rows: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """As transforms.survival_rows.seen_by, of rows on the driver."""
    until = (pd.Timestamp(day) - pd.to_datetime(rows["as_of"])).dt.days
    lived = rows["duration_days"] - rows["entry_days"]
    was_unseen = rows["known_days"] > until
    return rows.assign(
        duration_days=rows["entry_days"] + np.where(was_unseen, until, np.minimum(lived, until)),
        event=np.where(was_unseen, 0, rows["event"]).astype(int),
        followed_days=np.minimum(rows["followed_days"], until),
    )


def encoder_of(sample: pd.DataFrame) -> FeatureEncoder | None:
    """Covariates that have values and vary, in logarithms where they are never negative.

    What is unknown counts as the mean, with a column that says so. None: no covariate is left.
    """
    from transforms.survival_rows import COVARIATE

    names = [c for c in sample if c.startswith(COVARIATE) and sample[c].nunique() > 1]
    if not names:
        return None
    logged = tuple(n for n in names if sample[n].min() >= 0)
    values = sample[names].astype(float)
    values[list(logged)] = np.log1p(values[list(logged)])
    return FeatureEncoder(
        numeric=tuple(names),
        fill=tuple(float(m) for m in values.mean()),
        missing_indicators=tuple(n for n in names if sample[n].isna().any()),
        logged=logged,
    )


def _with_terminated(context: Context, rows: Any) -> Any:
    """Whose contract had ended by each date; nobody's where none is known to end."""
    from transforms.lifetime import with_terminated

    if context.has("silver.terminations"):
        return with_terminated(rows, context.read("silver.terminations"))
    return rows.selectExpr("*", "false AS is_terminated")


def _with_spells(context: Context, summaries: Summaries, days: Sequence[dt.date]) -> Any:
    """entry_days and covariates of those alive at each date, as known then, and when they left, if
    they did: null for who had left by then already."""
    from pyspark.sql import functions as F

    from transforms.survival_rows import ends, lapses, spells, with_covariates, without_ended_before
    from transforms.training_rows import feature_rows

    chosen = F.col("as_of").isin(list(days))
    rows = feature_rows({n: context.read(n).where(chosen) for n in FEATURE_TABLES})
    names = context.settings.lifetime.survival.covariates
    unknown = sorted(set(names) - set(rows.columns))
    if unknown:
        raise UsageError(
            f"lifetime.survival.covariates: must be columns of the feature tables, got "
            f"{', '.join(unknown)}. Choose from features.transactions, behavior and demographics."
        )
    window = window_days(context)
    here = context.lake.keep(with_covariates(rows, names, window))
    begun = here.select("customer_id", "as_of", "entry_days")
    if window is None:
        over = ends(context.read("silver.terminations"), context.as_of)
        begun = without_ended_before(begun, over)
    else:
        known = summaries.days.where(F.col("visible_from") <= F.lit(context.as_of))
        over = lapses(known, window)
    lived = spells(begun, over, context.as_of)
    return here.join(lived.drop("entry_days"), on=["customer_id", "as_of"], how="left")


def _on_driver(
    frame: Any, days: Sequence[dt.date], most: int | None
) -> dict[dt.date, pd.DataFrame]:
    """The rows of each date, at most `most` of them chosen by hash, sorted by customer."""
    from pyspark.sql import functions as F

    if most is None:
        every = frame.toPandas()
        found = {day: every[every["as_of"] == day] for day in days}
    else:
        order = (F.xxhash64("customer_id"), "customer_id")
        found = {
            day: frame.where(f"as_of = DATE'{day}'").orderBy(*order).limit(most).toPandas()
            for day in days
        }
    return {d: r.sort_values("customer_id").reset_index(drop=True) for d, r in found.items()}
