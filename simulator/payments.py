"""Card payments of the customers: their usual ones, and what becomes known of fraud.

Constants were fixed before any model was evaluated on them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import draws, world as w
from simulator.draws import Floats
from simulator.people import People

# The last 180 days have payments.
PAY_FROM = w.DAYS - 180
PAYMENTS_A_DAY, RATE_SHAPE = 0.6, 2.0
# Category, typical amount, share of merchants.
CATEGORIES = (
    *(("grocer", 30.0, 0.25), ("restaurant", 25.0, 0.2), ("fashion", 60.0, 0.15)),
    *(("electronics", 150.0, 0.1), ("travel", 200.0, 0.05), ("digital", 12.0, 0.15)),
    *(("gift_cards", 60.0, 0.03), ("health", 35.0, 0.07)),
)
NAMES = np.array([name for name, _, _ in CATEGORIES], dtype=object)
LEVELS = np.array([level for _, level, _ in CATEGORIES])
MERCHANTS, FAVOURITES = 400, 12
# Country, latitude, longitude, share of the customers.
CITIES = (
    *(("DE", 52.52, 13.40, 0.25), ("DE", 48.14, 11.58, 0.2), ("DE", 50.94, 6.96, 0.2)),
    *(("FR", 48.86, 2.35, 0.1), ("ES", 40.42, -3.70, 0.1), ("GB", 51.51, -0.13, 0.05)),
    *(("US", 40.71, -74.01, 0.04), ("BR", -23.55, -46.63, 0.03), ("TH", 13.76, 100.50, 0.03)),
)
COUNTRIES = np.array([c for c, *_ in CITIES], dtype=object)
PLACES = np.array([(lat, lon) for _, lat, lon, _ in CITIES])
CITY_SHARES = [share for *_, share in CITIES]
# Degrees around a city.
NEAR = 0.15
TRIPS_MEAN = 0.6

COLUMNS = (
    *("row", "number", "kind", "episode", "at", "card", "device", "merchant", "city"),
    *("latitude", "longitude", "amount"),
)


def merchant_categories(world: w.World) -> NDArray[np.int64]:
    """The category of each merchant."""
    u = draws.uniform(world.seed, "merchant.category", np.arange(MERCHANTS))
    return draws.choice(u, [share for *_, share in CATEGORIES])


def homes(who: People, world: w.World) -> NDArray[np.int64]:
    """The city of each customer."""
    return draws.choice(draws.uniform(world.seed, "pay.home", who.id), CITY_SHARES)


def usual(who: People, left: Floats, world: w.World) -> pd.DataFrame:
    """The customers' own payments until they leave, with COLUMNS. kind, episode: empty."""

    def of(name: str, *keys: NDArray[np.int64]) -> Floats:
        return draws.uniform(world.seed, f"pay.{name}", *keys)

    begin = np.maximum(who.signup, PAY_FROM).astype(np.float64)
    end = np.where(np.isnan(left), w.DAYS, np.minimum(left, w.DAYS))
    rate = PAYMENTS_A_DAY * draws.gamma(of("rate", who.id), RATE_SHAPE)
    row, number = draws.events(world.seed, "pay", rate * np.maximum(end - begin, 0.0), who.id)
    keys = (who.id[row], number)

    def u(name: str) -> Floats:
        return of(name, *keys)

    day = np.floor(begin[row] + (end - begin)[row] * u("day"))
    owl = of("owl", who.id)[row] < 0.1
    is_night = u("night") < np.where(owl, 0.4, 0.03)
    hour = np.where(is_night, 6 * u("hour"), 7 + 16 * u("hour") ** 0.8)
    city, is_away = _city(who, row, day, world)
    # Local solar time of the place, as UTC.
    at = day + (hour - np.round(PLACES[city, 1] / 15)) / 24
    merchant = _merchants(who, row, number, is_away, world)
    category = merchant_categories(world)[merchant]
    size = np.exp(0.6 * draws.normal(u("size"))) * np.where(u("large") < 0.01, 7.0, 1.0)
    taste = (who.basket / 14)[row]
    spread = NEAR * np.column_stack([draws.normal(u("lat")), draws.normal(u("lon"))])
    has_change = of("change", who.id)[row] < 0.3
    changed_on = PAY_FROM + 180 * of("change.day", who.id)[row]
    device = np.where(has_change & (day >= changed_on), 2, 0)
    device = np.where((of("second", who.id)[row] < 0.3) & (u("device") < 0.2), 1, device)
    rows = pd.DataFrame(
        {
            "row": row,
            "number": number,
            "kind": "",
            "episode": "",
            "at": at,
            "card": 0,
            "device": [f"d{c:07d}-{d}" for c, d in zip(who.id[row], device, strict=True)],
            "merchant": merchant,
            "city": city,
            "latitude": PLACES[city, 0] + spread[:, 0],
            "longitude": PLACES[city, 1] + spread[:, 1],
            "amount": LEVELS[category] * size * taste,
        }
    )
    return rows[rows["at"] < w.DAYS].reset_index(drop=True)


