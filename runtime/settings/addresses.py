"""Addresses of services in settings."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LOCAL = ("127.0.0.1", "localhost", "::1")
CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")


def private_url(url: str | None) -> str | None:
    """The address itself. ValueError unless nobody between here and its host can read along.

    >>> private_url("https://crm.example.com/contacts")
    'https://crm.example.com/contacts'
    """
    if url is None:
        return None
    if CONTROL.search(url):
        raise ValueError("must not contain a space, a line break or a control character")
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("must name a host, such as https://crm.example.com/contacts")
    is_local = parts.scheme == "http" and parts.hostname in LOCAL
    if parts.scheme != "https" and not is_local:
        raise ValueError("must start with https:// (http:// only on this machine)")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user or password")
    return url
