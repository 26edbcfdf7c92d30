"""Pareto/NBD: Poisson purchases until an unobserved death at an exponential time.

The purchase rate and the death rate are gamma distributed over customers. Schmittlein, Morrison &
Colombo 1987; Fader & Hardie 2005, "A Note on Deriving the Pareto/NBD Model". The likelihood is

    Γ(r + x) alpha^r beta^s / Γ(r) · [ A(T) (beta + T)^-s + s ∫ A(t) (beta + t)^-(s + 1) dt ]

with A(t) = (alpha + t)^-(r + x) and t from t_x to T. The first term is "alive at T", the second
"dead at t". The literature writes the integral as a difference of two 2F1 functions, which loses
digits by cancellation. This module integrates numerically, by Gauss-Legendre quadrature in
log(min(alpha, beta) + t), where no singularity is near. All terms are positive and stay in log
space. The gradient uses the same quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, expit, gammaln

from models.btyd.rows import Array, PurchaseRows

NAMES = ("r", "alpha", "s", "beta")
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(40)
# Below e^-FALL times its first value, the integrand is negligible.
FALL = 40.0
# Rows per block: 8,192 rows x 40 nodes x 8 bytes = 2.6 MB per array.
ROWS_AT_ONCE = 8_192


@dataclass(frozen=True)
class _Deaths:
    """Log of the "dead" term, and the means under its integrand for the gradient.

    One value per row.
    """

    log_integral: Array
    log_purchase: Array
    inverse_purchase: Array
    log_death: Array
    inverse_death: Array


def _deaths(theta: Array, x: Array, recency: Array, T: Array) -> _Deaths:
    r, alpha, s, beta = theta
    base = min(alpha, beta)
    low, high = np.log(base + recency), np.log(base + T)
    # Over log time, the integrand falls slowest at its start.
    rate = (r + x) * (base + recency) / (alpha + recency)
    rate = rate + (s + 1) * (base + recency) / (beta + recency) - 1
    high = np.where(rate > 0, np.minimum(high, low + FALL / np.maximum(rate, 1e-300)), high)
    half = (high - low) / 2
    at = low[:, None] + half[:, None] * (NODES + 1)
    time = np.exp(at) - base
    log_a, log_b = np.log(alpha + time), np.log(beta + time)
    log_f = at - (r + x)[:, None] * log_a - (s + 1) * log_b
    top = log_f.max(axis=1)
    f = np.exp(log_f - top[:, None]) * NODE_WEIGHTS
    total = f.sum(axis=1)

    def mean(values: Array) -> Array:
        return (f * values).sum(axis=1) / total

    with np.errstate(divide="ignore"):
        log_integral = np.log(s) + top + np.log(total) + np.log(half)
    return _Deaths(
        log_integral, mean(log_a), mean(np.exp(-log_a)), mean(log_b), mean(np.exp(-log_b))
    )


class ParetoNbdLikelihood:
    """Log-likelihood and its gradient by log(r, alpha, s, beta)."""

    def __init__(self, rows: PurchaseRows) -> None:
        self.rows = rows

    def __call__(self, log_parameters: Array) -> tuple[float, Array]:
        value, gradient = 0.0, np.zeros(4)
        theta = np.exp(log_parameters)
        for start in range(0, len(self.rows), ROWS_AT_ONCE):
            more_value, more = self._part(theta, slice(start, start + ROWS_AT_ONCE))
            value, gradient = value + more_value, gradient + more
        return value, gradient * theta

    def _part(self, theta: Array, part: slice) -> tuple[float, Array]:
        r, alpha, s, beta = theta
        rows = self.rows
        x, T, weight = rows.frequency[part], rows.T[part], rows.weight[part]
        dead = _deaths(theta, x, rows.recency[part], T)
        log_a, log_b = np.log(alpha + T), np.log(beta + T)
        log_alive = -(r + x) * log_a - s * log_b
        log_both = np.logaddexp(log_alive, dead.log_integral)
        front = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        p = expit(log_alive - dead.log_integral)
        q = 1 - p
        by_r = digamma(r + x) - digamma(r) + np.log(alpha) - p * log_a - q * dead.log_purchase
        by_alpha = r / alpha - (r + x) * (p / (alpha + T) + q * dead.inverse_purchase)
        by_s = np.log(beta) - p * log_b + q * (1 / s - dead.log_death)
        by_beta = s / beta - p * s / (beta + T) - q * (s + 1) * dead.inverse_death
        gradient = np.array([weight @ g for g in (by_r, by_alpha, by_s, by_beta)])
        return float(weight @ (front + log_both)), gradient


@dataclass(frozen=True)
class ParetoNbd:
    """The fitted model, with one prediction per customer.

    All arguments are arrays that broadcast. Times are in days.
    """

    r: float
    alpha: float
    s: float
    beta: float

    def log_likelihood(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Array:
        """Log-likelihood of each customer."""
        x, recency, T = _arrays(frequency, recency, T)
        front = gammaln(self.r + x) - gammaln(self.r)
        front = front + self.r * np.log(self.alpha) + self.s * np.log(self.beta)
        alive, dead = self._alive_and_dead(x, recency, T)
        return front + np.logaddexp(alive, dead)

    def p_alive(
        self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, *, after_days: ArrayLike = 0.0
    ) -> Array:
        """P(alive) `after_days` days from now, given only the purchases until now."""
        x, recency, T = _arrays(frequency, recency, T)
        alive, dead = self._alive_and_dead(x, recency, T)
        return expit(alive - dead) * self.still_alive(x, T, after_days)

    def still_alive(self, frequency: ArrayLike, T: ArrayLike, days: ArrayLike) -> Array:
        """Probability that a customer who is alive now is still alive `days` days from now."""
        waited = np.asarray(days, dtype=float) / (self.beta + np.asarray(T, dtype=float))
        return np.exp(-self.s * np.log1p(waited)) + 0.0 * np.asarray(frequency)

    def purchases_while_alive(self, frequency: ArrayLike, T: ArrayLike, days: ArrayLike) -> Array:
        """Expected purchases in the next `days` days of a customer who is alive now."""
        x, T, t = _arrays(frequency, T, days)
        log_part = np.log1p(t / (self.beta + T))
        # (1 - e^(-(s - 1) L)) / (s - 1); its limit at s = 1 is L.
        power = (self.s - 1) * log_part
        lived = np.where(np.abs(power) < 1e-12, 1.0, -np.expm1(-power) / np.where(power, power, 1))
        return (self.r + x) / (self.alpha + T) * (self.beta + T) * log_part * lived

    def staying_rate(self, frequency: ArrayLike, T: ArrayLike) -> Array:
        """Expected purchases per day of a customer who is alive now: E[λ].

        No purchase makes a customer leave in this model.
        """
        x, T = _arrays(frequency, T)
        return (self.r + x) / (self.alpha + T)

    def pairs_while_alive(self, frequency: ArrayLike, T: ArrayLike, days: float) -> Array:
        """E[N (N - 1)] = E[λ²] · E[min(death, days)²], with N the purchases in `days` days.

        For a customer who is alive now.
        """
        x, T = _arrays(frequency, T)
        t = days * (NODES + 1) / 2
        alive = np.exp(-self.s * np.log1p(t / (self.beta + T)[..., None]))
        lived = (2 * t * alive * NODE_WEIGHTS * days / 2).sum(axis=-1)
        k, c = self.r + x, self.alpha + T
        return k * (k + 1) / c**2 * lived

    def p_no_purchase(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        *,
        days: ArrayLike,
        lead_days: float = 0.0,
    ) -> Array:
        """Probability of no purchase in [lead_days, lead_days + days) from now.

        Without a lead it is the ratio of the likelihoods at T + days and at T. With a lead, the
        first purchase time after the lead has the density k c^k / (c + u)^(k + 1), and the customer
        must be alive at that time.
        """
        x, recency, T = _arrays(frequency, recency, T)
        h = np.asarray(days, dtype=float)
        if not lead_days:
            later = self.log_likelihood(x, recency, T + h)
            return np.exp(np.minimum(later - self.log_likelihood(x, recency, T), 0.0))
        k, c, b = (v[..., None] for v in np.broadcast_arrays(self.r + x, self.alpha + T, T))
        # Integrate over v = (c / (c + u))^k, which is uniform.
        lowest = np.exp(-k * np.log1p(h[..., None] / c))
        v = lowest + (1 - lowest) * (NODES + 1) / 2
        u = c * np.expm1(-np.log(v) / k)
        alive = np.exp(-self.s * np.log1p((lead_days + u) / (self.beta + b)))
        buys = (alive * NODE_WEIGHTS / 2).sum(axis=-1) * (1 - lowest[..., 0])
        return 1 - self.p_alive(x, recency, T) * buys

    def purchases_of_new(self, days: ArrayLike) -> Array:
        """Expected repeat purchases of a new customer in the first `days` days."""
        nobody = np.zeros(np.shape(days))
        return self.purchases_while_alive(nobody, nobody, days)

    @property
    def leaving_a_purchase(self) -> float:
        """Mean death rate over mean purchase rate: deaths per purchase."""
        return (self.s / self.beta) / (self.r / self.alpha)

    def _alive_and_dead(self, x: Array, recency: Array, T: Array) -> tuple[Array, Array]:
        theta = np.array([self.r, self.alpha, self.s, self.beta])
        flat = [np.ravel(c) for c in np.broadcast_arrays(x, recency, T)]
        parts = [
            _deaths(theta, *(c[i : i + ROWS_AT_ONCE] for c in flat)).log_integral
            for i in range(0, len(flat[0]), ROWS_AT_ONCE)
        ]
        dead = np.concatenate(parts) if parts else np.array([])
        alive = -(self.r + x) * np.log(self.alpha + T) - self.s * np.log(self.beta + T)
        return alive, dead.reshape(np.shape(alive))


def _arrays(*columns: ArrayLike) -> list[Array]:
    return [np.asarray(c, dtype=float) for c in columns]
