"""Common code of BG/NBD and MBG/NBD: Poisson purchases, and a chance to leave after each purchase.

The purchase rate is gamma distributed over customers, and the chance to leave is beta distributed.
In BG/NBD (Fader, Hardie & Lee 2005, Marketing Science 24) customers cannot leave after the first
purchase. In MBG/NBD (Batislam, Denizel & Filiztekin 2007; Hoppe & Wagner 2007) they can. Let y be
the number of purchases after which the customer stayed: x in BG/NBD, x + 1 in MBG/NBD. Both models
have the likelihood

    B(a, b + y) / B(a, b) · Γ(r + x) alpha^r / Γ(r) · (alpha + T)^-(r + x) · (1 + e^d)
    e^d = a / (b + y - 1) · ((alpha + T) / (alpha + t_x))^(r + x)      (0 where y = 0)

and P(alive) = 1 / (1 + e^d). Given that a customer is alive, the rate has the distribution
gamma(r + x, alpha + T) and the chance to leave has beta(a, b + y). Euler's and Pfaff's
transformations keep the parameters of the hypergeometric functions small, so that customers with
many purchases do not cause an overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1

from models.btyd.rows import Array, PurchaseRows

NAMES = ("r", "alpha", "a", "b")
# a + b - 1 = 0 is a removable singularity of the formula: use TINY instead of 0.
TINY = 1e-7
# a = 1 is another one, where the formula is 0 / 0. Near it, the difference loses its digits.
NEAR_ONE = 1e-5
NEAR_WHOLE = 1e-3
# Limits of the time ahead, in units of alpha + T. Above GAMMA, hyp2f1 uses gamma functions. Above
# FAR, these fail.
GAMMA, FAR = 9.0, 100.0
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(12)


class GeometricLikelihood:
    """Log-likelihood and its gradient by log(r, alpha, a, b). The rows are prepared once.

    Terms that depend on a single whole number (frequency or a day) are computed once per value and
    looked up. One exponential and one logarithm per row remain.
    """

    def __init__(self, rows: PurchaseRows, survived_first: int) -> None:
        self.customers, self.purchases = rows.customers, rows.purchases
        self.offset = survived_first
        self.counts = _Values(rows.frequency)
        self.of_count = np.bincount(self.counts.index, rows.weight)
        self.ends = _Values(rows.T)
        self.of_end = np.bincount(self.ends.index, rows.weight)
        self.bought_by_end = np.bincount(self.ends.index, rows.weight * rows.frequency)
        self.can_leave = self.counts.values + survived_first > 0
        may_leave = rows.frequency + survived_first > 0
        self.x, self.weight = rows.frequency[may_leave], rows.weight[may_leave]
        self.count_index = self.counts.index[may_leave]
        self.end_index = self.ends.index[may_leave]
        self.lasts = _Values(rows.recency[may_leave])

    def __call__(self, log_parameters: Array) -> tuple[float, Array]:
        r, alpha, a, b = theta = np.exp(log_parameters)
        n, count = self.customers, self.counts.values
        end, last = np.log(alpha + self.ends.values), np.log(alpha + self.lasts.values)
        waited = end[self.end_index] - last[self.lasts.index]
        survived = b + count + self.offset
        # A customer with y = 0 has had no chance to leave.
        stays = np.where(self.can_leave, survived - 1, np.inf)
        odds = np.log(a) - np.log(stays)
        d = odds[self.count_index] + (r + self.x) * waited
        small = np.exp(-np.abs(d))
        left = np.where(d > 0, 1.0, small) / (1.0 + small) * self.weight
        value = (
            self.of_count @ (gammaln(r + count) + gammaln(survived) - gammaln(a + survived))
            + n * (gammaln(a + b) - gammaln(b) - gammaln(r) + r * log_parameters[1])
            - (r * self.of_end + self.bought_by_end) @ end
            + self.weight @ (np.maximum(d, 0.0) + np.log1p(small))
        )
        weight_of_left = left * (r + self.x)
        inverse_end, inverse_last = np.exp(-end), np.exp(-last)
        all_left = left.sum()
        left_of_count = np.bincount(self.count_index, left, len(count))
        of_sum = n * digamma(a + b) - self.of_count @ digamma(a + survived)
        gradient = np.array(
            [
                self.of_count @ digamma(r + count)
                + n * (log_parameters[1] - digamma(r))
                - self.of_end @ end
                + left @ waited,
                n * r / alpha
                - (r * self.of_end + self.bought_by_end) @ inverse_end
                + weight_of_left @ (inverse_end[self.end_index] - inverse_last[self.lasts.index]),
                of_sum + all_left / a,
                of_sum
                + self.of_count @ digamma(survived)
                - n * digamma(b)
                - (left_of_count / stays).sum(),
            ]
        )
        return float(value), gradient * theta


class _Values:
    """Distinct values of a column, and the position of each row's value among them."""

    def __init__(self, column: Array) -> None:
        whole = column.astype(np.int64)
        if len(column) and (whole == column).all() and whole.max() < 10 * len(column) + 10_000:
            self.values, self.index = np.arange(whole.max() + 1, dtype=float), whole
        else:
            self.values, self.index = np.unique(column, return_inverse=True)


