"""Each sink against a real receiver: what it sends, and how it treats each reply."""

from __future__ import annotations

import email
import hashlib
import hmac
import json
import logging
import re
import stat
import time
from email.policy import default
from pathlib import Path

import pytest

from pipelines.outreach.contact import NotSentError
from pipelines.outreach.sinks import FileSink, MailSink, WebhookSink, signature
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


def test_a_file_has_the_contact_and_no_address(tmp_path):
    FileSink(tmp_path / "out").send(contact_of())
    FileSink(tmp_path / "out").send(contact_of())
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == f"{'0' * 32}.json"
    assert json.loads(path.read_text()) == PAYLOAD
    # Texts hold first names: other users of the machine read neither the file nor the folder.
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_draft_that_a_killed_run_left_behind_is_not_readable_by_others(tmp_path):
    draft = tmp_path / f".{'0' * 32}.json.draft"
    draft.write_text("{")
    draft.chmod(0o644)
    FileSink(tmp_path).send(contact_of())
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_symbolic_link_in_the_outbox_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / f".{'0' * 32}.json.draft").symlink_to(victim)
    assert refusal(FileSink(tmp_path), contact_of()) == ("symbolic_link", False)
    assert victim.read_text() == "kept"


# ---------------------------------------------------------------------- webhook


def webhook(conf, receiver, clock=lambda: 1_767_225_600.9, **behaviour):
    server = receiver(Webhook, **behaviour)
    settings = conf.webhook.model_copy(update={"url": server.url, "timeout_seconds": 0.5})
    return server, WebhookSink(settings, "a secret", clock)


def test_a_webhook_is_signed_and_has_an_idempotency_key(conf, receiver):
    server, sink = webhook(conf, receiver)
    sink.send(contact_of())
    ((headers, body),) = server.heard
    assert json.loads(body) == PAYLOAD
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "0" * 32
    # Computed as a receiver would.
    expected = hmac.new(b"a secret", b"1767225600." + body, hashlib.sha256).hexdigest()
    assert headers["Holdfast-Signature"] == f"t=1767225600,v1={expected}"
    assert "a secret" not in str(headers) + repr(sink)


