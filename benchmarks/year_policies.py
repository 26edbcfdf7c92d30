"""Policies of a simulated year with which the product's policy is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.year_company import ARMS, WEEKS, Company, Floats, Truth, Whole, settings
from models.tree_ensemble import TreeEnsemble
from models.uplift.boosting import LocalBoosting
from models.uplift.policies import best_within
from simulator import world as w

# Share of the active and silent customers per week: a quarter of decisions.budget.
WEEKLY_SHARE = 0.05
MASS_ARM = 1
DEPTH = 6


@dataclass(frozen=True)
class Decision:
    """The arm of each customer (0: no offer), and who is held out from it."""

    arm: Whole
    held: NDArray[np.bool_]

    @classmethod
    def sent(cls, arm: Whole) -> Decision:
        return cls(arm, np.zeros(len(arm), dtype=bool))


class Policy(Protocol):
    """Decides each week. Only the oracle reads `truth`."""

    def decide(self, company: Company, truth: Truth) -> Decision: ...


def best_offers(company: Company, gain: Floats) -> Whole:
    """The arms with the greatest sum of gains within the budget of the week."""
    may = company.may()
    allowed = np.where(may, gain, -1.0)
    limit = int(WEEKLY_SHARE * company.reachable().sum())
    return best_within(allowed, np.ones_like(allowed), limit)


class Oracle:
    """Knows the gain of each offer for each customer."""

    def decide(self, company: Company, truth: Truth) -> Decision:
        return Decision.sent(best_offers(company, truth.gain))


class Nothing:
    """Sends nothing."""

    def decide(self, company: Company, truth: Truth) -> Decision:
        return Decision.sent(np.zeros(len(truth.value), dtype=np.int64))


class MassMailing:
    """Sends the same discount to all customers, whenever conf allows it again, without a budget."""

    def decide(self, company: Company, truth: Truth) -> Decision:
        return Decision.sent(np.where(company.may()[:, MASS_ARM - 1], MASS_ARM, 0))


class Random:
    """Sends random offers to random customers within the budget."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)

    def decide(self, company: Company, truth: Truth) -> Decision:
        return Decision.sent(best_offers(company, self.draw.random(truth.gain.shape)))


def gain_trees(rows: pd.DataFrame, arm: int) -> TreeEnsemble:
    """Trees that predict g_<arm> of sampled_gains. Gains have no noise, so trees are deeper."""
    training = settings().training
    parameters = {**training.starts["xgboost"], "max_depth": DEPTH}
    names = [c for c in rows if not c.startswith("g_")]
    return LocalBoosting(parameters, training.seed).regressor(rows, names, f"g_{arm}")


@dataclass(frozen=True)
class BestOfColumns:
    """Maximises the expected gain given the columns of the feature tables."""

    trees: Mapping[int, TreeEnsemble]

    def decide(self, company: Company, truth: Truth) -> Decision:
        matrix = company.columns().to_numpy(np.float32)
        rows = np.flatnonzero(company.reachable())
        gain = np.full(truth.gain.shape, -1.0)
        scale = scale_of(company.revenue_a_year())[rows]
        for k, trees in self.trees.items():
            gain[rows, k - 1] = trees.predict(matrix[rows]) * scale
        return Decision.sent(best_offers(company, gain))


def scale_of(value: Floats) -> Floats:
    """Currency by which gains are divided before trees are fitted; above 0."""
    return value + 100.0


def sampled_gains(seed: int, ids: Whole, customers: int) -> pd.DataFrame:
    """One row per active or silent customer and sampled week: columns, and g_1, g_2, ...

    g_<k> is the true gain of an arm divided by scale_of. Two random weeks per customer. Random
    offers are sent within the budget, so the states are those of a company that sends offers.
    """
    company, policy = Company.begun(w.World(seed, customers), ids), Random(int(ids[0]))
    week = np.random.default_rng([seed, int(ids[0])]).integers(0, WEEKS, (len(ids), 2))
    parts = []
    for k in range(WEEKS):
        truth = company.truth()
        rows = np.flatnonzero((week == k).any(axis=1) & company.reachable())
        scale = scale_of(company.revenue_a_year())[rows]
        gains = {f"g_{a}": truth.gain[rows, a - 1] / scale for a in range(1, len(ARMS) + 1)}
        parts.append(company.columns().iloc[rows].assign(**gains))
        decision = policy.decide(company, truth)
        company.live_a_week(decision.arm, decision.held)
    return pd.concat(parts, ignore_index=True)
