"""A chart of the report as one piece of HTML, for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.reporting.charts import Chart
from pipelines.reporting.report_page import environment, style

if TYPE_CHECKING:
    from runtime.formats import LocaleFormat


def chart_html(chart: Chart | None, form: LocaleFormat) -> str:
    """The chart with the style of the report, for `displayHTML`.

    None, where `charts.line_chart` has too few dates, becomes a sentence.
    """
    if chart is None:
        return "<p>No chart: it needs two dates, and there is one or none.</p>"
    kind = "line_chart" if "lines" in chart else "bar_chart"
    macro = getattr(environment(form).get_template("macros.html.j2").module, kind)
    return f"<style>{style()}</style>\n{macro(chart)}"
