"""The product's experiments in a simulated year: estimated effects, and plans that follow them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.year_company import (
    ARMS,
    HORIZON,
    Company,
    Floats,
    Truth,
    Whole,
    settings,
    tested_offers,
)
from benchmarks.year_policies import WEEKLY_SHARE, Decision
from models.uplift.boosting import LocalBoosting
from models.uplift.learners import UpliftModel, fit
from models.uplift.policies import Trial
from pipelines.offers import policy_choice, uplift_learning
from pipelines.offers.policy_choice import expected_cost
from pipelines.offers.uplift_campaigns import splits_of
from pipelines.offers.uplift_learning import best_learner
from simulator import world as w
from udfs.shares import share_of

NUMBERS = range(1, len(ARMS) + 1)
SHARES = [f"e_{k}" for k in range(len(ARMS) + 1)]
WAIT = dt.timedelta(HORIZON)
REACHED = 0.8
ALL_SPLITS = (*uplift_learning.SEEN, "later")
# Weeks of the year with an experiment, and weeks in which effects are estimated from all outcomes.
EXPERIMENTS, ESTIMATES = (0, 5, 10, 22, 34), (15, 27, 39)


@dataclass(frozen=True)
class Estimated:
    """What `estimate_uplift` would have written."""

    model: UpliftModel
    risks: UpliftModel
    averages: list[float | None]
    policy: str


@dataclass(frozen=True)
class LocalRows:
    """TrialRows of one company in one process."""

    rows: pd.DataFrame
    names: Sequence[str]

    def sample(self, split: str) -> pd.DataFrame:
        of_split = self.rows[self.rows["split"] == split]
        return of_split.sort_values("customer_id", ignore_index=True)

    def fitted(self, learner: str, splits: Sequence[str]) -> UpliftModel:
        rows = self.rows[self.rows["split"].isin(splits)]
        shares = [float((rows["arm"] == k).mean()) for k in range(len(ARMS) + 1)]
        return fit(learner, rows, self.names, arms=ARMS, shares=shares, boosting=boosting())


def boosting() -> LocalBoosting:
    """Boosted trees with the settings of conf."""
    training = settings().training
    return LocalBoosting(training.starts["xgboost"], training.seed)


@dataclass
class Learning:
    """Learns from its own contacts. Never reads the truth."""

    share: float
    rows: list[pd.DataFrame] = field(default_factory=list)
    estimated: Estimated | None = None

    def decide(self, company: Company, truth: Truth) -> Decision:
        week = company.week_of_year
        if week in ESTIMATES:
            self.estimated = estimate(company, self.rows)
        if week in EXPERIMENTS:
            return self.experiment(company)
        if self.estimated is None:
            return Decision.sent(np.zeros(len(truth.value), dtype=np.int64))
        return self.plan(company, self.estimated)

    def experiment(self, company: Company) -> Decision:
        """Random offers to four of five customers; a quarter of these are the control group."""
        draw = np.random.default_rng([company.world.seed, company.week])
        n = len(company.who.id)
        rested = company.day - company.contacted >= settings().decisions.cooling_off_days
        reached = company.reachable() & rested & (draw.random(n) < REACHED)
        held = draw.random(n) < w.HELD_OUT_SHARE
        offer = draw.integers(1, len(ARMS) + 1, n)
        decision = Decision(np.where(reached, offer, 0), held & reached)
        chosen = np.flatnonzero(reached)
        e = [w.HELD_OUT_SHARE, *[(1 - w.HELD_OUT_SHARE) / len(ARMS)] * len(ARMS)]
        self._keep(company, decision, chosen, np.tile(e, (len(chosen), 1)), is_own=False)
        return decision

    def plan(self, company: Company, known: Estimated) -> Decision:
        columns = company.columns()
        rows = np.flatnonzero(company.may().any(axis=1))
        may, value = company.may()[rows], company.revenue_a_year()[rows]
        matrix = columns.to_numpy(np.float32)[rows]
        effects = uplift_learning.followed_effects(known.model.effects(matrix), known.averages)
        trial = priced(known.risks.risks(matrix), value)
        limit = float(int(WEEKLY_SHARE * company.reachable().sum()))
        arm = policy_choice.policy_choices(
            context_of(company),
            pd.DataFrame({"rule_offer": [None] * len(rows)}),
            np.where(may, effects, -1.0),
            trial=trial,
            single=policy_choice.single_offer(trial),
            names=ARMS,
            budget=(limit, False),
        )[known.policy]
        arm = np.where((arm > 0) & may[np.arange(len(rows)), arm - 1], arm, 0)
        place = np.array([share_of("hold-out", name) for name in company.who.names[rows]])
        decided = Decision.sent(np.zeros(len(company.who.id), dtype=np.int64))
        decided.arm[rows] = arm
        decided.held[rows] = (arm > 0) & (place <= self.share)
        self._keep_own(company, decided)
        return decided

    def _keep_own(self, company: Company, decision: Decision) -> None:
        """Rows of the offers of which some customers were sent and some were held out."""
        for k in NUMBERS:
            chosen = np.flatnonzero(decision.arm == k)
            share = float(decision.held[chosen].mean()) if len(chosen) else 0.0
            if 0 < share < 1:
                e = np.zeros((len(chosen), len(SHARES)))
                e[:, 0], e[:, k] = share, 1 - share
                self._keep(company, decision, chosen, e, is_own=True)

    def _keep(
        self, company: Company, decision: Decision, rows: Whole, e: Floats, *, is_own: bool
    ) -> None:
        kept = (
            company.columns()
            .iloc[rows]
            .assign(
                customer_id=company.who.id[rows],
                as_of=w.day_name(company.day),
                day=company.day,
                fold=company.who.id[rows] % 2.0,
                arm=np.where(decision.held[rows], 0, decision.arm[rows]).astype(float),
                value=company.revenue_a_year()[rows],
                is_own=is_own,
                rule_offer=None,
            )
        )
        self.rows.append(pd.concat([kept, pd.DataFrame(e, kept.index, SHARES)], axis=1))


def priced(risks: Floats, value: Floats) -> Trial:
    """Risks and expected costs in the form of policy_choices, which reads no outcome of it."""
    rate = settings().decisions.redemption_rate
    costs = [expected_cost(offer, rate, value) for offer in tested_offers()]
    none = np.zeros(len(value))
    return Trial(
        arm=none.astype(np.int64),
        churned=none,
        value=value,
        risk=risks,
        share=np.ones_like(risks),
        cost=np.column_stack([none, *costs]),
    )


def context_of(company: Company) -> SimpleNamespace:
    """What the product's functions read of a run: settings and as_of."""
    return SimpleNamespace(settings=settings(), as_of=w.day_name(company.day))


