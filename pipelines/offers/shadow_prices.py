"""The search for prices of the budget and of capped offers, over customers of any number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.shares import is_in_share_column

Floats = NDArray[np.float64]
# So many customers are held on the driver: all of them where there are no more, else a sample that
# guesses the price, and at last those whose choice no pass over the rows has settled.
SAMPLE = 20_000
# The first pass over all tries FIRST_PRICES prices, at which the sample uses up to SLACK more or
# less than its share; later ones, where any is needed, PRICES_A_PASS on the customers still open.
FIRST_PRICES, SLACK, PRICES_A_PASS, PASSES = 6, 0.05, 20, 6
# Halvings of a price on the driver.
HALVINGS = 60
# Rounds over the capped offers, each moving one price at a time, until none moves by more than
# STILL of itself; four or five are usual.
CAP_ROUNDS, STILL = 12, 1e-4


@dataclass(frozen=True)
class Problem:
    """One row a customer with gain_<offer> and cost_<offer>; unit: money or customers."""

    options: Any
    offers: Sequence[str]
    unit: str
    budget: float
    caps: Mapping[str, int]


def settled(
    problem: Problem,
    sample: Sample,
    highest: Mapping[str, float],
    start: Mapping[str, float],
    keep: Callable[[Any], Any],
) -> dict[str, float]:
    """The prices of all axes of `highest`, each the lowest that fits, the others' given; the last
    found is that of the budget, so the budget holds, and a cap but for a few customers."""
    prices = dict(start)
    for _ in range(CAP_ROUNDS if problem.caps else 1):
        before = dict(prices)
        for axis, most in highest.items():
            prices[axis] = Search(problem, prices, axis, most).lowest_price(sample, keep)
        if all(abs(p - before.get(axis, -1.0)) <= STILL * p for axis, p in prices.items()):
            break
    return prices


def scaled(problem: Problem, share: float) -> Problem:
    """The problem of a share of the customers."""
    caps = {name: int(cap * share) for name, cap in problem.caps.items()}
    return replace(problem, budget=problem.budget * share, caps=caps)


@dataclass(frozen=True)
class Sample:
    """Customers on the driver: gain and use by offer (NaN: barred), and which share of all."""

    gain: Floats
    use: Floats
    share: float


def sampled(problem: Problem, customers: int) -> Sample:
    """All customers where they are at most SAMPLE, else about SAMPLE by a hash of their id."""
    if customers <= SAMPLE:
        return on_driver(problem, problem.options, 1.0)
    share = SAMPLE / customers
    chosen = is_in_share_column(share, "price", "customer_id")
    return on_driver(problem, problem.options.where(chosen), share)


def on_driver(problem: Problem, rows: Any, share: float) -> Sample:
    """Gain and use of at most about SAMPLE rows."""
    columns = [f"{k}_{n}" for n in problem.offers for k in ("gain", "cost")]
    found = rows.select(*columns).toPandas()  # about SAMPLE rows
    gain = found[[f"gain_{n}" for n in problem.offers]].astype(float).to_numpy()
    return Sample(gain, uses_of(problem, found, gain), share)


def uses_of(problem: Problem, rows: Any, gain: Floats) -> Floats:
    """What each offer takes of the budget from each row."""
    if problem.unit == "customers":
        return np.where(np.isnan(gain), np.nan, 1.0)
    return rows[[f"cost_{n}" for n in problem.offers]].astype(float).to_numpy()


@dataclass(frozen=True)
class Search:
    """The price of the budget, or of a capped offer, the others' prices given."""

    problem: Problem
    prices: Mapping[str, float]
    axis: str
    highest: float

    def lowest_price(self, sample: Sample, keep: Callable[[Any], Any]) -> float:
        """The lowest price at which there is enough for all; 0: all that is wanted is there."""
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
        """The place of the capped offer; None: the axis is the budget."""
        names = list(self.problem.offers)
        return names.index(self.axis) if self.axis in self.problem.caps else None

    @property
    def _there(self) -> float:
        """What there is: the budget, or customers who may get the offer."""
        caps = self.problem.caps
        return caps.get(self.axis, self.problem.budget)

    def _first_that_fits(
        self, rows: Any, settled: float, low: float, step: float, count: int
    ) -> int:
        """The place of the first price of low, low + step, ... that fits; `count`: none does."""
        from transforms.allocation import Grid, totals, with_choice, with_prices

        names, unit = self.problem.offers, self.problem.unit
        grid = Grid(self.axis, low, step, count)
        chosen = with_choice(with_prices(rows, names, self.prices, grid), names, unit)
        taken = {r["number"]: r[self._total] for r in totals(chosen, names, unit).collect()}
        fits = [settled + (taken.get(n) or 0) <= self._there for n in range(count)]
        return [*fits, True].index(True)

    @property
    def _total(self) -> str:
        return "used" if self._cap_place is None else f"count_{self.axis}"

    def _undecided(
        self, rows: Any, settled: float, low: float, high: float, keep: Callable[[Any], Any]
    ) -> tuple[Any, float]:
        """The customers who choose differently at both prices, and what all others take."""
        from pyspark.sql import functions as F

        from transforms.allocation import totals, with_choices_at_ends

        names, unit = self.problem.offers, self.problem.unit
        ends = [{**self.prices, self.axis: price} for price in (low, high)]
        both = with_choices_at_ends(rows, names, unit, *ends)
        is_same = F.col("choice_cheap") == F.col("choice_dear")
        same = both.where(is_same).select(
            "*", F.col("choice_dear").alias("choice"), F.lit(0).alias("number")
        )
        found = totals(same, names, unit).collect()  # one row
        left = both.where(~is_same).select(*[F.col(c) for c in rows.columns])
        return keep(left), settled + (found[0][self._total] if found else 0.0)

    def _taken(self, sample: Sample, price: float) -> float:
        """What the sample takes at a price; the same sums as in transforms.allocation."""
        prices = {**self.prices, self.axis: price}
        of_offers = np.array([prices.get(n, 0.0) for n in self.problem.offers])
        score = sample.gain - prices.get("budget", 0.0) * sample.use - of_offers
        score = np.where(np.isnan(score), -np.inf, score)
        rows = np.flatnonzero(score.max(axis=1, initial=-np.inf) > 0)
        chosen = score[rows].argmax(axis=1)
        if self._cap_place is not None:
            return float((chosen == self._cap_place).sum())
        return float(sample.use[rows, chosen].sum())

    def _halved(self, sample: Sample, settled: float, low: float, high: float) -> float:
        """The lowest price between both (0 itself too) at which all fits, by bisection."""
        if low == 0.0 and settled + self._taken(sample, low) <= self._there:
            return 0.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            fits = settled + self._taken(sample, middle) <= self._there
            low, high = (low, middle) if fits else (middle, high)
        return high

    def _between_guesses(self, sample: Sample, low: float, high: float) -> tuple[float, float]:
        """The two neighbours among low, FIRST_PRICES near the sample's price, and high that hold
        the price sought."""
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
