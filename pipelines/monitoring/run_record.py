"""The MLflow record of a monitoring run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.entities import Metric

from pipelines.monitoring.alert import Alert
from runtime.context import Context
from runtime.model_registry import Registry
from runtime.run_info import code_version


def log_monitoring(
    context: Context,
    registry: Registry,
    rows: Sequence[Mapping[str, Any]],
    *,
    figures: Sequence[Mapping[str, Any]],
    alerts: Sequence[Alert],
) -> None:
    """One MLflow run per monitoring run: all values as metrics, the alerts as an artifact."""
    values = {f"{r['feature']}.{r['statistic']}": r["value"] for r in rows}
    values |= {f"{r['basis']}.{r['metric']}": r["value"] for r in figures}
    known = [(n, float(v)) for n, v in values.items() if v is not None and math.isfinite(v)]
    known.append(("alerts", float(len(alerts))))
    tags = {"kind": "monitoring", "as_of": context.as_of.isoformat(), "code": code_version()}
    client = registry.client
    run = client.create_run(
        registry.experiment_id(), tags=tags, run_name=f"monitor-{context.as_of}"
    )
    # At most 1,000 metrics per call.
    for start in range(0, len(known), 1000):
        metrics = [Metric(n, v, run.info.start_time, 0) for n, v in known[start : start + 1000]]
        client.log_batch(run.info.run_id, metrics)
    client.log_dict(
        run.info.run_id, {"alerts": [alert.payload() for alert in alerts]}, "alerts.json"
    )
    client.set_terminated(run.info.run_id)
