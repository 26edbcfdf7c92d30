"""Reactions of a customer to an offer: three probabilities that depend on the hidden traits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import world as w
from simulator.draws import Floats
from simulator.people import People


@dataclass(frozen=True)
class Reactions:
    """Probabilities of shape (customers, offers), with the offers in the order of world.OFFERS.

    save: a discontented customer becomes content. harm: a content customer becomes discontented.
    redeem: a purchase within two and a half days of the contact, independent of the other two.
    """

    save: Floats
    harm: Floats
    redeem: Floats


def reactions(who: People) -> Reactions:
    """The reactions of each customer to each offer. The company cannot observe them.

    A suitable offer saves up to three of four discontented customers, an unsuitable one hardly any.
    A personal manager harms content customers who do not want one. The discounts keep 4 to 8 of 100
    customers on average, like the two e-mails in Hillstrom's trial.
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
