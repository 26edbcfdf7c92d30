"""Targeted campaigns: functions by hand, on a known effect, and on the simulator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.uplift import metrics, propensity as pr
from models.uplift.boosting import LocalBoosting
from models.uplift.learners import doubly_robust, from_falls
from simulator import world as w
from simulator.effects import churn_probabilities, state_at
from simulator.lives import campaign_offers, lives
from simulator.people import people
from simulator.purchases import orders

BOOSTED = LocalBoosting(
    {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.08, "min_child_weight": 20}, 1
)


def test_columns_are_scaled_gaps_are_told_and_what_never_varies_is_left_out():
    """log1p of 0 and e^2 - 1 is 0 and 2. The null becomes 1 (the median). The standard deviation is
    sqrt(2 / 3)."""
    nan = np.nan
    matrix = np.array([[0, 7, nan], [np.exp(2) - 1, 7, nan], [nan, 7, nan]], dtype=np.float32)
    side = 1 / np.sqrt(2 / 3)
    gap = np.array([-1 / 3, -1 / 3, 2 / 3]) / np.sqrt(2 / 9)
    expected = np.column_stack([[-side, side, 0], gap])
    np.testing.assert_allclose(pr.known_before(matrix), expected, atol=1e-6)


def test_imbalance_by_hand():
    """Treated 3, 5 and untreated 0, 2 have the means 4 and 1 and the variance 1: a difference of 3.

    With weights 3:1 and 1:3 the means are 3.5 and 1.5.
    """
    x, treated = np.array([[3.0], [5.0], [0.0], [2.0]]), np.array([1.0, 1, 0, 0])
    assert pr.imbalance(x, treated, np.ones(4)) == 3.0
    assert pr.imbalance(x, treated, np.array([3.0, 1, 1, 3])) == 2.0


def test_the_interval_counts_customers_not_their_rows():
    """Two customers with effects 1, 3 and 1, 3 have equal sums of 4, so the error is 0. With effects
    1, 1 and 3, 3 the sums of deviations are -2 and 2, and the error is sqrt(8 * 2) / 4 = 1."""
    falls = np.array([1.0, 3, 1, 3])
    alike = pr.mean_of(falls, np.array([0, 0, 1, 1]))
    assert (alike.value, alike.low, alike.high) == (2.0, 2.0, 2.0)
    apart = pr.mean_of(falls, np.array([0, 1, 0, 1]))
    assert (apart.value, apart.high - apart.value) == pytest.approx((2.0, 1.96))


def targeted(rows, reach, seed=1):
    """A targeted campaign: (rows, propensities). The effect of the offer is 0.1.

    Customers with a high x0 are more likely to stay and more likely to be sent the offer.
    """
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 3))
    p = reach(x[:, 0])
    arm = (draw.random(rows) < p).astype(float)
    risk = np.clip(0.5 - 0.15 * x[:, 0], 0.12, 0.95) - 0.1 * arm
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"]).assign(
        arm=arm,
        fold=draw.integers(0, 2, rows).astype(float),
        churned=(draw.random(rows) < risk).astype(float),
    )
    return frame, p


NAMES = ["x0", "x1", "x2"]


def judged(frame):
    x = pr.known_before(frame[NAMES].to_numpy(np.float32))
    treated, fold = (frame[c].to_numpy() for c in ("arm", "fold"))
    p = pr.propensities(x, treated, fold)
    return x, p, pr.overlap(x, treated, p, least_p=0.05, least_share=0.3, fewest=50)


def test_where_all_that_decided_is_known_the_effect_is_found():
    frame, p = targeted(8_000, lambda x0: 1 / (1 + np.exp(-x0)))
    _, fitted, region = judged(frame)
    # The true propensity is logistic in one column, and the fit has 4,000 rows.
    assert np.abs(fitted - p).mean() < 0.03
    assert region.verdict == pr.ADJUSTED
    assert region.share > 0.9
    assert region.imbalance_before > 0.6 > 0.1 > region.imbalance_after
    assert (np.diff(region.treated) > 0).all() and (region.treated > region.untreated).all()
    naive = metrics.average_effect(frame["churned"].to_numpy(), frame["arm"].to_numpy())
    assert naive.low > 0.1  # biased: many of the treated would have stayed anyway
    kept = frame.assign(e_0=1 - fitted, e_1=fitted)[region.kept]
    ((_, scored),) = doubly_robust(kept, NAMES, 1, boosting=BOOSTED)
    adjusted = pr.mean_of(scored["fall"].to_numpy(), np.arange(len(scored)))
    assert adjusted.low < 0.1 < adjusted.high
    assert adjusted.high - adjusted.low < 0.06
    model = from_falls("ten", scored, NAMES, boosting=BOOSTED)
    effects = model.effects(kept[NAMES].to_numpy(np.float32))
    assert effects.mean() == pytest.approx(adjusted.value, abs=0.01)


def test_correct_propensities_correct_for_wrong_risks():
    """Risks from a single shallow tree hardly use x0, so only the propensities adjust for it."""
    frame, p = targeted(8_000, lambda x0: 1 / (1 + np.exp(-x0)))
    kept = frame.assign(e_0=1 - p, e_1=p)[(p > 0.05) & (p < 0.95)]
    flat = LocalBoosting({"n_estimators": 1, "max_depth": 1, "learning_rate": 0.01}, 1)
    ((_, scored),) = doubly_robust(kept, NAMES, 1, boosting=flat)
    estimate = pr.mean_of(scored["fall"].to_numpy(), np.arange(len(scored)))
    assert estimate.low < 0.1 < estimate.high < 0.15


def test_who_could_not_have_been_sent_it_is_compared_with_nobody():
    """All customers with x0 above 0 are treated and no others: the verdict is NO_OVERLAP."""
    frame, _ = targeted(2_000, lambda x0: (x0 > 0).astype(float))
    _, _, region = judged(frame)
    assert region.verdict == pr.NO_OVERLAP
    assert region.share < 0.3
    assert np.isnan(region.imbalance_after)


def test_too_few_of_a_side_are_no_overlap():
    frame, _ = targeted(2_000, lambda x0: np.full(len(x0), 0.5))
    x, p, region = judged(frame)
    treated = frame["arm"].to_numpy()
    assert region.verdict == pr.ADJUSTED
    of_a_side = int(min((region.kept & (treated == s)).sum() for s in (0, 1)))
    assert (
        pr.overlap(x, treated, p, least_p=0.05, least_share=0.3, fewest=of_a_side).verdict
        == pr.ADJUSTED
    )
    assert (
        pr.overlap(x, treated, p, least_p=0.05, least_share=0.3, fewest=of_a_side + 1).verdict
        == pr.NO_OVERLAP
    )


def test_propensities_that_do_not_balance_give_no_estimate():
    frame, _ = targeted(4_000, lambda x0: 1 / (1 + np.exp(-2 * x0)))
    x = pr.known_before(frame[NAMES].to_numpy(np.float32))
    wrong = np.where(frame["fold"] > 0.5, 0.45, 0.55)
    region = pr.overlap(x, frame["arm"].to_numpy(), wrong, least_p=0.05, least_share=0.3, fewest=50)
    assert (region.share, region.verdict) == (1.0, pr.NOT_BALANCED)


def company_at(day, seed, customers=5_000):
    """Customers who bought in the 90 days before a targeted campaign, one row per customer: features
    known before, arm, outcome and true effect. Revenue is the order count times the mean basket."""
    world, ids = w.World(seed, customers), np.arange(customers)
    who = people(ids, world)
    bought = orders(who, lives(who, world), world)
    bought = bought[bought["at"] < day + 30]
    before = bought[bought["at"] < day]
    last = before.groupby("row")["at"].max().reindex(ids).to_numpy()
    state = state_at(who, world, day)
    without, with_offer = churn_probabilities(who, state, day, horizon=30)
    offer = w.OFFERS.index("discount_20")
    count = np.bincount(before["row"], minlength=customers)
    lately = np.bincount(before["row"][before["at"] >= day - 30], minlength=customers)
    rows = pd.DataFrame(
        {
            "recency": day - last,
            "tenure": day - who.signup,
            "orders": count,
            "orders_30d": lately,
            "revenue": count * who.basket,
            "revenue_a_day": count * who.basket / np.maximum(day - who.signup, 1),
            "plan": who.plan,
            "is_annual": who.is_annual,
            "churned": ~np.isin(ids, bought["row"][bought["at"] >= day]),
            "arm": campaign_offers(who, state, world, day=day) == offer,
            "truth": without - with_offer[:, offer],
            "fold": ids % 2,
            "customer": ids,
        }
    ).astype(float)
    return rows[(rows["recency"] <= 90) & ~who.is_opted_out].reset_index(drop=True)


# Nothing was tuned on the seeds from 401 on.
@pytest.mark.parametrize("seed", [31, 401, 402, 403, 404, 405])
def test_on_the_simulator_the_naive_difference_misleads_and_the_adjusted_one_is_nearer(seed):
    """Targeted campaigns go to better customers in a good mood, who would stay anyway.

    Mood is observed only through purchases, so the adjusted estimate keeps a part of the bias.
    """
    names = ["recency", "tenure", "orders", "orders_30d", "revenue", "revenue_a_day"]
    names += ["plan", "is_annual"]
    parts, regions = [], []
    for day in w.TARGETED_CAMPAIGNS:
        rows = company_at(day, seed)
        x = pr.known_before(rows[names].to_numpy(np.float32))
        p = pr.propensities(x, rows["arm"].to_numpy(), rows["fold"].to_numpy())
        region = pr.overlap(x, rows["arm"].to_numpy(), p, least_p=0.05, least_share=0.3, fewest=100)
        parts.append(rows.assign(e_0=1 - p, e_1=p, is_kept=region.kept))
        regions.append(region.verdict)
    assert regions == [pr.ADJUSTED] * 3
    whole = pd.concat(parts, ignore_index=True)
    kept = whole[whole["is_kept"]].reset_index(drop=True)
    ((_, scored),) = doubly_robust(kept, names, 1, boosting=BOOSTED)
    adjusted = pr.mean_of(scored["fall"].to_numpy(), scored["customer"].to_numpy(np.int64))
    naive, within = (
        metrics.average_effect(rows["churned"].to_numpy(), rows["arm"].to_numpy())
        for rows in (whole, kept)
    )
    # The naive estimate is biased beyond its own interval, also within the region of overlap.
    assert naive.low > 2 * whole["truth"].mean()
    truth = kept["truth"].mean()
    assert within.low > truth
    assert abs(adjusted.value - truth) < 0.5 * abs(within.value - truth)
