"""Fraudulent payments of four kinds.

    stolen_card         some hours, another device, other merchants, often far away, large amounts
    card_testing        one device tries many cards with tiny amounts; some are used later
    account_takeover    a new device, near the customer, mostly at night
    merchant_collusion  a merchant charges its customers' cards too much, with their own devices

All draws are keyed by the customer, so rows do not depend on other customers. What attacks share
(device, merchant, time) is keyed by the attack.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import draws, world as w
from simulator.draws import Floats
from simulator.payments import (
    CATEGORIES,
    COLUMNS,
    LEVELS,
    MERCHANTS,
    NEAR,
    PAY_FROM,
    PLACES,
    homes,
    merchant_categories,
)
from simulator.people import People

KINDS = ("stolen_card", "card_testing", "account_takeover", "merchant_collusion")
STOLEN_RATE, TAKEN_OVER_RATE = 0.03, 0.02
# Attacks on many cards, and the share of the customers that each one reaches.
TESTS, TESTED_SHARE, USED_SHARE = 12, 0.012, 0.15
COLLUDING, CHARGED_SHARE, COLLUSION_DAYS = 4, 0.03, 25.0
# Sold on easily.
WANTED = ("electronics", "gift_cards", "travel")


def frauds(who: People, left: Floats, world: w.World) -> pd.DataFrame:
    """All fraudulent payments of customers who have not left, with COLUMNS."""
    parts = [
        _stolen(who, world, kind="stolen_card", rate=STOLEN_RATE),
        _stolen(who, world, kind="account_takeover", rate=TAKEN_OVER_RATE),
        _tested(who, world),
        _colluding(who, world),
    ]
    rows = pd.concat(parts, ignore_index=True)
    ends = np.where(np.isnan(left), w.DAYS, np.minimum(left, w.DAYS))[rows["row"]]
    inside = (rows["at"] < ends) & (rows["at"] >= who.signup[rows["row"]])
    rows = rows[inside].reset_index(drop=True)
    # A number per customer, apart from those of the usual payments by the prefix of the id.
    return rows.assign(number=rows.groupby("row").cumcount())[[*COLUMNS]]


def _wanted(u: Floats, world: w.World) -> NDArray[np.int64]:
    """Merchants of the categories that fraudsters prefer."""
    names = [name for name, *_ in CATEGORIES]
    wanted = [names.index(name) for name in WANTED]
    places = np.flatnonzero(np.isin(merchant_categories(world), wanted))
    return places[np.floor(u * len(places)).astype(np.int64)]


def _rows(kind: str, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"kind": kind, "card": 0, **columns})


def _stolen(who: People, world: w.World, *, kind: str, rate: float) -> pd.DataFrame:
    """Episodes on one card: 2 or more payments within hours, from a device of the fraudster."""
    is_far_kind = kind == "stolen_card"
    hit = draws.uniform(world.seed, f"{kind}.hit", who.id) < rate
    victims = np.flatnonzero(hit)

    def of(name: str) -> Floats:
        return draws.uniform(world.seed, f"{kind}.{name}", who.id[victims])

    count = 2 + draws.poisson(of("count"), np.full(len(victims), 4.0 if is_far_kind else 1.5))
    place = np.repeat(np.arange(len(victims)), count)
    number = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    row = victims[place]

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, f"{kind}.{name}", who.id[row], number)

    day = np.floor(PAY_FROM + 179 * of("day"))
    hour = 24 * of("hour") if is_far_kind else np.where(of("late") < 0.6, 5, 20) * of("hour")
    gap = draws.exponential(u("gap")) * 20 / 1440
    first = (np.cumsum(count) - count)[place]
    waited = pd.Series(gap).groupby(place).cumsum().to_numpy() - gap[first]
    home = homes(who, world)[victims]
    far = np.floor(of("city") * len(PLACES)).astype(np.int64)
    city = np.where((of("far") < 0.6) & is_far_kind, far, home)[place]
    start = day + (hour - np.round(PLACES[np.where(is_far_kind, 0, home), 1] / 15)) / 24
    merchant = _wanted(u("merchant"), world)
    level = LEVELS[merchant_categories(world)[merchant]]
    spread = (NEAR if is_far_kind else 3 * NEAR) * np.column_stack(
        [draws.normal(u("lat")), draws.normal(u("lon"))]
    )
    names = [f"{kind}-{c:07d}" for c in who.id[row]]
    return _rows(
        kind,
        row=row,
        episode=names,
        at=start[place] + waited,
        device=[f"x{name}" for name in _hidden(names, world)],
        merchant=merchant,
        city=city,
        latitude=PLACES[city, 0] + spread[:, 0],
        longitude=PLACES[city, 1] + spread[:, 1],
        amount=level * np.exp(0.5 * draws.normal(u("size"))) * (2.0 if is_far_kind else 1.3),
    )


def _tested(who: People, world: w.World) -> pd.DataFrame:
    """Each attack tries cards within three hours at one merchant; some are used within two days."""
    parts = []
    for attack in range(TESTS):
        at, shop, city = (
            float(draws.uniform(world.seed, f"test.{name}", np.array([attack]))[0])
            for name in ("at", "merchant", "city")
        )
        keys = (who.id, np.full(len(who.id), attack))

        def u(name: str, keys: tuple[NDArray[np.int64], ...] = keys) -> Floats:
            return draws.uniform(world.seed, f"test.{name}", *keys)

        tried = np.flatnonzero(u("hit") < TESTED_SHARE)
        used = tried[u("used")[tried] < USED_SHARE]
        where = int(city * len(PLACES))
        start = PAY_FROM + 178 * at
        for row, is_use in ((tried, False), (used, True)):
            wait = 0.2 + 1.8 * u("use.wait")[row] if is_use else u("wait")[row] / 8
            shops = _wanted(u("use.merchant")[row], world)
            parts.append(
                _rows(
                    "card_testing",
                    row=row,
                    episode=f"card_testing-{attack}",
                    at=start + wait,
                    device=f"y{_hidden([f'test{attack}{is_use}'], world)[0]}",
                    merchant=shops if is_use else int(shop * MERCHANTS),
                    city=where,
                    latitude=PLACES[where, 0],
                    longitude=PLACES[where, 1],
                    amount=150 + 400 * u("use.size")[row] if is_use else 0.5 + 2 * u("size")[row],
                )
            )
    return pd.concat(parts, ignore_index=True)


def _colluding(who: People, world: w.World) -> pd.DataFrame:
    """Each colluding merchant charges cards for 25 days, with the place and device of the owner."""
    parts = []
    for number in range(COLLUDING):
        begin, shop = (
            float(draws.uniform(world.seed, f"collude.{name}", np.array([number]))[0])
            for name in ("begin", "merchant")
        )
        keys = (who.id, np.full(len(who.id), number))

        def u(name: str, keys: tuple[NDArray[np.int64], ...] = keys) -> Floats:
            return draws.uniform(world.seed, f"collude.{name}", *keys)

        row = np.flatnonzero(u("hit") < CHARGED_SHARE)
        city = homes(who, world)[row]
        # Round amounts, a few times the usual payment.
        amount = 10 * np.round(5 + 25 * u("size")[row])
        day = np.floor(PAY_FROM + (179 - COLLUSION_DAYS) * begin + COLLUSION_DAYS * u("day")[row])
        parts.append(
            _rows(
                "merchant_collusion",
                row=row,
                episode=f"merchant_collusion-{number}",
                at=day + (9 + 9 * u("hour")[row] - np.round(PLACES[city, 1] / 15)) / 24,
                device=[f"d{c:07d}-0" for c in who.id[row]],
                # One of the less visited half.
                merchant=MERCHANTS // 2 + int(shop * MERCHANTS / 2),
                city=city,
                latitude=PLACES[city, 0] + NEAR * draws.normal(u("lat")[row]),
                longitude=PLACES[city, 1] + NEAR * draws.normal(u("lon")[row]),
                amount=amount,
            )
        )
    return pd.concat(parts, ignore_index=True)


def _hidden(names: list[str], world: w.World) -> list[str]:
    """Device ids that do not show the kind of fraud."""
    keys = np.array([int.from_bytes(name.encode()[-7:], "big") for name in names])
    kinds = np.array([sum(name.encode()) for name in names])
    u = draws.uniform(world.seed, "device", keys, kinds)
    return [f"{int(v * 10**12):012d}" for v in u]
