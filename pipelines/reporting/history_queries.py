"""Read what the report says about earlier dates: the trend, and outcomes that are known now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.reporting.report_data import Row, sorted_rows
from transforms import report_tables, report_trend
from transforms.slices import at_date

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.settings import Settings

    # Computes a frame once; the lake frees it later.
    Keep = Callable[[DataFrame], DataFrame]

LATER_DAYS = 30


def past_figures(
    frames: Mapping[str, DataFrame],
    settings: Settings,
    as_of: dt.date,
    *,
    stake: str | None,
    keep: Keep,
) -> Row:
    """The trend, and outcomes of earlier as_of dates, from labels whose window had ended by as_of.

    `frames`: labels, transactions (features), segments and scores (gold), of all dates. `stake`:
    the column of gold.customer_scores that is at risk.
    """
    churn = settings.churn
    labels = keep(report_tables.matured(frames["labels"], as_of))
    figures: Row = {}
    if churn.definition == "inactivity":
        horizons = [h for h in sorted(churn.horizons_days) if h >= LATER_DAYS]
        pairs = pairs_of_horizons(horizons, churn.primary_horizon_days)
        shortest = labels.where(f"horizon_days IN ({', '.join(map(str, horizons[:2] or [0]))})")
        # One row per silence (0 and each horizon) and horizon (at most two).
        silent = report_tables.returns_by_silence(
            frames["transactions"], shortest, [0, *sorted(churn.horizons_days)]
        )
        figures["silences"] = sorted_rows(silent, "silent_days", "horizon_days")
        if pairs:
            # One row per pair of horizons.
            returns = report_tables.returns_after_horizon(labels, pairs)
            figures["returns"] = sorted_rows(returns, "horizon_days", "later_days")
    primary = labels.where(f"horizon_days = {churn.primary_horizon_days}")
    segments, scores = frames["segments"], frames["scores"]
    observed = report_trend.observed_churn(
        primary, frames["transactions"], settings.lifecycle.silent_days
    )
    figures["trend"] = trend_rows(
        report_trend.score_trend(scores, stake),
        report_trend.lifecycle_trend(segments),
        observed,
        as_of=as_of,
    )
    dates = report_tables.latest_shared_as_of(segments, primary)
    tested = dates.collect()[0]["as_of"]  # one row
    if tested is not None:
        slices = [at_date(frame, tested) for frame in (segments, primary, scores)]
        # 12 segments x 5 lifecycles.
        figures["tested"] = sorted_rows(
            report_tables.churn_by_segment(*slices), "segment", "lifecycle"
        )
        figures["tested_as_of"] = tested
        # At most four rows.
        outcomes = report_trend.prediction_outcomes(slices[2], slices[1])
        figures["outcomes"] = sorted_rows(outcomes, "churn_prediction", "churned")
    return figures


def pairs_of_horizons(horizons: Sequence[int], primary: int) -> list[tuple[int, int]]:
    """(horizon, later day) for each horizon and the next one, and for the primary and the last.

    >>> pairs_of_horizons([30, 60, 90], 30)
    [(30, 60), (30, 90), (60, 90)]
    """
    pairs = {(h, h + LATER_DAYS) for h in horizons if h + LATER_DAYS in horizons}
    if primary in horizons and primary < horizons[-1]:
        pairs.add((primary, horizons[-1]))
    return sorted(pairs)


def trend_rows(*frames: DataFrame, as_of: dt.date) -> list[Row]:
    """One row per as_of up to this one, the oldest first, with the columns of all frames.

    A date that a frame does not have lacks its columns.
    """
    by_date: dict[dt.date, Row] = {}
    for frame in frames:
        # One row per date: a daily run of ten years has 3,650.
        for row in sorted_rows(frame.where(f"as_of <= DATE'{as_of}'"), "as_of"):
            by_date.setdefault(row["as_of"], {}).update(row)
    return [by_date[day] for day in sorted(by_date)]
