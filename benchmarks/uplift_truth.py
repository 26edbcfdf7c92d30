"""Uplift learners on simulated companies, beside the true effect of each offer on each customer.

A learner sees what the company delivers and no more; the truth judges it. Nothing is tuned on these
companies: learners, trees and costs are those of conf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.measure import Section
from models.uplift.boosting import LocalBoosting
from models.uplift.learners import LEARNERS, UpliftModel, fit
from models.uplift.policies import best_within
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.policy_choice import expected_cost
from runtime.settings import load
from simulator import world as w
from simulator.files import rows_of

Floats = NDArray[np.float64]
# Used nowhere else.
SEEDS, CUSTOMERS = (311, 312, 313, 314, 315), 3_000
*LEARNED, JUDGED = w.RANDOM_CAMPAIGNS
ARMS = w.TESTED_OFFERS
HORIZON, SILENT, CAP = 30, 90, 0.2
WINDOWS = (30, 90, 365)
KINDS = ("login", "feature_use", "page_view", "community_post", "email_opened", "email_replied")
PROFILE = ("plan", "contract_type", "acquisition_channel", "age_band", "gender", "region")
CEILING = "another company's truth"
COLUMNS = (
    "learner",
    "correlation with true effects",
    "profit after costs",
    "value kept, no costs",
)


@dataclass(frozen=True)
class Company:
    """A simulated company: its deliveries, and the truth apart."""

    seed: int

    def table(self, name: str) -> pd.DataFrame:
        """A table of the simulator; a second delivery of the same row is dropped."""
        rows = rows_of(name, np.arange(CUSTOMERS), w.World(self.seed, CUSTOMERS))
        return rows.drop(columns="file_number", errors="ignore").drop_duplicates()

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """What is delivered, each event with `day`, its time in days since the first."""
        moments = {
            "transactions": "purchased_at",
            "engagement": "occurred_at",
            "tickets": "opened_at",
            "reviews": "reviewed_at",
            "redemptions": "redeemed_at",
        }
        found = {name: self.table(name) for name in ("customers", "campaigns", *moments)}
        for name, column in moments.items():
            found[name] = found[name].assign(day=_days(found[name][column]))
        return found

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row a customer and randomised campaign who bought in the 90 days before it: features,
        arm, fold, churned, e_<k>, value, and the true effect of each offer, true_<k>."""
        parts = [self._trial(day) for day in w.RANDOM_CAMPAIGNS]
        rows = pd.concat(parts, ignore_index=True)
        truth = self.table("effects_truth").pivot(
            index=["customer_id", "as_of"], columns="offer_id", values="effect"
        )[list(ARMS)]
        truth.columns = [f"true_{k}" for k in range(1, len(ARMS) + 1)]
        return rows.merge(truth, on=["customer_id", "as_of"], how="left", validate="one_to_one")

    def _trial(self, day: int) -> pd.DataFrame:
        sent = self.tables["campaigns"]
        sent = sent[sent["is_randomised"] & (_days(sent["contacted_at"]) == day)]
        arm = sent["offer_id"].map({None: 0, **{n: k for k, n in enumerate(ARMS, 1)}}).fillna(0)
        ids = sent["customer_id"].to_numpy()
        bought = self.tables["transactions"]
        after = bought[(bought["day"] >= day) & (bought["day"] < day + HORIZON)]
        rows = self._known(ids, day).assign(
            as_of=w.day_name(day),
            campaign=day,
            arm=arm.to_numpy(float),
            fold=sent["customer_id"].str.slice(1).astype(int).to_numpy() % 2.0,
            churned=(~np.isin(ids, after["customer_id"])).astype(float),
            e_0=w.HELD_OUT_SHARE,
            **{f"e_{k}": (1 - w.HELD_OUT_SHARE) / len(ARMS) for k in range(1, len(ARMS) + 1)},
        )
        return rows[rows["recency"] <= SILENT].rename_axis("customer_id").reset_index()

    def _known(self, ids: NDArray[np.object_], day: int) -> pd.DataFrame:
        """Features of the customers at 00:00 of a day, from what happened before it."""
        past = {n: t[t["day"] < day] for n, t in self.tables.items() if "day" in t}
        bought, seen = past["transactions"], past["engagement"]
        profile = self.tables["customers"].set_index("customer_id").reindex(ids)
        rows = pd.DataFrame(index=pd.Index(ids))
        first, last = (bought.groupby("customer_id")["day"].agg(f) for f in ("min", "max"))
        rows["recency"] = day - last.reindex(ids)
        rows["tenure"] = day - _days(profile["signup_on"]).fillna(first.reindex(ids))
        for days in WINDOWS:
            lately = bought[bought["day"] >= day - days].groupby("customer_id")
            rows[f"orders_{days}"] = lately["order_id"].nunique()
            rows[f"revenue_{days}"] = lately["amount"].sum()
            rows[f"discount_{days}"] = lately["discount"].sum()
            for kind in KINDS:
                of_kind = seen[(seen["kind"] == kind) & (seen["day"] >= day - days)]
                rows[f"{kind}_{days}"] = of_kind.groupby("customer_id").size()
            asked = past["tickets"][past["tickets"]["day"] >= day - days]
            rows[f"tickets_{days}"] = asked.groupby("customer_id").size()
        for reason in w.REASONS:
            of_it = past["tickets"][past["tickets"]["category"] == reason]
            rows[f"tickets_of_{reason}"] = of_it.groupby("customer_id").size()
        for offer in ARMS:
            taken = past["redemptions"][past["redemptions"]["offer_id"] == offer]
            rows[f"redeemed_{offer}"] = taken.groupby("customer_id").size()
        rows = rows.fillna({c: 0.0 for c in rows if c not in ("recency", "tenure")})
        rows["stars"] = past["reviews"].groupby("customer_id")["stars"].mean()
        rows["monthly_charge"] = profile["monthly_charge"]
        for name in PROFILE:
            rows[name] = profile[name].astype("category").cat.codes
        # As transforms.decisions.revenue_a_year.
        value = rows["revenue_365"] * 365 / rows["tenure"].clip(30, 365)
        return rows.astype(float).assign(value=value.clip(lower=0.0))


