"""Statistics of experiments, computed from counts and sums only, for tables of any size.

Difference between treatment and control group with a confidence interval, CUPED, sample ratio
mismatch, Holm's correction, a p-value that is valid under daily peeking, and power analysis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
NORMAL = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))


@dataclass(frozen=True)
class Moments:
    """Count and sums of one arm: y, y^2, and x, x^2, x*y of the pre-campaign covariate x."""

    count: int
    y: float
    yy: float
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def __add__(self, other: Moments) -> Moments:
        """The moments of both arms together."""
        return Moments(
            self.count + other.count,
            self.y + other.y,
            self.yy + other.yy,
            self.x + other.x,
            self.xx + other.xx,
            self.xy + other.xy,
        )

    @property
    def mean(self) -> float:
        """Mean of y."""
        return self.y / self.count

    @property
    def variance(self) -> float:
        """Sample variance of y; 0 for a single row."""
        return _spread(self.yy, self.y, self.y, self.count)

    @classmethod
    def of(cls, y: Sequence[float], x: Sequence[float] | None = None) -> Moments:
        """The moments of rows; x is 0 if it is not given."""
        v = np.asarray(y, float)
        z = np.zeros(len(v)) if x is None else np.asarray(x, float)
        sums = (float(s) for s in (v.sum(), v @ v, z.sum(), z @ z, z @ v))
        return cls(len(v), *sums)


@dataclass(frozen=True)
class Difference:
    """Treated minus control: effect, standard error, 95 % interval and two-sided p-value.

    For means (Welch) the interval and the p-value use the same standard error. For shares, `error`
    and `p_value` are computed under the hypothesis of no effect, and the interval is not.
    """

    effect: float
    error: float
    low: float
    high: float
    p_value: float


def difference(treated: Moments, held_out: Moments) -> Difference | None:
    """Welch's comparison of two means. None if an arm has under two rows or y is constant."""
    if min(treated.count, held_out.count) < 2:
        return None
    a, b = treated.variance / treated.count, held_out.variance / held_out.count
    if a + b <= 0:
        return None
    freedom = (a + b) ** 2 / (a**2 / (treated.count - 1) + b**2 / (held_out.count - 1))
    return _around(treated.mean - held_out.mean, math.sqrt(a + b), freedom)


def share_difference(treated: Moments, held_out: Moments) -> Difference | None:
    """Difference of two shares (y is 0 or 1). None if an arm has under two rows.

    A small arm in which all y are equal still has a variance above 0.

    Interval: with one 1 and one 0 added to each arm (Agresti and Caffo 2000). Its middle is
    slightly nearer to 0 than `effect`. Error and p-value: from the pooled arms, with one 1 and one
    0 added. For arms of thousands the result equals `difference`. For arms of 180 and 20 customers
    with 95 % ones, the interval is conservative: its coverage is 99 %. For arms of 1,000 and 111
    the coverage is 95 %, as that of `difference`.
    """
    if min(treated.count, held_out.count) < 2:
        return None
    return _shares(treated, held_out, 0.0)


def stratified(
    strata: Sequence[tuple[Moments, Moments]], is_share: bool = False
) -> Difference | None:
    """Post-stratified difference: the mean over strata, weighted by customers per stratum.

    `strata`: (treated, control) of each stratum. Post-stratification is as precise as a stratified
    assignment (Miratrix, Sekhon and Yu 2013). The assignment can therefore be a hash of the id,
    which stays the same when a customer's stratum changes. Strata with under two rows in an arm are
    merged. If the merged stratum is still too small, the smallest other stratum joins it. None if
    an arm has under two rows in total, or if y is constant in each arm and not a share.

    `is_share`: y lies between 0 and 1, and the variances are those of `share_difference`. The
    middle of the interval is not moved towards 0, because the shifts of many small strata would add
    up.
    """
    usable = [pair for pair in strata if min(pair[0].count, pair[1].count) >= 2]
    small = [pair for pair in strata if min(pair[0].count, pair[1].count) < 2]
    if small:
        joined = _joined(small)
        if min(joined[0].count, joined[1].count) < 2 and usable:
            smallest = min(usable, key=lambda pair: pair[0].count + pair[1].count)
            usable.remove(smallest)
            joined = _joined([joined, smallest])
        usable.append(joined)
    if not usable or any(min(t.count, h.count) < 2 for t, h in usable):
        return None
    total = sum(t.count + h.count for t, h in usable)
    pairs = [((t.count + h.count) / total, (t, h)) for t, h in usable]
    effect = sum(w * (t.mean - h.mean) for w, (t, h) in pairs)
    if is_share:
        wide = sum(w**2 * _squared_error(widened(arm)) for w, pair in pairs for arm in pair)
        no_effect = sum(w**2 * _squared_error_of_no_effect(t, h, 0.0) for w, (t, h) in pairs)
        return _around_share(effect, effect, wide, no_effect)
    parts = [(w**2 * a.variance / a.count, a.count - 1) for w, pair in pairs for a in pair]
    variance = sum(part for part, _ in parts)
    if variance <= 0:
        return None
    freedom = variance**2 / sum(part**2 / rows for part, rows in parts)
    return _around(effect, math.sqrt(variance), freedom)


