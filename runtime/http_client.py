"""The HTTP client of all requests to services, and how long a service asks to wait."""

from __future__ import annotations

import datetime as dt
import logging
import ssl
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

# At INFO these log every URL, at DEBUG the headers too.
_LOGGERS = ("httpx2", "httpcore2")


def http_client(timeout_seconds: float) -> httpx2.Client:
    """A client that follows no redirect, keeps no cookie and logs no request."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx2.Client(
        headers={"User-Agent": "holdfast", "Accept-Encoding": "identity"},
        timeout=timeout_seconds,
        follow_redirects=False,
        # No proxy and no password of the environment (HTTP_PROXY, .netrc).
        trust_env=False,
        # The certificate authorities of the operating system, not those of a Python package.
        verify=ssl.create_default_context(),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def seconds_to_wait(retry_after: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for. `now` is in unix seconds.

    The header holds seconds or an HTTP date (RFC 9110, 10.2.3). A past date gives 0; None or
    another text gives None.

    >>> seconds_to_wait("7", 0.0), seconds_to_wait("Thu, 01 Jan 1970 00:00:30 GMT", 10.0)
    (7.0, 20.0)
    """
    if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    moment = http_date(retry_after)
    return None if moment is None else max(moment - now, 0.0)


def http_date(text: str | None) -> float | None:
    """An HTTP date in unix seconds. None: there is none, or it is no date.

    >>> http_date("Thu, 01 Jan 1970 00:00:30 GMT")
    30.0
    """
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    # A date without a zone is in UTC.
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
