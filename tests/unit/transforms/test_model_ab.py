"""From the scores of two model versions and labels to the rows of gold.model_ab, with every number
computed by hand.
"""

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


LABEL = (
    "as_of date, customer_id string, horizon_days int, definition string, lead_days int, "
    "churned int"
)


def label(day, customer, churned, horizon_days=30, definition="inactivity", lead_days=0):
    return (day, customer, horizon_days, definition, lead_days, churned)


@pytest.fixture
def outcomes(frame):
    scores = frame(
        "as_of date, customer_id string, model_version string, churn_probability double",
        [
            (ONE, "a", "1", 0.2),
            (TWO, "a", "1", 0.4),
            (ONE, "b", "2", 0.9),
            (ONE, "c", "2", 1.0),  # certain and right
            (ONE, "d", "2", 1.0),  # certain and wrong
            (ONE, "e", "3", 0.5),  # a version that is in no arm
            (ONE, "f", "1", 0.5),  # no label yet
        ],
    )
    labels = frame(
        LABEL,
        [
            label(ONE, "a", 0),
            label(ONE, "a", 1, horizon_days=7),
            label(TWO, "a", 1),
            label(ONE, "b", 1),
            label(ONE, "c", 1),
            label(ONE, "d", 0),
            label(ONE, "e", 0),
        ],
    )
    lines = frame(
        "customer_id string, purchased_at timestamp, amount double",
        [
            ("a", dt.datetime(2026, 1, 1), 10.0),  # the day itself
            ("a", dt.datetime(2026, 1, 30, 23), 5.0),  # its 30th day
            ("a", dt.datetime(2026, 1, 31), 7.0),  # a day too late for ONE, within TWO
            ("a", dt.datetime(2025, 12, 31, 23), 99.0),  # before
        ],
    )
    return m.scored_outcomes(
        frame("gold.model_arms", ARMS),
        scores,
        labels,
        transactions=lines,
        horizon_days=30,
        definition="inactivity",
        lead_days=0,
    )


def test_a_score_and_what_came_of_it(outcomes, rows_of):
    by_key = {(r["customer_id"], r["as_of"]): r for r in rows_of(outcomes)}
    assert sorted(by_key) == [("a", ONE), ("a", TWO), ("b", ONE), ("c", ONE), ("d", ONE)]
    assert [by_key["a", day]["brier"] for day in (ONE, TWO)] == pytest.approx([0.2**2, 0.6**2])
    assert by_key["a", ONE]["log_loss"] == pytest.approx(-math.log(0.8))
    assert by_key["b", ONE]["log_loss"] == pytest.approx(-math.log(0.9))
    # Clipped to [1e-6, 1 - 1e-6].
    assert by_key["c", ONE]["log_loss"] == pytest.approx(1e-6)
    assert by_key["d", ONE]["log_loss"] == pytest.approx(-math.log(1e-6))
    assert [by_key["a", day]["retained_revenue"] for day in (ONE, TWO)] == [10.0 + 5.0, 5.0 + 7.0]
    assert by_key["b", ONE]["retained_revenue"] == 0.0
    assert [r["arm"] for _, r in sorted(by_key.items())] == ["champion"] * 2 + ["challenger"] * 3


def test_a_customer_of_two_dates_counts_once_with_their_mean(outcomes, frame, rows_of):
    segments = frame(
        "as_of date, customer_id string, segment string",
        [(ONE, "a", "Loyal"), (TWO, "a", "At Risk"), (ONE, "b", "Loyal")],
    )
    by_customer = {r["customer_id"]: r for r in rows_of(m.by_customer(outcomes, segments))}
    assert len(by_customer) == 4
    assert by_customer["a"]["brier"] == pytest.approx((0.04 + 0.36) / 2)
    assert (by_customer["a"]["segment"], by_customer["c"]["segment"]) == ("Loyal", "unknown")
    sums = rows_of(m.arm_moments(m.by_customer(outcomes, segments)))
    (loyal,) = [r for r in sums if (r["segment"], r["arm"]) == ("Loyal", "champion")]
    assert (loyal["customers"], loyal["y_retained"], loyal["yy_retained"]) == (1, 0.5, 0.25)


def test_a_date_counts_from_the_day_its_horizon_has_passed(frame, rows_of):
    arms = frame("gold.model_arms", ARMS)
    assert rows_of(m.matured(arms, 30, 0, until=D(2026, 1, 30))) == []
    days = {r["as_of"] for r in rows_of(m.matured(arms, 30, 0, until=D(2026, 1, 31)))}
    assert days == {ONE}
    assert rows_of(m.matured(arms, 30, 1, until=D(2026, 1, 31))) == []


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
    # Not 280/400 - 170/400, which also reflects the mix of segments in the arms.
    assert challenger["effect"] == pytest.approx((0.02 + 0.04) / 2)
    arms = [(246, 300), (80, 100), (34, 100), (90, 300)]
    error = math.sqrt(sum(0.25 * k / n * (1 - k / n) / (n - 1) for k, n in arms))
    reach = (challenger["ci_high"] - challenger["ci_low"]) / 2
    assert reach == pytest.approx(1.96 * error, rel=0.01)
    # 400 to 400, as planned.
    assert challenger["srm_p_value"] == pytest.approx(1.0)
    deviation = math.sqrt(451 / 802 * 351 / 801)  # one additional 1 and 0
    size = 2.801585 * deviation * math.sqrt(2 / 400)
    assert challenger["minimum_detectable_effect"] == pytest.approx(size, rel=1e-6)


