"""The page: alerts first, values escaped, the largest values."""

from __future__ import annotations

from pipelines.monitoring.alert import Alert
from pipelines.monitoring.monitor_page import largest, page, summary
from tests.unit.pipelines.monitoring.conftest import DAY


def row(feature, value, is_alert=False):
    return {
        **{"feature": feature, "statistic": "psi", "value": value, "threshold": 0.2},
        **{"p_value": 0.01, "is_alert": is_alert},
    }


ALERT = Alert(DAY, "data", "x", "critical", "<b>No rows</b>.", "Check it.")


def test_alerts_come_first_then_the_largest_values():
    rows = [
        row("small", 0.1),
        row("large", 0.9),
        row("alert", 0.3, is_alert=True),
        row("none", None),
    ]
    assert [r["feature"] for r in largest(rows)] == ["alert", "large", "small", "none"]


def test_what_a_person_reads_first():
    assert summary([], []) == "No alert; 0 statistics compared."
    assert summary([row("a", 0.1)], [ALERT]) == "1 alert, 1 critical; 1 statistic compared."


def test_a_page_escapes_values_and_loads_nothing(context):
    figure = {"scored_on": DAY, "basis": "estimated", "metric": "brier", "value": None}
    figure |= {"ci_low": None, "ci_high": None, "reference_value": 0.2, "verdict": "cannot be told"}
    rows = [row(f"f{n}", 0.1) for n in range(41)]
    text = page(context({}), rows, figures=[figure], alerts=[ALERT])
    assert "&lt;b&gt;No rows&lt;/b&gt;." in text and "Check it." in text
    assert "1 Mar 2018" in text and "1 more in gold.drift." in text
    assert "http" not in text.replace("http-equiv", "")


def test_without_anything_the_page_says_so(context):
    text = page(context({}), [], figures=[], alerts=[])
    assert "Nothing to do." in text and "No scored date is old enough." in text
