"""Shares of customers by a hash: control groups, A/B arms, folds and samples.

SHA-256 of "<purpose>|<customer id>" decides. It needs no random state and no table, so assignments
are permanent and equal on every run and engine. Different purposes give independent draws. The
first HEX_DIGITS digits of the digest are the draw, a number from 0 to 2^32 - 1.

Each function has two forms: Python for one customer, and a Column (`..._column`) for a frame.

Folds of cross-validation and samples that only need a fixed order keep other hashes (xxhash64 in
transforms.training_samples and models.spark_learners, MD5 in transforms.lifetime): a change would
move customers between folds and change fitted models.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from udfs.formula import SqlFormula, quote

if TYPE_CHECKING:
    from pyspark.sql import Column

SEPARATOR = "|"
HEX_DIGITS = 8
DRAWS = 16**HEX_DIGITS

_DIGEST = SqlFormula(
    "share_digest", (("text", "STRING"),), "STRING", "SHA2(text, 256)", "SHA-256 in hex."
)
_DRAW = SqlFormula(
    "share_draw",
    (("text", "STRING"),),
    "STRING",
    f"SUBSTRING(SHA2(text, 256), 1, {HEX_DIGITS})",
    f"The first {HEX_DIGITS} hex digits of SHA-256.",
)
_POSITION = SqlFormula(
    "share_position",
    (("draw", "STRING"),),
    "DOUBLE",
    f"(CAST(CONV(draw, 16, 10) AS DOUBLE) + 1) / {float(DRAWS)}D",
    "The draw as a number in (0, 1].",
)


def digest(purpose: str | None, customer_id: str) -> str:
    """SHA-256 of purpose and id, 64 hex digits. None: of the id alone.

    >>> digest("plan", "c101")[:16]
    '53d1e37036ff303f'
    """
    parts = [customer_id] if purpose is None else [purpose, customer_id]
    return hashlib.sha256(SEPARATOR.join(parts).encode()).hexdigest()


def digest_column(purpose: str | None, column: str) -> Column:
    """`digest` of the ids in a column."""
    return _DIGEST(text=_text(purpose, column))


def is_in_share(share: float, purpose: str, customer_id: str) -> bool:
    """True if the customer belongs to the share. A larger share contains every smaller one.

    >>> [is_in_share(share, "churn-v1-v2", "c101") for share in (0.0, 0.02, 0.03, 1.0)]
    [False, False, True, True]
    """
    return digest(purpose, customer_id)[:HEX_DIGITS] < _bound(share)


def is_in_share_column(share: float, purpose: str, column: str) -> Column:
    """`is_in_share` of the ids in a column."""
    return _DRAW(text=_text(purpose, column)) < _bound(share)


def share_of(purpose: str | None, customer_id: str) -> float:
    """The customer's position in (0, 1]: a uniform number that orders customers at random.

    >>> share_of(None, "c101")
    0.24372858949936926
    """
    return (int(digest(purpose, customer_id)[:HEX_DIGITS], 16) + 1) / DRAWS


def share_of_column(purpose: str | None, column: str) -> Column:
    """`share_of` of the ids in a column. Spark only: DuckDB has no CONV."""
    return _POSITION(draw=_DRAW.sql(text=_text(purpose, column)))


def _bound(share: float) -> str:
    """The smallest draw outside the share, as hex digits; texts of one length order as numbers."""
    draw = min(max(int(share * DRAWS), 0), DRAWS - 1)
    return f"{draw:0{HEX_DIGITS}x}"


def _text(purpose: str | None, column: str) -> str:
    parts = [column] if purpose is None else [quote(purpose), column]
    return f"CONCAT_WS({quote(SEPARATOR)}, {', '.join(parts)})"
