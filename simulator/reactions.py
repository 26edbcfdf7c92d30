"""How a customer reacts to an offer: three probabilities from the hidden traits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import world as w
from simulator.draws import Floats
from simulator.people import People


@dataclass(frozen=True)
class Reactions:
    """Arrays (customers, offers in the order of world.OFFERS), each a probability.

    save: a discontented customer becomes content. harm: a content one becomes discontented.
    redeem: a purchase within two and a half days of the contact, whatever else happens.
    """

    save: Floats
    harm: Floats
    redeem: Floats


def reactions(who: People) -> Reactions:
    """What each offer would do; none of it can be seen, and nothing but it decides.

    The right offer saves up to three in four, the wrong one next to nobody; a manager whom a
    content customer never asked for does harm. The discounts keep 4 to 8 of 100 on average, as the
    two mails of Hillstrom's trial did.
    """
    reason_is = {name: who.reason == w.REASONS.index(name) for name in w.REASONS}
    zero = np.zeros(len(who.id))
    save = [
        0.05 + 0.35 * who.price,
        0.08 + 0.60 * who.price,
        0.04 + 0.45 * who.features + 0.20 * reason_is["features"],
        0.04 + 0.45 * who.support + 0.25 * reason_is["support"],
        0.05 + 0.35 * who.loyalty,
        zero + 0.03,
    ]
    harm = [
        zero + 0.01,
        zero + 0.01,
        0.04 * (1 - who.features),
        0.16 * (1 - who.support),
        zero + 0.01,
        zero + 0.02,
    ]
    redeem = [
        0.02 + 0.22 * who.price,
        0.03 + 0.37 * who.price,
        0.01 + 0.15 * who.features,
        zero + 0.02,
        0.02 + 0.25 * who.loyalty,
        zero + 0.01,
    ]
    return Reactions(*(np.column_stack(columns) for columns in (save, harm, redeem)))
