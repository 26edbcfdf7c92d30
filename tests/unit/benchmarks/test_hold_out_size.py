"""The size of the control group follows the value of its information."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from benchmarks.hold_out_size import OfferEvidence, hold_out_share, information_value

# A gain of 0 +- 0.03 x 100 = 3 per customer, and outcomes with a variance of 0.5 x 0.5.
OPEN = OfferEvidence(customers=100, value=100.0, gain=0.0, error=0.03, risk=0.5)


def test_the_value_of_information_by_hand():
    # Known before: 3^2 = 9. Noise: 100^2 x 0.25 / 100 x (2 + 2) = 100. The mean moves by
    # 9 / sqrt(109). At a gain of 0, E max(mean, 0) is that times the normal density at 0.
    assert information_value(OPEN, 0.5) == pytest.approx(9 / 109**0.5 / (2 * np.pi) ** 0.5)


@pytest.mark.parametrize("gain", [-4.0, -1.0, 0.5, 3.0])
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_it_is_the_expected_gain_of_deciding_after_the_result(gain, share):
    offer = replace(OPEN, gain=gain)
    noise = 100**2 * 0.25 / 100 * (1 / share + 1 / (1 - share))
    mean = stats.norm(gain, 9 / (9 + noise) ** 0.5)
    reach = 12 * mean.std()
    after, _ = integrate.quad(lambda m: m * mean.pdf(m), 0, max(gain, 0) + reach)
    assert information_value(offer, share) == pytest.approx(after - max(gain, 0), abs=1e-6)


def test_what_is_known_needs_no_control_group():
    certain = replace(OPEN, gain=5.0, error=0.0)
    assert information_value(certain, 0.5) == 0.0
    assert hold_out_share(certain, least=0.0, plans=50) == 0.0
    assert hold_out_share(certain, least=0.02, plans=50) == 0.02


def test_an_offer_that_gains_nothing_has_the_most_informative_control_group():
    assert hold_out_share(OPEN, least=0.02, plans=1) == 0.5


def test_the_share_falls_with_certainty_and_gain_and_rises_with_the_plans_to_come():
    def share(plans=13, **new):
        return hold_out_share(replace(OPEN, gain=1.0, **new), least=0.0, plans=plans)

    assert 0 < share() < 0.5
    assert share(error=0.01) < share() <= share(error=0.06)
    assert share(plans=4) < share() < share(plans=52)
    assert hold_out_share(replace(OPEN, gain=8.0), least=0.0, plans=13) < share()


def test_no_customers_no_information():
    assert information_value(replace(OPEN, customers=0), 0.3) == 0.0
    assert information_value(OPEN, 0.0) == 0.0
