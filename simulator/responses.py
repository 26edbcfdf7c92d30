"""What happens after an offer is sent: the answer of the simulated world to a plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import world as w
from simulator.effects import state_at
from simulator.lives import contact, live
from simulator.people import people
from simulator.purchases import order_times
from simulator.reactions import reactions


def responses(
    ids: NDArray[np.int64],
    offers: NDArray[np.int64],
    world: w.World,
    day: int,
    horizon: int = 30,
    turn: str = "response",
) -> pd.DataFrame:
    """One row a customer: is_redeemed, orders and revenue in [day, day + horizon), churned.

    `offers` are places in OFFERS, -1 for none. The same `turn` gives the same luck, so two
    plans can be compared customer by customer; another turn draws the horizon anew.
    """
    who = people(ids, world)
    state = state_at(who, world, day)
    redeemed = contact(state, who, reactions(who), offers, world, day, f"{turn}.contact")
    stays = live(state, who, world, float(day + horizon), f"{turn}.life")
    row, _ = order_times(who, stays, world, float(day + horizon), f"{turn}.order")
    orders = np.bincount(row, minlength=len(ids)) + redeemed
    return pd.DataFrame(
        {
            "customer_id": who.names,
            "is_redeemed": redeemed,
            "orders": orders,
            # A line is worth `basket` on average, and an order has 2.1 lines.
            "revenue": np.round(orders * 2.1 * who.basket, 2),
            "churned": (orders == 0).astype(np.int32),
        }
    )
