"""A chart of the report as an SVG file of its own, for a page of the documentation."""

from __future__ import annotations

import re

from pipelines.reporting.chart_html import chart_html
from pipelines.reporting.charts import Chart
from pipelines.reporting.report_page import style
from runtime.formats import LocaleFormat

WIDTH = 720


def standalone_svg(chart: Chart, form: LocaleFormat) -> str:
    """The <svg> element of the chart with a fixed width, a background and the report's style."""
    element = re.search(r"<svg.*</svg>", chart_html(chart, form), re.DOTALL)
    if element is None:
        raise ValueError(f"{chart['name']}: has no <svg> element. Use bar_chart or line_chart.")
    head, body = element[0].split(">", 1)
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    head = head.replace('width="100%"', f'width="{WIDTH}"')
    background = '<rect width="100%" height="100%" style="fill: var(--card)"/>'
    return f"{head}>\n<style>{style()}</style>\n{background}{body}\n"
