"""From scores of two versions and labels to the rows of gold.model_ab, every number by hand."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from scipy import stats

from models.experiments import Moments, anytime_p_value, difference, stratified
from pipelines.churn.ab_results import ab_results
from transforms import model_ab as m

D = dt.date
ONE, TWO = D(2026, 1, 1), D(2026, 1, 8)
SHARES = {"e": {"champion": 0.5, "challenger": 0.5}}
ARMS = [
    {"as_of": day, "experiment_id": "e", "arm": arm, "model_version": version, "share": 0.5}
    for day in (ONE, TWO)
    for arm, version in (("champion", "1"), ("challenger", "2"))
]


def score(day, customer, version, p):
    return (day, customer, version, p)


@pytest.fixture
def outcomes(frame):
    scores = frame(
        "as_of date, customer_id string, model_version string, churn_probability double",
        [
            (ONE, "a", "1", 0.2),
            (TWO, "a", "1", 0.4),
            (ONE, "b", "2", 0.9),
            (ONE, "c", "2", 1.0),  # sure, and right
            (ONE, "d", "2", 1.0),  # sure, and wrong
            (ONE, "e", "3", 0.5),  # a version of no arm
            (ONE, "f", "1", 0.5),  # no label yet
        ],
    )
    labels = frame(
        "as_of date, customer_id string, horizon_days int, churned int",
        [
            (ONE, "a", 30, 0),
            (ONE, "a", 7, 1),  # of another horizon
            (TWO, "a", 30, 1),
            (ONE, "b", 30, 1),
            (ONE, "c", 30, 1),
            (ONE, "d", 30, 0),
            (ONE, "e", 30, 0),
        ],
    )
    lines = frame(
        "customer_id string, purchased_at timestamp, amount double",
        [
            ("a", dt.datetime(2026, 1, 1), 10.0),  # the day itself
            ("a", dt.datetime(2026, 1, 30, 23), 5.0),  # its 30th day
            ("a", dt.datetime(2026, 1, 31), 7.0),  # a day late for ONE, within TWO
            ("a", dt.datetime(2025, 12, 31, 23), 99.0),  # before
        ],
    )
    return m.scored_outcomes(frame("gold.model_arms", ARMS), scores, labels, lines, 30, 0)


def test_a_score_and_what_came_of_it(outcomes, rows_of):
    found = {(r["customer_id"], r["as_of"]): r for r in rows_of(outcomes)}
    assert sorted(found) == [("a", ONE), ("a", TWO), ("b", ONE), ("c", ONE), ("d", ONE)]
    assert [found["a", day]["brier"] for day in (ONE, TWO)] == pytest.approx([0.2**2, 0.6**2])
    assert found["a", ONE]["log_loss"] == pytest.approx(-math.log(0.8))
    assert found["b", ONE]["log_loss"] == pytest.approx(-math.log(0.9))
    # Bounded at a millionth from either end.
    assert found["c", ONE]["log_loss"] == pytest.approx(1e-6)
    assert found["d", ONE]["log_loss"] == pytest.approx(-math.log(1e-6))
    assert [found["a", day]["retained_revenue"] for day in (ONE, TWO)] == [10.0 + 5.0, 5.0 + 7.0]
    assert found["b", ONE]["retained_revenue"] == 0.0
    assert [r["arm"] for _, r in sorted(found.items())] == ["champion"] * 2 + ["challenger"] * 3


def test_a_customer_of_two_dates_counts_once_with_their_mean(outcomes, frame, rows_of):
    segments = frame(
        "as_of date, customer_id string, segment string",
        [(ONE, "a", "Loyal"), (TWO, "a", "At Risk"), (ONE, "b", "Loyal")],
    )
    found = {r["customer_id"]: r for r in rows_of(m.by_customer(outcomes, segments))}
    assert len(found) == 4
    assert found["a"]["brier"] == pytest.approx((0.04 + 0.36) / 2)
    assert (found["a"]["segment"], found["c"]["segment"]) == ("Loyal", "unknown")
    sums = rows_of(m.arm_moments(m.by_customer(outcomes, segments)))
    (loyal,) = [r for r in sums if (r["segment"], r["arm"]) == ("Loyal", "champion")]
    assert (loyal["customers"], loyal["y_retained"], loyal["yy_retained"]) == (1, 0.5, 0.25)


def test_a_date_counts_from_the_day_its_horizon_has_passed(frame, rows_of):
    arms = frame("gold.model_arms", ARMS)
    assert rows_of(m.matured(arms, 30, 0, D(2026, 1, 30))) == []
    days = {r["as_of"] for r in rows_of(m.matured(arms, 30, 0, D(2026, 1, 31)))}
    assert days == {ONE}
    assert rows_of(m.matured(arms, 30, 1, D(2026, 1, 31))) == []


def sums(arm, segment, count, kept, metric="retained"):
    return {
        **{"experiment_id": "e", "arm": arm, "segment": segment, "customers": count},
        **{f"y_{metric}": float(kept), f"yy_{metric}": float(kept)},
    }


def test_effects_are_taken_within_segments():
    rows = [
        sums("champion", "Loyal", 100, 80),
        sums("challenger", "Loyal", 300, 246),  # +0.02 of 400
        sums("champion", "Lost", 300, 90),
        sums("challenger", "Lost", 100, 34),  # +0.04 of 400
    ]
    champion, challenger = ab_results(rows, ["retained"], SHARES)
    assert (champion["arm"], champion["value"], champion["effect"]) == ("champion", 170 / 400, None)
    assert challenger["value"] == 280 / 400
    # Not 280/400 - 170/400, which is who was in which arm.
    assert challenger["effect"] == pytest.approx((0.02 + 0.04) / 2)
    arms = [(246, 300), (80, 100), (34, 100), (90, 300)]
    error = math.sqrt(sum(0.25 * k / n * (1 - k / n) / (n - 1) for k, n in arms))
    reach = (challenger["ci_high"] - challenger["ci_low"]) / 2
    assert reach == pytest.approx(1.96 * error, rel=0.01)
    # 400 to 400, as meant.
    assert challenger["srm_p_value"] == pytest.approx(1.0)
    deviation = math.sqrt(451 / 802 * 351 / 801)  # one 1 and one 0 more
    size = 2.801585 * deviation * math.sqrt(2 / 400)
    assert challenger["minimum_detectable_effect"] == pytest.approx(size, rel=1e-6)


def test_one_segment_is_welchs_comparison():
    rows = [sums("champion", "all", 400, 100, "brier"), sums("challenger", "all", 200, 60, "brier")]
    _, found = ab_results(rows, ["brier"], SHARES)
    plain = difference(Moments(200, 60.0, 60.0), Moments(400, 100.0, 100.0))
    assert (found["ci_low"], found["p_value"]) == pytest.approx((plain.low, plain.p_value))
    assert found["anytime_p_value"] == pytest.approx(
        anytime_p_value(plain, 0.1 * Moments(600, 160.0, 160.0).variance ** 0.5)
    )
    # 400 to 200 where 300 to 300 were meant: (100^2 / 300) * 2.
    assert found["srm_p_value"] == pytest.approx(stats.chi2.sf(200 / 3, 1))


def test_where_everybody_stayed_the_interval_says_what_so_few_can_tell():
    rows = [sums("champion", "all", 90, 90), sums("challenger", "all", 10, 10)]
    _, found = ab_results(rows, ["retained"], SHARES)
    # 91 of 92 and 11 of 12, one more of either kind in each arm.
    reach = 1.959964 * (91 / 92**3 + 11 / 12**3) ** 0.5
    assert (found["effect"], found["p_value"], found["anytime_p_value"]) == (0.0, 1.0, 1.0)
    assert found["minimum_detectable_effect"] > 0
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((-reach, reach))


def test_small_strata_are_joined_and_nothing_is_lost():
    one, none = Moments(1, 1.0, 1.0), Moments(0, 0.0, 0.0)
    large = (Moments(50, 20.0, 20.0), Moments(50, 10.0, 10.0))
    # Three customers in strata of one arm each: together a stratum of 2 to 1, joined to the large.
    found = stratified([large, (one, none), (one, none), (none, one)])
    assert found.effect == pytest.approx(22 / 52 - 11 / 51)
    # Four: a stratum of its own.
    found = stratified([large, (one, none), (one, none), (none, one), (none, Moments(1, 0.0, 0.0))])
    assert found.effect == pytest.approx((100 * 0.2 + 4 * (1.0 - 0.5)) / 104)
    assert stratified([(one, none), (none, one)]) is None
    assert ab_results([sums("champion", "all", 9, 3)], ["retained"], SHARES) == []


def test_the_stratified_interval_covers_the_truth_in_95_of_100():
    """1,000 campaigns over three segments of 30, 60 and 90 % who stay, and +5 points in each."""
    draw, hits = np.random.default_rng(11), 0
    for _ in range(1_000):
        pairs = []
        for rate, size in ((0.3, 300), (0.6, 200), (0.9, 100)):
            is_treated = draw.random(size) < 0.5
            y = draw.random(size) < rate + 0.05 * is_treated
            pairs.append((Moments.of(y[is_treated]), Moments.of(y[~is_treated])))
        found = stratified(pairs)
        hits += found.low <= 0.05 <= found.high
    assert 0.93 <= hits / 1_000 <= 0.97


def test_daily_peeking_at_customers_who_come_again_raises_no_more_false_alarms():
    """A customer's dates are alike (half of the variance is their own), and each look has one date
    more: what the mean of a customer is for. 1,000 experiments of 20 looks."""
    draw, alarms, fixed = np.random.default_rng(12), 0, 0
    for _ in range(1_000):
        own = draw.normal(0, 1, (400, 1))
        y = own + draw.normal(0, 1, (400, 20))
        is_treated = draw.random(400) < 0.5
        found = []
        for look in range(1, 21):
            mean = y[:, :look].mean(axis=1)
            found.append(difference(Moments.of(mean[is_treated]), Moments.of(mean[~is_treated])))
        alarms += any(anytime_p_value(f, 0.1 * math.sqrt(2)) < 0.05 for f in found)
        fixed += any(f.p_value < 0.05 for f in found)
    assert alarms / 1_000 <= 0.05
    assert fixed / 1_000 > 0.05
