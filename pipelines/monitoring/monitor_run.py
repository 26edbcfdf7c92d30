"""Monitor the champion, its sources and the offers; raise alerts, and write the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contracts.features import FEATURE_TABLES
from pipelines.monitoring.alert import Alert
from pipelines.monitoring.alert_sinks import alert_sinks, sent
from pipelines.monitoring.feature_drift import drift, drift_alerts, rows_of
from pipelines.monitoring.leavers import leaver_writes
from pipelines.monitoring.monitor_page import write_page
from pipelines.monitoring.performance import performance, performance_alerts
from pipelines.monitoring.promise_checks import promise_writes
from pipelines.monitoring.run_record import log_monitoring
from pipelines.monitoring.source_health import source_alerts, source_health
from runtime.context import Context
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHAMPION, Registered, Registry
from runtime.wording import plural
from transforms.training_rows import feature_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipelines.outreach.contact import Sink


# Has a row for every known customer of a day on which build_features ran.
BUILT = "features.transactions"


def run(context: Context, *, is_test: bool = False, is_newest: bool = False) -> None:
    """Write the tables of monitoring for as_of, send its alerts, and write monitoring.html.

    is_test: only send one test alert to every sink. is_newest: monitor the newest day up to as_of
    that has features.
    """
    sinks = alert_sinks(context.settings)
    if is_test:
        send_test(context, sinks)
        return
    if is_newest:
        context = with_features(context)
    registry = Registry(context.settings)
    champion = registry.by_alias(CHAMPION)
    rows, alerts = drift_rows(context, registry, champion)
    figures = performance(context, champion)
    leavers, of_leavers = leaver_writes(context, champion)
    promises, of_promises = promise_writes(context)
    alerts += [*performance_alerts(context, figures), *of_leavers, *of_promises]
    writes = [
        write_of(context, "gold.drift", rows),
        write_of(context, "gold.model_performance", figures),
        *leavers,
        *promises,
    ]
    if context.is_dry:
        context.progress.say(f"      would raise {plural(len(alerts), 'alert')}")
        return
    raised = with_earlier(context, alerts)
    address = context.settings.monitoring.alerts.email_to
    # Sent before the commit: a run that dies in between sends the same ids again.
    delivered = sent(raised, sinks, address, progress=context.progress)
    writes.append(write_of(context, "gold.alerts", [a.row() for a in delivered]))
    context.write(writes)
    context.lake.forget()
    log_monitoring(context, registry, rows, figures=figures, alerts=delivered)
    write_page(context, rows, figures=figures, alerts=delivered)


def drift_rows(
    context: Context, registry: Registry, champion: Registered | None
) -> tuple[list[dict[str, Any]], list[Alert]]:
    """Rows of gold.drift for features, probabilities and sources, and their alerts."""
    health = source_health(context)
    alerts = source_alerts(context, health)
    if champion is None:
        context.progress.warn(
            "no champion is registered: drift of features is not measured. Run train_churn, "
            "validate_model and deploy_model."
        )
        return health, alerts
    for name in FEATURE_TABLES:
        context.required_slice(name, "build_features")
    features = feature_rows({name: context.slice(name) for name in FEATURE_TABLES})
    measured = drift(context, registry, champion, features=features)
    return [*rows_of(measured, champion.version), *health], [
        *drift_alerts(context, measured),
        *alerts,
    ]


def write_of(context: Context, name: str, rows: Sequence[Mapping[str, Any]]) -> Write:
    """The rows of as_of of one table, which replace those of an earlier run of the date."""
    return Write(context.table(name), frame_of(context, name, rows), [context.as_of])


def frame_of(context: Context, name: str, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Rows of a table as a frame. A row without as_of gets that of the run."""
    table = context.table(name)
    records = [
        tuple({"as_of": context.as_of, **row}[c] for c in table.column_names) for row in rows
    ]
    return context.spark.createDataFrame(records, table.ddl)


def with_earlier(context: Context, alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts with raised_at and sent_to of an earlier run of the same date."""
    # A few alerts per date.
    earlier = {r["alert_id"]: r for r in context.slice("gold.alerts").collect()}
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    known = []
    for alert in alerts:
        row = earlier.get(alert.contact_id)
        if row is None:
            known.append(replace(alert, raised_at=now))
            continue
        sinks = tuple(filter(None, (row["sent_to"] or "").split(", ")))
        raised_at = row["raised_at"].replace(tzinfo=row["raised_at"].tzinfo or dt.UTC)
        known.append(replace(alert, raised_at=raised_at, sent_to=sinks))
    return known


def with_features(context: Context) -> Context:
    """The run at the newest day, up to its as_of, that has features. Without any: the same run."""
    if not context.has(BUILT):
        return context
    built = context.read(BUILT).where(f"as_of <= DATE'{context.as_of}'")
    days = [row["as_of"] for row in built.select("as_of").distinct().collect()]  # one row per day
    newest = max(days, default=context.as_of)
    if newest == context.as_of:
        return context
    context.progress.say(f"      as_of {newest}: the newest day with features")
    return context.at(newest)


def send_test(context: Context, sinks: Mapping[str, Sink]) -> None:
    """Send one test alert to the log and to every sink of conf. Nothing is written."""
    alert = Alert(
        context.as_of,
        "test",
        context.run.run_id,
        "warning",
        "This is a test alert of Holdfast.",
        "Nothing. The sink works.",
    )
    address = context.settings.monitoring.alerts.email_to
    delivered = sent([alert], sinks, address, progress=context.progress)[0]
    context.progress.say(
        f"      test alert accepted by: {', '.join(delivered.sent_to) or 'the log'}"
    )