@dataclass(frozen=True)
class GeometricDropout:
    """Predictions of both models, one result per customer.

    All arguments are arrays that broadcast. Times are in days.
    """

    r: float
    alpha: float
    a: float
    b: float
    survived_first: int

    def log_likelihood(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Array:
        """Log-likelihood of each customer."""
        x, recency, T = _arrays(frequency, recency, T)
        y = x + self.survived_first
        return (
            betaln(self.a, self.b + y)
            - betaln(self.a, self.b)
            + gammaln(self.r + x)
            - gammaln(self.r)
            + self.r * np.log(self.alpha)
            - (self.r + x) * np.log(self.alpha + T)
            + np.logaddexp(0.0, self._log_odds_of_having_left(x, recency, T))
        )

    def p_alive(
        self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, *, after_days: ArrayLike = 0.0
    ) -> Array:
        """P(alive) `after_days` days from now, given only the purchases until now."""
        x, recency, T = _arrays(frequency, recency, T)
        now = expit(-self._log_odds_of_having_left(x, recency, T))
        return now * self.still_alive(x, T, after_days)

    def still_alive(self, frequency: ArrayLike, T: ArrayLike, days: ArrayLike) -> Array:
        """Probability that a customer who is alive now is still alive `days` days from now."""
        k, c, a, b = self._posterior(frequency, T)
        return _stays(k, a, b, np.asarray(days, dtype=float) / c)

    def purchases_while_alive(self, frequency: ArrayLike, T: ArrayLike, days: ArrayLike) -> Array:
        """Expected purchases in the next `days` days of a customer who is alive now."""
        k, c, a, b = self._posterior(frequency, T)
        t = np.asarray(days, dtype=float)
        total = np.where(np.abs(a + b - 1) < TINY, TINY, a + b - 1)
        # Relative to (c / (c + t))^(a - 1) = e^-(a - 1) log(1 + t / c).
        with np.errstate(invalid="ignore", over="ignore"):
            series = hyp2f1(a + b - 1 - k, a - 1, total, t / (c + t))
            kept = np.exp(-(a - 1) * np.log1p(t / c)) * series
        below_one = a - 1 if abs(a - 1) >= NEAR_ONE else np.nan
        closed = total / below_one * (1 - kept)
        return np.maximum(_with_fallback(closed, _purchases_at_chance, k, a, b, t / c), 0.0)

    def staying_rate(self, frequency: ArrayLike, T: ArrayLike) -> Array:
        """Expected purchases per day after which the customer stays: E[λ (1 - p)].

        For a customer who is alive now.
        """
        k, c, a, b = self._posterior(frequency, T)
        return k / c * b / (a + b)

    def pairs_while_alive(self, frequency: ArrayLike, T: ArrayLike, days: float) -> Array:
        """E[N (N - 1)], with N the purchases in the next `days` days of a customer alive now.

        Given the rate λ and the chance p it is 2 ∫ t λ² (1 - p) e^(-λ p t) dt over [0, days].
        """
        k, c, a, b = self._posterior(frequency, T)
        t = days * (NODES + 1) / 2
        shape = np.broadcast_shapes(np.shape(k), np.shape(c))
        k, c, b = (np.broadcast_to(v, shape)[..., None] for v in (k, c, b))
        alive = _stays(k + 2, a, b + 1, t / c)
        weight = days / 2 * NODE_WEIGHTS * t
        return 2 * ((k * (k + 1) / c**2 * b / (a + b)) * alive * weight).sum(axis=-1)

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

        The complement is the probability to be alive after the lead and to buy then:
        E[e^(-λ p lead) (1 - e^(-λ days))] times P(alive). Purchases within the lead do not matter.
        """
        x, recency, T = _arrays(frequency, recency, T)
        h = np.asarray(days, dtype=float)
        k, c, _, _ = self._posterior(x, T)
        silent = np.exp(-k * np.log1p(h / c)) * self.still_alive(x, T + h, lead_days)
        buys = self.still_alive(x, T, lead_days) - silent
        return 1 - self.p_alive(x, recency, T) * buys

    def purchases_of_new(self, days: ArrayLike) -> Array:
        """Expected repeat purchases of a new customer in the first `days` days."""
        nobody = np.zeros(np.shape(days))
        return self.p_alive(nobody, nobody, nobody) * self.purchases_while_alive(
            nobody, nobody, days
        )

    @property
    def leaving_a_purchase(self) -> float:
        """Odds of leaving per purchase, from the mean chance: a / b."""
        return self.a / self.b

    def _posterior(self, frequency: ArrayLike, T: ArrayLike) -> tuple[Array, Array, float, Array]:
        x = np.asarray(frequency, dtype=float)
        end = self.alpha + np.asarray(T, dtype=float)
        return self.r + x, end, self.a, self.b + x + self.survived_first

    def _log_odds_of_having_left(self, x: Array, recency: Array, T: Array) -> Array:
        y = x + self.survived_first
        waited = np.log(self.alpha + T) - np.log(self.alpha + recency)
        with np.errstate(divide="ignore", invalid="ignore"):
            d = np.log(self.a) - np.log(self.b + y - 1) + (self.r + x) * waited
        return np.where(y > 0, d, -np.inf)


def _stays(k: Array, a: float, b: Array, ahead: Array) -> Array:
    """E[(1 + p · ahead)^-k], with p from beta(a, b). ahead: days / (alpha + T)."""
    with np.errstate(invalid="ignore", over="ignore"):
        share = ahead / (1 + ahead)
        closed = (1 + ahead) ** -a * hyp2f1(a + b - k, a, a + b, share)
    # Values below the precision of hyp2f1 may be negative: clip them.
    return np.clip(_with_fallback(closed, _stays_at_chance, k, a, b, ahead), 0.0, 1.0)


def _stays_at_chance(p: Array, k: Array, ahead: Array) -> tuple[Array, Array]:
    """The integrand of `_stays` at p = 0, and its change from p = 0 to p."""
    return np.ones_like(p), np.expm1(-k * np.log1p(p * ahead))


def _purchases_at_chance(p: Array, k: Array, ahead: Array) -> tuple[Array, Array]:
    """The integrand of `purchases_while_alive` at p = 0, and its change from p = 0 to p."""
    return k * ahead, -np.expm1(-k * np.log1p(p * ahead)) / p - k * ahead


def _with_fallback(
    values: Array,
    at_chance: Callable[[Array, Array, Array], tuple[Array, Array]],
    *inputs: ArrayLike,
) -> Array:
    """The closed form `values`, replaced by numerical integration where it is not reliable.

    The replacement is the mean of `at_chance` over p from beta(a, b). It is used far ahead and
    where the closed form is not finite. inputs: k, a, b and the time ahead in units of alpha + T.

    hyp2f1 uses gamma functions where its series converges slowly. They overflow beyond b = 170 (new
    customers where hardly anyone leaves). They also cancel where r + x - a is nearly a whole number
    (-1.1 instead of 0.37 at r = a = 0.63, b = 61, 1,139 ahead). The trapezoid rule in
    log(-log(1 - p)) has no such limit; on the left, the change from p = 0 falls like p^(a + 1).
    """
    columns = [np.broadcast_to(v, np.shape(values)) for v in inputs]
    apart, ahead = columns[0] - columns[1], columns[3]
    is_whole = np.abs(apart - np.round(apart)) < NEAR_WHOLE
    bad = ~np.isfinite(values) | (ahead > FAR) | ((ahead > GAMMA) & is_whole)
    if not bad.any():
        return values
    k, a, b, ahead = (v[bad] for v in columns)
    shape = float(a.max())
    step = min(0.25, 0.8 / np.sqrt(shape + 1))
    total = np.zeros(len(b))
    # At the distance d left of its peak s, the density has fallen at least by e^-s(d - 1 + e^-d).
    # Below e^-40 it is not summed: with a = 1.7e5 that leaves 60 of 25,000 points.
    peak = float((b * np.log1p(a / b)).min())
    skipped = (np.log(peak) - 40 / peak - np.sqrt(80 / peak) + 36) // step
    first = -36.0 + step * max(skipped, 0.0)
    for at in np.arange(first, np.log(shape + 9 * np.sqrt(shape) + 40), step):
        v = np.exp(at) / b
        p = -np.expm1(-v)
        density = np.exp((a - 1) * np.log(p) - np.exp(at) - betaln(a, b)) * v * step
        none, change = at_chance(p, k, ahead)
        total += density * change
    out = np.array(values, dtype=float)
    out[bad] = none + total
    return out


def _arrays(*columns: ArrayLike) -> list[Array]:
    return [np.asarray(c, dtype=float) for c in columns]
