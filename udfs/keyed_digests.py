"""HMAC-SHA-256 of ids: without the key nobody can test which id has a digest."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import pandas as pd

_NAME_OF_KEY = b"holdfast key id"


def keyed_digest(value: str, key: bytes) -> str:
    """HMAC-SHA-256 of a text, hexadecimal. Test case 2 of RFC 4231:

    >>> keyed_digest("what do ya want for nothing?", b"Jefe")[:16]
    '5bdcc146bf60754e'
    """
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def key_id(key: bytes) -> str:
    """Tells two keys apart, and says nothing about either."""
    return hmac.new(key, _NAME_OF_KEY, hashlib.sha256).hexdigest()[:16]


def digests_by(key: bytes) -> Callable[[pd.Series], pd.Series]:
    """A pandas function of texts: the digest of each; null for null.

    A pandas function and no SQL expression: plans and event logs would show the key.
    """

    def digests(values: pd.Series) -> pd.Series:
        texts = [keyed_digest(v, key) if isinstance(v, str) else None for v in values]
        return pd.Series(texts, index=values.index, dtype="object")

    return digests
