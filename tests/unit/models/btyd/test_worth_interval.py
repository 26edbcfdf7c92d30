"""The interval of a year's value has the probability of no purchase as its mass at zero."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.btyd.worth import LifetimeModel, Terms
from tests.unit.models.btyd.test_worth import PURCHASES, SPEND

# Without discount and with the whole revenue as margin, the value is the revenue of a year.
TERMS = Terms(margin=1.0, monthly_discount=0.0, interval=0.9, horizon_days=30)


def one_customer(frequency, recency_days, T_days, monetary_value):
    row = (frequency, recency_days, T_days, monetary_value)
    return pd.DataFrame([row], columns=["frequency", "recency_days", "T_days", "monetary_value"])


@pytest.mark.parametrize("none", [0.04, 0.60, 0.90])
def test_the_interval_of_exponential_revenue_with_a_mass_at_zero(none):
    """With P(no purchase) = none, else an exponential revenue of mean 10.

    P(revenue <= r) = none + (1 - none) * (1 - e^(-r / 10)), so the quantile of level p > none is
    10 * log((1 - none) / (1 - p)), and 0 below. Levels .05 and .95.

    A purchase is worth 10. A buyer has one purchase on average, and the purchases N of a customer
    have E[N] = 1 - none and E[N (N - 1)] = 1 - none. The squared revenue of a buyer is then
    (1 - none + 1 - none) / (1 - none) * 10^2 = 200, the second moment of that exponential.
    """
    bought = 1 - none
    purchases = SimpleNamespace(
        p_alive=lambda x, recency, T: np.ones(len(x)),
        still_alive=lambda x, T, days: np.ones(len(x)),
        p_no_purchase=lambda x, recency, T, *, days, lead_days=0.0: np.full(len(x), none),
        # The same number on each day of the year.
        purchases_while_alive=lambda x, T, days: bought * np.asarray(days) / 365 + 0 * x,
        pairs_while_alive=lambda x, T, days: np.full(len(x), bought),
    )
    spend = SimpleNamespace(
        expected_value=lambda x, value: np.full(len(x), 10.0),
        spread=lambda x, value: (0.0, 100.0),  # none within a customer, and 10^2
    )
    model = LifetimeModel("pareto_nbd", purchases, "gamma_gamma", spend, True, TERMS)
    worth = model.predict(one_customer(4, 200, 210, 10.0)).iloc[0]
    assert worth["clv_12m"] == pytest.approx(10 * bought)
    low = 10 * np.log(bought / 0.95) if none < 0.05 else 0.0
    assert worth["clv_12m_low"] == pytest.approx(low)
    assert worth["clv_12m_high"] == pytest.approx(10 * np.log(bought / 0.05))


@pytest.mark.parametrize("recency_days", [100, 60])
@pytest.mark.parametrize("name", PURCHASES)
def test_the_interval_of_a_customer_who_will_hardly_buy_is_that_of_a_simulation(name, recency_days):
    """400,000 years of a customer with a P(no purchase) of .62 to .68 or .86 to .90."""
    draw, years = np.random.default_rng(3), 400_000
    x, T, value = 4, 210, 12.5
    p = PURCHASES[name]
    is_alive = draw.random(years) < float(p.p_alive(x, recency_days, T))
    rate = draw.gamma(p.r + x, 1 / (p.alpha + T), years)
    if name == "pareto_nbd":
        death = draw.exponential(1 / draw.gamma(p.s, 1 / (p.beta + T), years))
        count = draw.poisson(rate * np.minimum(death, 365))
    else:
        chance = draw.beta(p.a, p.b + x + p.survived_first, years)
        count = np.minimum(draw.poisson(rate * 365), draw.geometric(chance))
    count = count * is_alive
    mean_value = 1 / draw.gamma(SPEND.q + SPEND.p * x, 1 / (SPEND.v + x * value), years)
    revenue = draw.gamma(np.maximum(SPEND.p * count, 1e-9)) * mean_value * (count > 0)

    model = LifetimeModel(name, p, "gamma_gamma", SPEND, True, TERMS)
    worth = model.predict(one_customer(x, recency_days, T, value)).iloc[0]
    assert 0.6 < (count == 0).mean() < 0.91
    assert worth["clv_12m_low"] == 0.0
    # The gamma has the right mean and variance but not the exact shape: 3 % of the quantile.
    assert worth["clv_12m_high"] == pytest.approx(np.quantile(revenue, 0.95), rel=0.03)
