"""Statistics of experiments, from counts and sums alone, so that a table of any size can be judged.

Means of treated and held-out with an interval, CUPED, sample-ratio mismatch, Holm's correction, a
test that stays valid under daily peeking, and the power that a campaign has.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
NORMAL = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))


@dataclass(frozen=True)
class Moments:
    """One arm: how many, the sums of y and y^2, and of the covariate x from before the campaign."""

    count: int
    y: float
    yy: float
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def __add__(self, other: Moments) -> Moments:
        """Both arms as one."""
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
        return self.y / self.count

    @property
    def variance(self) -> float:
        """Sample variance of y; 0 where one row says nothing of it."""
        return _spread(self.yy, self.y, self.y, self.count)

    @classmethod
    def of(cls, y: Sequence[float], x: Sequence[float] | None = None) -> Moments:
        """The moments of rows."""
        v = np.asarray(y, float)
        z = np.zeros(len(v)) if x is None else np.asarray(x, float)
        sums = (float(s) for s in (v.sum(), v @ v, z.sum(), z @ z, z @ v))
        return cls(len(v), *sums)


@dataclass(frozen=True)
class Difference:
    """Treated less held-out, its standard error, interval and two-sided p-value.

    Of means (Welch) all from one error. Of shares `error` and the p-value are those of no effect,
    and the interval is one around any effect.
    """

    effect: float
    error: float
    low: float
    high: float
    p_value: float


def difference(treated: Moments, held_out: Moments) -> Difference | None:
    """Welch's comparison of two means. None where an arm has under two rows or nothing varies."""
    if min(treated.count, held_out.count) < 2:
        return None
    a, b = treated.variance / treated.count, held_out.variance / held_out.count
    if a + b <= 0:
        return None
    freedom = (a + b) ** 2 / (a**2 / (treated.count - 1) + b**2 / (held_out.count - 1))
    return _around(treated.mean - held_out.mean, math.sqrt(a + b), freedom)


def share_difference(treated: Moments, held_out: Moments) -> Difference | None:
    """Two shares: y is 0 or 1, so where all of a small arm are alike, that does not say that
    nothing varies. None where an arm has under two rows.

    Interval: one 1 and one 0 more in each arm (Agresti and Caffo 2000), its middle a little nearer
    to 0 than `effect`. Error and p-value: of both arms as one, with one 1 and one 0 more. In arms
    of thousands as `difference`. Of 180 to 20 of whom 95 % are 1, the interval covers the truth 99
    times in 100, for it is wider than it need be; of 1,000 to 111 as many as of `difference`, 95.
    """
    if min(treated.count, held_out.count) < 2:
        return None
    return _shares(treated, held_out, 0.0)


def stratified(
    strata: Sequence[tuple[Moments, Moments]], is_share: bool = False
) -> Difference | None:
    """(treated, held out) of each stratum: their differences, weighted by the stratum's customers.

    As exact as a draw within strata, and the draw itself need not know them (Miratrix, Sekhon and
    Yu 2013): a hash of the id alone stays the same when a customer's stratum changes. Strata with
    under two rows in an arm are joined; where none is usable all are one.

    `is_share`: y lies between 0 and 1, and variances are those of `share_difference`. The middle of
    the interval stays where it is: moved in each of many small strata, it would be far off.
    """
    whole = [p for p in strata if min(p[0].count, p[1].count) >= 2]
    rest = [p for p in strata if min(p[0].count, p[1].count) < 2]
    if rest:
        joined = _joined(rest)
        if min(joined[0].count, joined[1].count) < 2 and whole:
            smallest = min(whole, key=lambda p: p[0].count + p[1].count)
            whole.remove(smallest)
            joined = _joined([joined, smallest])
        whole.append(joined)
    if not whole or any(min(t.count, h.count) < 2 for t, h in whole):
        return None
    total = sum(t.count + h.count for t, h in whole)
    pairs = [((t.count + h.count) / total, (t, h)) for t, h in whole]
    effect = sum(w * (t.mean - h.mean) for w, (t, h) in pairs)
    if is_share:
        wide = sum(w**2 * _squared_error(widened(arm)) for w, pair in pairs for arm in pair)
        alike = sum(w**2 * _squared_error_of_none(t, h, 0.0) for w, (t, h) in pairs)
        return _around_share(effect, effect, wide, alike)
    parts = [(w**2 * a.variance / a.count, a.count - 1) for w, pair in pairs for a in pair]
    variance = sum(part for part, _ in parts)
    if variance <= 0:
        return None
    freedom = variance**2 / sum(part**2 / rows for part, rows in parts)
    return _around(effect, math.sqrt(variance), freedom)


