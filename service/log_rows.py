"""Logged answers: lines of JSON in the spool, rows of gold.inference_log and gold.fraud_scores.

A line with a list is an answer about a customer. A line with an object is one about a payment.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic_core import to_json

from contracts.gold_fraud import DEGRADED, FRAUD_SCORES
from contracts.gold_serving import INFERENCE_LOG
from runtime.lakehouse.arrow_types import arrow_schema

# features_source of answers whose features are in no table.
GIVEN, OPEN_DAY = "request", "open_day"


class LoggedAnswer(NamedTuple):
    """The columns of gold.inference_log. features: a JSON object, or a dict of JSON values."""

    request_id: str
    position: int
    request_at: float
    customer_id: str | None
    features: bytes | Mapping[str, Any] | None
    features_on: str | None
    features_source: str
    model_version: str | None
    arm: str
    churn_probability: float | None
    score_basis: str | None
    status: int
    duration_ms: float

    def line(self) -> bytes:
        """A line of JSON with its line break."""
        features = self.features if isinstance(self.features, bytes) else to_json(self.features)
        text = None if self.features is None else features.decode()
        return to_json(self._replace(features=text)) + b"\n"  # type: ignore[arg-type]


class ScoredPayment(NamedTuple):
    """The columns of gold.fraud_scores. paid_on: YYYY-MM-DD; answered_at: seconds since 1970."""

    payment_id: str
    customer_id: str
    paid_on: str
    score: float | None
    decision: str
    is_alert: bool
    reason: str | None
    basis: str
    model_version: str | None
    answered_at: float

    def line(self) -> bytes:
        """A line of JSON with its line break."""
        return to_json(self._asdict()) + b"\n"


def answer_rows(lines: Iterable[bytes]) -> pa.Table:
    """The rows of gold.inference_log in lines."""
    rows = [row for line in lines if line[:1] == b"[" and (row := _row(line))]
    return pa.Table.from_pylist(rows, schema=arrow_schema(INFERENCE_LOG))


def payment_rows(lines: Iterable[bytes]) -> pa.Table:
    """The rows of gold.fraud_scores in lines.

    Of several answers about a payment the first one counts; a degraded one gives way to any other.
    """
    rows: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line[:1] == b"{" and (row := _row(line)):
            known = rows.setdefault(row["payment_id"], row)
            if known["basis"] == DEGRADED != row["basis"]:
                rows[row["payment_id"]] = row
    return pa.Table.from_pylist([*rows.values()], schema=arrow_schema(FRAUD_SCORES))


def customer_of(line: bytes) -> str | None:
    """The customer of a line. None: it names none."""
    row = _row(line)
    return row["customer_id"] if row else None


def _row(line: bytes) -> dict[str, Any] | None:
    """The row of a line. None: a killed process left the line incomplete."""
    try:
        values = json.loads(line)
        return _payment(values) if isinstance(values, dict) else _answer(values)
    except ValueError:
        return None


def _answer(values: list[Any]) -> dict[str, Any]:
    if len(values) != len(LoggedAnswer._fields):
        raise ValueError("a line has one value per column")
    row = dict(zip(LoggedAnswer._fields, values, strict=True))
    row["request_at"] = dt.datetime.fromtimestamp(row["request_at"], dt.UTC)
    day = row["features_on"]
    row["features_on"] = dt.date.fromisoformat(day) if day else None
    return row


def _payment(values: dict[str, Any]) -> dict[str, Any]:
    if values.keys() != set(ScoredPayment._fields):
        raise ValueError("a line has one value per column")
    answered_at = dt.datetime.fromtimestamp(values["answered_at"], dt.UTC)
    day = dt.date.fromisoformat(values["paid_on"])
    return {**values, "paid_on": day, "answered_at": answered_at}
