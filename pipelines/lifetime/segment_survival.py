"""gold.segment_survival: Kaplan-Meier curves by segment, from each customer's first landmark on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from contracts.features import FEATURE_TABLES
from models.survival.kaplan_meier import KaplanMeier
from pipelines.lifetime.landmarks import Landmarks
from pipelines.lifetime.model_rows import Row
from runtime.context import Context
from transforms.segments import customer_segments
from transforms.slices import at_dates
from transforms.survival_rows import lived_counts
from transforms.training_rows import feature_rows

# Days between the points of a curve.
STEP_DAYS = 30
ALL = "all"


def survival_by_segment(context: Context, landmarks: Landmarks) -> list[Row]:
    """One row per (segment, days_ahead); none without landmarks."""
    dates = landmarks.dates
    if not dates:
        return []
    features = feature_rows({n: at_dates(context.read(n), dates) for n in FEATURE_TABLES})
    segments = customer_segments(features, context.settings.rfm.window_days, context.formulas)
    followed = at_dates(landmarks.frame, dates).where("followed_days IS NOT NULL")
    # At most two rows per day of history and segment; there are twelve segments.
    counts: pd.DataFrame = lived_counts(followed, segments).toPandas()
    if not len(counts):
        return []
    with_all = pd.concat([counts, counts.assign(segment=ALL)])
    return [
        row
        for segment, part in with_all.groupby("segment")
        for row in curve_rows(str(segment), part)
    ]


def curve_rows(segment: str, counts: pd.DataFrame) -> list[Row]:
    """The curve at every STEP_DAYS, until the last day on which a customer was followed.

    counts: lived_days, event, customers.
    """
    lived, weight = counts["lived_days"].to_numpy(), counts["customers"].to_numpy(dtype=float)
    size, total = int(lived.max()) + 2, float(weight.sum())
    entries = np.zeros(size)
    entries[0] = total
    exits = np.bincount(lived + 1, weight, size).astype(float)
    happened = weight * counts["event"].to_numpy(dtype=float)
    events = np.bincount(lived + 1, happened, size).astype(float)
    curve = KaplanMeier.of_counts(entries, exits, events)
    rows = []
    for day in range(STEP_DAYS, int(lived.max()) + 1, STEP_DAYS):
        place = int(np.searchsorted(curve.days, day, side="right")) - 1
        low, high = (1.0, 1.0) if place < 0 else (curve.low[place], curve.high[place])
        values = {"survival": float(curve.at(day)), "ci_low": float(low), "ci_high": float(high)}
        rows.append({"segment": segment, "days_ahead": day, "customers": int(total), **values})
    return rows
