"""One logged answer: a line of JSON in the spool, a row of gold.inference_log."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic_core import to_json

from contracts.gold_serving import INFERENCE_LOG
from runtime.lakehouse.arrow_types import arrow_schema


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


def rows_of(lines: Iterable[bytes]) -> pa.Table:
    """The rows of lines. A line that a killed process left incomplete is skipped."""
    rows = []
    for line in lines:
        try:
            rows.append(_row(json.loads(line)))
        except ValueError:
            continue
    return pa.Table.from_pylist(rows, schema=arrow_schema(INFERENCE_LOG))


def _row(values: list[Any]) -> dict[str, Any]:
    if len(values) != len(LoggedAnswer._fields):
        raise ValueError("a line has one value per column")
    row = dict(zip(LoggedAnswer._fields, values, strict=True))
    row["request_at"] = dt.datetime.fromtimestamp(row["request_at"], dt.UTC)
    day = row["features_on"]
    row["features_on"] = dt.date.fromisoformat(day) if day else None
    return row
