"""The search for shadow prices of the budget and of capped offers, for any number of customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transforms.allocation import (
    BUDGET,
    Grid,
    highest_gains,
    totals,
    with_choice,
    with_prices,
)
from transforms.allocation_search import between_prices, keep_price_sample

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Floats = NDArray[np.float64]
# Computes a frame once and reuses it (Lake.keep).
Keep = Callable[["DataFrame"], "DataFrame"]
# The most customers on the driver. More customers: first a sample of this size estimates the price,
# and at the end the driver takes the customers whose choice no pass over the rows has settled.
SAMPLE = 20_000
# The first pass over all customers tries FIRST_PRICES prices, at which the sample uses up to SLACK
# more or less than its share. Each later pass tries PRICES_A_PASS prices on undecided customers.
FIRST_PRICES, SLACK, PRICES_A_PASS, PASSES = 6, 0.05, 20, 6
# Bisection steps of a price on the driver.
HALVINGS = 60
# Rounds over all prices, one price at a time, until no price changes by more than the share STILL.
# Four or five rounds are usual.
CAP_ROUNDS, STILL = 12, 1e-4


@dataclass(frozen=True)
class Problem:
    """Offers for customers under a budget and under caps.

    options: one row per customer with gain_<offer> and cost_<offer>. unit: money or customers.
    caps: the most customers per capped offer.
    """

    options: DataFrame
    offers: Sequence[str]
    unit: str
    budget: float
    caps: Mapping[str, int]


def settled(
    problem: Problem,
    sample: Sample,
    highest: Mapping[str, float],
    *,
    start: Mapping[str, float],
    keep: Keep,
) -> dict[str, float]:
    """The price of each axis in `highest`: the lowest price that fits, given the other prices.

    The price of the budget comes last. The budget therefore holds exactly, and each cap holds
    except for a few customers.
    """
    prices = dict(start)
    for _ in range(CAP_ROUNDS if problem.caps else 1):
        before = dict(prices)
        for axis, most in highest.items():
            prices[axis] = Search(problem, prices, axis, most).lowest_price(sample, keep)
        if all(abs(p - before.get(axis, -1.0)) <= STILL * p for axis, p in prices.items()):
            break
    return prices


def scaled(problem: Problem, share: float) -> Problem:
    """The same problem for a share of the customers."""
    caps = {name: int(cap * share) for name, cap in problem.caps.items()}
    return replace(problem, budget=problem.budget * share, caps=caps)


@dataclass(frozen=True)
class Sample:
    """Customers on the driver: gain and use per offer (NaN: not possible).

    share: the share of all customers that the sample holds.
    """

    gain: Floats
    use: Floats
    share: float


def highest_prices(problem: Problem) -> tuple[int, dict[str, float]]:
    """The number of customers, and per axis a price at which no customer gets an offer."""
    highest = highest_gains(problem.options, problem.offers, problem.unit).collect()[0]  # one row
    caps = {name: highest["at_all"] for name in problem.caps}
    return highest["customers"], caps | {BUDGET: highest["a_unit"]}


def sampled(problem: Problem, customers: int) -> Sample:
    """All customers if they are at most SAMPLE, else about SAMPLE by a hash of customer_id."""
    if customers <= SAMPLE:
        return on_driver(problem, problem.options, 1.0)
    share = SAMPLE / customers
    return on_driver(problem, keep_price_sample(problem.options, share), share)


def on_driver(problem: Problem, options: DataFrame, share: float) -> Sample:
    """Gain and budget use per offer, for about SAMPLE customers at most."""
    columns = [f"{k}_{n}" for n in problem.offers for k in ("gain", "cost")]
    rows: pd.DataFrame = options.select(*columns).toPandas()  # about SAMPLE rows
    gain = rows[[f"gain_{n}" for n in problem.offers]].astype(float).to_numpy()
    return Sample(gain, uses_of(problem, rows, gain), share)


def uses_of(problem: Problem, rows: pd.DataFrame, gain: Floats) -> Floats:
    """How much of the budget each offer uses per customer (NaN: not possible)."""
    if problem.unit == "customers":
        return np.where(np.isnan(gain), np.nan, 1.0)
    return rows[[f"cost_{n}" for n in problem.offers]].astype(float).to_numpy()


@dataclass(frozen=True)
class Search:
    """The search for one price, given the other prices. axis: BUDGET or a capped offer."""

    problem: Problem
    prices: Mapping[str, float]
    axis: str
    highest: float

    def lowest_price(self, sample: Sample, keep: Keep) -> float:
        """The lowest price at which the choices fit the budget or cap; 0 if they fit anyway."""
        low, high = 0.0, self.highest * 1.001 + 1e-9
        if sample.share == 1.0:
            return self._halved(sample, 0.0, low, high)
        rows, settled = self.problem.options, 0.0
        low, high = self._between_guesses(sample, low, high)
        for _ in range(PASSES):
            rows, settled = self._undecided(rows, settled, low, high, keep)
            if rows.count() <= SAMPLE:
                return self._halved(on_driver(self.problem, rows, 1.0), settled, low, high)
            step = (high - low) / (PRICES_A_PASS + 1)
            first = self._first_that_fits(rows, settled, low + step, step, PRICES_A_PASS)
            tried = [low, *(low + step + n * step for n in range(PRICES_A_PASS)), high]
            low, high = tried[first : first + 2]
        return high

    @property
    def _cap_place(self) -> int | None:
        """The position of the capped offer; None if the axis is the budget."""
        names = list(self.problem.offers)
        return names.index(self.axis) if self.axis in self.problem.caps else None

    @property
    def _limit(self) -> float:
        """The budget, or the cap of the offer."""
        return self.problem.caps.get(self.axis, self.problem.budget)

    def _first_that_fits(
        self, rows: DataFrame, settled: float, low: float, step: float, count: int
    ) -> int:
        """The position of the first price in low, low + step, ... that fits; `count` if none fits.

        settled: what customers who are not in `rows` use of the budget or cap.
        """
        names, unit = self.problem.offers, self.problem.unit
        grid = Grid(self.axis, low, step, count)
        chosen = with_choice(with_prices(rows, names, self.prices, grid=grid), names, unit)
        taken = {r["number"]: r[self._total] for r in totals(chosen, names, unit).collect()}
        fits = [settled + (taken.get(n) or 0) <= self._limit for n in range(count)]
        return [*fits, True].index(True)

    @property
    def _total(self) -> str:
        return "used" if self._cap_place is None else f"count_{self.axis}"

    def _undecided(
        self, rows: DataFrame, settled: float, low: float, high: float, keep: Keep
    ) -> tuple[DataFrame, float]:
        """The customers whose choice differs between both prices, and what all others use."""
        cheap, dear = ({**self.prices, self.axis: price} for price in (low, high))
        names, unit = self.problem.offers, self.problem.unit
        split = between_prices(rows, names, unit, cheap=cheap, dear=dear)
        use = sum(row[self._total] for row in split.settled.collect())  # at most one row
        return keep(split.undecided), settled + use

    def _taken(self, sample: Sample, price: float) -> float:
        """The budget or cap used by the sample at a price, summed as in transforms.allocation."""
        prices = {**self.prices, self.axis: price}
        of_offers = np.array([prices.get(n, 0.0) for n in self.problem.offers])
        score = sample.gain - prices.get(BUDGET, 0.0) * sample.use - of_offers
        score = np.where(np.isnan(score), -np.inf, score)
        rows = np.flatnonzero(score.max(axis=1, initial=-np.inf) > 0)
        chosen = score[rows].argmax(axis=1)
        if self._cap_place is not None:
            return float((chosen == self._cap_place).sum())
        return float(sample.use[rows, chosen].sum())

    def _halved(self, sample: Sample, settled: float, low: float, high: float) -> float:
        """The lowest price between low and high that fits, by bisection; 0 if price 0 fits."""
        if low == 0.0 and settled + self._taken(sample, low) <= self._limit:
            return 0.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            fits = settled + self._taken(sample, middle) <= self._limit
            low, high = (low, middle) if fits else (middle, high)
        return high

    def _between_guesses(self, sample: Sample, low: float, high: float) -> tuple[float, float]:
        """Two adjacent tested prices that enclose the price to find.

        The tested prices are low, FIRST_PRICES prices near the price of the sample, and high.
        """
        cheap, dear = (
            replace(self, problem=scaled(self.problem, sample.share * share))._halved(
                sample, 0.0, low, high
            )
            for share in (1 + SLACK, 1 - SLACK)
        )
        step = (dear - cheap) / (FIRST_PRICES - 1)
        first = self._first_that_fits(self.problem.options, 0.0, cheap, step, FIRST_PRICES)
        tried = [low, *(cheap + n * step for n in range(FIRST_PRICES)), high]
        return tried[first], tried[first + 1]
