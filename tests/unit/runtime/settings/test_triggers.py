"""Rules of triggers: which ones need no offer, and that the shipped rules can apply."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from runtime import settings
from runtime.settings.delivery import MailSettings, WebhookSettings
from runtime.settings.offers import load_offers
from runtime.settings.triggers import TriggerRule

RULE = {"name": "ask", "to": ["MEDIUM"], "when": None, "offer_id": None}
NOT_PRIVATE = "must start with https:// (http:// only on this machine)"
DAYS = {"period_days": 90, "valid_days": 7}


@pytest.mark.parametrize(
    ("action", "channel", "is_good"),
    [
        ("support", "file", True),
        ("survey", "webhook", True),
        ("survey", "email", False),  # without an offer an e-mail has no text
        ("offer", "file", False),
        ("loyalty", "file", False),
    ],
)
def test_only_support_and_survey_by_file_or_webhook_need_no_offer(action, channel, is_good):
    rule = {**RULE, **DAYS, "action": action, "channel": channel}
    if is_good:
        assert TriggerRule.model_validate(rule).offer_id is None
        return
    with pytest.raises(ValidationError) as refused:
        TriggerRule.model_validate(rule)
    assert refused.value.errors()[0]["msg"] == (
        "Value error, offer_id must name an offer, because its text is sent; it is optional only "
        "for the actions support and survey by file or webhook"
    )


def test_shipped_rules_name_offers_that_a_scored_customer_may_get():
    """Customers with a risk level are not lost. Offers outside the budget are for lost customers."""
    offers = load_offers()
    named = {r.name: r.offer_id for r in settings.load("demo").triggers.rules if r.offer_id}
    assert named and all(offers[offer].in_budget for offer in named.values()), named


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://hooks.example/in", None),
        ("http://127.0.0.1:8080/in", None),
        ("http://localhost/in", None),
        ("http://hooks.example/in", NOT_PRIVATE),
        # Another host, although its name starts like that of this machine.
        ("http://localhost.hooks.example/in", NOT_PRIVATE),
        ("ftp://localhost/in", NOT_PRIVATE),
        ("https://user:password@hooks.example/in", "must not contain a user or password"),
    ],
)
def test_a_webhook_has_https_or_is_on_this_machine(url, reason):
    values = {"url": url, "timeout_seconds": 5.0}
    if reason is None:
        assert WebhookSettings.model_validate(values).url == url
        return
    with pytest.raises(ValidationError) as refused:
        WebhookSettings.model_validate(values)
    assert refused.value.errors()[0]["msg"] == f"Value error, {reason}"


def mail(**changes):
    shipped = settings.load("demo").triggers.delivery.email.model_dump()
    return MailSettings(**{**shipped, **changes})


LINK = "https://shop.example/stop?c={contact_id}"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"host": "mail.example"}, "unsubscribe must be set when host is"),
        (
            {"host": "mail.example", "unsubscribe": LINK, "security": "none", "user": "svc"},
            "security none would send the password of svc in clear text to mail.example",
        ),
        ({"unsubscribe": "http://shop.example/stop"}, "must be a https: or mailto: address"),
        ({"unsubscribe": "https://shop.example/a\r\nBcc: x@y.example"}, "must be a https:"),
        ({"unsubscribe": "https://shop.example/stop"}, "must hold {contact_id}, because one click"),
        ({"unsubscribe": "mailto:nobody"}, "must be a https: or mailto: address"),
        ({"subjects": {"en": "Hello\nBcc: x@y.example"}}, "en must be one line"),
    ],
)
def test_unsafe_mail_settings_are_refused(changes, reason):
    with pytest.raises(ValidationError, match=reason):
        mail(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "mail.example", "unsubscribe": LINK, "user": "svc", "security": "starttls"},
        {"host": "127.0.0.1", "unsubscribe": LINK, "user": "svc", "security": "none"},
        {"host": "relay.example", "unsubscribe": "mailto:stop@shop.example", "security": "none"},
        {"host": None, "unsubscribe": None},
    ],
)
def test_safe_mail_settings_are_accepted(changes):
    assert mail(**changes).host == changes["host"]
