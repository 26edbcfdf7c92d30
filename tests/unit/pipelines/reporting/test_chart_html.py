"""A chart of the report as HTML for a notebook."""

from __future__ import annotations

import datetime as dt

from pipelines.reporting.chart_html import chart_html
from pipelines.reporting.charts import bar_chart, line_chart
from runtime.formats import LocaleFormat

FORM = LocaleFormat()


def test_a_bar_chart_has_its_bars_its_texts_and_the_style_of_the_report():
    groups = [("Lost", [("20 %", 20.0)]), ("A <b> & co", [("10 %", 10.0)])]

    html = chart_html(bar_chart("sizes", "Sizes", groups, series=("share",)), FORM)

    assert html.startswith("<style>")
    assert "<b>Sizes</b>" in html
    # The longest bar takes 62 % of the width; half of it is 31 %.
    assert 'width="62.00%"' in html and 'width="31.00%"' in html
    assert "A &lt;b&gt; &amp; co" in html  # names of the data are text, not HTML


def test_a_line_chart_has_its_lines():
    points = [(dt.date(2018, 1, 1), 1.0), (dt.date(2018, 1, 31), 0.5)]
    chart = line_chart("survival", "Still customers", [("all", points)], form=FORM)

    html = chart_html(chart, FORM)

    assert html.count("<circle") == 2
    assert "Still customers" in html


def test_one_date_makes_no_line():
    chart = line_chart("a", "A", [("all", [(dt.date(2018, 1, 1), 1.0)])], form=FORM)

    assert chart_html(chart, FORM) == (
        "<p>No chart: it needs two dates, and there is one or none.</p>"
    )
