"""Sinks: file, webhook and e-mail. Replies of receivers are neither logged nor stored.

A reply may quote an address. No transport can guarantee exactly-once delivery alone: if the sender
dies after the receiver accepted a contact and before the sender recorded it, the contact is sent
again. Therefore each sink identifies a contact by its contact_id, and a receiver that remembers
the ids accepts each contact once: by the name of the file, the header Idempotency-Key of the
webhook, or the Message-ID of the e-mail. A mailbox that ignores the Message-ID shows an e-mail
twice after a crash within that one step. Nothing here can prevent that.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
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

import httpx2

from pipelines.outreach.contact import NotSentError, Sendable
from runtime.errors import StoreError
from runtime.files import Location
from runtime.http_client import http_client, seconds_to_wait
from runtime.settings.delivery import MailSettings, WebhookSettings

# HTTP statuses that are retried: the first group passes with time; the second ends when the secret,
# the permissions or the address in conf are fixed. Redirects are retried for the same reason.
_TRANSIENT = {408, 409, 425, 429}
_OF_CONF = {401, 403, 404, 405, 407}


class FileSink:
    """One JSON file per contact, for another system to pick up."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Location.of(folder)

    def send(self, contact: Sendable) -> None:
        """Write the file atomically: a reader never sees an incomplete file."""
        content = json.dumps(contact.payload(), ensure_ascii=False).encode()
        try:
            # The texts hold first names.
            (self.folder / f"{contact.contact_id}.json").write(content, is_private=True)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise NotSentError("symbolic_link", is_final=False) from None
        except StoreError:
            raise NotSentError("connection", is_final=False) from None

    def close(self) -> None:
        """Nothing to close."""


class WebhookSink:
    """POSTs JSON with a signature. Redirects are not followed.

    The header Holdfast-Signature is `t=<unix seconds>,v1=<hex>`: the HMAC-SHA-256 of `<t>.<body>`
    with the shared secret.
    """

    def __init__(
        self, settings: WebhookSettings, secret: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._url = settings.url or ""
        self._secret, self._clock = secret.encode(), clock
        self._client = http_client(settings.timeout_seconds)

    def send(self, contact: Sendable) -> None:
        """Send one request. A receiver also answers 2xx for a contact that it already has."""
        body = json.dumps(contact.payload()).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": contact.contact_id,
            "Holdfast-Signature": signature(self._secret, int(self._clock()), body),
        }
        status, retry_after = self._post(body, headers)
        if not 200 <= status < 300:
            is_final = 400 <= status < 500 and status not in _TRANSIENT | _OF_CONF
            wait = seconds_to_wait(retry_after, self._clock())
            raise NotSentError(f"http_{status}", is_final, wait)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str | None]:
        """Status and Retry-After of the reply. Its body is read and dropped, without decoding."""
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as reply:
                for _ in reply.iter_raw():
                    pass
        except httpx2.TimeoutException:
            raise NotSentError("timeout", is_final=False) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            raise NotSentError("connection", is_final=False) from None
        return reply.status_code, reply.headers.get("Retry-After")


def signature(secret: bytes, at: int, body: bytes) -> str:
    """The signature of a body. A receiver computes it too and compares both in constant time."""
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class MailSink:
    """E-mail over one SMTP connection. A broken connection is opened again for the next e-mail."""

    def __init__(self, settings: MailSettings, password: str | None) -> None:
        self.settings, self._password = settings, password
        self._connection: smtplib.SMTP | None = None

    def send(self, contact: Sendable) -> None:
        """Send one e-mail to one address."""
        mail = self._mail(contact)
        try:
            self._connected().send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _refused(max(codes)) from None
        except smtplib.SMTPNotSupportedError:
            # With a session, the server cannot do what this address needs. Without one, it cannot
            # do what conf asks for.
            has_session = self._connection is not None
            raise NotSentError("smtp_not_supported", is_final=has_session) from None
        except smtplib.SMTPServerDisconnected:
            self._drop()
            raise NotSentError("connection", is_final=False) from None
        except smtplib.SMTPAuthenticationError:
            self._drop()
            # Not caused by the contact. The contact is sent after the login in conf is fixed.
            raise NotSentError("smtp_login", is_final=False) from None
        except smtplib.SMTPDataError as error:
            self._drop()
            raise _refused(error.smtp_code) from None
        except smtplib.SMTPResponseException as error:
            self._drop()
            # The sender of conf or this machine was refused. Not caused by the contact either.
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

    def _mail(self, contact: Sendable) -> EmailMessage:
        if not contact.address:
            raise NotSentError("no_address", is_final=True)
        mail = EmailMessage()
        domain = self.settings.sender.rpartition("@")[2]
        try:
            # Refuses a text with a line break or with a second address.
            mail["To"] = str(Address(addr_spec=ascii_address(contact.address)))
            mail["Subject"] = contact.subject or ""
        except (ValueError, IndexError, MessageError):
            raise NotSentError("bad_address", is_final=True) from None
        mail["From"] = self.settings.sender
        mail["Date"] = formatdate(usegmt=True)
        mail["Message-ID"] = f"<{contact.contact_id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        if self.settings.unsubscribe:
            link = self.settings.unsubscribe.replace("{contact_id}", contact.contact_id)
            mail["List-Unsubscribe"] = f"<{link}>"
            if link.startswith("https:"):
                # RFC 8058: the mail client posts to the link, without a page to confirm.
                mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
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


def ascii_address(address: str) -> str:
    """The address with its domain in ASCII (IDNA), which every mail server can deliver to.

    ValueError (UnicodeError) if the domain has no such form.

    >>> ascii_address("ada@bücher.example")
    'ada@xn--bcher-kva.example'
    """
    name, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    return f"{name}{at}{domain.encode('idna').decode('ascii')}"


def _refused(code: int) -> NotSentError:
    """SMTP 4xx: retry later. 5xx: final."""
    return NotSentError(f"smtp_{code}", is_final=code >= 500)
