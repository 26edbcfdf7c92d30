"""Uplift learners on simulated companies, against the true effect of each offer on each customer.

The learners see only the data that the company delivers. The true effects are used only to evaluate
them. Nothing was tuned on these companies: learners, trees and costs are those of conf.
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
# These seeds are used nowhere else.
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
    """A simulated company: its delivered tables, and separately the true effects."""

    seed: int

    def table(self, name: str) -> pd.DataFrame:
        """A table of the simulator, without duplicate deliveries."""
        rows = rows_of(name, np.arange(CUSTOMERS), w.World(self.seed, CUSTOMERS))
        return rows.drop(columns="file_number", errors="ignore").drop_duplicates()

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The delivered tables by name. `day` is the time of an event in days since FIRST_DAY."""
        moments = {
            "transactions": "purchased_at",
            "engagement": "occurred_at",
            "tickets": "opened_at",
            "reviews": "reviewed_at",
            "redemptions": "redeemed_at",
        }
        tables = {name: self.table(name) for name in ("customers", "campaigns", *moments)}
        for name, column in moments.items():
            tables[name] = tables[name].assign(day=_days(tables[name][column]))
        return tables

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row per customer and randomised campaign, with the true effects true_<k>.

        Only customers who bought in the 90 days before the campaign. Columns: features, arm, fold,
        churned, e_<k> (share of arm k), value and true_<k>.
        """
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
        """Features of the customers at 00:00 of `day`, from earlier events only."""
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
        # Same formula as transforms.decisions.revenue_a_year.
        value = rows["revenue_365"] * 365 / rows["tenure"].clip(30, 365)
        return rows.astype(float).assign(value=value.clip(lower=0.0))


def _days(moments: pd.Series) -> pd.Series:
    return (pd.to_datetime(moments) - pd.Timestamp(w.FIRST_DAY)) / pd.Timedelta(days=1)


def names_of(rows: pd.DataFrame) -> list[str]:
    """The names of the feature columns."""
    others = {"customer_id", "as_of", "campaign", "arm", "fold", "churned", "value"}
    drawn = [f"{p}_{k}" for p in ("e", "true") for k in range(len(ARMS) + 1)]
    return [c for c in rows if c not in {*others, *drawn}]


def boosting() -> LocalBoosting:
    """Boosted trees with the settings of conf."""
    training = load("simulated").training
    return LocalBoosting(training.starts["xgboost"], training.seed)


def learned(learner: str, rows: pd.DataFrame) -> UpliftModel:
    """A learner fitted on all campaigns but the last."""
    train = rows[rows["campaign"].isin(LEARNED)]
    shares = [float((train["arm"] == k).mean()) for k in range(len(ARMS) + 1)]
    return fit(learner, train, names_of(rows), arms=ARMS, shares=shares, boosting=boosting())


def told_by_truth(rows: pd.DataFrame) -> UpliftModel:
    """The best that observed features allow: trees fitted on the true effects, without noise."""
    train = rows[rows["campaign"].isin(LEARNED)]
    trees = {
        f"up_{k}": boosting().regressor(train, names_of(rows), f"true_{k}")
        for k in range(1, len(ARMS) + 1)
    }
    return UpliftModel("dr_learner", ARMS, trees)


@dataclass(frozen=True)
class Judged:
    """Evaluation of a model on the last campaign.

    correlation: with the true effects, mean over the offers. profit: profit after costs of a plan
    for the best 20 % of the customers, relative to the oracle's plan. kept: the same without costs.
    """

    correlation: float
    profit: float
    kept: float


def judged(model: UpliftModel, rows: pd.DataFrame) -> Judged:
    """Evaluate a model on the last campaign of a company."""
    last = rows[rows["campaign"] == JUDGED]
    effects = model.effects(last[names_of(rows)].to_numpy(np.float32))
    truth = last[[f"true_{k}" for k in range(1, len(ARMS) + 1)]].to_numpy(float)
    value, rate = last["value"].to_numpy(float), load("simulated").decisions.redemption_rate
    offers = {offer.name: offer for offer in offers_of_conf()}
    cost = np.column_stack([expected_cost(offers[name], rate, value) for name in ARMS])
    pairs = zip(effects.T, truth.T, strict=True)
    return Judged(
        float(np.mean([correlation(estimated, true) for estimated, true in pairs])),
        share_of_oracle(effects, truth, value, cost),
        share_of_oracle(effects, truth, value, np.zeros_like(cost)),
    )


def correlation(estimated: Floats, true: Floats) -> float:
    """Pearson correlation; 0 for constant estimates (an S-learner that never uses the arm)."""
    return float(np.corrcoef(estimated, true)[0, 1]) if np.ptp(estimated) > 0 else 0.0


def share_of_oracle(estimated: Floats, truth: Floats, value: Floats, cost: Floats) -> float:
    """True gain of the plan by estimated effects, over that of the plan by the true effects.

    Both plans are for the best 20 % (CAP) of the customers. Effects and costs have the shape
    (customers, offers); value has one entry per customer.
    """
    gained = truth * value[:, None] - cost

    def plan(effects: Floats) -> float:
        gain = np.where(effects > 0, effects * value[:, None] - cost, -1.0)
        chosen = best_within(gain, np.ones_like(gain), int(CAP * len(value)))
        sent = np.flatnonzero(chosen)
        return float(gained[sent, chosen[sent] - 1].sum())

    return plan(estimated) / plan(truth)


def measured(seeds: Sequence[int]) -> dict[str, list[Judged]]:
    """Evaluations of each learner and of the ceiling, one per company."""
    companies = {seed: Company(seed).trials for seed in seeds}
    results: dict[str, list[Judged]] = {}
    for place, rows in enumerate(companies.values()):
        for learner in LEARNERS:
            results.setdefault(learner, []).append(judged(learned(learner, rows), rows))
        another = companies[seeds[place - 1]]
        results.setdefault(CEILING, []).append(judged(told_by_truth(another), rows))
    return results


def run(spark: Any, folder: Path) -> Section:
    """Evaluate the learners against the true effects, in one process without Spark."""
    section = Section(
        "Uplift against the true effects",
        f"Simulated companies {SEEDS[0]} to {SEEDS[-1]} with {CUSTOMERS:,} customers each, in one "
        f"process; trained on the campaigns up to day {LEARNED[-1]}, evaluated on day {JUDGED}, "
        "with the trees and costs of conf. Mean (range) over the companies. Shares are relative to "
        f"an oracle plan for at most {CAP:.0%} of the customers. {CEILING.capitalize()}: trees on "
        "true effects without noise, the best that observed features allow.",
        COLUMNS,
    )
    results = measured(SEEDS)
    for learner, parts in results.items():
        tell(section, learner, parts)
    for learner in LEARNERS:
        least = min(p.correlation for p in results[learner])
        section.reach(f"{learner}: smallest correlation of the companies", least, 0)
    tell_best(section, {name: results[name] for name in LEARNERS})
    return section


def tell(section: Section, learner: str, parts: Sequence[Judged]) -> None:
    """Add a row with COLUMNS to the section: mean and range over the companies."""
    columns = ([getattr(p, c) for p in parts] for c in ("correlation", "profit", "kept"))
    section.add(learner, *(f"{np.mean(c):.2f} ({min(c):.2f} to {max(c):.2f})" for c in columns))


def tell_best(section: Section, results: Mapping[str, Sequence[Judged]]) -> None:
    """Add the goal for the learner with the highest profit to the section."""
    means = {name: float(np.mean([p.profit for p in parts])) for name, parts in results.items()}
    best = max(means, key=lambda name: means[name])
    section.reach(f"{best}: share of the oracle's profit", means[best], 0.85)
