"""The outcome of a plan in the simulated company: what customers do after offers are sent."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import world as w
from simulator.effects import state_at
from simulator.lives import contact, live, lives
from simulator.people import People, people
from simulator.purchases import later_orders, lines, order_times, redemption_times
from simulator.reactions import reactions

# First number of the orders after a contact.
FIRST_NUMBER = 10_000


def responses(
    ids: NDArray[np.int64],
    offers: NDArray[np.int64],
    world: w.World,
    *,
    day: int,
    horizon: int = 30,
    turn: str = "response",
) -> pd.DataFrame:
    """One row per customer: is_redeemed, orders and revenue in [day, day + horizon), churned.

    offers: position in OFFERS per customer; -1: none. turn: name of the random draws. Two plans
    with the same turn have the same draws, so they can be compared per customer. Another turn gives
    an independent sample of the horizon.
    """
    who = people(ids, world)
    state = state_at(who, world, day)
    redeemed = contact(
        state, who, reactions(who), offer=offers, world=world, day=day, name=f"{turn}.contact"
    )
    stays = live(state, who, world, until=float(day + horizon), name=f"{turn}.life")
    row, _ = order_times(who, stays, world, until=float(day + horizon), name=f"{turn}.order")
    orders = np.bincount(row, minlength=len(ids)) + redeemed
    return pd.DataFrame(
        {
            "customer_id": who.names,
            "is_redeemed": redeemed,
            "orders": orders,
            # The mean amount of a line is `basket`, and an order has 2.1 lines on average.
            "revenue": np.round(orders * 2.1 * who.basket, 2),
            "churned": (orders == 0).astype(np.int32),
        }
    )


def answers(
    ids: NDArray[np.int64],
    offers: NDArray[np.int64],
    days: NDArray[np.int64],
    *,
    world: w.World,
    until: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Order lines in [DAYS, until) and redemptions after the offers of a plan were sent.

    One row per order line, and one row per redemption. offers: position in OFFERS per customer; -1:
    none. days: each offer is sent at 00:00 of this day, DAYS - 1 or later; ignored without an
    offer. Customers without an offer behave as without a plan.
    """
    who = people(ids, world)
    sent = (offers >= 0) & (days < until)
    begin = np.where(sent, days, until)
    known = later_orders(who, lives(who, world), world, until=float(until))
    parts, redeemed = [known[known["at"] < begin[known["row"]]]], []
    for day in np.unique(days[sent]):
        rows = np.flatnonzero(sent & (days == day))
        after, taken = _after(people(ids[rows], world), offers[rows], int(day), world, until)
        parts.append(after[after["at"] >= w.DAYS].assign(row=lambda f, r=rows: r[f["row"]]))
        redeemed.append(taken.assign(row=lambda f, r=rows: r[f["row"]]))
    bought = pd.concat(parts, ignore_index=True).sort_values(["row", "at"], ignore_index=True)
    taken = pd.concat(redeemed, ignore_index=True) if redeemed else _none_redeemed()
    return lines(who, bought, world), taken


def _none_redeemed() -> pd.DataFrame:
    return pd.DataFrame({"row": [], "day": [], "offer": [], "at": []}).astype({"row": np.int64})


def _after(
    who: People, offers: NDArray[np.int64], day: int, world: w.World, until: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders after the contact (row, at, offer, is_fraud, order_id, number), and redemptions."""
    state = state_at(who, world, day)
    is_redeemed = contact(
        state, who, reactions(who), offer=offers, world=world, day=day, name=f"plan.{day}"
    )
    stays = live(state, who, world, until=float(until), name=f"plan.{day}.life")
    row, at = order_times(who, stays, world, until=float(until), name=f"plan.{day}.order")
    contacts = pd.DataFrame(
        {"row": np.arange(len(who.id)), "day": day, "offer": offers, "is_redeemed": is_redeemed}
    )
    taken = redemption_times(who, contacts, world)
    taken = taken[taken["at"] < until].reset_index(drop=True)
    bought = pd.DataFrame(
        {
            "row": np.concatenate([row, taken["row"].to_numpy(np.int64)]),
            "at": np.concatenate([at, taken["at"].to_numpy(np.float64)]),
            "offer": np.concatenate([np.full(len(row), -1), taken["offer"].to_numpy(np.int64)]),
        }
    ).sort_values(["row", "at"], ignore_index=True)
    # Numbers that no order without a plan has, so that ids and draws are different.
    number = FIRST_NUMBER + bought.groupby("row").cumcount().to_numpy()
    ids = who.id[bought["row"].to_numpy(np.int64)]
    bought["offer"] = bought["offer"].astype(np.int64)
    bought["is_fraud"] = False
    bought["number"] = number
    bought["order_id"] = [f"a{i:07d}-{n:05d}" for i, n in zip(ids, number, strict=True)]
    return bought, taken
