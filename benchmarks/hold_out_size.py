"""The size of a control group by the value of its information (Raiffa and Schlaifer 1961).

Holding out customers costs what their offers would have gained. It pays if the measured effect may
change what later plans do: an offer that turns out to lose money is no longer sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

# Shares that are compared. Above a half, the treated group is the smaller one.
SHARES = np.linspace(0.0, 0.5, 51)


@dataclass(frozen=True)
class OfferEvidence:
    """What is known of one offer before a plan.

    customers: chosen for the offer by the plan. value: mean currency per customer who stays. gain:
    mean expected net value per customer, currency. error: standard error of the effect on the churn
    probability. risk: mean churn probability.
    """

    customers: int
    value: float
    gain: float
    error: float
    risk: float


def information_value(offer: OfferEvidence, share: float) -> float:
    """Expected gain per customer of later plans from holding out `share` of this plan.

    The gain g of the offer has the distribution N(gain, (error x value)^2). With the control group,
    its mean is known to move with the standard deviation m, and the offer is sent only while the
    mean is above 0. The expectation of max(mean, 0) exceeds max(gain, 0) by the unit normal loss:
    m (phi(z) - z (1 - Phi(z))), z = |gain| / m.
    """
    if share <= 0 or share >= 1 or offer.customers < 1:
        return 0.0
    before = (offer.error * offer.value) ** 2
    outcome = offer.risk * (1 - offer.risk) / offer.customers
    noise = offer.value**2 * outcome * (1 / share + 1 / (1 - share))
    if before <= 0:
        return 0.0
    moved = before / np.sqrt(before + noise)
    z = abs(offer.gain) / moved
    return float(moved * (stats.norm.pdf(z) - z * stats.norm.sf(z)))


def hold_out_share(offer: OfferEvidence, *, least: float, plans: int) -> float:
    """The share with the greatest expected profit over this plan and the next `plans` ones.

    The next plans are taken to be as large as this one. The cost is the gain that the held-out
    customers of this plan forgo. Never below `least`, so that an effect that changes is seen.
    """
    profit = [
        plans * information_value(offer, share) - share * max(offer.gain, 0.0) for share in SHARES
    ]
    return max(least, float(SHARES[int(np.argmax(profit))]))