def estimate(company: Company, kept: Sequence[pd.DataFrame]) -> Estimated:
    """What `estimate_uplift` does, on rows whose outcome is known."""
    context, names = context_of(company), list(company.columns().columns)
    ripe = [rows for rows in kept if rows["day"].iloc[0] + HORIZON <= company.day]
    rows = pd.concat(
        [r.assign(churned=_churned(company, r).astype(float)) for r in ripe], ignore_index=True
    )
    drawn = sorted(set(rows.loc[~rows["is_own"], "as_of"]))
    splits = splits_of(drawn, WAIT)
    chosen_on = min(day for day, split in splits.items() if split == "validation")
    own = np.where(rows["as_of"] + WAIT <= chosen_on, "train", "later")
    rows["split"] = np.where(rows["is_own"], own, rows["as_of"].map(splits))
    trials = LocalRows(rows, names)
    best = best_learner(context, trials, names)
    parts = [
        [r for r in best.results if (r["split"], r["learner"]) == (split, best.learner)]
        for split in ("test", "validation")
    ]
    averages, before = ([uplift_learning.average_of(r, o) for o in ARMS] for r in parts)
    risks = (
        best.model
        if best.learner == "t_learner"
        else trials.fitted("t_learner", uplift_learning.SEEN)
    )
    sample = trials.sample("test")
    matrix = sample[names].to_numpy(np.float32)
    compared = policy_choice.compared(
        context,
        sample,
        uplift_learning.followed_effects(best.model.effects(matrix), before),
        risks=risks.risks(matrix),
        offers=tested_offers(),
    )
    (policy,) = (r["policy"] for r in compared if r["is_chosen"])
    model = best.model
    if (rows["split"] == "later").any():
        model = trials.fitted(best.learner, ALL_SPLITS)
    return Estimated(model, risks, averages, policy)


def _churned(company: Company, rows: pd.DataFrame) -> NDArray[np.bool_]:
    place = np.searchsorted(company.who.id, rows["customer_id"].to_numpy())
    return ~company.buys(int(rows["day"].iloc[0]))[place]
