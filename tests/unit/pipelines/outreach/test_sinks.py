"""Each sink against a real receiver: what it sends, and what it makes of every answer."""

from __future__ import annotations

import email
import hashlib
import hmac
import json
from email.policy import default

import pytest

from pipelines.outreach.contact import NotSentError
from pipelines.outreach.sinks import FileSink, MailSink, WebhookSink
from tests.unit.pipelines.outreach.conftest import contact_of
from tests.unit.pipelines.outreach.receivers import Mailbox, Webhook

PAYLOAD = {
    "contact_id": "0" * 32,
    "customer_id": "c0",
    "rule": "offer_to_the_rest",
    "action": "offer",
    "offer_id": "discount_10",
    "triggered_on": "2026-01-01",
    "from_level": "LOW",
    "to_level": "HIGH",
}


def refusal(sink, contact):
    with pytest.raises(NotSentError) as refused:
        sink.send(contact)
    return refused.value.reason, refused.value.is_final


# ---------------------------------------------------------------------- file


def test_a_file_holds_the_contact_and_no_address(tmp_path):
    FileSink(tmp_path / "out").send(contact_of())
    FileSink(tmp_path / "out").send(contact_of())
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == f"{'0' * 32}.json"
    assert json.loads(path.read_text()) == PAYLOAD


# ---------------------------------------------------------------------- webhook


def webhook(conf, receiver, clock=lambda: 1_767_225_600.9, **behaviour):
    server = receiver(Webhook, **behaviour)
    settings = conf.webhook.model_copy(update={"url": server.url, "timeout_seconds": 0.5})
    return server, WebhookSink(settings, "a secret", clock)


def test_a_webhook_is_signed_and_named(conf, receiver):
    server, sink = webhook(conf, receiver)
    sink.send(contact_of())
    ((headers, body),) = server.heard
    assert json.loads(body) == PAYLOAD
    assert headers["Idempotency-Key"] == "0" * 32
    # By the receiver's own arithmetic.
    expected = hmac.new(b"a secret", b"1767225600." + body, hashlib.sha256).hexdigest()
    assert headers["Holdfast-Signature"] == f"t=1767225600,v1={expected}"
    assert "a secret" not in str(headers) + repr(sink) + str(vars(sink)["_path"])


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        *[(status, False) for status in (500, 503, 429, 409, 408)],
        # The secret, a right or the address of conf: mended there.
        *[(status, False) for status in (401, 403, 404, 405, 302)],
        *[(status, True) for status in (400, 410, 422)],
    ],
)
def test_what_a_status_means(conf, receiver, status, is_final):
    server, sink = webhook(
        conf, receiver, behave=lambda number: (status, {"Location": "http://127.0.0.1:9/"})
    )
    assert refusal(sink, contact_of()) == (f"http_{status}", is_final)
    assert len(server.heard) == 1  # no redirect is followed, nothing is sent twice


def test_a_retry_after_is_passed_on_and_a_date_is_not(conf, receiver):
    said = {1: "7", 2: "Wed, 21 Oct 2026 07:28:00 GMT"}
    _, sink = webhook(conf, receiver, behave=lambda n: (503, {"Retry-After": said[n]}))
    waits = []
    for _ in said:
        with pytest.raises(NotSentError) as refused:
            sink.send(contact_of())
        waits.append(refused.value.wait_seconds)
    assert waits == [7.0, None]


def test_a_webhook_that_is_slow_or_gone_is_tried_again(conf, receiver):
    import time

    def behave(number):
        time.sleep(1.0 if number == 1 else 0)
        return 200, {}

    server, sink = webhook(conf, receiver, behave=behave)
    assert refusal(sink, contact_of()) == ("timeout", False)
    sink.send(contact_of())
    server.close()
    gone = WebhookSink(conf.webhook.model_copy(update={"url": "http://127.0.0.1:9/"}), "s")
    assert refusal(gone, contact_of()) == ("connection", False)


# ---------------------------------------------------------------------- e-mail


def mail_sink(conf, server, **changes):
    values = {"host": "127.0.0.1", "port": server.port, "security": "none", **changes}
    return MailSink(conf.email.model_copy(update=values), None)


