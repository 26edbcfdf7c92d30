"""The customers: the attributes that the company sees, and their hidden traits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import draws, world as w
from simulator.draws import Floats

FIRST_NAMES = (
    *("Ada", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Hugo", "Ines", "Jonas"),
    *("Karin", "Luis", "Maria", "Noah", "Olga", "Paul", "Rosa", "Samuel", "Teresa", "Victor"),
)


@dataclass(frozen=True)
class People:
    """Arrays with one entry per customer. `id` is the key of all draws."""

    id: NDArray[np.int64]
    signup: NDArray[np.int64]  # day
    plan: NDArray[np.int64]
    channel: NDArray[np.int64]
    is_annual: NDArray[np.bool_]
    is_opted_out: NDArray[np.bool_]
    price: Floats  # traits, each in [0, 1]
    features: Floats
    support: Floats
    loyalty: Floats
    reason: NDArray[np.int64]
    order_rate: Floats  # orders per day while content, with a season factor of 1
    basket: Floats  # mean amount per order line
    discontent_rate: Floats  # per day

    @property
    def names(self) -> NDArray[np.object_]:
        return customer_names(self.id)


def customer_names(ids: NDArray[np.int64]) -> NDArray[np.object_]:
    """Customer ids in the format of the company.

    >>> customer_names(np.array([7])).tolist()
    ['c0000007']
    """
    return np.array([f"c{i:07d}" for i in ids], dtype=object)


def people(ids: NDArray[np.int64], world: w.World) -> People:
    """The customers with the given numbers."""

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, name, ids)

    plan, channel = draws.choice(u("plan"), w.PLAN_SHARES), draws.choice(u("channel"), [4, 3, 2, 1])
    is_annual = u("annual") < 0.4
    # Visible attributes explain about half of each trait. The other half shows only in behaviour.
    price = 0.55 * u("price") + 0.30 * (plan == 0) + 0.15 * (channel == 1)
    features = 0.60 * u("features") + 0.40 * (plan == 2)
    support = 0.65 * u("support") + 0.35 * (plan == 2)
    loyalty = 0.60 * u("loyalty") + 0.25 * is_annual + 0.15 * (channel == 2)
    weights = np.column_stack(
        [price**2, 0.8 * features**2, np.full(len(ids), 0.15), np.full(len(ids), 0.1), support**2]
    )
    rate = np.array(w.ORDER_RATES)[plan] / 30 * draws.gamma(u("rate"), w.ORDER_RATE_SHAPE)
    frailty = draws.gamma(u("frailty"), w.FRAILTY_SHAPE)
    early = np.floor(u("signup.day") * 60)
    signup = np.where(u("signup") < 0.4, early, np.floor(u("signup.day") * 520)).astype(np.int64)
    return People(
        id=ids,
        signup=signup,
        plan=plan,
        channel=channel,
        is_annual=is_annual,
        is_opted_out=u("opted_out") < 0.04,
        price=price,
        features=features,
        support=support,
        loyalty=loyalty,
        reason=draws.choice(u("reason"), weights),
        order_rate=np.clip(rate, 0.005, 1.0),
        basket=np.exp(2.4 + 0.25 * plan + 0.5 * draws.normal(u("basket"))),
        discontent_rate=w.DISCONTENT_RATE * frailty * np.where(is_annual, 0.6, 1.2),
    )


def profiles(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    """One row per customer with a profile. 3 % have no profile; age_band and gender have nulls."""
    who = people(ids, world)

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, name, ids)

    def pick(name: str, values: tuple[str, ...], shares: list[float] | None = None) -> NDArray:
        place = draws.choice(u(name), shares or [1.0] * len(values))
        return np.array(values, dtype=object)[place]

    def with_gaps(values: NDArray, name: str, share: float) -> NDArray:
        return draws.blanked(values, u(f"{name}.missing") < share)

    first = pick("first_name", FIRST_NAMES)
    rows = pd.DataFrame(
        {
            "customer_id": who.names,
            "first_name": first,
            "email": [f"{f.lower()}.{i}@example.com" for f, i in zip(first, ids, strict=True)],
            "language": pick("language", w.LANGUAGES, [50, 20, 15, 15]),
            "signup_on": [w.day_name(d) for d in who.signup],
            "is_opted_out": who.is_opted_out,
            "age_band": with_gaps(pick("age", w.AGE_BANDS), "age", 0.10),
            "gender": with_gaps(pick("gender", ("female", "male")), "gender", 0.15),
            "region": pick("region", w.REGIONS),
            "plan": np.array(w.PLANS, dtype=object)[who.plan],
            "contract_type": np.where(who.is_annual, "annual", "monthly").astype(object),
            "acquisition_channel": np.array(w.CHANNELS, dtype=object)[who.channel],
            "monthly_charge": np.array(w.CHARGES)[who.plan],
        }
    )
    return rows[u("profile") >= 0.03].reset_index(drop=True)
