"""Payments as arrays in the order of their arrival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Texts = NDArray[np.object_]
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

TEXTS = (
    *("payment_id", "customer_id", "card_id", "device_id", "merchant_id"),
    *("merchant_category", "country"),
)
HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
# Hours of the night, in local solar time.
NIGHT_ENDS = 6


@dataclass(frozen=True)
class Payments:
    """One entry per payment, in the order of arrival.

    Texts are None and places NaN where unknown. cents: the amount in hundredths. paid_at,
    received_at: microseconds since 1970 (UTC).

    The order of arrival is (received_at, paid_at, payment_id). A payment without received_at counts
    as received when it was paid.
    """

    payment_id: Texts
    customer_id: Texts
    card_id: Texts
    device_id: Texts
    merchant_id: Texts
    merchant_category: Texts
    country: Texts
    latitude: Floats
    longitude: Floats
    cents: Whole
    paid_at: Whole
    received_at: Whole

    @classmethod
    def from_frame(cls, rows: pd.DataFrame) -> Self:
        """From the columns of the same names, in any order of rows. received_at may be null."""
        texts = {n: _texts(rows[n]) for n in TEXTS}
        paid_at = rows["paid_at"].to_numpy(np.int64)
        received = rows["received_at"].astype("Int64")
        received_at = received.where(received.notna(), rows["paid_at"]).to_numpy(np.int64)
        order = np.lexsort((_ranks(texts["payment_id"]), paid_at, received_at))
        return cls(
            **{n: values[order] for n, values in texts.items()},
            latitude=rows["latitude"].to_numpy(np.float64)[order],
            longitude=rows["longitude"].to_numpy(np.float64)[order],
            cents=rows["cents"].to_numpy(np.int64)[order],
            paid_at=paid_at[order],
            received_at=received_at[order],
        )

    @classmethod
    def single(cls, payment: Mapping[str, Any]) -> Self:
        """One payment from a dict with the same keys. None: unknown."""
        values: dict[str, Any] = {n: np.array([payment[n]], dtype=object) for n in TEXTS}
        for name in PLACES:
            known = np.nan if payment[name] is None else payment[name]
            values[name] = np.array([known], dtype=np.float64)
        for name in ("cents", "paid_at", "received_at"):
            values[name] = np.array([payment[name]], dtype=np.int64)
        return cls(**values)

    def take(self, positions: Whole) -> Payments:
        """The payments at these positions."""
        return Payments(**{f.name: getattr(self, f.name)[positions] for f in fields(self)})

    def __len__(self) -> int:
        return len(self.paid_at)

    @property
    def is_night(self) -> NDArray[np.bool_]:
        """Whether the local hour is before NIGHT_ENDS.

        The longitude gives the local solar time (15 degrees per hour). Without one it is UTC.
        """
        shift = np.where(np.isnan(self.longitude), 0.0, self.longitude / 15)
        hour = (self.paid_at // 60_000_000 / 60 + np.round(shift)) % 24
        return hour < NIGHT_ENDS

    def key_order(self) -> Whole:
        """The positions in the order of (paid_at, payment_id)."""
        return np.lexsort((_ranks(self.payment_id), self.paid_at))


PLACES = ("latitude", "longitude")


def codes(values: Texts) -> Whole:
    """A number per distinct text; -1 for None."""
    return pd.factorize(values, use_na_sentinel=True)[0].astype(np.int64)


def _texts(values: pd.Series) -> Texts:
    texts = values.astype(object).to_numpy(copy=True)
    texts[values.isna().to_numpy()] = None
    return texts


def _ranks(values: Texts) -> Whole:
    """The rank of each text by code point, which is the order of its UTF-8 bytes in Redis."""
    return np.unique(values.astype(str), return_inverse=True)[1].astype(np.int64)
