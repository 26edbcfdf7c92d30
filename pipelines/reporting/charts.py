"""Charts as numbers for the SVG templates: positions in per cent, so that text keeps its size.

Each chart has a title, and a description with its values for readers who do not see it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from runtime.formats import LocaleFormat

Chart = dict[str, Any]
# The longest bar takes this share of the width, so that its label fits beside it on a phone.
LONGEST_BAR = 62.0
# Left edge and width of the plot area of a line chart, in per cent; top and height in pixels.
LEFT, WIDTH, TOP, HEIGHT = 14.0, 82.0, 14.0, 170.0


def bar_chart(
    name: str,
    title: str,
    groups: Sequence[tuple[str, Sequence[tuple[str, float]]]],
    *,
    series: Sequence[str],
) -> Chart:
    """Horizontal bars: per group its label, and one (text, number) per series.

    `name` is the id in the page. Negative numbers have no bar; their text is shown.
    """
    longest = max((number for _, bars in groups for _, number in bars), default=0.0) or 1.0
    told = "; ".join(
        f"{label}: "
        + ", ".join(
            f"{text} {what}" if len(series) > 1 else text
            for (text, _), what in zip(bars, series, strict=True)
        )
        for label, bars in groups
    )
    return {
        "name": name,
        "title": title,
        "description": f"Bar chart of {' and '.join(series)}. {told}.",
        "series": list(series),
        "groups": [
            (label, [(text, f"{max(n, 0.0) / longest * LONGEST_BAR:.2f}%") for text, n in bars])
            for label, bars in groups
        ],
    }


def line_chart(
    name: str,
    title: str,
    series: Sequence[tuple[str, Sequence[tuple[dt.date, float]]]],
    *,
    form: LocaleFormat,
) -> Chart | None:
    """Shares over dates: per series its name and (date, share). None: fewer than two dates."""
    days = sorted({day for _, points in series for day, _ in points})
    if len(days) < 2:
        return None
    top = _round_up(max(number for _, points in series for _, number in points))
    span = (days[-1] - days[0]).days

    def place(day: dt.date, number: float) -> tuple[str, str]:
        across = LEFT + WIDTH * (day - days[0]).days / span
        return f"{across:.2f}%", f"{TOP + HEIGHT * (1 - number / top):.1f}"

    told = "; ".join(
        f"{what}: "
        + ", ".join(f"{form.date(day)} {form.percent(number)}" for day, number in points)
        for what, points in series
        if points
    )
    lines = []
    for what, points in series:
        places = [place(*point) for point in sorted(points)]
        lines.append((what, places, list(pairwise(places))))
    return {
        "name": name,
        "title": title,
        "description": f"Line chart. {told}.",
        "lines": lines,
        "left": f"{LEFT}%",
        "right": f"{LEFT + WIDTH}%",
        "bottom": TOP + HEIGHT,
        "height": TOP + HEIGHT + 30,
        "levels": [
            (form.percent(part * top, 0), f"{TOP + HEIGHT * (1 - part):.1f}")
            for part in (0.0, 0.5, 1.0)
        ],
        "first": form.date(days[0]),
        "last": form.date(days[-1]),
    }


def _round_up(number: float) -> float:
    """The next of 2 %, 10 %, 20 %, 30 %, ...: a scale whose half is a whole percentage.

    >>> _round_up(0.123), _round_up(0.01), _round_up(0.0)
    (0.2, 0.02, 0.02)
    """
    if number <= 0.02:
        return 0.02
    tenths = -(-round(number * 1000) // 100)
    return tenths / 10
