"""Uplift learners on simulated companies with all hidden traits as features: a positive control.

In `uplift_truth`, the learners see only what a company can observe. Here they also see the traits,
the reason and the mood of the customers, of much larger companies. The loss against the oracle here
comes from the learners and the plan. The further loss in `uplift_truth` comes from what the company
cannot observe. Nothing was tuned on these companies.
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

# These seeds are used nowhere else.
SEEDS, CUSTOMERS = (331, 332, 333, 334, 335), 100_000
# The other learners fit about a dozen further models and take ten minutes per company.
LEARNERS = ("s_learner", "t_learner", "shift_learner")
TOLD = ("price", "features", "support", "loyalty", "order_rate", "basket", "discontent_rate")


def trials(seed: int, customers: int) -> pd.DataFrame:
    """One row per customer and randomised campaign, with hidden traits and mood as features.

    Only customers who bought in the 90 days before the campaign and have not left. The other
    columns are those of `uplift_truth.Company.trials`.
    """
    world, ids = w.World(seed, customers), np.arange(customers)
    who = people(ids, world)
    bought = orders(who, lives(who, world), world)
    parts = [_trial(who, world, bought, day) for day in w.RANDOM_CAMPAIGNS]
    return pd.concat(parts, ignore_index=True)


def _trial(who: People, world: w.World, bought: pd.DataFrame, day: int) -> pd.DataFrame:
    state = state_at(who, world, day)
    without, with_offer = churn_probabilities(who, state, day, horizon=HORIZON)
    offer = campaign_offers(who, state, world, day=day)
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
    # -2: not reached, for example new customers and customers who opted out.
    is_in = np.isnan(state.left) & (offer > -2) & (rows["recency"] <= SILENT).to_numpy()
    return rows[is_in].astype(float)


def run(spark: Any, folder: Path) -> Section:
    """Evaluate the learners against the true effects, in one process without Spark."""
    section = Section(
        "Uplift with all hidden traits as features",
        f"Simulated companies {SEEDS[0]} to {SEEDS[-1]} with {CUSTOMERS:,} customers each; their "
        "traits, reason and mood are features. One process; trained on the campaigns up to day "
        f"{LEARNED[-1]}, evaluated on day {JUDGED}, with the trees and costs of conf. Mean (range) "
        "over the companies. Shares are relative to an oracle plan for at most "
        f"{CAP:.0%} of the customers. Control of the section before: the loss here comes from the "
        "learners and the plan.",
        COLUMNS,
    )
    companies = [trials(seed, CUSTOMERS) for seed in SEEDS]
    results = {}
    for learner in LEARNERS:
        results[learner] = [judged(learned(learner, rows), rows) for rows in companies]
        tell(section, learner, results[learner])
    tell_best(section, results)
    return section
