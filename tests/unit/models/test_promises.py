"""Promised and measured effects: closed forms and the direction of each decision."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from models.experiments import Moments
from models.promises import Cohort, evidence, kept_share, results

DAY = dt.date(2026, 1, 1)


def share(count, ones):
    return Moments(count, float(ones), float(ones))


def cohort(week, treated=(20_000, 11_000), held_out=(2_000, 1_000), promised=0.05):
    day = DAY + dt.timedelta(weeks=week)
    known = day + dt.timedelta(days=30)
    return Cohort(day, known, share(*treated), share(*held_out), promised)


def test_the_evidence_by_hand():
    # Ratios 2 and 3; the first 52 cohorts share the weight 1/2: (6 + 3) / 104, and 102 / 104 left.
    assert evidence([math.log(2), math.log(3)]) == pytest.approx((6 + 3 + 102) / 104)
    # The weights sum to 1. The second 52 share 1/6: 313 / 312, and 1 - 1/2 - 1/312 left.
    assert evidence([0.0] * 53) == pytest.approx(1.0)
    assert evidence([-700.0] * 52 + [math.log(313)]) == pytest.approx(1.5)


def test_no_cohort_is_no_evidence():
    assert evidence([]) == 1.0


def test_a_kept_promise_is_kept():
    # 11,000 / 20,000 - 1,000 / 2,000 = .05
    kept = results([cohort(0)], 0.5, 0.05)[0]
    assert (kept.promised, kept.measured) == (0.05, pytest.approx(0.05))
    assert (kept.is_kept, kept.p_value) == (True, 1.0)
    # z(.975) + z(.8) = 2.8016 standard errors of sqrt(p (1 - p) (1 / 20,000 + 1 / 2,000)), p about
    # 12,000 / 22,000
    p = 12_000 / 22_000
    expected = 2.8016 * math.sqrt(p * (1 - p) * (1 / 20_000 + 1 / 2_000))
    assert kept.smallest_decay == pytest.approx(expected, rel=1e-3)


def test_half_a_promise_is_found_after_a_few_cohorts():
    decayed = [cohort(week, treated=(20_000, 10_400)) for week in range(5)]  # .02 of .05
    kept = results(decayed, 0.5, 0.05)
    assert kept[0].is_kept and kept[-1].is_kept is False


def test_a_larger_effect_than_promised_is_kept():
    better = [cohort(week, treated=(20_000, 13_000)) for week in range(9)]
    assert [k.is_kept for k in results(better, 0.5, 0.05)] == [True] * 9


def test_small_arms_cannot_tell():
    kept = results([cohort(0, treated=(200, 110), held_out=(20, 10))], 0.5, 0.05)[0]
    assert (kept.smallest_decay, kept.is_kept) == (None, None)


def test_an_arm_of_one_customer_has_no_measurement():
    kept = results([cohort(0, held_out=(1, 0))], 0.5, 0.05)[0]
    assert (kept.measured, kept.p_value, kept.is_kept) == (None, None, None)


def test_promises_shrink_to_what_was_kept_and_known():
    half = cohort(0, treated=(20_000, 10_500))  # .025 of .05
    p, q, n, m = 10_501 / 20_002, 1_001 / 2_002, 20_002, 2_002
    error = p * (1 - p) / (n - 1) + q * (1 - q) / (m - 1)
    expected = (4 + 0.05 * 0.025 / error) / (4 + 0.05**2 / error)
    assert kept_share([half], half.known_on) == pytest.approx(expected)
    # One day earlier its outcomes are not known.
    assert kept_share([half], half.known_on - dt.timedelta(days=1)) == 1.0
