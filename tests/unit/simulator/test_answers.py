"""What customers do after a plan: the story goes on for those left alone, offers work as told."""

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
    return answers(ids, np.full(len(ids), offer), np.full(len(ids), DAY), WORLD, UNTIL)


def test_who_is_sent_nothing_lives_on_as_the_story_goes():
    who = people(IDS, WORLD)
    bought, redeemed = sent(-1)
    assert not len(redeemed)
    # One story, told in two parts: no order stands in both.
    told = orders(who, lives(who, WORLD), WORLD)
    assert not set(bought["order_id"]) & set(told["order_id"])
    # And as many fall silent as truth says of those left alone.
    without, _ = effects.churn_probabilities(who, effects.state_at(who, WORLD, DAY), DAY, 30)
    within = bought[bought["at"] < DAY + 30]
    silent = ~np.isin(who.names, within["customer_id"].unique())
    spread = np.sqrt((without * (1 - without)).sum()) / len(without)
    assert abs(silent.mean() - without.mean()) < 4 * spread


def test_any_cut_of_the_customers_gives_the_same_answers():
    offers, days = IDS % 5 - 1, DAY + IDS % 7
    whole = answers(IDS, offers, days, WORLD, UNTIL)[0]
    parts = [
        answers(IDS[p], offers[p], days[p], WORLD, UNTIL)[0]
        for p in (slice(1900, None), slice(0, 1900))
    ]
    order = ["order_id", "product_id"]
    together = pd.concat(parts).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(together, whole.sort_values(order, ignore_index=True))
    assert not whole.duplicated(order).any()
    assert whole["at"].between(w.DAYS, UNTIL).all()


def test_an_offer_keeps_as_many_as_truth_says():
    who = people(IDS, WORLD)
    state = effects.state_at(who, WORLD, DAY)
    _, with_offer = effects.churn_probabilities(who, state, DAY, 30)
    offer = w.OFFERS.index("discount_20")
    bought, redeemed = sent(offer)
    within = bought[bought["at"] < DAY + 30]
    churned = ~np.isin(who.names, within["customer_id"].unique())
    p = with_offer[:, offer]
    assert abs(churned.mean() - p.mean()) < 4 * np.sqrt((p * (1 - p)).sum()) / len(p)
    assert len(redeemed) > 50
    assert (redeemed["at"] >= DAY).all()
