"""The life of each customer: alternately content and discontented, until they leave.

Waiting times are exponential (memoryless). So the rest of a life can be drawn again at each
campaign without changing its distribution, and the effect of a contact can be computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import draws, world as w
from simulator.draws import Floats
from simulator.people import People
from simulator.reactions import Reactions, reactions

NO_OFFER = -1


@dataclass
class State:
    """The current state, one entry per customer. time, left: days; left: NaN until they leave."""

    time: Floats
    is_discontented: NDArray[np.bool_]
    left: Floats

    def copy(self) -> State:
        return State(self.time.copy(), self.is_discontented.copy(), self.left.copy())


@dataclass(frozen=True)
class Lives:
    """The lives of some customers. `row` is the position in People, and times are in days.

    stays: one row per stretch in one mood (row, begin, end, is_bad). contacts: one row per contact
    (row, day, offer, is_random, is_redeemed). left: day of leaving per customer; NaN: not left.
    """

    stays: pd.DataFrame
    contacts: pd.DataFrame
    left: Floats


def lives(who: People, world: w.World, until: float = w.LAST_DAY_FOLLOWED) -> Lives:
    """The lives of all customers from sign-up until they leave, or until the day `until`."""
    react = reactions(who)
    state = beginning(who)
    stays, contacts = [], []
    campaigns = sorted({*w.RANDOM_CAMPAIGNS, *w.TARGETED_CAMPAIGNS})
    for number, day in enumerate([*campaigns, None]):
        if day is None or day >= until:
            stays.append(live(state, who, world, until=float(until), name=f"life.{number}"))
            break
        stays.append(live(state, who, world, until=float(day), name=f"life.{number}"))
        offer = campaign_offers(who, state, world, day=day)
        reached = np.flatnonzero(offer != NO_OFFER - 1)
        redeemed = contact(
            state, who, react, offer=offer, world=world, day=day, name=f"campaign.{day}"
        )
        contacts.append(
            pd.DataFrame(
                {
                    "row": reached,
                    "day": day,
                    "offer": offer[reached],
                    "is_random": day in w.RANDOM_CAMPAIGNS,
                    "is_redeemed": redeemed[reached],
                }
            )
        )
    return Lives(pd.concat(stays, ignore_index=True), _joined(contacts), state.left)


def _joined(contacts: list[pd.DataFrame]) -> pd.DataFrame:
    columns = ["row", "day", "offer", "is_random", "is_redeemed"]
    return pd.concat(contacts, ignore_index=True) if contacts else pd.DataFrame(columns=columns)


def beginning(who: People) -> State:
    """The state at sign-up: all customers are content."""
    return State(
        who.signup.astype(np.float64),
        np.zeros(len(who.id), dtype=bool),
        np.full(len(who.id), np.nan),
    )


def live(state: State, who: People, world: w.World, *, until: float, name: str) -> pd.DataFrame:
    """Move `state` forward to the day `until`, in place. Returns the stretches until then."""
    parts = []
    step = 0
    while True:
        on = np.flatnonzero(np.isnan(state.left) & (state.time < until))
        if not len(on):
            break
        is_bad = state.is_discontented[on]
        rate = np.where(is_bad, w.LEAVING_RATE + w.RECOVERY_RATE, who.discontent_rate[on])
        wait = draws.exponential(draws.uniform(world.seed, f"{name}.wait", who.id[on], step)) / rate
        begin = state.time[on]
        end = np.minimum(begin + wait, until)
        parts.append(pd.DataFrame({"row": on, "begin": begin, "end": end, "is_bad": is_bad}))
        state.time[on] = end
        turned = begin + wait < until
        u = draws.uniform(world.seed, f"{name}.turn", who.id[on], step)
        leaves = turned & is_bad & (u < w.LEAVING_RATE / (w.LEAVING_RATE + w.RECOVERY_RATE))
        state.left[on[leaves]] = end[leaves]
        state.is_discontented[on[turned]] = ~is_bad[turned]
        step += 1
    if not parts:
        return pd.DataFrame({"row": [], "begin": [], "end": [], "is_bad": []}).astype(
            {"row": np.int64, "is_bad": bool}
        )
    return pd.concat(parts, ignore_index=True)


def campaign_offers(who: People, state: State, world: w.World, *, day: int) -> NDArray[np.int64]:
    """The offer for each customer: position in OFFERS; -1: control group; -2: not reached."""

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, f"campaign.{day}.{name}", who.id)

    known = (who.signup + w.NEWCOMER_DAYS <= day) & ~who.is_opted_out
    gone = ~np.isnan(state.left) & (state.left < day - w.WRITTEN_TO_AFTER_LEAVING)
    eligible = known & ~gone
    if day in w.TARGETED_CAMPAIGNS:
        # As in real campaigns: only valuable customers, and only those who are content.
        worth = who.order_rate * who.basket
        chosen = eligible & (worth * (0.5 + u("luck")) > 1.5) & ~state.is_discontented
        offer = w.OFFERS.index("discount_20")
        return np.where(chosen, offer, NO_OFFER - 1)
    arms = [w.HELD_OUT_SHARE, *[(1 - w.HELD_OUT_SHARE) / len(w.TESTED_OFFERS)] * 5]
    drawn = draws.choice(u("arm"), arms) - 1
    return np.where(eligible & (u("reach") < 0.8), drawn, NO_OFFER - 1)


def contact(
    state: State,
    who: People,
    react: Reactions,
    *,
    offer: NDArray[np.int64],
    world: w.World,
    day: float,
    name: str,
) -> NDArray[np.bool_]:
    """Apply the offers to `state`, in place. Returns whether each customer redeemed the offer.

    offer: position in OFFERS. Negative values have no effect.
    """
    rows = np.flatnonzero((offer >= 0) & np.isnan(state.left))
    place = offer[rows]

    def happens(kind: str, probability: Floats) -> NDArray[np.bool_]:
        u = draws.uniform(world.seed, f"{name}.{kind}", who.id[rows])
        return u < probability[rows, place]

    is_bad = state.is_discontented[rows]
    state.is_discontented[rows] = np.where(
        is_bad, ~happens("save", react.save), happens("harm", react.harm)
    )
    redeemed = np.zeros(len(who.id), dtype=bool)
    redeemed[rows] = happens("redeem", react.redeem)
    return redeemed
