"""Ground truth to evaluate models: the effect of each offer on each customer's churn probability.

Churn is the label of the product: no purchase in the horizon. Given the hidden traits and the mood
at a date, its probability follows from a two-state Markov chain with a purchase as a second exit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import world as w
from simulator.draws import Floats
from simulator.lives import State, beginning, campaign_offers, contact, live
from simulator.people import People, people
from simulator.reactions import reactions

# Runge-Kutta steps per day. At the fastest rate (about 1.6 per day) the error is below 1e-6.
STEPS_A_DAY = 4


def no_purchase(who: People, day: int, horizon: int) -> tuple[Floats, Floats]:
    """P(no purchase in [day, day + horizon)) for customers content, and discontented, at `day`.

    Two arrays with one entry per customer. Backward equations v' = -(Q v + leave), v(end) = 1; a
    customer who leaves does not buy again. Content: a (v1 - v0) - rate v0. Discontented:
    c (v0 - v1) + b (1 - v1) - m rate v1.
    """
    good, bad = np.ones(len(who.id)), np.ones(len(who.id))
    step = 1.0 / STEPS_A_DAY
    for back in range(horizon):
        rate = who.order_rate * float(w.season(np.array([day + horizon - 1.0 - back]))[0])

        def slope(v0: Floats, v1: Floats, rate: Floats = rate) -> tuple[Floats, Floats]:
            return (
                who.discontent_rate * (v1 - v0) - rate * v0,
                w.RECOVERY_RATE * (v0 - v1)
                + w.LEAVING_RATE * (1 - v1)
                - w.DISCONTENT_ORDERS * rate * v1,
            )

        for _ in range(STEPS_A_DAY):
            k1 = slope(good, bad)
            k2 = slope(good + step / 2 * k1[0], bad + step / 2 * k1[1])
            k3 = slope(good + step / 2 * k2[0], bad + step / 2 * k2[1])
            k4 = slope(good + step * k3[0], bad + step * k3[1])
            good = good + step / 6 * (k1[0] + 2 * k2[0] + 2 * k3[0] + k4[0])
            bad = bad + step / 6 * (k1[1] + 2 * k2[1] + 2 * k3[1] + k4[1])
    return good, bad


def churn_probabilities(
    who: People, state: State, day: int, *, horizon: int
) -> tuple[Floats, Floats]:
    """P(churn within the horizon) without an offer, and with each offer (customers, offers).

    It is 1 for a customer who left before `day`, with any offer.
    """
    react = reactions(who)
    good, bad = no_purchase(who, day, horizon)
    is_bad, here = state.is_discontented, np.isnan(state.left)
    without = np.where(here, np.where(is_bad, bad, good), 1.0)
    after = np.where(
        is_bad[:, None],
        react.save * good[:, None] + (1 - react.save) * bad[:, None],
        react.harm * bad[:, None] + (1 - react.harm) * good[:, None],
    )
    return without, np.where(here[:, None], (1 - react.redeem) * after, 1.0)


def state_at(who: People, world: w.World, day: int) -> State:
    """The state of each customer at 00:00 of `day`, after the campaigns of earlier days."""
    react = reactions(who)
    state = beginning(who)
    campaigns = sorted({*w.RANDOM_CAMPAIGNS, *w.TARGETED_CAMPAIGNS})
    for number, date in enumerate([*campaigns, None]):
        if date is None or date >= day:
            live(state, who, world, until=float(day), name=f"life.{number}")
            return state
        live(state, who, world, until=float(date), name=f"life.{number}")
        offer = campaign_offers(who, state, world, day=date)
        contact(state, who, react, offer=offer, world=world, day=date, name=f"campaign.{date}")
    raise AssertionError("unreachable")


def true_effects(
    ids: NDArray[np.int64], world: w.World, day: int, *, horizon: int = 30
) -> pd.DataFrame:
    """One row per customer who signed up before `day` and offer.

    churn_without, churn_with: churn probability without and with the offer. effect: the reduction
    of the churn probability by the offer; a negative effect means harm.
    """
    who = people(ids, world)
    known = np.flatnonzero(who.signup < day)
    who = people(ids[known], world)
    without, with_offer = churn_probabilities(who, state_at(who, world, day), day, horizon=horizon)
    offers = len(w.OFFERS)
    return pd.DataFrame(
        {
            "as_of": [w.day_name(day)] * (len(known) * offers),
            "customer_id": np.repeat(who.names, offers),
            "offer_id": np.tile(np.array(w.OFFERS, dtype=object), len(known)),
            "horizon_days": np.full(len(known) * offers, horizon, dtype=np.int32),
            "churn_without": np.repeat(without, offers),
            "churn_with": with_offer.ravel(),
            "effect": (without[:, None] - with_offer).ravel(),
        }
    )
