"""A recount of windows by brute force, one payment at a time, from the definition alone."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd

from models.fraud.payments import Payments
from models.fraud.windows import STATE

HOUR, DAY = 3_600 * 10**6, 86_400 * 10**6
WIDTHS = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY}
START = int(dt.datetime(2025, 3, 1, tzinfo=dt.UTC).timestamp()) * 10**6


def payment(number: int, **values: Any) -> dict[str, Any]:
    """A payment with usual values. minute: minutes after START, instead of paid_at."""
    minute = values.pop("minute", number)
    usual = {
        "payment_id": f"p{number}",
        "customer_id": "c",
        "card_id": "k",
        "device_id": "d",
        "merchant_id": "m",
        "merchant_category": "grocer",
        "country": "DE",
        "latitude": 52.5,
        "longitude": 13.4,
        "cents": 1000,
        "paid_at": START + int(minute * 60 * 10**6),
        "received_at": None,
    }
    return {**usual, **values}


def in_arrival(rows: list[dict[str, Any]]) -> Payments:
    """The payments as if they had arrived in the order of the list."""
    numbered = [{**row, "received_at": START + n} for n, row in enumerate(rows)]
    return Payments.from_frame(pd.DataFrame(numbered))


def recounted(rows: list[dict[str, Any]]) -> np.ndarray:
    """The states of payments that arrive in the order of the list."""
    states, arrived = [], []
    newest = -math.inf
    for row in rows:
        newest = max(newest, row["paid_at"])
        if row["paid_at"] < newest - DAY:
            states.append([math.nan] * len(STATE))
            continue
        states.append(_state(row, arrived))
        arrived.append(row)
    return np.array(states, dtype=float).reshape(-1, len(STATE))


def _state(row: dict[str, Any], arrived: list[dict[str, Any]]) -> list[float]:
    key, t = (row["paid_at"], row["payment_id"]), row["paid_at"]

    def window(name: str, width: int) -> list[dict[str, Any]]:
        return [
            q
            for q in [*arrived, row]
            if q[name] == row[name]
            and t - width < q["paid_at"]
            and (q["paid_at"], q["payment_id"]) <= key
        ]

    values: list[float] = []
    for name in ("customer_id", "card_id", "device_id", "merchant_id"):
        for width in WIDTHS.values():
            inside = window(name, width)
            both = [len(inside), sum(q["cents"] for q in inside)]
            values += [math.nan, math.nan] if row[name] is None else both
    history = window("customer_id", 90 * DAY)
    values += [len(history), sum(q["cents"] for q in history), sum(map(_is_night, history))]
    for name in ("device_id", "merchant_id", "country"):
        times = [
            q["paid_at"]
            for q in arrived
            if q["customer_id"] == row["customer_id"] and q[name] == row[name] is not None
        ]
        newest = max(times, default=-math.inf)
        values.append(newest if newest > t - 90 * DAY else math.nan)
    placed = [
        q
        for q in arrived
        if q["card_id"] == row["card_id"] is not None and q["latitude"] is not None
    ]
    last = placed[-1] if placed and abs(placed[-1]["paid_at"] - t) <= 7 * DAY else None
    return values + (
        [last["latitude"], last["longitude"], last["paid_at"]] if last else [math.nan] * 3
    )


def _is_night(row: dict[str, Any]) -> bool:
    shift = 0 if row["longitude"] is None else round(row["longitude"] / 15)
    hours = dt.datetime.fromtimestamp(row["paid_at"] / 10**6, dt.UTC) + dt.timedelta(hours=shift)
    return hours.hour < 6
