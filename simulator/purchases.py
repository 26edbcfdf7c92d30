"""Orders and order lines of the customers, including redemptions of offers and card fraud."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import draws, world as w
from simulator.draws import Floats
from simulator.lives import Lives
from simulator.people import People, customer_names

PRODUCTS = 400
FRAUD_SHARE = 0.004
# A redemption happens 0.4 to 2.4 days after the contact.
REDEEMED_FROM, REDEEMED_WITHIN = 0.4, 2.0
DISCOUNTS = np.array([0.10, 0.20, 0.0, 0.0, 0.05, 0.0])


def order_times(
    who: People, stays: pd.DataFrame, world: w.World, *, until: float, name: str
) -> tuple[NDArray[np.int64], Floats]:
    """Position of the customer and time of each order, without redemptions.

    Candidates are drawn at the highest rate of the season, then thinned by the season of their day.
    The draws are keyed by the customer and the start of the stretch, so they do not depend on other
    customers.
    """
    row = stays["row"].to_numpy()
    begin, end = stays["begin"].to_numpy(), np.minimum(stays["end"].to_numpy(), until)
    mood = np.where(stays["is_bad"].to_numpy(), w.DISCONTENT_ORDERS, 1.0)
    mean = who.order_rate[row] * mood * w.SEASON_MOST * np.maximum(end - begin, 0.0)
    # The start of a stretch is unique per customer: its bits are the key of the stretch.
    stretch = begin.view(np.uint64)
    place, number = draws.events(world.seed, name, mean, who.id[row], stretch)
    keys = (who.id[row[place]], stretch[place], number)
    at = begin[place] + (end - begin)[place] * draws.uniform(world.seed, f"{name}.time", *keys)
    kept = draws.uniform(world.seed, f"{name}.season", *keys) < w.season(at) / w.SEASON_MOST
    return row[place][kept], at[kept]


def redemption_times(who: People, contacts: pd.DataFrame, world: w.World) -> pd.DataFrame:
    """One row per redeemed contact: row, day, offer, at. Times are days since FIRST_DAY."""
    redeemed = contacts[contacts["is_redeemed"].astype(bool)].copy()
    row, day = redeemed["row"].to_numpy(np.int64), redeemed["day"].to_numpy(np.int64)
    u = draws.uniform(world.seed, "redeemed.time", who.id[row], day)
    redeemed["at"] = day + REDEEMED_FROM + REDEEMED_WITHIN * u
    return redeemed.reset_index(drop=True)


def orders(who: People, history: Lives, world: w.World) -> pd.DataFrame:
    """One row per order before DAYS: row, at, offer (-1: none), is_fraud, order_id, number."""
    row, at = order_times(who, history.stays, world, until=w.DAYS, name="order")
    redeemed = redemption_times(who, history.contacts, world)
    redeemed = redeemed[redeemed["at"] < w.DAYS]
    rows = pd.DataFrame(
        {
            "row": np.concatenate([row, redeemed["row"].to_numpy(np.int64)]),
            "at": np.concatenate([at, redeemed["at"].to_numpy(np.float64)]),
            "offer": np.concatenate(
                [np.full(len(row), -1), redeemed["offer"].to_numpy(np.int64)]
            ).astype(np.int64),
        }
    )
    return _numbered(who, rows, world, np.zeros(len(who.id), dtype=np.int64))


def later_orders(who: People, history: Lives, world: w.World, *, until: float) -> pd.DataFrame:
    """One row per order in [DAYS, until) without any plan, with the columns of `orders`.

    Stretches are cut at DAYS: orders after it are independent of orders before it.
    """
    stays = history.stays[history.stays["end"] > w.DAYS]
    stays = stays.assign(begin=np.maximum(stays["begin"], float(w.DAYS)))
    row, at = order_times(who, stays, world, until=until, name="order")
    before = np.bincount(orders(who, history, world)["row"], minlength=len(who.id))
    return _numbered(who, pd.DataFrame({"row": row, "at": at, "offer": -1}), world, before)


def _numbered(
    who: People, rows: pd.DataFrame, world: w.World, first: NDArray[np.int64]
) -> pd.DataFrame:
    """The orders sorted by customer and time, and numbered per customer from `first`."""
    rows = rows.sort_values(["row", "at"], ignore_index=True)
    place = rows["row"].to_numpy(np.int64)
    number = first[place] + rows.groupby("row").cumcount().to_numpy()
    ids = who.id[place]
    fraud = draws.uniform(world.seed, "fraud", ids, number) < FRAUD_SHARE
    rows["is_fraud"] = fraud & (rows["offer"] == -1)
    # Fraud happens at night, from 1:00 to 5:00.
    night = np.floor(rows["at"]) + (1 + 4 * (rows["at"] % 1)) / 24
    rows["at"] = np.where(rows["is_fraud"], night, rows["at"])
    rows["order_id"] = [f"o{i:07d}-{n:04d}" for i, n in zip(ids, number, strict=True)]
    rows["number"] = number
    return rows


def lines(who: People, bought: pd.DataFrame, world: w.World) -> pd.DataFrame:
    """One row per order line: customer_id, order_id, product_id, at, quantity, amount, discount.

    Amounts are log-normal around the customer's own level. 0.5 % of the lines after the first of
    an order are returns, with a negative amount.
    """
    row, number = bought["row"].to_numpy(), bought["number"].to_numpy()
    ids = who.id[row]
    more = draws.poisson(draws.uniform(world.seed, "lines", ids, number), np.full(len(row), 1.1))
    place = np.repeat(np.arange(len(row)), more + 1)
    line = np.arange(len(place)) - np.repeat(np.cumsum(more + 1) - more - 1, more + 1)

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, f"line.{name}", ids[place], number[place], line)

    price = who.basket[row[place]] * np.exp(0.7 * draws.normal(u("price")) - 0.245)
    fraud = bought["is_fraud"].to_numpy()[place]
    price = np.where(fraud, 8 * price, price)
    offer = bought["offer"].to_numpy()[place]
    share = np.where(offer >= 0, DISCOUNTS[np.maximum(offer, 0)], 0.0)
    # Price-sensitive customers buy products on sale.
    is_on_sale = u("sale") < 0.35 * who.price[row[place]]
    share = np.maximum(share, np.where(is_on_sale, 0.15, 0.0))
    amount = np.round(np.maximum(price * (1 - share), 0.5), 2)
    is_return = (u("return") < 0.005) & ~fraud & (line > 0)
    # Each line has its own step, so that (order_id, product_id) is a key.
    first = np.floor(
        PRODUCTS * u("first")[np.repeat(np.cumsum(more + 1) - more - 1, more + 1)] ** 2
    )
    product = (first.astype(np.int64) + 37 * line) % PRODUCTS
    return pd.DataFrame(
        {
            "customer_id": customer_names(ids[place]),
            "order_id": bought["order_id"].to_numpy()[place],
            "product_id": [f"p{p:03d}" for p in product],
            "at": bought["at"].to_numpy()[place],
            "quantity": 1 + draws.poisson(u("quantity"), np.full(len(place), 0.4)).astype(float),
            "amount": np.where(is_return, -amount, amount),
            "discount": np.round(np.where(is_return, 0.0, price * share), 2),
        }
    )
