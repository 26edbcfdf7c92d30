"""Outcomes of a plan: customers without an offer behave as without a plan, offers have effects."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator import effects, world as w
from simulator.lives import lives
from simulator.people import people
from simulator.purchases import orders
from simulator.responses import answers

WORLD = w.World(seed=17, customers=3_000)
IDS = np.arange(3_000)
DAY, UNTIL = w.DAYS, w.DAYS + 31


def sent(offer, ids=IDS):
    return answers(ids, np.full(len(ids), offer), np.full(len(ids), DAY), world=WORLD, until=UNTIL)


def test_customers_without_an_offer_behave_as_without_a_plan():
    who = people(IDS, WORLD)
    bought, redeemed = sent(-1)
    assert not len(redeemed)
    # No order is both before and after DAYS.
    earlier = orders(who, lives(who, WORLD), WORLD)
    assert not set(bought["order_id"]) & set(earlier["order_id"])
    # The share without a purchase is the true churn probability without an offer.
    without, _ = effects.churn_probabilities(
        who, effects.state_at(who, WORLD, DAY), DAY, horizon=30
    )
    within = bought[bought["at"] < DAY + 30]
    silent = ~np.isin(who.names, within["customer_id"].unique())
    spread = np.sqrt((without * (1 - without)).sum()) / len(without)
    assert abs(silent.mean() - without.mean()) < 4 * spread


def test_any_cut_of_the_customers_gives_the_same_answers():
    offers, days = IDS % 5 - 1, DAY + IDS % 7
    whole = answers(IDS, offers, days, world=WORLD, until=UNTIL)[0]
    parts = [
        answers(IDS[p], offers[p], days[p], world=WORLD, until=UNTIL)[0]
        for p in (slice(1900, None), slice(0, 1900))
    ]
    order = ["order_id", "product_id"]
    together = pd.concat(parts).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(together, whole.sort_values(order, ignore_index=True))
    assert not whole.duplicated(order).any()
    assert whole["at"].between(w.DAYS, UNTIL).all()


def test_an_offer_has_its_true_effect():
    who = people(IDS, WORLD)
    state = effects.state_at(who, WORLD, DAY)
    _, with_offer = effects.churn_probabilities(who, state, DAY, horizon=30)
    offer = w.OFFERS.index("discount_20")
    bought, redeemed = sent(offer)
    within = bought[bought["at"] < DAY + 30]
    churned = ~np.isin(who.names, within["customer_id"].unique())
    p = with_offer[:, offer]
    assert abs(churned.mean() - p.mean()) < 4 * np.sqrt((p * (1 - p)).sum()) / len(p)
    assert len(redeemed) > 50
    assert (redeemed["at"] >= DAY).all()
