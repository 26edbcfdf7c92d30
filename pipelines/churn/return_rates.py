"""Share of customers who buy again after a silence, logged to MLflow to check the windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mlflow

from pipelines.churn.time_split import Schedule
from runtime.context import Context
from transforms.report_tables import returns_by_silence
from transforms.training_samples import keep_labels, keep_passed

FILE = "silences.json"


def log_silences(context: Context, plans: Mapping[int, Schedule]) -> None:
    """Log how many customers bought within each horizon after a silence longer than each window.

    Silences and horizons both have the lengths of conf (churn.horizons_days). silences.json of the
    active run has one row per (silent_days, horizon_days) over the dates before the test date. The
    metric `silence_<silent>.returned_in_<horizon>` is returned / rows. Nothing is logged if churn
    is a termination, because then silence is not the label.
    """
    if context.settings.churn.definition != "inactivity":
        return
    rows = silences(context, plans)
    mlflow.log_dict({"rows": rows}, FILE)
    for row in rows:
        name = f"silence_{row['silent_days']}.returned_in_{row['horizon_days']}"
        mlflow.log_metric(name, row["returned"] / row["rows"])


def silences(context: Context, plans: Mapping[int, Schedule]) -> list[dict[str, Any]]:
    """The rows of `returns_by_silence`, sorted, with dates as texts."""
    windows = sorted(plans)
    primary = plans[context.settings.churn.primary_horizon_days]
    labels = keep_labels(
        context.read("features.labels"), (*primary.train, primary.validation), windows
    )
    returns = returns_by_silence(
        context.read("features.transactions"), keep_passed(labels, primary.test), windows
    )
    # At most the square of the number of windows.
    rows = [{k: _plain(v) for k, v in r.asDict().items()} for r in returns.collect()]
    return sorted(rows, key=lambda r: (r["silent_days"], r["horizon_days"]))


def _plain(value: object) -> int | str:
    return value if isinstance(value, int) else str(value)
