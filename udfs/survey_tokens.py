"""Signed tokens of survey links. A token names a contact, not the customer, and expires.

A token is `<contact_id>.<last day>.<signature>`, for example
`0123456789abcdef0123456789abcdef.20260301.<43 characters>`: the id in gold.outbox, the last day on
which an answer counts (UTC), and the HMAC-SHA-256 of the text before the last dot, as base64url
without padding. All characters are unreserved in URLs (RFC 3986).

Spark SQL has no HMAC. Composed of `sha2`, it would need the key as a literal, which Spark shows in
its plans and event logs. `refusals_by` is a pandas function instead: Spark shows only its name.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable

import pandas as pd

# Characters of the contact's id, which a token starts with.
ID_LENGTH = 32
_TOKEN = re.compile(r"([0-9a-f]{32}\.([0-9]{8}))\.([A-Za-z0-9_-]{43})")

GARBLED, FORGED, EXPIRED = "token_garbled", "token_forged", "token_expired"


def survey_token(contact_id: str, last_day: dt.date, key: bytes) -> str:
    """The token of a contact. ValueError if the id is not 32 hexadecimal digits.

    >>> survey_token("0" * 32, dt.date(2026, 3, 1), b"key")
    '00000000000000000000000000000000.20260301.hXZzdDDGBrM0aHz8ud4z5lATBxb-sDhDM3wbp5rUv0k'
    """
    if not re.fullmatch(r"[0-9a-f]{32}", contact_id):
        raise ValueError(
            f"contact_id: must be 32 hexadecimal digits, got {contact_id!r}. "
            "Use the contact_id of gold.outbox."
        )
    signed = f"{contact_id}.{last_day:%Y%m%d}"
    return f"{signed}.{_signature(signed, key)}"


def refusal(token: str, key: bytes, day: dt.date | None) -> str | None:
    """Why an answer of `day` (UTC) is refused: GARBLED, FORGED or EXPIRED. None: it is accepted.

    Signatures are compared in constant time. day: None does not check the last day.
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return GARBLED
    signed, last_day, signature = parts.groups()
    if not hmac.compare_digest(_signature(signed, key), signature):
        return FORGED
    return EXPIRED if day is not None and f"{day:%Y%m%d}" > last_day else None


def refusals_by(key: bytes) -> Callable[[pd.Series, pd.Series], pd.Series]:
    """A pandas function of tokens and days of answers: each `refusal`. Null: none, or no token."""

    def refusals(tokens: pd.Series, days: pd.Series) -> pd.Series:
        answers = zip(tokens, days, strict=True)
        reasons = [_refusal_of_row(token, key, day) for token, day in answers]
        return pd.Series(reasons, index=tokens.index, dtype="object")

    return refusals


def _refusal_of_row(token: object, key: bytes, day: dt.date | None) -> str | None:
    if not isinstance(token, str) or not token.strip():
        return None
    return refusal(token, key, None if pd.isna(day) else day)


def _signature(signed: str, key: bytes) -> str:
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