def _city(
    who: People, row: NDArray[np.int64], day: Floats, world: w.World
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The city of each payment, and whether the customer is on a trip."""
    city = homes(who, world)[row]
    is_away = np.zeros(len(row), dtype=bool)
    for trip in range(2):
        keys = (who.id, np.full(len(who.id), trip))

        def u(name: str, keys: tuple[NDArray[np.int64], ...] = keys) -> Floats:
            return draws.uniform(world.seed, f"trip.{name}", *keys)

        goes = u("goes") < TRIPS_MEAN / 2
        start = np.floor(PAY_FROM + 170 * u("start"))
        days = 4 + np.floor(9 * u("days"))
        target = np.floor(u("city") * len(CITIES)).astype(np.int64)
        inside = goes[row] & (day >= start[row]) & (day < (start + days)[row])
        city = np.where(inside, target[row], city)
        is_away |= inside
    return city, is_away


def _merchants(
    who: People,
    row: NDArray[np.int64],
    number: NDArray[np.int64],
    is_away: NDArray[np.bool_],
    world: w.World,
) -> NDArray[np.int64]:
    """Mostly one of the customer's favourites; popular merchants are favourites of many."""
    keys = (who.id[row], number)
    place = np.floor(FAVOURITES * draws.uniform(world.seed, "pay.favourite", *keys) ** 1.5)
    favourite = draws.uniform(world.seed, "favourite", who.id[row], place.astype(np.int64))
    other = draws.uniform(world.seed, "pay.other", *keys)
    is_other = draws.uniform(world.seed, "pay.is_other", *keys) < np.where(is_away, 0.8, 0.12)
    return np.floor(MERCHANTS * np.where(is_other, other, favourite) ** 2).astype(np.int64)


def labels(rows: pd.DataFrame, world: w.World) -> pd.DataFrame:
    """What becomes known of payments before DAYS: reviews after a day, chargebacks after weeks.

    People review a share of the large payments and a few others. Other fraud is disputed by the
    cardholder, except 7 % that nobody notices. Columns: payment_id, is_fraud, label_source, at.
    """
    keys = (rows["customer"].to_numpy(np.int64), rows["number"].to_numpy(np.int64))
    kind = np.where(rows["kind"] == "", 0, 1)

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, f"label.{name}", *keys, kind)

    is_fraud = (rows["kind"] != "").to_numpy()
    reviewed = (u("large") < 0.4) & (rows["amount"].to_numpy() > 250) | (u("few") < 0.002)
    disputed = is_fraud & ~reviewed & (u("noticed") >= 0.07)
    delay = np.where(reviewed, 0.1 + 1.4 * u("review"), 3 + 14 * draws.exponential(u("dispute")))
    made = pd.DataFrame(
        {
            "payment_id": rows["payment_id"],
            "is_fraud": is_fraud,
            "label_source": np.where(reviewed, "review", "chargeback"),
            "at": rows["at"] + delay,
        }
    )
    return made[(reviewed | disputed) & (made["at"] < w.DAYS)].reset_index(drop=True)
