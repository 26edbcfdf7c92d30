"""Freshness and volume of the source tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from contracts.table import Table
from models.experiments import holm
from pipelines.monitoring.alert import CRITICAL, Alert
from runtime.context import Context
from runtime.wording import plural
from transforms.source_volume import window_counts

# Windows before the newest one. With fewer than FEWEST of them the volume is not compared.
WINDOWS, FEWEST = 8, 4


def source_health(context: Context) -> list[dict[str, Any]]:
    """Rows of gold.drift, without as_of: freshness_days and volume_ratio per source table."""
    monitoring = context.settings.monitoring
    counts = {}
    for table in event_tables(context):
        binned = window_counts(
            context.read(table.name),
            table.event_time or "",
            as_of=context.as_of,
            window_days=monitoring.volume_window_days,
            windows=WINDOWS,
        )
        counts[table.name] = binned.collect()[0].asDict()  # one row
    return health_rows(context, counts)


def event_tables(context: Context) -> list[Table]:
    """The silver tables with events that a source of conf fills."""
    filled = {f"silver.{source.table}" for source in context.settings.sources.values()}
    return [
        table
        for name, table in sorted(context.tables.items())
        if name in filled and table.event_time and context.has(name)
    ]


def health_rows(context: Context, counts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows from the counts of `window_counts` by table. p-values are corrected over tables."""
    fresh = [_freshness(context, name, row) for name, row in counts.items()]
    volumes = [_volume(context, name, row) for name, row in counts.items()]
    tested = [v for v in volumes if v["p_value"] is not None]
    for row, corrected in zip(tested, holm([v["p_value"] for v in tested]), strict=True):
        row["p_value"] = corrected
    rate = context.settings.monitoring.false_alarm_rate
    return fresh + [{**row, "is_alert": _is_unusual(row, rate)} for row in volumes]


def _freshness(context: Context, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    longest = context.settings.monitoring.freshness_days
    age = None if row["last_on"] is None else (context.as_of - row["last_on"]).days
    return {
        "feature": name,
        "rows": int(row["rows"]),
        "model_version": None,
        "statistic": "freshness_days",
        "value": None if age is None else float(age),
        "threshold": float(longest),
        "p_value": None,
        "is_alert": age is None or age > longest,
    }


def _volume(context: Context, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    ratio, p_value = volume_change(int(row["window_0"]), _complete_windows(context, row))
    return {
        "feature": name,
        "rows": int(row["rows"]),
        "model_version": None,
        "statistic": "volume_ratio",
        "value": ratio,
        "threshold": context.settings.monitoring.volume_ratio_below,
        "p_value": p_value,
    }


def volume_change(newest: int, earlier: Sequence[int]) -> tuple[float | None, float | None]:
    """newest / mean of earlier, and the p-value of the t-test for one further window.

    The logarithms of the counts (+ 1) are compared, with a standard error of at least that of a
    Poisson count. None: fewer than FEWEST earlier windows, or no row in them.
    """
    mean = float(np.mean(earlier)) if len(earlier) else 0.0
    if len(earlier) < FEWEST or mean == 0:
        return None, None
    logs = np.log1p(np.asarray(earlier, float))
    deviation = max(float(logs.std(ddof=1)), 1 / math.sqrt(mean + 1))
    gap = abs(math.log1p(newest) - float(logs.mean()))
    statistic = gap / (deviation * math.sqrt(1 + 1 / len(logs)))
    return newest / mean, float(2 * stats.t.sf(statistic, len(logs) - 1))


def _complete_windows(context: Context, row: Mapping[str, Any]) -> list[int]:
    """The counts of the windows that begin after the first event."""
    if row["first_on"] is None:
        return []
    days = (context.as_of - row["first_on"]).days
    complete = min(WINDOWS, days // context.settings.monitoring.volume_window_days - 1)
    return [int(row[f"window_{i}"]) for i in range(1, complete + 1)]


def _is_unusual(row: Mapping[str, Any], rate: float) -> bool:
    if row["value"] is None or row["p_value"] is None:
        return False
    is_beyond = row["value"] < row["threshold"] or row["value"] > 1 / row["threshold"]
    return bool(is_beyond and row["p_value"] < rate)


def source_alerts(context: Context, rows: Sequence[Mapping[str, Any]]) -> list[Alert]:
    """One alert per source table and statistic."""
    return [
        Alert(
            context.as_of,
            "data",
            f"{row['feature']} {row['statistic']}",
            CRITICAL,
            _message(context, row),
            "Check the export of the source and the log of ingest (bronze.ingest_log). Scores are "
            "wrong until the rows have arrived; then run build_features and score_customers again.",
        )
        for row in rows
        if row["is_alert"]
    ]


def _message(context: Context, row: Mapping[str, Any]) -> str:
    if row["statistic"] == "freshness_days":
        if row["value"] is None:
            return f"{row['feature']} has no row before {context.as_of}."
        return (
            f"{row['feature']}: the newest row is {plural(int(row['value']), 'day')} old "
            f"(monitoring.freshness_days {row['threshold']:.0f})."
        )
    days = context.settings.monitoring.volume_window_days
    return (
        f"{row['feature']}: the last {plural(days, 'day')} have {row['value']:.2f} times the "
        f"usual rows (monitoring.volume_ratio_below {row['threshold']:g})."
    )
