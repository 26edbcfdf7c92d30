"""Why the windows are as long as they are: who comes back after each silence, in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.churn.time_split import Schedule
from runtime.context import Context

FILE = "silences.json"


def log_silences(context: Context, plans: Mapping[int, Schedule]) -> None:
    """Of those silent for longer than each window of conf, how many bought within each window.

    silences.json of the open run: a row a (silent_days, horizon_days) over the dates before the
    test date, and returned / rows as metrics `silence_<silent>.returned_in_<horizon>`. Nothing
    where churn is a termination: silence labels nobody then.
    """
    import mlflow

    if context.settings.churn.definition != "inactivity":
        return
    rows = silences(context, plans)
    mlflow.log_dict({"rows": rows}, FILE)
    for row in rows:
        name = f"silence_{row['silent_days']}.returned_in_{row['horizon_days']}"
        mlflow.log_metric(name, row["returned"] / row["rows"])


def silences(context: Context, plans: Mapping[int, Schedule]) -> list[dict[str, Any]]:
    """The rows of `returns_by_silence`, sorted; dates as texts."""
    from pyspark.sql import functions as F

    from transforms.report_tables import returns_by_silence

    windows = sorted(plans)
    primary = plans[context.settings.churn.primary_horizon_days]
    dates = [F.lit(d).cast("date") for d in (*primary.train, primary.validation)]
    labels = context.read("features.labels").where(
        F.col("as_of").isin(*dates)
        & F.col("horizon_days").isin(*windows)
        & (F.date_add("as_of", F.col("horizon_days") + F.col("lead_days")) <= F.lit(primary.test))
    )
    found = returns_by_silence(context.read("features.transactions"), labels, windows)
    # At most the square of the handful of windows.
    rows = [{k: _plain(v) for k, v in r.asDict().items()} for r in found.collect()]
    return sorted(rows, key=lambda r: (r["silent_days"], r["horizon_days"]))


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)
