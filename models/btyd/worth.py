"""Expected purchases and CLV of a customer: purchases times value, discounted by month.

A month has 365 / 12 days. A purchase in the n-th month from now is multiplied by
1 / (1 + discount)^n, as in the packages lifetimes and BTYD. Money is revenue times margin, in the
currency of the data.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd

from models.btyd.choice import KINDS, Btyd
from models.btyd.credibility import Credibility
from models.btyd.gamma_gamma import GammaGamma
from models.btyd.past_errors import MONTH, PastErrors
from models.btyd.rows import Array
from models.btyd.terms import MONTH_DAYS, THREE_YEARS, YEAR, Terms, month_ends
from models.new_customers import days_known
from models.value_interval import Moments, quantiles

FORMAT = "holdfast-lifetime-1"
SPENDS = {"gamma_gamma": GammaGamma, "credibility": Credibility}
NO_REPEAT, NO_AMOUNTS = "no_repeat", "no_amounts"


class LifetimeModelError(ValueError):
    """The text is not a lifetime model."""


@dataclass(frozen=True)
class LifetimeModel:
    """The chosen purchase model and spend model with their settings.

    spend: None where no amounts are known. p_alive_missing: why P(alive) is not shown, no_dropout
    or not_precise (models.btyd.dropout); None: it is shown. past: what past forecasts showed about
    new customers and about the variance.
    """

    name: str
    purchases: Btyd
    spend_name: str | None
    spend: GammaGamma | Credibility | None
    p_alive_missing: str | None
    terms: Terms
    past: PastErrors = field(default_factory=PastErrors)

    @property
    def is_identified(self) -> bool:
        """Whether the data identify dropout, so that P(alive) is shown."""
        return self.p_alive_missing is None

    @property
    def clv_basis(self) -> str:
        return f"btyd_{self.spend_name}" if self.spend_name else NO_AMOUNTS

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per row of the frame, with its index.

        The frame has frequency, recency_days, T_days and monetary_value (NaN: not known). The
        money columns are NaN without a spend model. p_alive, p_alive_30d and p_alive_90d are NaN
        where p_alive_missing says so. Under BG/NBD they are also NaN for one-time buyers: in this
        model nobody leaves before a second purchase, so the value would always be 1.
        """
        x, recency, T, value = _columns(frame)
        h, lead = self.terms.horizon_days, self.terms.lead_days
        alive = self.purchases.p_alive(x, recency, T)
        expected = {t: alive * self.purchases.purchases_while_alive(x, T, t) for t in (30.0, 90.0)}
        of_new = self.past.factor("purchases", frame, expected[30.0])
        later = {f"p_alive_{t}d": alive * self.purchases.still_alive(x, T, t) for t in (30, 90)}
        basis = np.where((x == 0) & (self.name == "bg_nbd"), NO_REPEAT, self.name)
        basis = basis if self.is_identified else np.full(len(x), self.p_alive_missing)
        columns = {
            "p_alive": np.where(basis == self.name, alive, np.nan),
            **{n: np.where(basis == self.name, p, np.nan) for n, p in later.items()},
            "p_alive_basis": basis.astype(object),
            "p_no_purchase": self.purchases.p_no_purchase(x, recency, T, days=h, lead_days=lead),
            "expected_purchases_30d": expected[30.0] * of_new,
            "expected_purchases_90d": expected[90.0] * of_new,
            **self._money(frame, x, recency, T, value=value, alive=alive),
            "clv_basis": self.clv_basis,
        }
        return pd.DataFrame(columns, index=frame.index)

    def forecast(self, frame: pd.DataFrame, horizon: int) -> pd.DataFrame:
        """Expected purchases and revenue within `horizon` days, without margin or discount.

        One row per row of the frame; value is NaN where no amounts are known.
        """
        forecast = self._plain(frame, horizon)
        month = forecast if horizon == MONTH else self._plain(frame, MONTH)
        for name in forecast:
            forecast[name] *= self.past.factor(name, frame, month[name].to_numpy())
        return forecast

    def interval(self, frame: pd.DataFrame, horizon: int, *, level: float) -> pd.DataFrame:
        """low and high of the revenue within `horizon` days; NaN where no amounts are known.

        One row per row of the frame, without margin or discount.
        """
        if self.spend is None:
            return pd.DataFrame(np.nan, index=frame.index, columns=["low", "high"])
        low, high = self._interval(self.moments(frame, horizon), horizon, level)
        return pd.DataFrame({"low": low, "high": high}, index=frame.index)

    def _of_new(self, frame: pd.DataFrame) -> Array:
        """By what to multiply the money of each row; 1 for a customer who is not new."""
        if self.past.value is None:
            return np.ones(len(frame))
        return self.past.factor("value", frame, self._plain(frame, MONTH)["value"].to_numpy())

    def _plain(self, frame: pd.DataFrame, horizon: float) -> pd.DataFrame:
        """`forecast` without the shrinkage of new customers."""
        x, recency, T, value = _columns(frame)
        count = self.purchases.p_alive(x, recency, T) * self.purchases.purchases_while_alive(
            x, T, float(horizon)
        )
        each = self.spend.expected_value(x, value) if self.spend else np.full(len(x), np.nan)
        return pd.DataFrame({"purchases": count, "value": count * each}, index=frame.index)

    def _money(
        self,
        frame: pd.DataFrame,
        x: Array,
        recency: Array,
        T: Array,
        *,
        value: Array,
        alive: Array,
    ) -> dict[str, Array]:
        if self.spend is None:
            nothing = np.full(len(x), np.nan)
            return dict.fromkeys(MONEY, nothing)
        each = self.spend.expected_value(x, value) * self.terms.margin
        year, three = self._discounted(x, T, YEAR), self._discounted(x, T, THREE_YEARS)
        moments = self.moments(frame, int(YEAR))
        low, high = self._interval(moments, int(YEAR), self.terms.interval)
        of_new = self._of_new(frame)
        clv = alive * year * each * of_new
        # The interval is of a year's undiscounted revenue. Scale it like the discounted mean.
        share = np.divide(clv, moments.mean, out=np.zeros(len(x)), where=moments.mean > 0)
        return {
            "expected_value": each,
            "clv_30d": alive * self._discounted(x, T, 30.0) * each * of_new,
            "clv_90d": alive * self._discounted(x, T, 90.0) * each * of_new,
            "clv_12m": clv,
            "clv_12m_low": np.minimum(low * share, clv),
            "clv_12m_high": np.maximum(high * share, clv),
            "clv_36m": alive * three * each * of_new,
            "value_at_stake": self._at_stake(x, recency, T, alive, alive * year) * each * of_new,
        }

    def _discounted(
        self, x: Array, T: Array, until: float, begin: float = 0.0, last_seen: float = 0.0
    ) -> Array:
        """Discounted purchases from day `begin` to `until` of a customer alive at `last_seen`.

        last_seen: days by which T has grown since the customer was scored. Where `begin` is later
        than last_seen, purchases between the two are left out.
        """
        ends = month_ends(begin, until)
        grown = self.purchases.purchases_while_alive(
            x[:, None], T[:, None] + last_seen, np.append(begin, ends)[None, :] - last_seen
        )
        return np.diff(grown, axis=1) @ self._discounts(ends)

    def _discounts(self, ends: Array) -> Array:
        """The discount factor of each period that ends at `ends`."""
        return (1 + self.terms.monthly_discount) ** -np.ceil(ends / MONTH_DAYS - 1e-9)

    def _at_stake(self, x: Array, recency: Array, T: Array, alive: Array, whole: Array) -> Array:
        """A year's discounted purchases, given at least one purchase in the horizon after the lead.

        whole = P(none) · E[without a purchase in the horizon] + (1 - P(none)) · E[with one], solved
        for the last term. After a horizon without a purchase, the expectation is that of a customer
        with the same purchases and a longer T. The rates are constant, so the order of the lead and
        the silent period does not matter.
        """
        h, lead = (float(min(d, YEAR)) for d in (self.terms.horizon_days, self.terms.lead_days))
        silent = self.purchases.p_no_purchase(x, recency, T, days=h)
        then = self.purchases.p_alive(x, recency, T + h)
        after = then * self._discounted(x, T, YEAR, lead + h, h) if lead + h < YEAR else 0.0
        without = silent * after
        if lead:
            without = without + alive * self._in_lead(x, T, h, lead)
            silent = self.purchases.p_no_purchase(x, recency, T, days=h, lead_days=lead)
        return np.maximum(whole - without, 0.0) / np.maximum(1 - silent, 1e-12)

    def _in_lead(self, x: Array, T: Array, h: float, lead: float) -> Array:
        """Discounted purchases in the lead, jointly with no purchase in the h days after it.

        For a customer who is alive now. It is all purchases in the lead minus those of customers
        who buy after it. The latter are equally likely on each day of the lead, and the posterior
        of such a customer has one purchase more.
        """
        ends = month_ends(0.0, lead)
        days = np.diff(ends, prepend=0.0) @ self._discounts(ends)
        buys = 1 - self.purchases.p_no_purchase(x + 1, T, T, days=h, lead_days=lead)
        buys = buys / self.purchases.p_alive(x + 1, T, T)
        of_buyers = days * self.purchases.staying_rate(x, T) * buys
        return self._discounted(x, T, lead) - of_buyers

    def moments(self, frame: pd.DataFrame, horizon: int) -> Moments:
        """Moments of the revenue within `horizon` days, without margin or discount."""
        assert self.spend is not None
        x, recency, T, value = _columns(frame)
        alive, days = self.purchases.p_alive(x, recency, T), float(horizon)
        none = self.purchases.p_no_purchase(x, recency, T, days=days)
        count = alive * self.purchases.purchases_while_alive(x, T, days)
        squares = alive * self.purchases.pairs_while_alive(x, T, days) + count
        plain = count * self.spend.expected_value(x, value)
        within, of_mean = self.spend.spread(x, value)
        variance = count * within + squares * of_mean - plain**2
        of_new = self._of_new(frame)
        return Moments(none, plain * of_new, variance * of_new**2, days_known(frame))

    def _interval(self, moments: Moments, horizon: int, level: float) -> tuple[Array, Array]:
        """Quantiles of the revenue: 0 with P(no purchase), else gamma with equal two moments.

        The variance is that of past errors, or that of the model where there are none.
        """
        none, mean, variance, known = moments
        past = self.past.interval
        if past is None:
            return quantiles(none, mean, variance, level=level)
        spread = past.variance(mean, horizon, known)
        return quantiles(none, mean, spread, level=past.level(level))

    def to_json(self) -> str:
        """The model as JSON text."""
        parts = {
            "format": FORMAT,
            "name": self.name,
            "purchases": asdict(self.purchases),
            "spend_name": self.spend_name,
            "spend": None if self.spend is None else asdict(self.spend),
            "p_alive_missing": self.p_alive_missing,
            "terms": asdict(self.terms),
            "past": asdict(self.past),
        }
        return json.dumps(parts, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The model of `to_json`. Raises LifetimeModelError for any other text."""
        try:
            parts: dict[str, Any] = json.loads(text)
            if parts.pop("format") != FORMAT:
                raise KeyError("format")
            purchases = KINDS[parts["name"]].model(**parts["purchases"])
            numbers = {k: _tuples(v) for k, v in (parts["spend"] or {}).items()}
            spend = SPENDS[parts["spend_name"]](**numbers) if parts["spend_name"] else None
            terms = Terms(**parts["terms"])
            return cls(
                parts["name"],
                purchases,
                parts["spend_name"],
                spend,
                parts["p_alive_missing"],
                terms,
                PastErrors.from_dict(parts.get("past", {})),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LifetimeModelError(
                f"this text is not a lifetime model ({error!r}): it must be JSON of the format "
                f"{FORMAT}, as `to_json` writes it. Run fit_lifetime again."
            ) from None


MONEY = (
    "expected_value",
    "clv_30d",
    "clv_90d",
    "clv_12m",
    "clv_12m_low",
    "clv_12m_high",
    "clv_36m",
    "value_at_stake",
)


def _columns(frame: pd.DataFrame) -> tuple[Array, Array, Array, Array]:
    """frequency, recency_days, T_days and monetary_value (NaN: not known)."""
    names = ("frequency", "recency_days", "T_days", "monetary_value")
    x, recency, T, value = (frame[n].astype(float).to_numpy() for n in names)
    return x, recency, T, value


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