def cuped(treated: Moments, held_out: Moments, is_share: bool = False) -> Difference | None:
    """The same after taking out what the covariate explains (Deng et al. 2013).

    theta = cov(y, x) / var(x), pooled within the arms; without a varying covariate as `difference`,
    or where y `is_share` as `share_difference`.
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
    """Of a share: one 1 and one 0 more, so that its variance is never 0; both with the covariate's
    mean, so that it explains nothing of them."""
    x = m.x / m.count
    return Moments(m.count + 2, m.y + 1, m.yy + 1, m.x + 2 * x, m.xx + 2 * x * x, m.xy + x)


def anytime_p_value(found: Difference, scale: float) -> float:
    """A p-value to be looked at every day: mixture sequential ratio test (Johari et al. 2017).

    Under no effect, the chance that it ever falls below alpha is at most alpha. `scale`: the size
    of effects that are hoped for, fixed before the first look.
    """
    variance, mixing = found.error**2, scale**2
    log_ratio = 0.5 * math.log(variance / (variance + mixing)) + (
        mixing * found.effect**2 / (2 * variance * (variance + mixing))
    )
    return min(1.0, math.exp(-log_ratio))


def srm_p_value(counts: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Chi-squared test that the arms have the sizes that were meant; below .001: look for a bug."""
    names = sorted(shares)
    seen = np.array([counts.get(n, 0) for n in names], float)
    meant = np.array([shares[n] for n in names], float)
    return float(stats.chisquare(seen, meant / meant.sum() * seen.sum()).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several arms, corrected so that one false alarm among all has its stated chance.

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
    treated: int, held_out: int, deviation: float, power: float = 0.8
) -> float:
    """The smallest true difference that such a campaign finds with the given chance."""
    z = NORMAL + stats.norm.ppf(power)
    return float(z * deviation * math.sqrt(1 / treated + 1 / held_out))


def customers_needed(
    effect: float, deviation: float, treated_share: float, power: float = 0.8
) -> int:
    """Customers of both arms that find a true difference of `effect` with the given chance.

    >>> customers_needed(0.05, 0.4, 0.5)
    2010
    """
    z = NORMAL + stats.norm.ppf(power)
    both = 1 / treated_share + 1 / (1 - treated_share)
    return math.ceil((z * deviation / effect) ** 2 * both)


def is_in_share(share: float, *parts: str) -> bool:
    """Whether a customer is of an arm: the same answer for ever, and as transforms.decisions gives.

    `parts`: what the draw is for, then the customer's id.
    """
    digest = hashlib.sha256("|".join(parts).encode()).hexdigest()[:8]
    return share > 0 and digest < f"{min(int(share * 2**32), 2**32 - 1):08x}"


def _joined(pairs: Sequence[tuple[Moments, Moments]]) -> tuple[Moments, Moments]:
    empty = Moments(0, 0.0, 0.0)
    return sum((t for t, _ in pairs), empty), sum((h for _, h in pairs), empty)


def _around(effect: float, error: float, freedom: float) -> Difference:
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(effect) / error, freedom))
    return Difference(effect, error, effect - reach, effect + reach, p_value)


def _shares(treated: Moments, held_out: Moments, theta: float) -> Difference:
    """`share_difference` of y - theta x."""
    effect = _adjusted(treated, theta).mean - _adjusted(held_out, theta).mean
    one, other = (_adjusted(widened(m), theta) for m in (treated, held_out))
    wide = _squared_error(one) + _squared_error(other)
    alike = _squared_error_of_none(treated, held_out, theta)
    return _around_share(effect, one.mean - other.mean, wide, alike)


def _around_share(effect: float, middle: float, wide: float, alike: float) -> Difference:
    """`wide`: the squared error of the interval; `alike`: of no effect."""
    reach, error = NORMAL * math.sqrt(wide), math.sqrt(alike)
    p_value = math.erfc(abs(effect) / error / math.sqrt(2))
    return Difference(effect, error, max(-1.0, middle - reach), min(1.0, middle + reach), p_value)


def _squared_error(m: Moments) -> float:
    """Of the mean, as p (1 - p) / n of a share."""
    return m.variance * (m.count - 1) / m.count**2


def _squared_error_of_none(treated: Moments, held_out: Moments, theta: float) -> float:
    """Of the difference of two arms that are as one."""
    both = _adjusted(widened(treated + held_out), theta)
    return _squared_error(both) * both.count * (1 / treated.count + 1 / held_out.count)


def _spread(ab: float, a: float, b: float, count: int) -> float:
    """Sample covariance from sums; never below 0 for a variance that rounding would make so."""
    value = (ab - a * b / count) / max(count - 1, 1)
    return 0.0 if a == b and value < 1e-12 * abs(ab) else value


def _adjusted(m: Moments, theta: float) -> Moments:
    """Moments of y - theta x; only differences of means are read, so x need not be centred."""
    y = m.y - theta * m.x
    yy = m.yy - 2 * theta * m.xy + theta**2 * m.xx
    return Moments(m.count, y, yy)