def cuped(treated: Moments, held_out: Moments, is_share: bool = False) -> Difference | None:
    """Difference after variance reduction by the pre-campaign covariate (CUPED, Deng et al. 2013).

    theta = cov(y, x) / var(x), pooled within the arms. If the covariate is constant, the result is
    that of `difference`, or of `share_difference` if y `is_share`. None as in these functions.
    """
    if min(treated.count, held_out.count) < 2:
        return None
    within = [_spread(m.xx, m.x, m.x, m.count) * (m.count - 1) for m in (treated, held_out)]
    shared = [_spread(m.xy, m.x, m.y, m.count) * (m.count - 1) for m in (treated, held_out)]
    theta = sum(shared) / sum(within) if sum(within) > 0 else 0.0
    if is_share:
        return _shares(treated, held_out, theta)
    return difference(_adjusted(treated, theta), _adjusted(held_out, theta))


def widened(m: Moments) -> Moments:
    """The moments of a share with one 1 and one 0 added, so that its variance is never 0.

    Both added rows have the mean of the covariate, so that the covariate explains none of them.
    """
    x = m.x / m.count
    return Moments(m.count + 2, m.y + 1, m.yy + 1, m.x + 2 * x, m.xx + 2 * x * x, m.xy + x)


def anytime_p_value(observed: Difference, scale: float) -> float:
    """A p-value that is valid at every look: mixture sequential ratio test (Johari et al. 2017).

    Without an effect, the probability that it ever falls below alpha is at most alpha. `scale`: the
    expected size of the effect, in units of y. Fix it before the first look.
    """
    variance, mixing = observed.error**2, scale**2
    log_ratio = 0.5 * math.log(variance / (variance + mixing)) + (
        mixing * observed.effect**2 / (2 * variance * (variance + mixing))
    )
    return min(1.0, math.exp(-log_ratio))


def srm_p_value(counts: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Chi-squared test for sample ratio mismatch: customers per arm against planned shares.

    A p-value below .01 points to an error in assignment or logging, one below .001 is a sure sign.

    >>> round(srm_p_value({"sent": 44_700, "held": 45_489}, {"sent": 0.5, "held": 0.5}), 4)
    0.0086
    """
    names = sorted(shares)
    observed = np.array([counts.get(n, 0) for n in names], float)
    planned = np.array([shares[n] for n in names], float)
    return float(stats.chisquare(observed, planned / planned.sum() * observed.sum()).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction of the p-values of several arms: controls the family-wise error rate.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = round(highest, 15)
    return corrected


def minimum_detectable_effect(
    treated: int, held_out: int, deviation: float, *, power: float = 0.8
) -> float:
    """The smallest true difference that arms of these sizes detect with the given power.

    `deviation`: standard deviation of y. The result has the unit of y.
    """
    z = NORMAL + stats.norm.ppf(power)
    return float(z * deviation * math.sqrt(1 / treated + 1 / held_out))


def customers_needed(
    effect: float, deviation: float, treated_share: float, *, power: float = 0.8
) -> int:
    """Customers in both arms together that detect a true `effect` with the given power.

    >>> customers_needed(0.05, 0.4, 0.5)
    2010
    """
    z = NORMAL + stats.norm.ppf(power)
    both = 1 / treated_share + 1 / (1 - treated_share)
    return math.ceil((z * deviation / effect) ** 2 * both)


def _joined(pairs: Sequence[tuple[Moments, Moments]]) -> tuple[Moments, Moments]:
    empty = Moments(0, 0.0, 0.0)
    return sum((t for t, _ in pairs), empty), sum((h for _, h in pairs), empty)


def _around(effect: float, error: float, freedom: float) -> Difference:
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(effect) / error, freedom))
    return Difference(effect, error, effect - reach, effect + reach, p_value)


def _shares(treated: Moments, held_out: Moments, theta: float) -> Difference:
    """`share_difference` of y - theta * x."""
    effect = _adjusted(treated, theta).mean - _adjusted(held_out, theta).mean
    arm, control = (_adjusted(widened(m), theta) for m in (treated, held_out))
    wide = _squared_error(arm) + _squared_error(control)
    no_effect = _squared_error_of_no_effect(treated, held_out, theta)
    return _around_share(effect, arm.mean - control.mean, wide, no_effect)


def _around_share(effect: float, middle: float, wide: float, no_effect: float) -> Difference:
    """`wide`: squared error of the interval. `no_effect`: squared error under no effect."""
    reach, error = NORMAL * math.sqrt(wide), math.sqrt(no_effect)
    p_value = math.erfc(abs(effect) / error / math.sqrt(2))
    return Difference(effect, error, max(-1.0, middle - reach), min(1.0, middle + reach), p_value)


def _squared_error(m: Moments) -> float:
    """Squared error of the mean; for a share p (1 - p) / n."""
    return m.variance * (m.count - 1) / m.count**2


def _squared_error_of_no_effect(treated: Moments, held_out: Moments, theta: float) -> float:
    """Squared error of the difference under no effect, from the pooled arms."""
    both = _adjusted(widened(treated + held_out), theta)
    return _squared_error(both) * both.count * (1 / treated.count + 1 / held_out.count)


def _spread(ab: float, a: float, b: float, count: int) -> float:
    """Sample covariance from sums. A variance within rounding error of 0 becomes 0."""
    value = (ab - a * b / count) / max(count - 1, 1)
    return 0.0 if a == b and value < 1e-12 * abs(ab) else value


def _adjusted(m: Moments, theta: float) -> Moments:
    """Moments of y - theta * x. Only differences of means are used, so x is not centred."""
    y = m.y - theta * m.x
    yy = m.yy - 2 * theta * m.xy + theta**2 * m.xx
    return Moments(m.count, y, yy)
