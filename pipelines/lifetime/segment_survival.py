"""gold.segment_survival: Kaplan-Meier by segment, from each customer's first landmark on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from models.survival.kaplan_meier import KaplanMeier
from pipelines.lifetime.landmarks import FEATURE_TABLES, Landmarks
from runtime.context import Context

# Days between the points of a curve.
STEP_DAYS = 30
ALL = "all"


def survival_by_segment(context: Context, landmarks: Landmarks) -> list[dict[str, Any]]:
    """One row a (segment, days_ahead); empty: there is no landmark."""
    from pyspark.sql import functions as F

    from transforms.segments import customer_segments
    from transforms.survival_rows import lived_counts
    from transforms.training_rows import feature_rows

    if not landmarks.dates:
        return []
    chosen = F.col("as_of").isin(landmarks.dates)
    features = feature_rows({n: context.read(n).where(chosen) for n in FEATURE_TABLES})
    segments = customer_segments(features, context.settings.rfm.window_days, context.formulas)
    living = landmarks.frame.where(chosen & F.col("followed_days").isNotNull())
    # Twelve segments by days of history, twice.
    counts: Any = lived_counts(living, segments).toPandas()
    if not len(counts):
        return []
    everyone = counts.assign(segment=ALL)
    return [
        row
        for segment, part in pd.concat([counts, everyone]).groupby("segment")
        for row in curve_rows(str(segment), part)
    ]


def curve_rows(segment: str, counts: pd.DataFrame) -> list[dict[str, Any]]:
    """The curve every STEP_DAYS, as long as anyone was followed: lived_days, event, customers."""
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
        figures = {"survival": float(curve.at(day)), "ci_low": float(low), "ci_high": float(high)}
        facts = {"segment": segment, "days_ahead": day, "customers": int(total)}
        rows.append({**facts, **figures})
    return rows
