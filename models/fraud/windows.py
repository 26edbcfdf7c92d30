"""What was known when each payment arrived: windows, earlier devices, the last place.

The service keeps the same numbers in Redis (service/fraud_script.py), one payment at a time. Here
they come from a table. For the same payments in the same order of arrival both are equal.

    A window of a payment p counts the payments q of the same customer (card, device, merchant)
        that arrived before p, or are p,
        with t(p) - window < paid_at(q) <= t(p),
        and, where paid_at is equal, payment_id(q) <= payment_id(p).

So a payment that arrives out of order is counted where it belongs, from its arrival on. A payment
that arrives more than LATE after the newest one is too late: it is not counted, and has no windows.

    customer  paid_at  arrives  count in 1 h
    c         10:00    1st      1
    c         10:40    2nd      2
    c         10:20    3rd      2   (10:00 and itself)
    c         10:50    4th      4
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.fraud.payments import DAY, HOUR, Floats, Payments, Whole, codes

ENTITIES = ("customer", "card", "device", "merchant")
WINDOWS = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY}
# History of a customer: mean amount, night share, known devices, merchants and countries.
HISTORY = 90 * DAY
# The last place of a card is used for so long.
PLACE_KEPT = 7 * DAY
LATE = DAY
SEEN = ("device", "merchant", "country")

STATE = (
    *(f"{e}_{what}_{w}" for e in ENTITIES for w in WINDOWS for what in ("count", "cents")),
    *("customer_count_90d", "customer_cents_90d", "customer_nights_90d"),
    *(f"{name}_seen_at" for name in SEEN),
    *("place_latitude", "place_longitude", "place_at"),
)


def late(payments: Payments) -> NDArray[np.bool_]:
    """Whether each payment arrived more than LATE after the newest one."""
    newest = np.maximum.accumulate(payments.paid_at) if len(payments) else payments.paid_at
    return payments.paid_at < newest - LATE


def states(payments: Payments) -> Floats:
    """One row per payment with the columns of STATE. All are NaN for a late payment.

    Counts and cents include the payment itself. NaN: the card or device is unknown. *_seen_at: the
    newest paid_at of an earlier arrival of the customer with the same device (merchant, country)
    within HISTORY; place_*: those of the card's previous arrival within PLACE_KEPT; NaN: none.
    """
    out = np.full((len(payments), len(STATE)), np.nan)
    kept = np.flatnonzero(~late(payments))
    if len(kept):
        out[kept] = np.column_stack(_columns(payments, kept))
    return out


def _columns(payments: Payments, kept: Whole) -> list[Floats]:
    t = payments.paid_at[kept]
    place = np.empty(len(payments), dtype=np.int64)
    place[payments.key_order()] = np.arange(len(payments))
    ones = np.ones(len(kept), dtype=np.int64)
    cents, nights = payments.cents[kept], payments.is_night[kept].astype(np.int64)
    groups = {e: codes(getattr(payments, f"{e}_id")[kept]) for e in ENTITIES}
    columns: list[Floats] = []
    for group in groups.values():
        columns += _window_sums(group, t, place[kept], (ones, cents), [*WINDOWS.values()])
    customer = groups["customer"]
    columns += _window_sums(customer, t, place[kept], (ones, cents, nights), [HISTORY])
    others = (groups["device"], groups["merchant"], codes(payments.country[kept]))
    columns += [_seen_at(_pairs(customer, other), t) for other in others]
    known = np.column_stack([payments.latitude[kept], payments.longitude[kept]])
    return [*columns, *_last_places(groups["card"], t, known).T]


def _window_sums(
    group: Whole, t: Whole, rank: Whole, values: tuple[Whole, ...], widths: list[int]
) -> list[Floats]:
    """Per width the sum of each of the values over the window of each payment.

    group: -1 is none, and gives NaN. rank: the place in the order of (paid_at, payment_id).
    """
    order = np.lexsort((rank, group))
    g, at = group[order], t[order]
    # The arrival of a row is its number in `order`. A row arrived out of order if a later one of
    # its group arrived before it.
    number = g * len(g) + order
    following = np.minimum.accumulate(number[::-1])[::-1]
    is_late = np.append(following[1:], np.iinfo(np.int64).max) < number
    sums = []
    for width in widths:
        for value in values:
            column = np.empty(len(order))
            total = _sums(g, at, order, is_late, value[order], width)
            column[order] = np.where(g < 0, np.nan, total)
            sums.append(column)
    return sums


def _pairs(left: Whole, right: Whole) -> Whole:
    """A number per distinct pair; -1 if one of both is -1."""
    both = left * (right.max(initial=0) + 1) + right
    number = np.unique(both, return_inverse=True)[1].astype(np.int64)
    return np.where((left < 0) | (right < 0), -1, number)


@compiled
def _sums(g, t, arrival, is_late, value, width):  # type: ignore[no-untyped-def]
    """Sums over windows of rows that are sorted by group and key.

    First as if all rows had arrived in order. Then a row that came late is taken off the windows
    of the rows that had arrived before it.
    """
    total = np.empty(len(g), dtype=np.int64)
    first, inside = 0, 0
    for i in range(len(g)):
        inside += value[i]
        while g[first] != g[i] or t[first] <= t[i] - width:
            inside -= value[first]
            first += 1
        total[i] = inside
    for late in np.flatnonzero(is_late):
        q = int(late)
        i = q + 1
        while i < len(g) and g[i] == g[q] and t[i] < t[q] + width:
            if arrival[i] < arrival[q]:
                total[i] -= value[q]
            i += 1
    return total


@compiled
def _seen_at(pair, t):  # type: ignore[no-untyped-def]
    """The newest time of the same pair among earlier arrivals, if it lies within HISTORY."""
    newest = np.full(max(pair.max(), 0) + 1, np.iinfo(np.int64).min // 2)
    seen = np.full(len(t), np.nan)
    for i in range(len(t)):
        if pair[i] >= 0:
            if newest[pair[i]] > t[i] - HISTORY:
                seen[i] = newest[pair[i]]
            newest[pair[i]] = max(newest[pair[i]], t[i])
    return seen


@compiled
def _last_places(card, t, place):  # type: ignore[no-untyped-def]
    """Latitude, longitude and time of the card's previous arrival with a known place."""
    last = np.full(max(card.max(), 0) + 1, -1)
    places = np.full((len(t), 3), np.nan)
    for i in range(len(t)):
        if card[i] < 0 or np.isnan(place[i]).any():
            before = last[card[i]] if card[i] >= 0 else -1
        else:
            before = last[card[i]]
            last[card[i]] = i
        if before >= 0 and abs(t[i] - t[before]) <= PLACE_KEPT:
            places[i, :2] = place[before]
            places[i, 2] = t[before]
    return places