def _days(moments: pd.Series) -> pd.Series:
    return (pd.to_datetime(moments) - pd.Timestamp(w.FIRST_DAY)) / pd.Timedelta(days=1)


def names_of(rows: pd.DataFrame) -> list[str]:
    """The features among the columns."""
    others = {"customer_id", "as_of", "campaign", "arm", "fold", "churned", "value"}
    drawn = [f"{p}_{k}" for p in ("e", "true") for k in range(len(ARMS) + 1)]
    return [c for c in rows if c not in {*others, *drawn}]


def boosting() -> LocalBoosting:
    """Trees as conf has them."""
    training = load("simulated").training
    return LocalBoosting(training.starts["xgboost"], training.seed)


def learned(learner: str, rows: pd.DataFrame) -> UpliftModel:
    """A learner on the campaigns before the last."""
    train = rows[rows["campaign"].isin(LEARNED)]
    shares = [float((train["arm"] == k).mean()) for k in range(len(ARMS) + 1)]
    return fit(learner, train, names_of(rows), ARMS, shares, boosting())


def told_by_truth(rows: pd.DataFrame) -> UpliftModel:
    """What observables can say at best: trees on the true effects themselves, without noise."""
    train = rows[rows["campaign"].isin(LEARNED)]
    trees = {
        f"up_{k}": boosting().regressor(train, names_of(rows), f"true_{k}")
        for k in range(1, len(ARMS) + 1)
    }
    return UpliftModel("dr_learner", ARMS, trees)


@dataclass(frozen=True)
class Judged:
    """Against the truth on the last campaign: the correlation, mean of the offers, and what a plan
    for the best fifth reaches of the oracle's: profit after costs, and value kept without them."""

    correlation: float
    profit: float
    kept: float