def test_one_segment_is_welchs_comparison():
    rows = [sums("champion", "all", 400, 100, "brier"), sums("challenger", "all", 200, 60, "brier")]
    _, result = ab_results(rows, ["brier"], SHARES)
    plain = difference(Moments(200, 60.0, 60.0), Moments(400, 100.0, 100.0))
    assert (result["ci_low"], result["p_value"]) == pytest.approx((plain.low, plain.p_value))
    assert result["anytime_p_value"] == pytest.approx(
        anytime_p_value(plain, 0.1 * Moments(600, 160.0, 160.0).variance ** 0.5)
    )
    # 400 to 200 where 300 to 300 were planned: (100^2 / 300) * 2.
    assert result["srm_p_value"] == pytest.approx(stats.chi2.sf(200 / 3, 1))


def test_where_everybody_stayed_the_interval_says_what_so_few_can_tell():
    rows = [sums("champion", "all", 90, 90), sums("challenger", "all", 10, 10)]
    _, result = ab_results(rows, ["retained"], SHARES)
    # 91 of 92 and 11 of 12: with one additional 1 and 0 per arm.
    reach = 1.959964 * (91 / 92**3 + 11 / 12**3) ** 0.5
    assert (result["effect"], result["p_value"], result["anytime_p_value"]) == (0.0, 1.0, 1.0)
    assert result["minimum_detectable_effect"] > 0
    assert (result["ci_low"], result["ci_high"]) == pytest.approx((-reach, reach))


def test_small_strata_are_joined_and_nothing_is_lost():
    single, none = Moments(1, 1.0, 1.0), Moments(0, 0.0, 0.0)
    large = (Moments(50, 20.0, 20.0), Moments(50, 10.0, 10.0))
    # Three customers in strata with one arm each: pooled to a stratum of 2 to 1, which joins the large one.
    result = stratified([large, (single, none), (single, none), (none, single)])
    assert result.effect == pytest.approx(22 / 52 - 11 / 51)
    # Four customers: a stratum of their own.
    result = stratified(
        [large, (single, none), (single, none), (none, single), (none, Moments(1, 0.0, 0.0))]
    )
    assert result.effect == pytest.approx((100 * 0.2 + 4 * (1.0 - 0.5)) / 104)
    assert stratified([(single, none), (none, single)]) is None
    assert ab_results([sums("champion", "all", 9, 3)], ["retained"], SHARES) == []


def test_the_stratified_interval_covers_the_truth_in_95_of_100():
    """1,000 campaigns over three segments in which 30, 60 and 90 % stay, with +5 points in each."""
    draw, hits = np.random.default_rng(11), 0
    for _ in range(1_000):
        pairs = []
        for rate, size in ((0.3, 300), (0.6, 200), (0.9, 100)):
            is_treated = draw.random(size) < 0.5
            y = draw.random(size) < rate + 0.05 * is_treated
            pairs.append((Moments.of(y[is_treated]), Moments.of(y[~is_treated])))
        result = stratified(pairs)
        hits += result.low <= 0.05 <= result.high
    assert 0.93 <= hits / 1_000 <= 0.97


def test_daily_peeking_at_customers_who_come_again_raises_no_more_false_alarms():
    """The outcomes of a customer's dates are correlated (half of the variance is between
    customers), and each look has one more date. The mean per customer accounts for this. 1,000
    experiments of 20 looks.
    """
    draw, alarms, fixed = np.random.default_rng(12), 0, 0
    for _ in range(1_000):
        own = draw.normal(0, 1, (400, 1))
        y = own + draw.normal(0, 1, (400, 20))
        is_treated = draw.random(400) < 0.5
        effects = []
        for look in range(1, 21):
            mean = y[:, :look].mean(axis=1)
            effects.append(difference(Moments.of(mean[is_treated]), Moments.of(mean[~is_treated])))
        alarms += any(anytime_p_value(f, 0.1 * math.sqrt(2)) < 0.05 for f in effects)
        fixed += any(f.p_value < 0.05 for f in effects)
    assert alarms / 1_000 <= 0.05
    assert fixed / 1_000 > 0.05


def test_only_labels_of_the_compared_horizon_definition_and_lead_count(frame, rows_of):
    """Customer a has one label per setting and only the first matches, so a is counted once.

    The labels of b and c stem from earlier settings. They do not count.
    """
    scores = frame(
        "as_of date, customer_id string, model_version string, churn_probability double",
        [score(ONE, customer, "1", 0.2) for customer in "abc"],
    )
    labels = frame(
        LABEL,
        [
            label(ONE, "a", 0, lead_days=14),
            label(ONE, "a", 1, horizon_days=60, lead_days=14),
            label(ONE, "a", 1, horizon_days=7, lead_days=14),
            label(ONE, "b", 1, definition="termination", lead_days=14),
            label(ONE, "c", 1, lead_days=0),
        ],
    )
    lines = frame(
        "customer_id string, purchased_at timestamp, amount double",
        [
            ("a", dt.datetime(2026, 1, 14), 10.0),  # day 13, before the lead ends
            ("a", dt.datetime(2026, 1, 15), 5.0),  # day 14, the first of the horizon
        ],
    )
    arms = frame("gold.model_arms", ARMS)
    outcomes = m.scored_outcomes(
        arms,
        scores,
        labels,
        transactions=lines,
        horizon_days=30,
        definition="inactivity",
        lead_days=14,
    )
    assert [
        (r["customer_id"], r["retained"], r["retained_revenue"]) for r in rows_of(outcomes)
    ] == [("a", 1.0, 5.0)]
