"""P(alive) at T + t of the three models: equal to the integrated definition, limits and bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from scipy.special import expit, gammaln

from models.btyd.bg_nbd import BgNbd
from models.btyd.mbg_nbd import MbgNbd
from models.btyd.pareto_nbd import ParetoNbd

# CDNOW, in days.
MODELS = {
    "bg_nbd": BgNbd(0.2426, 30.9, 0.793, 2.426),
    "mbg_nbd": MbgNbd(0.5248, 43.3, 0.8914, 1.614),
    "pareto_nbd": ParetoNbd(0.5533, 74.0, 0.6062, 81.7),
}
CUSTOMERS = [(0, 0, 5), (0, 0, 270), (1, 10, 200), (4, 200, 210), (30, 255, 300), (2, 40, 40)]


def by_definition(m, x, t_x, T, t):
    """P(alive at T + t | x, t_x, T) = ∫∫ prior · L(data, alive at T + t) / ∫∫ prior · L(data).

    Integrates over the customer's purchase rate and chance (or rate) of leaving. The trapezoid rule
    works on their log and logit, where the integrands fall exponentially on both sides.
    """
    log_rate = np.arange(-90.0, 8.0, 0.1)[:, None]
    rate = np.exp(log_rate)
    log_prior = m.r * log_rate - m.alpha * rate
    if isinstance(m, ParetoNbd):
        log_death = np.arange(-90.0, 8.0, 0.1)[None, :]
        death = np.exp(log_death)
        log_prior = log_prior + m.s * log_death - m.beta * death
        alive = x * log_rate - (rate + death) * T
        # Died between t_x and T: ∫ μ e^-(λ + μ)u du.
        gone = (rate + death) * (T - t_x)
        left = x * log_rate - (rate + death) * t_x + log_death - np.log(rate + death)
        with np.errstate(divide="ignore"):
            left = left + np.log(-np.expm1(-gone))
        stays = -death * t
    else:
        logit = np.arange(-60.0, 60.0, 0.1)[None, :]
        log_p, log_q = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
        y = x + m.survived_first
        log_prior = log_prior + m.a * log_p + m.b * log_q
        alive = x * log_rate + y * log_q - rate * T
        left = x * log_rate + log_p + (y - 1) * log_q - rate * t_x if y else -np.inf
        stays = -rate * expit(logit) * t
    # Any constant cancels in the ratio. This one is near the largest value of the integrand.
    top = gammaln(m.r + x) - (m.r + x) * np.log(m.alpha + T)
    both = np.exp(log_prior + np.logaddexp(alive, left) - top).sum()
    return np.exp(log_prior + alive + stays - top).sum() / both


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("x", "t_x", "T"), CUSTOMERS)
def test_p_alive_equals_its_definition_integrated_numerically(name, x, t_x, T):
    m = MODELS[name]
    for t in (0.0, 1.0, 30.0, 365.0, 3_000.0):
        expected = by_definition(m, x, t_x, T, t)
        assert float(m.p_alive(x, t_x, T, after_days=t)) == pytest.approx(expected, rel=1e-7), t


@pytest.mark.parametrize("name", MODELS)
def test_p_alive_is_continuous_at_0_days_and_goes_to_0(name):
    m = MODELS[name]
    x, t_x, T = np.array(CUSTOMERS, dtype=float).T
    assert m.p_alive(x, t_x, T, after_days=0.0) == pytest.approx(m.p_alive(x, t_x, T), rel=1e-12)
    assert m.p_alive(x, t_x, T, after_days=1e-6) == pytest.approx(m.p_alive(x, t_x, T), rel=1e-6)
    # Falls like t^-min(a, r + x), or like t^-s: slowest for a low rate under the first two models.
    assert (m.p_alive(x, t_x, T, after_days=1e12) < 0.01).all()


@pytest.mark.parametrize("name", MODELS)
def test_one_call_for_many_customers_and_days_equals_single_calls(name):
    m = MODELS[name]
    x, t_x, T = np.array(CUSTOMERS, dtype=float).T
    days = np.array([0.0, 7.0, 90.0])
    together = m.p_alive(x[:, None], t_x[:, None], T[:, None], after_days=days[None, :])
    for row, customer in zip(together, CUSTOMERS, strict=True):
        assert row == pytest.approx(
            [float(m.p_alive(*customer, after_days=t)) for t in days], rel=1e-12
        )


def powers(low, high):
    """Positive numbers over the orders of magnitude that occur in fits."""
    return st.floats(low, high).map(lambda power: 10.0**power)


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from([BgNbd, MbgNbd, ParetoNbd]),
    parameters=st.tuples(powers(-1, 1.3), powers(-0.5, 3), powers(-3, 1.3), powers(-1, 4)),
    x=st.integers(0, 400),
    last=st.floats(0, 1),
    T=st.integers(0, 2_000),
)
@example(BgNbd, (0.24, 30.9, 1.0, 2.4), 3, 0.5, 100)
# A new customer, far ahead, where hardly anyone leaves: hyp2f1 fails.
@example(BgNbd, (1.2, 5.0, 0.01, 800.0), 0, 0.0, 0)
@example(MbgNbd, (1.0, 1.0, 1.0, 1000.0), 0, 0.0, 0)
@example(BgNbd, (1.4, 9.5, 0.0296, 26.9), 300, 1.0, 365)
@example(BgNbd, (10**0.5, 1.0, 10**0.5, 10.0), 0, 0.0, 0)
# The result is as small as the rounding error of hyp2f1.
@example(BgNbd, (10**1.25, 1.0, 10**1.25, 1.0), 90, 0.0, 90)
@example(ParetoNbd, (0.5, 74.0, 1.0, 81.7), 3, 0.5, 100)
def test_p_alive_falls_with_time_and_stays_between_0_and_1(kind, parameters, x, last, T):
    m = kind(*parameters)
    x = min(x, T)
    t_x = max(round(last * T), 1) if x else 0
    alive = m.p_alive(x, t_x, T, after_days=np.array([0.0, 1e-3, 1, 7, 30, 90, 365, 1_095]))
    assert np.isfinite(alive).all() and (alive >= 0).all() and (alive <= 1).all()
    assert (np.diff(alive) <= 1e-12).all()


@pytest.mark.parametrize("same", [0.6334, 10**0.5, 1.5])
def test_p_alive_is_exact_far_ahead_where_r_equals_a(same):
    m = BgNbd(same, 1.0, same, 61.25)
    for t in (99.0, 101.0, 1_095.0):
        assert float(m.p_alive(0, 0, 0, after_days=t)) == pytest.approx(
            by_definition(m, 0, 0, 0, t), rel=1e-8
        )


@pytest.mark.parametrize("kind", [BgNbd, MbgNbd])
def test_p_alive_is_exact_far_ahead_where_hardly_anyone_leaves(kind):
    """t = 1,095 days, alpha = 1, b = 1,000: hyp2f1 is not finite. Purchases need the same code."""
    m = kind(1.2, 1.0, 0.7, 1_000.0)
    for t in (30.0, 365.0, 1_095.0):
        assert float(m.p_alive(0, 0, 0, after_days=t)) == pytest.approx(
            by_definition(m, 0, 0, 0, t), rel=1e-9
        )
    # The slope of the purchases is E[λ e^-λpt] = r / alpha · P(alive) with one purchase more.
    h, one_more = 1e-3, kind(m.r + 1, m.alpha, m.a, m.b)
    for t in (30.0, 1_000.0):
        slope = (
            (m.purchases_while_alive(0, 0, t + h) - m.purchases_while_alive(0, 0, t - h)) / 2 / h
        )
        rate = m.r / m.alpha * float(one_more.still_alive(0, 0, t))
        assert slope == pytest.approx(rate, rel=1e-6)
