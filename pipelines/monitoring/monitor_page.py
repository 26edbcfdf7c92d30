"""monitoring.html: alerts, performance and drift, in the style of the report."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.monitoring.alert import Alert
from pipelines.reporting.report_page import environment, style
from runtime.context import Context
from runtime.formats import LocaleFormat
from runtime.wording import plural

PAGE_FILE = "monitoring.html"
# Values on the page; gold.drift has all.
MOST_ROWS = 40


def write_page(
    context: Context,
    rows: Sequence[Mapping[str, Any]],
    *,
    figures: Sequence[Mapping[str, Any]],
    alerts: Sequence[Alert],
) -> None:
    """Write the page into the lakehouse folder. The same rows give the same bytes."""
    text = page(context, rows, figures=figures, alerts=alerts)
    is_new = (context.settings.root / PAGE_FILE).update(io.BytesIO(text.encode("utf-8")))
    context.progress.say(f"      {'wrote' if is_new else 'unchanged':<11} {PAGE_FILE}")


def page(
    context: Context,
    rows: Sequence[Mapping[str, Any]],
    *,
    figures: Sequence[Mapping[str, Any]],
    alerts: Sequence[Alert],
) -> str:
    """The page as HTML."""
    form = LocaleFormat(context.settings.report.locale)
    template = environment(form).get_template("monitoring.html.j2")
    return template.render(
        title=f"Monitoring of {context.settings.env}",
        as_of=context.as_of,
        style=style(),
        summary=summary(rows, alerts),
        alerts=alerts,
        figures=figures,
        rows=largest(rows),
        others=max(0, len(rows) - MOST_ROWS),
    )


def summary(rows: Sequence[Mapping[str, Any]], alerts: Sequence[Alert]) -> str:
    """What a person must know first."""
    told = f"{plural(len(rows), 'statistic')} compared"
    if not alerts:
        return f"No alert; {told}."
    critical = sum(alert.severity == "critical" for alert in alerts)
    return f"{plural(len(alerts), 'alert')}, {critical} critical; {told}."


def largest(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows with an alert, then those with the largest value relative to their threshold."""

    def size(row: Mapping[str, Any]) -> tuple[bool, float, str, str]:
        value = abs(row["value"] or 0.0) / (row["threshold"] or 1e-9)
        return not row["is_alert"], -value, row["feature"], row["statistic"]

    return sorted(rows, key=size)[:MOST_ROWS]