def test_no_log_shows_the_url_the_secret_or_the_signature(conf, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    server, sink = webhook(conf, receiver, behave=lambda n: (200 if n == 1 else 500, {}))
    sink.send(contact_of())
    with pytest.raises(NotSentError) as refused:
        sink.send(contact_of())
    assert len(server.heard) == 2
    assert caplog.records == []
    assert str(refused.value) == "http_500"
    assert refused.value.__cause__ is None


def test_a_webhook_ignores_proxies_of_the_environment_and_cookies(conf, receiver, monkeypatch):
    """HTTP_PROXY names a port on which nothing listens, and the receiver sets a cookie."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server, sink = webhook(conf, receiver, behave=lambda n: (200, {"Set-Cookie": "id=1; Path=/"}))
    sink.send(contact_of())
    sink.send(contact_of(1))
    assert [headers.get("Cookie") for headers, _ in server.heard] == [None, None]


def test_the_body_of_a_reply_is_not_decoded(conf, receiver):
    """The contact was accepted, whatever the encoding of the reply."""
    server, sink = webhook(conf, receiver, behave=lambda n: (200, {"Content-Encoding": "gzip"}))
    sink.send(contact_of())
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        *[(status, False) for status in (500, 503, 429, 409, 408)],
        # The secret, a permission or the address in conf is wrong and can be fixed there.
        *[(status, False) for status in (401, 403, 404, 405, 302, 307)],
        *[(status, True) for status in (400, 410, 422)],
    ],
)
def test_which_statuses_are_final(conf, receiver, status, is_final):
    server, sink = webhook(
        conf, receiver, behave=lambda number: (status, {"Location": "http://127.0.0.1:9/"})
    )
    assert refusal(sink, contact_of()) == (f"http_{status}", is_final)
    assert len(server.heard) == 1  # no redirect is followed, and nothing is sent twice


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        (None, None),
        ("7", 7.0),
        # The clock of the sink is at 2026-01-01 00:00:00.9 UTC.
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30 - 0.9),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 30 - 0.9),  # -0000: no time zone is known
        ("Wed, 31 Dec 2025 23:59:59 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("\u00b2", None),  # a superscript two: str.isdigit() is true
    ],
)
def test_retry_after_in_seconds_or_as_a_date(conf, receiver, retry_after, wait):
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    _, sink = webhook(conf, receiver, behave=lambda n: (503, headers))
    with pytest.raises(NotSentError) as refused:
        sink.send(contact_of())
    assert refused.value.wait_seconds == (wait if wait is None else pytest.approx(wait, abs=1e-6))


def test_a_webhook_that_is_slow_or_unreachable_is_retried(conf, receiver):
    def behave(number):
        time.sleep(1.0 if number == 1 else 0)
        return 200, {}

    server, sink = webhook(conf, receiver, behave=behave)
    assert refusal(sink, contact_of()) == ("timeout", False)
    sink.send(contact_of())
    server.close()
    gone = WebhookSink(conf.webhook.model_copy(update={"url": "http://127.0.0.1:9/"}), "s")
    assert refusal(gone, contact_of()) == ("connection", False)


def receivers_check():
    """The function that docs/webhook.md gives to receivers."""
    page = (Path(__file__).parents[4] / "docs" / "webhook.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names = {}
    exec(code, names)
    return names["is_from_holdfast"]


@pytest.mark.parametrize(
    ("body", "header", "secret", "now", "is_accepted"),
    [
        (b"{}", signature(b"key", 1_000, b"{}"), "key", 1_000, True),
        (b"{}", signature(b"key", 1_000, b"{}"), "key", 1_300, True),
        (b"{}", signature(b"key", 1_000, b"{}"), "key", 1_301, False),
        (b"{}", signature(b"key", 1_000, b"{}"), "key", 699, False),
        (b"{ }", signature(b"key", 1_000, b"{}"), "key", 1_000, False),
        (b"{}", signature(b"other", 1_000, b"{}"), "key", 1_000, False),
        (b"{}", "t=1000", "key", 1_000, False),
        (b"{}", "v1=ab", "key", 1_000, False),
        (b"{}", "t=x,v1=ä", "key", 1_000, False),
        (b"{}", "", "key", 1_000, False),
    ],
)
def test_the_documented_check_accepts_only_what_was_signed(body, header, secret, now, is_accepted):
    assert receivers_check()(body, header, secret, now) is is_accepted


# ---------------------------------------------------------------------- e-mail


def mail_sink(conf, server, password=None, **changes):
    values = {"host": "127.0.0.1", "port": server.port, "security": "none", **changes}
    return MailSink(conf.email.model_copy(update=values), password)


def test_an_email_goes_to_its_customer_only(conf, receiver):
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
    assert mail["List-Unsubscribe-Post"] is None
    assert mail.get_content().strip() == contact_of().text
    assert b"c0\r\n" not in raw and b"LOW" not in raw and b"HIGH" not in raw


def test_the_password_is_used_to_log_in_and_stands_in_no_email(conf, receiver):
    server = receiver(Mailbox, has_login=True)
    mail_sink(conf, server, password="a password", user="svc").send(contact_of())
    assert server.logins == [("svc", "a password")]
    ((_, raw),) = server.heard
    assert b"svc" not in raw and b"a password" not in raw


def test_an_https_link_unsubscribes_with_one_click(conf, receiver):
    """RFC 8058. The link names the contact, so that the receiver knows who unsubscribes."""
    server = receiver(Mailbox)
    sink = mail_sink(conf, server, unsubscribe="https://shop.example/stop?c={contact_id}")
    sink.send(contact_of())
    sink.close()
    ((_, raw),) = server.heard
    mail = email.message_from_bytes(raw, policy=default)
    # A long header is folded, which adds a space.
    assert mail["List-Unsubscribe"].strip() == f"<https://shop.example/stop?c={'0' * 32}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_domain_with_umlauts_is_sent_in_ascii(conf, receiver):
    server = receiver(Mailbox)
    sink = mail_sink(conf, server)
    sink.send(contact_of(address="ada@bücher.example"))
    sink.close()
    ((to, _),) = server.heard
    assert to == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("code", "is_final"), [(450, False), (421, False), (550, True), (553, True)]
)
def test_which_refusals_of_a_recipient_are_final(conf, receiver, code, is_final):
    sink = mail_sink(conf, receiver(Mailbox, refuse=lambda address: code))
    reason, final = refusal(sink, contact_of())
    assert (final, reason) == (is_final, f"smtp_{code}")


@pytest.mark.parametrize(
    ("verbs", "code", "is_final"),
    [
        (("MAIL",), 550, False),  # refuses the sender of conf
        (("MAIL",), 530, False),  # requires a login
        (("EHLO", "HELO"), 554, False),
        (("DATA",), 554, True),  # refuses this e-mail
    ],
)
def test_a_refusal_that_the_contact_did_not_cause_is_not_final(
    conf, receiver, verbs, code, is_final
):
    sink = mail_sink(conf, receiver(Mailbox, codes=dict.fromkeys(verbs, code)))
    assert refusal(sink, contact_of()) == (f"smtp_{code}", is_final)


def test_after_a_refused_email_the_next_one_is_sent(conf, receiver):
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
def test_nothing_is_sent_to_an_invalid_address(conf, receiver, address):
    server = receiver(Mailbox)
    assert refusal(mail_sink(conf, server), contact_of(address=address)) == ("bad_address", True)
    assert server.heard == []


@pytest.mark.parametrize("address", [None, ""])
def test_nothing_is_sent_without_an_address(conf, receiver, address):
    sink = mail_sink(conf, receiver(Mailbox))
    assert refusal(sink, contact_of(address=address)) == ("no_address", True)


def test_a_mail_server_that_is_unreachable_is_retried(conf):
    class Unreachable:
        port = 9

    assert refusal(mail_sink(conf, Unreachable), contact_of()) == ("connection", False)


def test_a_server_without_tls_gets_no_email_if_conf_requires_tls(conf, receiver):
    server = receiver(Mailbox)
    refused = refusal(mail_sink(conf, server, security="starttls"), contact_of())
    assert (refused, server.heard) == (("smtp_not_supported", False), [])


def test_an_address_with_another_script_before_the_at_sign_is_refused(conf, receiver):
    """Only the domain has a form in ASCII."""
    sink = mail_sink(conf, receiver(Mailbox))
    assert refusal(sink, contact_of(address="zoë@mail.example")) == ("bad_address", True)


def test_an_email_that_was_accepted_without_a_reply_is_sent_again_with_its_message_id(
    conf, receiver
):
    """The sender cannot know that it was accepted. The mailbox keeps it once, by its Message-ID."""
    server = receiver(Mailbox, drop_at=1)
    sink = mail_sink(conf, server)
    assert refusal(sink, contact_of()) == ("connection", False)
    sink.send(contact_of())
    assert len(server.heard) == 2
    assert list(server.taken) == [f"<{'0' * 32}@example.com>"]


def test_a_file_has_a_text_only_for_a_message_of_a_campaign(tmp_path):
    sink = FileSink(tmp_path)
    sink.send(contact_of(1))
    sink.send(contact_of(2, campaign_id="plan-1", from_level=None, to_level=None))
    of_rule, of_campaign = (json.loads(p.read_text()) for p in sorted(tmp_path.iterdir()))
    assert "text" not in of_rule
    assert of_campaign["text"].startswith("Hello Ada")
    assert "address" not in of_campaign and "mail.example" not in json.dumps(of_campaign)
