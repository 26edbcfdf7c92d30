"""Charts of the app: colours that colour-blind people can tell apart, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

import altair as alt
import pandas as pd
import streamlit as st

from app.lake import Row

# Okabe and Ito (2008), without yellow and black, which one of the two themes would hide.
BLUE, ORANGE, GREEN, PURPLE, SKY, RED = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
)
# Text on a chart, readable on white and on black: a contrast of 4.3 and 4.9.
GREY = "#7A7A7A"
Chart = alt.Chart | alt.LayerChart | alt.FacetChart
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
HEIGHT = 280
# A label of a bar is broken into lines of this length, so that it fits on a phone.
LABEL_SIGNS = 24


def show(chart: Chart, description: str) -> None:
    """Draw a chart; `description` says in words what it shows, for screen readers."""
    st.altair_chart(chart.properties(height=HEIGHT), width="stretch", alt=description)


def bars(rows: Sequence[Row], label: str, value: str, *, title: str, number: str) -> alt.Chart:
    """Horizontal bars in the order of the rows, blue above 0 and orange below.

    `number`: the axis format of d3, such as ",.0f".
    """
    frame = pd.DataFrame(rows)
    frame[label] = ["\n".join(wrap(text, LABEL_SIGNS)) for text in frame[label]]
    lines_of_label = alt.Axis(
        labelExpr="split(datum.label, '\\n')", labelLimit=200, labelOverlap=False
    )
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X(value, title=title, axis=alt.Axis(format=number)),
            y=alt.Y(label, title=None, sort=None, axis=lines_of_label),
            color=alt.condition(alt.datum[value] > 0, alt.value(BLUE), alt.value(ORANGE)),
            tooltip=[label, alt.Tooltip(value, format=number)],
        )
    )


def band(
    rows: Sequence[Row], x: str, y: str, *, titles: tuple[str, str], formats: tuple[str, str]
) -> Chart:
    """A line with the band between the columns `low` and `high`. titles, formats: of x and y."""
    frame = pd.DataFrame(rows)
    across = alt.X(x, title=titles[0], axis=alt.Axis(format=formats[0]))
    base = alt.Chart(frame).encode(x=across)
    axis = alt.Axis(format=formats[1])
    area = base.mark_area(opacity=0.25, color=BLUE).encode(
        y=alt.Y("low", title=titles[1], axis=axis), y2="high"
    )
    line = base.mark_line(color=BLUE, point=len(frame) < 20).encode(y=alt.Y(y, title=titles[1]))
    return alt.layer(area, line)


def lines(
    rows: Sequence[Row],
    x: str,
    y: str,
    *,
    by: str,
    titles: tuple[str, str],
    number: str,
    domain: tuple[float, float] | None = None,
) -> alt.Chart:
    """One line per value of `by`, with colour and dash, so that it can be read without colour.

    `domain`: the ends of the y axis; without it they follow from the values.
    """
    ends = alt.Scale(domain=list(domain)) if domain else alt.Scale(zero=False)
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X(x, title=titles[0]),
            y=alt.Y(y, title=titles[1], axis=alt.Axis(format=number), scale=ends),
            color=alt.Color(
                by,
                title=None,
                scale=alt.Scale(range=list(PALETTE)),
                legend=alt.Legend(orient="bottom", columns=2),
            ),
            strokeDash=alt.StrokeDash(by, legend=None),
            tooltip=[x, by, alt.Tooltip(y, format=number)],
        )
    )


def heat(rows: Sequence[Row], x: str, y: str, *, value: str, titles: Sequence[str]) -> Chart:
    """A table of cells coloured by `value`, with its number. titles: of x, y and value."""
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X(f"{x}:O", title=titles[0], axis=alt.Axis(labelAngle=0)),
        y=alt.Y(f"{y}:O", title=titles[1], sort="descending"),
    )
    cells = base.mark_rect().encode(
        color=alt.Color(value, title=titles[2], scale=alt.Scale(scheme="cividis"), legend=None),
        tooltip=[x, y, alt.Tooltip(value, format=",.0f")],
    )
    middle = max(row[value] for row in rows) / 2
    text = base.mark_text(fontSize=12).encode(
        text=alt.Text(value, format=",.0f"),
        color=alt.condition(alt.datum[value] > middle, alt.value("black"), alt.value("white")),
    )
    return alt.layer(cells, text)
