"""The product's rules in a simulated year: no experiment, effects checked by the control group.

The rules of `decide_offers` assume an effect (decisions.assumed_effect: a share of the churn risk).
Here the assumption is a prior per offer, and the control groups of earlier plans move it. The rate
of redemptions (decisions.redemption_rate) moves in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.hold_out_size import OfferEvidence, hold_out_share
from benchmarks.year_company import (
    HORIZON,
    Company,
    Floats,
    Truth,
    Whole,
    settings,
    tested_offers,
)
from benchmarks.year_learning import boosting
from benchmarks.year_policies import WEEKLY_SHARE, Decision
from models.tree_ensemble import TreeEnsemble
from models.uplift.boosting import probability
from models.uplift.policies import best_within
from pipelines.offers.policy_choice import expected_cost
from udfs.shares import share_of

DISCOUNTS = (1, 2)
# The effect in units of the risk: the mean is decisions.assumed_effect, and half of it the error.
PRIOR_ERROR = 0.5
# Every fourth week, customers are kept as rows of the risk model and the evidence is updated; the
# risk model is fitted again every eighth week.
SNAPSHOT_WEEKS, FIT_WEEKS = 4, 8
# Plans for which the adaptive hold-out counts the worth of what it shows: a quarter.
PLANS_AHEAD = 13
LEAST_SHARE = 0.02


@dataclass
class Evidence:
    """The effect of an offer as a share of the churn risk: a normal distribution."""

    mean: float
    error: float

    def after(self, mean: float, error: float) -> Evidence:
        """Both estimates, each with the weight 1 / error^2."""
        own, other = self.error**-2, error**-2
        return Evidence((own * self.mean + other * mean) / (own + other), (own + other) ** -0.5)


@dataclass(frozen=True)
class Contacted:
    """The chosen customers of a plan and offer, and what was expected of them."""

    day: int
    arm: int
    rows: Whole
    is_held: NDArray[np.bool_]
    risk: Floats


@dataclass
class Rules:
    """Rules, a control group, and a prior that the control group moves. Never reads the truth.

    share: share of the chosen customers who are held out; None: by the value of its information.
    """

    share: float | None
    snapshots: list[tuple[int, pd.DataFrame]] = field(default_factory=list)
    plans: list[Contacted] = field(default_factory=list)
    model: TreeEnsemble | None = None
    evidence: dict[int, Evidence] = field(default_factory=dict)
    shares: list[dict[int, float]] = field(default_factory=list)

    def decide(self, company: Company, truth: Truth) -> Decision:
        if not self.snapshots:
            self.snapshots = list(company.early)
        week, columns = company.week_of_year, company.columns()
        if week % FIT_WEEKS == 0:
            self.model = self._fitted(company)
        if week % SNAPSHOT_WEEKS == 0:
            self.snapshots.append((company.day, columns[company.may().all(axis=1)]))
            self.evidence = self._learned(company)
        return self._plan(company, columns.to_numpy(np.float32))

    def _fitted(self, company: Company) -> TreeEnsemble:
        """The churn risk without an offer, from customers who were sent none in the horizon."""
        parts = []
        for day, columns in self.snapshots:
            if day + HORIZON <= company.day:
                is_sent = company.first_contact_after(day)[columns.index] < day + HORIZON
                label = (~company.buys(day))[columns.index].astype(float)
                parts.append(columns.assign(churned=label)[~is_sent])
        rows = pd.concat(parts, ignore_index=True)
        return boosting().classifier(rows, [c for c in rows if c != "churned"], "churned")

    def _learned(self, company: Company) -> dict[int, Evidence]:
        """Prior and control groups together, per offer."""
        assumed = settings().decisions.assumed_effect
        learned = {k: Evidence(assumed, PRIOR_ERROR * assumed) for k in DISCOUNTS}
        for k in DISCOUNTS:
            ripe = [p for p in self.plans if p.arm == k and p.day + HORIZON <= company.day]
            if not ripe:
                continue
            held = np.concatenate([p.is_held for p in ripe])
            risk = np.concatenate([p.risk for p in ripe])
            residual = np.concatenate([~company.buys(p.day)[p.rows] for p in ripe]) - risk
            if not 0 < held.sum() < len(held):
                continue
            fall = residual[held].mean() - residual[~held].mean()
            # The variance of the expected outcomes: that of two or three customers may be 0.
            noise = (risk * (1 - risk)).mean() * (1 / held.sum() + 1 / (~held).sum())
            learned[k] = learned[k].after(float(fall / risk.mean()), noise**0.5 / risk.mean())
        return learned

    def _plan(self, company: Company, matrix: NDArray[np.float32]) -> Decision:
        conf, may = settings().decisions, company.may()
        decided = Decision.sent(np.zeros(len(matrix), dtype=np.int64))
        if self.model is None:
            return decided
        risk = probability(self.model, matrix)
        value = company.revenue_a_year()
        arm = np.where(risk < conf.high_risk_from, *DISCOUNTS)
        rates = company.redemption_rates(conf.redemption_rate)
        pairs = zip(tested_offers(), rates, strict=True)
        costs = np.column_stack([expected_cost(offer, rate, value) for offer, rate in pairs])
        scale = np.where(arm == 1, self.evidence[1].mean, self.evidence[2].mean)
        position = np.arange(len(arm))
        gain = scale * risk * value - costs[position, arm - 1]
        allowed = np.where(may[position, arm - 1], gain, -1.0)
        limit = int(WEEKLY_SHARE * company.reachable().sum())
        is_chosen = best_within(allowed[:, None], np.ones((len(arm), 1)), limit) > 0
        decided.arm[is_chosen] = arm[is_chosen]
        self.shares.append({})
        for k in DISCOUNTS:
            rows = np.flatnonzero(decided.arm == k)
            if not len(rows):
                continue
            share = self.share
            if share is None:
                share = self._worth(k, risk[rows], value[rows], gain[rows])
            self.shares[-1][k] = share
            place = np.array([share_of("hold-out", name) for name in company.who.names[rows]])
            decided.held[rows] = place <= share
            self.plans.append(
                Contacted(company.day, k, rows, decided.held[rows].copy(), risk[rows])
            )
        return decided

    def _worth(self, k: int, risk: Floats, value: Floats, gain: Floats) -> float:
        offer = OfferEvidence(
            customers=len(risk),
            value=float(value.mean()),
            gain=float(gain.mean()),
            error=self.evidence[k].error * float(risk.mean()),
            risk=float(np.clip(risk.mean(), 0.01, 0.99)),
        )
        return hold_out_share(offer, least=LEAST_SHARE, plans=PLANS_AHEAD)
