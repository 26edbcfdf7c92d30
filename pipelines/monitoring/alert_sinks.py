"""Sends alerts to the log, a webhook and a mailbox, with the sinks of outreach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipelines.monitoring.alert import Alert
from pipelines.outreach.contact import NotSentError, Sink
from pipelines.outreach.outbox_delivery import smtp_password, webhook_secret
from pipelines.outreach.sinks import MailSink, WebhookSink
from runtime.errors import UsageError
from runtime.progress import Progress
from runtime.settings import Settings


def alert_sinks(settings: Settings) -> dict[str, Sink]:
    """The sinks of monitoring.alerts by name. UsageError: the secret or the server is missing."""
    alerts, delivery = settings.monitoring.alerts, settings.triggers.delivery
    sinks: dict[str, Sink] = {}
    if alerts.webhook_url:
        secret = webhook_secret("monitoring.alerts.webhook_url", "an alert")
        place = delivery.webhook.model_copy(update={"url": alerts.webhook_url})
        sinks["webhook"] = WebhookSink(place, secret)
    if alerts.email_to:
        if not delivery.email.host:
            raise UsageError(
                f"monitoring.alerts.email_to is {alerts.email_to}, but "
                "triggers.delivery.email.host is null. Alerts use the same mail server as "
                "contacts. Set the host, or email_to to null."
            )
        # An alert is no advertisement: it has no link to unsubscribe.
        server = delivery.email.model_copy(update={"unsubscribe": None})
        sinks["email"] = MailSink(server, smtp_password())
    return sinks


def sent(
    alerts: Sequence[Alert], sinks: Mapping[str, Sink], address: str | None, *, progress: Progress
) -> list[Alert]:
    """The alerts with the sinks that accepted them. Each sink gets an alert once.

    A sink that fails gets a warning in the log; the next run of the date tries it again, with the
    same id.
    """
    try:
        return [_sent(alert.to(address), sinks, progress) for alert in alerts]
    finally:
        for sink in sinks.values():
            sink.close()


def _sent(alert: Alert, sinks: Mapping[str, Sink], progress: Progress) -> Alert:
    progress.warn(f"{alert.severity}: {alert.message} {alert.what_to_do}")
    accepted = list(alert.sent_to)
    for name, sink in sinks.items():
        if name in accepted:
            continue
        try:
            sink.send(alert)
        except NotSentError as error:
            progress.warn(
                f"monitoring.alerts: {name} did not accept alert {alert.contact_id} "
                f"({error.reason}). Run monitor again for {alert.as_of} to send it."
            )
        else:
            accepted.append(name)
    return replace(alert, sent_to=tuple(accepted))
