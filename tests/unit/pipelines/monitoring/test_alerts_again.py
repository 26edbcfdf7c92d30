"""A second run of a date keeps what the first one stored of an alert."""

from __future__ import annotations

import datetime as dt

from pipelines.monitoring.alert import Alert
from pipelines.monitoring.monitor_run import with_earlier
from tests.unit.pipelines.monitoring.conftest import DAY

ALERT = Alert(DAY, "data", "silver.reviews", "critical", "No rows.", "Check it.")
MOMENT = dt.datetime(2018, 3, 1, 6, tzinfo=dt.UTC)


def stored(**changes):
    row = {**ALERT.row(), "raised_at": MOMENT, "sent_to": "webhook, email", **changes}
    return {"gold.alerts": [row]}


def test_a_known_alert_keeps_its_time_and_its_sinks(context):
    [alert] = with_earlier(context(stored()), [ALERT])
    assert (alert.raised_at, alert.sent_to) == (MOMENT, ("webhook", "email"))


def test_an_alert_that_no_sink_took_has_none(context):
    [alert] = with_earlier(context(stored(sent_to=None)), [ALERT])
    assert (alert.raised_at, alert.sent_to) == (MOMENT, ())


def test_an_alert_of_another_date_is_new(context):
    other = DAY - dt.timedelta(days=1)
    [alert] = with_earlier(context(stored(as_of=other)), [ALERT])
    assert alert.raised_at > MOMENT
    assert alert.sent_to == ()
