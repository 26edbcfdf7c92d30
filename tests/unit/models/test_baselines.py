"""The baselines by hand: monotone churn rates by recency, RFM in a logistic regression, all stay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.baselines import RFM_ENCODER, EveryoneStays, RecencyOnly
from models.portable import LinearScorer, PortableModel

# RecencyOnly adds a billionth per day, so that no two recencies tie.
PER_DAY = 1e-9


def recency_only(*counts):
    """Fitted on (recency_days, rows, churned)."""
    return RecencyOnly.fit(pd.DataFrame(counts, columns=["recency_days", "rows", "churned"]))


def of_days(*days):
    return pd.DataFrame({"recency_days": days})


def test_falling_rates_are_pooled_by_their_numbers_of_rows():
    """At 10 days 1 of 1 churned, at 20 days 1 of 3: pooled 2 of 4, not the mean of 1 and 1/3.

    At 30 days 9 of 10 churned, which is more, so that it stays apart.
    """
    model = recency_only((10, 1, 1), (20, 3, 1), (30, 10, 9))
    predicted = model.predict_proba(of_days(10, 20, 30))
    assert predicted == pytest.approx([2 / 4, 2 / 4, 9 / 10], abs=31 * PER_DAY)


def test_rising_rates_are_kept_and_interpolated_whatever_the_order_of_the_counts():
    """At 10 days 1 of 3 churned, at 20 days 1 of 1: half way between, (1/3 + 1) / 2 = 2/3."""
    model = recency_only((20, 1, 1), (10, 3, 1))
    # Before the first recency and after the last one the nearest rate holds.
    predicted = model.predict_proba(of_days(0, 10, 15, 20, 99))
    assert predicted == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1, 1], abs=100 * PER_DAY)


def test_a_longer_recency_has_a_higher_probability_within_a_pooled_rate():
    model = recency_only((10, 1, 1), (20, 3, 1))
    first, second = model.predict_proba(of_days(10, 20))
    assert second - first == pytest.approx(10 * PER_DAY, rel=1e-6)


def test_probabilities_end_at_1():
    assert recency_only((10, 2, 2)).predict_proba(of_days(10, 9_999)).tolist() == [1.0, 1.0]


def test_the_rfm_logistic_takes_signed_logarithms_and_null_as_0():
    """Log-odds 1 * log(1 + 3) - 2 * log(1 + 1) + .5 * log(1 + 8) - log(3) = 0, a chance of 1/2.

    More returns than purchases count as far below 0: .5 * -log(1 + 8) gives log-odds of -2 log(3),
    a chance of 1 / (1 + 9). No known revenue counts as 0: log-odds of -log(3), 1 / (1 + 3).
    """
    scorer = LinearScorer((1.0, -2.0, 0.5), -np.log(3), (0.0, 0.0, 0.0))
    model = PortableModel(RFM_ENCODER, scorer)
    customers = pd.DataFrame(
        {"revenue_365d": [8.0, -8.0, None], "recency_days": [3] * 3, "purchases_365d": [1] * 3}
    )
    assert model.predict_proba(customers) == pytest.approx([1 / 2, 1 / 10, 1 / 4])
    assert model.is_exactly_explained


def test_everyone_stays_expects_nobody_to_leave():
    assert EveryoneStays().predict_proba(of_days(1, 2, 3)).tolist() == [0.0, 0.0, 0.0]