def judged(model: UpliftModel, rows: pd.DataFrame) -> Judged:
    """A model on the last campaign of a company."""
    last = rows[rows["campaign"] == JUDGED]
    found = model.effects(last[names_of(rows)].to_numpy(np.float32))
    truth = last[[f"true_{k}" for k in range(1, len(ARMS) + 1)]].to_numpy(float)
    value, rate = last["value"].to_numpy(float), load("simulated").decisions.redemption_rate
    offers = {offer.name: offer for offer in offers_of_conf()}
    cost = np.column_stack([expected_cost(offers[name], rate, value) for name in ARMS])
    pairs = zip(found.T, truth.T, strict=True)
    return Judged(
        float(np.mean([correlation(told, true) for told, true in pairs])),
        share_of_oracle(found, truth, value, cost),
        share_of_oracle(found, truth, value, np.zeros_like(cost)),
    )


def correlation(told: Floats, true: Floats) -> float:
    """Pearson's; 0 where the same is told of all, as by an S-learner that never uses an arm."""
    return float(np.corrcoef(told, true)[0, 1]) if np.ptp(told) > 0 else 0.0


def share_of_oracle(found: Floats, truth: Floats, value: Floats, cost: Floats) -> float:
    """What the plan for the best fifth by `found` gains in truth, over that by the truth itself."""
    gained = truth * value[:, None] - cost

    def plan(effects: Floats) -> float:
        gain = np.where(effects > 0, effects * value[:, None] - cost, -1.0)
        chosen = best_within(gain, np.ones_like(gain), int(CAP * len(value)))
        sent = np.flatnonzero(chosen)
        return float(gained[sent, chosen[sent] - 1].sum())

    return plan(found) / plan(truth)


def measured(seeds: Sequence[int]) -> dict[str, list[Judged]]:
    """Each learner, and the ceiling, on each company."""
    companies = {seed: Company(seed).trials for seed in seeds}
    found: dict[str, list[Judged]] = {}
    for place, rows in enumerate(companies.values()):
        for learner in LEARNERS:
            found.setdefault(learner, []).append(judged(learned(learner, rows), rows))
        another = companies[seeds[place - 1]]
        found.setdefault(CEILING, []).append(judged(told_by_truth(another), rows))
    return found


def run(spark: Any, folder: Path) -> Section:
    """Judge the learners by the truth; without Spark, in one process."""
    section = Section(
        "Uplift beside the true effects",
        f"Simulated companies {SEEDS[0]} to {SEEDS[-1]} of {CUSTOMERS:,} customers, in one "
        f"process: learned from the campaigns up to day {LEARNED[-1]}, judged on day {JUDGED}, "
        "trees and costs as conf has them. Mean (range) of the companies; shares are of what the "
        f"oracle reaches at a cap of {CAP:.0%} of the customers. {CEILING.capitalize()}: trees on "
        "true effects without noise, what the observables can tell.",
        COLUMNS,
    )
    found = measured(SEEDS)
    for learner, parts in found.items():
        tell(section, learner, parts)
    for learner in LEARNERS:
        least = min(p.correlation for p in found[learner])
        section.reach(f"{learner}: least correlation of a company", least, 0)
    tell_best(section, {name: found[name] for name in LEARNERS})
    return section


def tell(section: Section, learner: str, parts: Sequence[Judged]) -> None:
    """A row of COLUMNS: mean and range of the companies."""
    columns = ([getattr(p, c) for p in parts] for c in ("correlation", "profit", "kept"))
    section.add(learner, *(f"{np.mean(c):.2f} ({min(c):.2f} to {max(c):.2f})" for c in columns))


def tell_best(section: Section, found: Mapping[str, Sequence[Judged]]) -> None:
    """What the learner with the highest profit reaches of the goal."""
    means = {name: float(np.mean([p.profit for p in parts])) for name, parts in found.items()}
    best = max(means, key=lambda name: means[name])
    section.reach(f"{best}: share of the oracle's profit", means[best], 0.85)
