"""Uplift learners on simulated companies that know all that moves an effect: the positive control.

`uplift_truth` measures what the company can see; here its customers told it their traits, their
reason and their mood, and it is large. What is lost here the learners and the plan lose; the rest
of what is lost there is what nobody could see. Nothing is tuned on these companies.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import Section
from benchmarks.uplift_truth import (
    ARMS,
    CAP,
    COLUMNS,
    HORIZON,
    JUDGED,
    LEARNED,
    SILENT,
    judged,
    learned,
    tell,
    tell_best,
)
from simulator import world as w
from simulator.effects import churn_probabilities, state_at
from simulator.lives import campaign_offers, lives
from simulator.people import People, people
from simulator.purchases import orders

# Used nowhere else.
SEEDS, CUSTOMERS = (331, 332, 333, 334, 335), 100_000
# The others fit a dozen models more each, and take ten minutes a company.
LEARNERS = ("s_learner", "t_learner", "shift_learner")
TOLD = ("price", "features", "support", "loyalty", "order_rate", "basket", "discontent_rate")


def trials(seed: int, customers: int) -> pd.DataFrame:
    """One row a customer and randomised campaign, as of `uplift_truth.Company.trials`, of those who
    bought in the 90 days before and have not left: hidden traits and mood as features."""
    world, ids = w.World(seed, customers), np.arange(customers)
    who = people(ids, world)
    bought = orders(who, lives(who, world), world)
    parts = [_trial(who, world, bought, day) for day in w.RANDOM_CAMPAIGNS]
    return pd.concat(parts, ignore_index=True)


def _trial(who: People, world: w.World, bought: pd.DataFrame, day: int) -> pd.DataFrame:
    state = state_at(who, world, day)
    without, with_offer = churn_probabilities(who, state, day, HORIZON)
    offer = campaign_offers(who, state, world, day)
    at, row = bought["at"].to_numpy(), bought["row"].to_numpy()
    last = bought[at < day].groupby("row")["at"].max().reindex(range(len(who.id))).to_numpy()
    after = row[(at >= day) & (at < day + HORIZON)]
    rows = pd.DataFrame(
        {
            "campaign": float(day),
            "recency": day - last,
            "tenure": day - who.signup,
            "plan": who.plan,
            "is_annual": who.is_annual,
            "is_discontented": state.is_discontented,
            **{name: getattr(who, name) for name in TOLD},
            **{f"is_{name}": who.reason == k for k, name in enumerate(w.REASONS)},
            "arm": offer + 1,
            "fold": who.id % 2,
            "churned": ~np.isin(np.arange(len(who.id)), after),
            "value": who.order_rate * who.basket * 365,
            "e_0": w.HELD_OUT_SHARE,
        }
    )
    for k in range(1, len(ARMS) + 1):
        rows[f"e_{k}"] = (1 - w.HELD_OUT_SHARE) / len(ARMS)
        rows[f"true_{k}"] = without - with_offer[:, k - 1]
    # -2: not reached, as newcomers and those who opted out are.
    is_in = np.isnan(state.left) & (offer > -2) & (rows["recency"] <= SILENT).to_numpy()
    return rows[is_in].astype(float)


def run(spark: Any, folder: Path) -> Section:
    """Judge the learners by the truth; without Spark, in one process."""
    section = Section(
        "Uplift where all that moves an effect is told",
        f"Simulated companies {SEEDS[0]} to {SEEDS[-1]} of {CUSTOMERS:,} customers whose traits, "
        f"reason and mood are known to the learner, in one process: learned from the campaigns up "
        f"to day {LEARNED[-1]}, judged on day {JUDGED}, trees and costs as conf has them. Mean "
        f"(range) of the companies; shares are of what the oracle reaches at a cap of {CAP:.0%} "
        "of the customers. The control of the section before: what is lost here, learners and plan "
        "lose.",
        COLUMNS,
    )
    companies = [trials(seed, CUSTOMERS) for seed in SEEDS]
    found = {}
    for learner in LEARNERS:
        found[learner] = [judged(learned(learner, rows), rows) for rows in companies]
        tell(section, learner, found[learner])
    tell_best(section, found)
    return section
