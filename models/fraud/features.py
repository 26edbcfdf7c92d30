"""Features of payments from their states: one formula each, for batch and request."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fraud.payments import NIGHT_ENDS, Floats, Payments
from models.fraud.windows import ENTITIES, STATE, WINDOWS

EARTH_KM = 6_371.0
# Two payments within a minute at two places: the speed is that over a minute.
SHORTEST_HOURS = 1 / 60

NUMERIC = (
    "amount",
    *(f"{e}_{what}_{w}" for e in ENTITIES for w in WINDOWS for what in ("count", "amount")),
    *("customer_payments_90d", "amount_to_mean", "amount_to_merchant_mean"),
    *("is_new_device", "is_new_merchant", "is_new_country"),
    *("travel_kmh", "is_night", "night_share"),
)
CATEGORY = "merchant_category"

_POSITION = {name: k for k, name in enumerate(STATE)}


def features(payments: Payments, states: Floats) -> dict[str, NDArray[Any]]:
    """The features of each payment by name; NaN (category: None) is unknown.

    customer_payments_90d, night_share: over the 90 days before, without the payment itself.
    amount_to_mean: amount / mean amount of the customer in these 90 days; NaN without one.
    amount_to_merchant_mean: the same with the merchant's other payments of 7 days.
    travel_kmh: speed from the card's last place, over the great circle (haversine formula).
    """

    def of(name: str) -> Floats:
        return states[:, _POSITION[name]]

    amount = payments.cents / 100
    made: dict[str, NDArray[Any]] = {"amount": amount}
    for entity in ENTITIES:
        for window in WINDOWS:
            made[f"{entity}_count_{window}"] = of(f"{entity}_count_{window}")
            made[f"{entity}_amount_{window}"] = of(f"{entity}_cents_{window}") / 100
    earlier = of("customer_count_90d") - 1
    is_night = payments.is_night
    made["customer_payments_90d"] = earlier
    made["amount_to_mean"] = _ratio(
        amount, (of("customer_cents_90d") - payments.cents) / 100, earlier
    )
    made["amount_to_merchant_mean"] = _ratio(
        amount,
        (of("merchant_cents_7d") - payments.cents) / 100,
        of("merchant_count_7d") - 1,
    )
    known = {
        "device": payments.device_id,
        "merchant": payments.merchant_id,
        "country": payments.country,
    }
    for name, values in known.items():
        is_unknown = np.isnan(earlier) | np.array([v is None for v in values], dtype=bool)
        is_new = np.isnan(of(f"{name}_seen_at")).astype(np.float64)
        made[f"is_new_{name}"] = np.where(is_unknown, np.nan, is_new)
    made["travel_kmh"] = _speed(payments, of)
    made["is_night"] = is_night.astype(np.float64)
    made["night_share"] = _divided(of("customer_nights_90d") - is_night, earlier)
    made[CATEGORY] = payments.merchant_category
    return made


def _divided(above: Floats, below: Floats) -> Floats:
    """above / below; NaN where below is not above 0."""
    usable = below > 0
    return np.where(usable, above / np.where(usable, below, 1.0), np.nan)


def _ratio(amount: Floats, total: Floats, count: Floats) -> Floats:
    """amount / (total / count); NaN without a mean above 0."""
    return _divided(amount, _divided(total, count))


def _speed(payments: Payments, of: Any) -> Floats:
    """Kilometres per hour since the card's last place; NaN: a place is unknown."""
    now = np.radians(payments.latitude), np.radians(payments.longitude)
    before = np.radians(of("place_latitude")), np.radians(of("place_longitude"))
    half = (
        np.sin((now[0] - before[0]) / 2) ** 2
        + np.cos(now[0]) * np.cos(before[0]) * np.sin((now[1] - before[1]) / 2) ** 2
    )
    kilometres = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    hours = np.abs(payments.paid_at - of("place_at")) / 3.6e9
    return kilometres / np.maximum(hours, SHORTEST_HOURS)


def rows_of(made: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """The features of each payment as a dict, None instead of NaN."""
    names = [*NUMERIC, CATEGORY]
    columns = [made[n].tolist() for n in names]
    return [
        {n: None if v != v else v for n, v in zip(names, row, strict=True)}
        for row in zip(*columns, strict=True)
    ]


# How a reason names a feature. {}: its value.
WORDS = {
    "amount": "amount {:,.2f}",
    "customer_payments_90d": "{:,.0f} payments of the customer in 90 days",
    "amount_to_mean": "{:,.1f} times the customer's mean amount",
    "amount_to_merchant_mean": "{:,.1f} times the merchant's mean amount",
    "is_new_device": "new device",
    "is_new_merchant": "new merchant",
    "is_new_country": "new country",
    "travel_kmh": "{:,.0f} km/h since the card's last place",
    "is_night": f"local hour before {NIGHT_ENDS}",
    "night_share": "night share {:.2f} of the customer",
    CATEGORY: "category {}",
}
for _entity in ENTITIES:
    for _window in WINDOWS:
        WORDS[f"{_entity}_count_{_window}"] = f"{{:,.0f}} payments of the {_entity} in {_window}"
        WORDS[f"{_entity}_amount_{_window}"] = f"{{:,.2f}} paid by {_entity} in {_window}"


def words(feature: str, value: Any) -> str:
    """A feature and its value in words.

    >>> words("card_count_1h", 9.0), words("is_new_device", 0.0), words("country", None)
    ('9 payments of the card in 1h', 'known device', 'country unknown')
    """
    if value is None:
        return f"{feature.removeprefix('is_new_').replace('_', ' ')} unknown"
    if feature.startswith("is_new_") and not value:
        return WORDS[feature].replace("new", "known")
    if feature == "is_night" and not value:
        return f"local hour from {NIGHT_ENDS} on"
    return WORDS[feature].format(value)
