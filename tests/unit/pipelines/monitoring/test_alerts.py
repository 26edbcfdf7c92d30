"""Alerts reach a webhook and a mailbox once, with what to do."""

from __future__ import annotations

import json

import pytest

from pipelines.monitoring.alert import Alert
from pipelines.monitoring.alert_sinks import alert_sinks, sent
from pipelines.monitoring.monitor_run import run
from pipelines.outreach.outbox_delivery import WEBHOOK_SECRET
from pipelines.outreach.sinks import signature
from runtime.errors import UsageError
from runtime.progress import Progress
from tests.unit.pipelines.monitoring.conftest import DAY
from tests.unit.pipelines.outreach.conftest import receiver  # noqa: F401
from tests.unit.pipelines.outreach.receivers import Mailbox, Webhook

ALERT = Alert(DAY, "data", "silver.reviews", "critical", "No rows since Monday.", "Check it.")
SECRET = "a secret of the test"


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv(WEBHOOK_SECRET, SECRET)


def alerts_to(url=None, mailbox=None):
    """Changes of settings: the webhook's address, and a mail server of the test."""
    conf = {"monitoring": {"alerts": {"webhook_url": url}}}
    if mailbox:
        conf["monitoring"]["alerts"]["email_to"] = "ops@example.com"
        email = {"host": "127.0.0.1", "port": mailbox.port, "security": "none"}
        email["unsubscribe"] = "mailto:stop@example.com"
        conf["triggers"] = {"delivery": {"email": email}}
    return conf


def test_a_test_alert_reaches_a_webhook_and_nothing_is_written(context, receiver):  # noqa: F811
    webhook = receiver(Webhook)
    made = context({}, **alerts_to(webhook.url))
    run(made, is_test=True)
    [(headers, body)] = webhook.heard
    alert = json.loads(body)
    assert alert == {
        "alert_id": headers["Idempotency-Key"],
        "as_of": "2018-03-01",
        "severity": "warning",
        "source": "test",
        "message": "This is a test alert of Holdfast.",
        "what_to_do": "Nothing. The sink works.",
    }
    at = int(headers["Holdfast-Signature"].partition(",")[0][2:])
    assert headers["Holdfast-Signature"] == signature(SECRET.encode(), at, body)
    assert made.lake.writes == []


def test_an_alert_reaches_a_mailbox_without_a_link_to_unsubscribe(context, receiver):  # noqa: F811
    mailbox = receiver(Mailbox)
    settings = context({}, **alerts_to(mailbox=mailbox)).settings
    delivered = sent([ALERT], alert_sinks(settings), "ops@example.com", progress=Progress())
    [(address, mail)] = mailbox.taken.values()
    text = mail.decode()
    assert address == "ops@example.com"
    assert "Subject: Holdfast critical: data, silver.reviews\r\n" in text
    assert "No rows since Monday.\r\n\r\nWhat to do: Check it.\r\n" in text
    assert "Unsubscribe" not in text
    assert delivered[0].sent_to == ("email",)


def test_an_alert_that_was_accepted_is_not_sent_again(context, receiver):  # noqa: F811
    webhook = receiver(Webhook)
    settings = context({}, **alerts_to(webhook.url)).settings
    first = sent([ALERT], alert_sinks(settings), None, progress=Progress())
    sent(first, alert_sinks(settings), None, progress=Progress())
    assert len(webhook.heard) == 1


def test_a_sink_that_fails_is_told_and_tried_again(context, receiver, capsys):  # noqa: F811
    webhook = receiver(Webhook, behave=lambda number: (503 if number == 1 else 200, {}))
    settings = context({}, **alerts_to(webhook.url)).settings
    first = sent([ALERT], alert_sinks(settings), None, progress=Progress())
    assert first[0].sent_to == ()
    told = capsys.readouterr()
    assert (
        f"monitoring.alerts: webhook did not accept alert {ALERT.contact_id} (http_503). Run "
        "monitor again for 2018-03-01 to send it." in told.out + told.err
    )
    again = sent(first, alert_sinks(settings), None, progress=Progress())
    assert again[0].sent_to == ("webhook",)
    assert list(webhook.taken) == [ALERT.contact_id]


def test_a_webhook_needs_its_secret(context, monkeypatch):
    monkeypatch.delenv(WEBHOOK_SECRET)
    with pytest.raises(UsageError) as told:
        alert_sinks(context({}, **alerts_to("https://example.com/hook")).settings)
    assert str(told.value) == (
        "monitoring.alerts.webhook_url is set, but HOLDFAST_WEBHOOK_SECRET is not. Without the "
        "secret a receiver cannot verify that an alert comes from Holdfast. Set both, or neither."
    )


def test_an_address_needs_a_mail_server(context):
    conf = {"monitoring": {"alerts": {"email_to": "ops@example.com"}}}
    with pytest.raises(UsageError) as told:
        alert_sinks(context({}, **conf).settings)
    assert str(told.value) == (
        "monitoring.alerts.email_to is ops@example.com, but triggers.delivery.email.host is null. "
        "Alerts use the same mail server as contacts. Set the host, or email_to to null."
    )
