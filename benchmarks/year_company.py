"""A simulated company that lives week by week, so that a policy can decide about its offers.

Lives, purchases and engagement are those of the simulator. Its own campaigns are not sent: only the
decisions of a policy are. Two policies on the same company have the same random draws, so a
difference between their profits comes from their decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.offers.offer_catalog import offers_of_conf
from runtime.settings import Settings, load
from simulator import behaviour, purchases, voices, world as w
from simulator.effects import churn_probabilities
from simulator.lives import NO_OFFER, Lives, State, beginning, contact, live
from simulator.people import People, people
from simulator.reactions import Reactions, reactions
from transforms.offers import Offer

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
ARMS = w.TESTED_OFFERS
# The year begins after 26 weeks without a campaign.
WEEK, FIRST_WEEK, WEEKS = 7, 26, 52
# Columns are kept after 13 and 20 weeks, to fit a first model of the churn risk.
EARLY_WEEKS = (13, 7)
HORIZON, SILENT_DAYS = 30, 90
# Columns per window: weeks.
WINDOWS = (4, 13, 52)
VISITS = ("login", "feature_use", "page_view", "community_post", "email_opened", "email_replied")
COUNTED = ("orders", "revenue", "discount", *VISITS, "tickets")
ITEMS_PER_ORDER = 2.1
TOPICS = (*w.REASONS, "question")
_SENT = pd.DataFrame({"row": [], "day": [], "offer": [], "is_redeemed": []})


@dataclass(frozen=True)
class Truth:
    """What each customer of a company would gain, known to the simulator only.

    gain: (customers, arms), currency: (reduction of the churn probability) x value - cost. effect
    and redeemed: probabilities of the same shape. value: revenue per year of a content customer.
    """

    gain: Floats
    effect: Floats
    redeemed: Floats
    value: Floats


@dataclass
class Company:
    """One company in one possible year. Arrays have one entry per customer."""

    world: w.World
    who: People
    react: Reactions
    state: State
    counts: dict[str, NDArray[np.float32]]
    topics: NDArray[np.float32]
    stars: NDArray[np.float32]
    last_order: Floats
    orders: Whole
    contacted: Floats
    contacted_with: Floats
    redeemed: Floats
    sent: Floats
    early: list[tuple[int, pd.DataFrame]] = field(default_factory=list)
    bought: list[tuple[int, int, Whole, Floats]] = field(default_factory=list)
    contacts: list[tuple[int, Whole]] = field(default_factory=list)
    week: int = 0

    @classmethod
    def begun(cls, world: w.World, ids: Whole) -> Company:
        """The company after the weeks before its year."""
        who = people(ids, world)
        n, weeks = len(ids), FIRST_WEEK + WEEKS
        never = np.full(n, -np.inf)
        company = cls(
            world=world,
            who=who,
            react=reactions(who),
            state=beginning(who),
            counts={name: np.zeros((n, weeks), np.float32) for name in COUNTED},
            topics=np.zeros((n, len(TOPICS)), np.float32),
            stars=np.zeros((n, 2), np.float32),
            last_order=never.copy(),
            orders=np.zeros(n, np.int64),
            contacted=never.copy(),
            contacted_with=np.full((n, len(ARMS)), -np.inf),
            redeemed=np.zeros((n, len(ARMS))),
            sent=np.zeros(len(ARMS)),
        )
        for weeks in EARLY_WEEKS:
            company._live(_SENT, weeks=weeks)
            rows = company.may().all(axis=1)
            company.early.append((company.day, company.columns()[rows]))
        company._live(_SENT, weeks=FIRST_WEEK - company.week)
        return company

    @property
    def week_of_year(self) -> int:
        return self.week - FIRST_WEEK

    @property
    def day(self) -> int:
        return WEEK * self.week

    def live_a_week(self, arm: Whole, held: NDArray[np.bool_]) -> None:
        """Send the offers of the week (arm: 0 for no offer, else k), and live until the next one.

        Held-out customers are not sent their offer. They have the same time without contact.
        """
        chosen = np.flatnonzero(arm)
        self.contacted[chosen] = self.day
        self.contacts.append((self.day, np.flatnonzero((arm > 0) & ~held)))
        self.contacted_with[chosen, arm[chosen] - 1] = self.day
        sent = np.where(held, NO_OFFER, arm - 1)
        self.sent += np.bincount(sent[sent >= 0], minlength=len(ARMS))
        redeemed = contact(
            self.state,
            self.who,
            self.react,
            offer=sent,
            world=self.world,
            day=self.day,
            name=f"contact.{self.day}",
        )
        taken = np.flatnonzero(redeemed)
        self.redeemed[taken, sent[taken]] += 1
        self._live(
            pd.DataFrame({"row": taken, "day": self.day, "offer": sent[taken], "is_redeemed": True})
        )

    def _live(self, contacts: pd.DataFrame, weeks: int = 1) -> None:
        begin, self.week = self.day, self.week + weeks
        name = f"year.{self.week}"
        stays = live(self.state, self.who, self.world, until=float(self.day), name=name)
        row, at = purchases.order_times(
            self.who, stays, self.world, until=float(self.day), name="order"
        )
        taken = purchases.redemption_times(self.who, contacts, self.world)
        offer = np.concatenate([np.full(len(row), NO_OFFER), taken["offer"].to_numpy(np.int64)])
        row = np.concatenate([row, taken["row"].to_numpy(np.int64)])
        at = np.concatenate([at, taken["at"].to_numpy(float)])
        self._buy(row, at, offer)
        self.bought.append((begin, self.day, row, at))
        history = Lives(stays, contacts, self.state.left)
        seen = behaviour.visits(self.who, stays, self.world)
        self._count(seen["kind"].to_numpy(), seen["row"].to_numpy(), seen["at"].to_numpy())
        if weeks > 1 or begin % behaviour.EMAIL_EVERY == 0:
            mail = behaviour.emails(self.who, history, self.world)
            mail = mail[(mail["at"] >= begin) & (mail["at"] < self.day)]
            self._count(mail["kind"].to_numpy(), mail["row"].to_numpy(), mail["at"].to_numpy())
        asked = voices.tickets(self.who, history, self.world)
        self._add("tickets", asked["row"].to_numpy(np.int64), asked["at"].to_numpy(float))
        topic = asked["category"].map({t: k for k, t in enumerate(TOPICS)}).to_numpy(np.int64)
        np.add.at(self.topics, (asked["row"].to_numpy(np.int64), topic), 1.0)
        judged = voices.reviews(self.who, history, self.world)
        rows = judged["row"].to_numpy(np.int64)
        np.add.at(self.stars, (rows, 0), judged["stars"].to_numpy(float))
        np.add.at(self.stars, (rows, 1), 1.0)

    def _buy(self, row: Whole, at: Floats, offer: Whole) -> None:
        order = np.lexsort((at, row))
        row, at, offer = row[order], at[order], offer[order]
        first = np.searchsorted(row, row)
        bought = pd.DataFrame(
            {
                "row": row,
                "at": at,
                "offer": offer,
                "is_fraud": False,
                "number": self.orders[row] + np.arange(len(row)) - first,
                "order_id": np.arange(len(row)),
            }
        )
        self.orders += np.bincount(row, minlength=len(self.orders))
        np.maximum.at(self.last_order, row, at)
        self._add("orders", row, at)
        lines = purchases.lines(self.who, bought, self.world)
        place = lines["order_id"].to_numpy(np.int64)
        for name, column in (("revenue", "amount"), ("discount", "discount")):
            self._add(name, row[place], at[place], lines[column].to_numpy(float))

    def _count(self, kind: NDArray, row: Whole, at: Floats) -> None:
        for name in VISITS:
            self._add(name, row[kind == name], at[kind == name])

    def _add(self, name: str, row: Whole, at: Floats, amount: Floats | float = 1.0) -> None:
        np.add.at(self.counts[name], (row, (at // WEEK).astype(np.int64)), amount)

    def buys(self, day: int) -> NDArray[np.bool_]:
        """Whether each customer buys in the horizon from `day` on. The horizon must have passed."""
        is_buyer = np.zeros(len(self.who.id), dtype=bool)
        for begin, end, row, at in self.bought:
            if end > day and begin < day + HORIZON:
                is_buyer[row[(at >= day) & (at < day + HORIZON)]] = True
        return is_buyer

    def redemption_rates(self, assumed: float) -> Floats:
        """Share of the sent offers that were redeemed, per arm; `assumed` counts as 20 contacts."""
        return (self.redeemed.sum(axis=0) + 20 * assumed) / (self.sent + 20)

    def may(self) -> NDArray[np.bool_]:
        """(customers, arms): the offers that conf allows each customer on the day."""
        rested = self.day - self.contacted >= settings().decisions.cooling_off_days
        again = np.array([o.again_after_days or 0 for o in tested_offers()])
        rested_of_arm = self.day - self.contacted_with >= again
        return (self.reachable() & rested)[:, None] & rested_of_arm

    def first_contact_after(self, day: int) -> Floats:
        """Day of the first decision about an offer from `day` on; infinite if there was none."""
        first = np.full(len(self.who.id), np.inf)
        for at, rows in self.contacts[::-1]:
            if at >= day:
                first[rows] = at
        return first

    def reachable(self) -> NDArray[np.bool_]:
        """Active or silent customers who have not opted out."""
        return (self.day - self.last_order <= SILENT_DAYS) & ~self.who.is_opted_out

    def tenure(self) -> Floats:
        """Days since sign-up."""
        return self.day - self.who.signup.astype(float)

    def revenue_a_year(self) -> Floats:
        """Value as the company sees it: the formula of transforms.decisions.revenue_a_year."""
        spent = self.counts["revenue"][:, max(self.week - 52, 0) : self.week].sum(axis=1)
        return np.maximum(spent * 365 / np.clip(self.tenure(), 30, 365), 0.0)

    def columns(self) -> pd.DataFrame:
        """What the feature tables tell about each customer at 00:00 of the day."""
        rows = {"recency": self.day - self.last_order, "tenure": self.tenure()}
        for weeks in WINDOWS:
            for name, counts in self.counts.items():
                window = counts[:, max(self.week - weeks, 0) : self.week]
                rows[f"{name}_{weeks}"] = window.sum(axis=1)
        for k, topic in enumerate(TOPICS):
            rows[f"tickets_of_{topic}"] = self.topics[:, k]
        with np.errstate(invalid="ignore"):
            rows["stars"] = self.stars[:, 0] / self.stars[:, 1]
        for k, name in enumerate(ARMS):
            rows[f"redeemed_{name}"] = self.redeemed[:, k]
            rows[f"days_since_{name}"] = self.day - self.contacted_with[:, k]
        rows["plan"], rows["channel"] = self.who.plan, self.who.channel
        rows["is_annual"] = self.who.is_annual
        return pd.DataFrame(rows).replace(np.inf, np.nan).astype(np.float32)

    def truth(self) -> Truth:
        """The gain of each offer for each customer at 00:00 of the day."""
        without, with_offer = churn_probabilities(self.who, self.state, self.day, horizon=HORIZON)
        arms = len(ARMS)
        here = np.isnan(self.state.left)[:, None]
        effect = without[:, None] - with_offer[:, :arms]
        redeemed = self.react.redeem[:, :arms] * here
        value = 365 * self.who.order_rate * ITEMS_PER_ORDER * self.who.basket
        offers = tested_offers()
        is_paid = np.where([o.is_paid_on_redemption for o in offers], redeemed, 1.0)
        cost = np.array([o.share or 0.0 for o in offers]) * is_paid
        return Truth((effect - cost) * value[:, None], effect, redeemed, value)


@cache
def settings() -> Settings:
    """The settings of the simulated company."""
    return load("simulated")


@cache
def tested_offers() -> list[Offer]:
    """The offers of conf in the order of the arms."""
    by_name = {offer.name: offer for offer in offers_of_conf()}
    return [by_name[name] for name in ARMS]
