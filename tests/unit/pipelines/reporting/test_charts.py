"""Charts as positions: the longest bar, the scale of a line chart, and the descriptions."""

import datetime as dt

from pipelines.reporting.charts import HEIGHT, LEFT, LONGEST_BAR, TOP, WIDTH, bar_chart, line_chart
from runtime.formats import LocaleFormat

DAYS = [dt.date(2018, 1, day) for day in (1, 6, 11)]


def test_bars_are_shares_of_the_longest_one():
    """b is half of a; a negative number has no bar, but its text."""
    groups = [("a", [("8", 8.0)]), ("b", [("4", 4.0)]), ("c", [("-1", -1.0)])]
    chart = bar_chart("id", "Title", groups, series=["value"])
    assert chart["groups"] == [
        ("a", [("8", f"{LONGEST_BAR:.2f}%")]),
        ("b", [("4", f"{LONGEST_BAR / 2:.2f}%")]),
        ("c", [("-1", "0.00%")]),
    ]
    assert chart["description"] == "Bar chart of value. a: 8; b: 4; c: -1."


def test_bars_of_nothing_have_no_length():
    chart = bar_chart("id", "Title", [("a", [("0", 0.0)])], series=["value"])
    assert chart["groups"] == [("a", [("0", "0.00%")])]


def test_a_line_runs_from_the_first_to_the_last_date():
    """The scale ends at 20 %, so .1 is in the middle. The other series has one date, so no line."""
    series = [
        ("expected", list(zip(DAYS, (0.1, 0.2, 0.0), strict=True))),
        ("left", [(DAYS[1], 0.1)]),
    ]
    chart = line_chart("id", "Title", series, form=LocaleFormat("de"))
    (_, points, lines), (_, single, no_lines) = chart["lines"]
    across = [f"{LEFT + WIDTH * part:.2f}%" for part in (0, 0.5, 1)]
    down = [f"{TOP + HEIGHT * part:.1f}" for part in (0.5, 0, 1)]
    assert points == list(zip(across, down, strict=True))
    assert lines == [(points[0], points[1]), (points[1], points[2])]
    assert (single, no_lines) == ([(across[1], down[0])], [])
    assert [label for label, _ in chart["levels"]] == ["0 %", "10 %", "20 %"]
    assert (chart["first"], chart["last"]) == ("01.01.2018", "11.01.2018")
    assert chart["description"] == (
        "Line chart. expected: 01.01.2018 10,0 %, 06.01.2018 20,0 %, 11.01.2018 0,0 %; left: "
        "06.01.2018 10,0 %."
    )


def test_one_date_is_no_line():
    assert line_chart("id", "Title", [("left", [(DAYS[0], 0.1)])], form=LocaleFormat()) is None
