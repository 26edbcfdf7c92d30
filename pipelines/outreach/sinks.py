"""File, webhook, e-mail. No answer of a receiver is logged or stored: it may quote an address.

No transport can promise "exactly once" alone: whoever dies between a receiver's yes and their own
note of it must send again. So each sink names a contact by its contact_id, and a receiver that
keeps the names it has taken takes each once: a file by its name, a webhook by the header
Idempotency-Key, a mailbox by the Message-ID. Mailboxes that do not look at the Message-ID show a
mail twice after a crash within that one step; nothing here can prevent it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import smtplib
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.outreach.contact import Contact, NotSentError
from runtime.settings.delivery import MailSettings, WebhookSettings

# Statuses after which the same request may succeed: later, or once the secret, the rights or the
# address of conf are mended. So it may after a redirect.
_TRANSIENT = {408, 409, 425, 429}
_OF_CONF = {401, 403, 404, 405, 407}


class FileSink:
    """One JSON file a contact; another system takes it from there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, contact: Contact) -> None:
        """Written whole or not at all: a reader never sees half a file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{contact.contact_id}.part"
        with part.open("w", encoding="utf-8") as file:
            json.dump(contact.payload(), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.folder / f"{contact.contact_id}.json")

    def close(self) -> None:
        """Nothing is open."""


class WebhookSink:
    """POSTs JSON, signed: Holdfast-Signature is `t=<unix seconds>,v1=<hex>`, the HMAC-SHA-256 of
    `<t>.<body>` under the shared secret. Redirects are not followed."""

    def __init__(
        self, settings: WebhookSettings, secret: str, clock: Callable[[], float] = time.time
    ) -> None:
        parts = urlsplit(settings.url or "")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(parts.hostname or "", parts.port, timeout=settings.timeout_seconds)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret, self._clock = secret.encode(), clock

    def send(self, contact: Contact) -> None:
        """One request; the receiver answers 2xx also for a contact that it has already."""
        body = json.dumps(contact.payload()).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": contact.contact_id,
            "Holdfast-Signature": signature(self._secret, int(self._clock()), body),
        }
        status, wait = self._post(body, headers)
        if not 200 <= status < 300:
            is_final = 400 <= status < 500 and status not in _TRANSIENT | _OF_CONF
            raise NotSentError(f"http_{status}", is_final, wait)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, float | None]:
        try:
            self._connection.request("POST", self._path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except TimeoutError:
            self._connection.close()
            raise NotSentError("timeout", is_final=False) from None
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise NotSentError("connection", is_final=False) from None
        return answer.status, _seconds(answer.getheader("Retry-After"))


def signature(secret: bytes, at: int, body: bytes) -> str:
    """What a receiver computes too, and compares in constant time."""
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class MailSink:
    """E-mail over one SMTP connection, which is made anew after it broke."""

    def __init__(self, settings: MailSettings, password: str | None) -> None:
        self.settings, self._password = settings, password
        self._connection: smtplib.SMTP | None = None

    def send(self, contact: Contact) -> None:
        """One mail to one address."""
        mail = self._mail(contact)
        try:
            self._connected().send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _refused(max(codes)) from None
        except smtplib.SMTPNotSupportedError:
            # Without a session the server lacks what conf asks for, else what the address does.
            has_session = self._connection is not None
            raise NotSentError("smtp_not_supported", is_final=has_session) from None
        except smtplib.SMTPServerDisconnected:
            self._drop()
            raise NotSentError("connection", is_final=False) from None
        except smtplib.SMTPAuthenticationError:
            self._drop()
            # The account's fault, not the contact's: mended in conf, and then it goes out.
            raise NotSentError("smtp_login", is_final=False) from None
        except smtplib.SMTPDataError as error:
            self._drop()
            raise _refused(error.smtp_code) from None
        except smtplib.SMTPResponseException as error:
            self._drop()
            # The sender of conf, or this machine: the account's fault too.
            raise NotSentError(f"smtp_{error.smtp_code}", is_final=False) from None
        except (smtplib.SMTPException, OSError):
            self._drop()
            raise NotSentError("connection", is_final=False) from None

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._connection.quit()
        self._drop()

    def _mail(self, contact: Contact) -> EmailMessage:
        if not contact.address:
            raise NotSentError("no_address", is_final=True)
        mail = EmailMessage()
        domain = self.settings.sender.rpartition("@")[2]
        try:
            # An address that holds a line end or a second one is none.
            mail["To"] = str(Address(addr_spec=contact.address))
            mail["Subject"] = contact.subject or ""
        except (ValueError, IndexError, MessageError):
            raise NotSentError("bad_address", is_final=True) from None
        mail["From"] = self.settings.sender
        mail["Date"] = formatdate(usegmt=True)
        mail["Message-ID"] = f"<{contact.contact_id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        if self.settings.unsubscribe:
            mail["List-Unsubscribe"] = f"<{self.settings.unsubscribe}>"
        mail.set_content(contact.text or "")
        return mail

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            conf = self.settings
            place, seconds = (conf.host or "", conf.port), conf.timeout_seconds
            verified = ssl.create_default_context()
            connection = (
                smtplib.SMTP_SSL(*place, timeout=seconds, context=verified)
                if conf.security == "tls"
                else smtplib.SMTP(*place, timeout=seconds)
            )
            if conf.security == "starttls":
                connection.starttls(context=verified)
            if conf.user:
                connection.login(conf.user, self._password or "")
            self._connection = connection
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._connection.close()
        self._connection = None


def _refused(code: int) -> NotSentError:
    """4xx of SMTP: try again later; 5xx: never."""
    return NotSentError(f"smtp_{code}", is_final=code >= 500)


def _seconds(text: str | None) -> float | None:
    """A Retry-After in seconds; as a date it is passed over."""
    return float(text) if text is not None and text.isdigit() else None