def test_a_mail_says_the_offer_to_its_customer_alone(conf, receiver):
    server = receiver(Mailbox)
    sink = mail_sink(conf, server, unsubscribe="mailto:stop@example.com")
    sink.send(contact_of())
    sink.send(contact_of(1))
    sink.close()
    sink.close()
    assert server.sessions == 1
    (to, raw), _ = server.heard
    mail = email.message_from_bytes(raw, policy=default)
    assert (to, mail["To"], mail["From"]) == (
        *("c0@mail.example", "c0@mail.example"),
        "service@example.com",
    )
    assert mail["Subject"] == "Etwas für Sie"
    assert mail["Message-ID"] == f"<{'0' * 32}@example.com>"
    assert mail["List-Unsubscribe"] == "<mailto:stop@example.com>"
    assert mail.get_content().strip() == contact_of().text
    assert b"c0\r\n" not in raw and b"LOW" not in raw and b"HIGH" not in raw


@pytest.mark.parametrize(
    ("code", "is_final"), [(450, False), (421, False), (550, True), (553, True)]
)
def test_what_a_refused_recipient_means(conf, receiver, code, is_final):
    sink = mail_sink(conf, receiver(Mailbox, refuse=lambda address: code))
    reason, final = refusal(sink, contact_of())
    assert (final, reason) == (is_final, f"smtp_{code}")


@pytest.mark.parametrize(
    ("verbs", "code", "is_final"),
    [
        (("MAIL",), 550, False),  # the sender of conf
        (("MAIL",), 530, False),  # asks for a login
        (("EHLO", "HELO"), 554, False),
        (("DATA",), 554, True),  # this mail
    ],
)
def test_a_refusal_that_is_not_the_contacts_may_be_mended(conf, receiver, verbs, code, is_final):
    sink = mail_sink(conf, receiver(Mailbox, codes=dict.fromkeys(verbs, code)))
    assert refusal(sink, contact_of()) == (f"smtp_{code}", is_final)


def test_after_a_refused_mail_the_next_goes_out(conf, receiver):
    server = receiver(Mailbox, refuse=lambda a: 550 if a.startswith("c0") else None)
    sink = mail_sink(conf, server)
    assert refusal(sink, contact_of()) == ("smtp_550", True)
    sink.send(contact_of(1))
    assert list(server.taken) == [f"<{1:032x}@example.com>"]


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: all@b.example",
        "a@b.example, c@b.example",
        "nobody",
        "a b@c.d",
        "@",
        "a@",
    ],
)
def test_an_address_that_is_none_reaches_nobody(conf, receiver, address):
    server = receiver(Mailbox)
    assert refusal(mail_sink(conf, server), contact_of(address=address)) == ("bad_address", True)
    assert server.heard == []


@pytest.mark.parametrize("address", [None, ""])
def test_without_an_address_there_is_no_mail(conf, receiver, address):
    sink = mail_sink(conf, receiver(Mailbox))
    assert refusal(sink, contact_of(address=address)) == ("no_address", True)


def test_nobody_listens(conf):
    class Nobody:
        port = 9

    assert refusal(mail_sink(conf, Nobody), contact_of()) == ("connection", False)


def test_a_server_without_tls_gets_no_mail_where_tls_is_asked_for(conf, receiver):
    server = receiver(Mailbox)
    said = refusal(mail_sink(conf, server, security="starttls"), contact_of())
    assert (said, server.heard) == (("smtp_not_supported", False), [])


def test_a_mailbox_that_cannot_write_to_an_address_refuses_that_contact(conf, receiver):
    sink = mail_sink(conf, receiver(Mailbox))
    assert refusal(sink, contact_of(address="c0@zoë.example")) == ("smtp_not_supported", True)


def test_a_mail_that_was_taken_without_a_word_comes_again_under_its_name(conf, receiver):
    """What no sender can know: taken or not. The mailbox keeps it once, by its Message-ID."""
    server = receiver(Mailbox, drop_at=1)
    sink = mail_sink(conf, server)
    assert refusal(sink, contact_of()) == ("connection", False)
    sink.send(contact_of())
    assert len(server.heard) == 2
    assert list(server.taken) == [f"<{'0' * 32}@example.com>"]


def test_words_go_to_files_only_where_they_are_a_message_of_a_campaign(tmp_path):
    sink = FileSink(tmp_path)
    sink.send(contact_of(1))
    sink.send(contact_of(2, campaign_id="plan-1", from_level=None, to_level=None))
    of_rule, of_campaign = (json.loads(p.read_text()) for p in sorted(tmp_path.iterdir()))
    assert "text" not in of_rule
    assert of_campaign["text"].startswith("Hello Ada")
    assert "address" not in of_campaign and "mail.example" not in json.dumps(of_campaign)
