"""The rate of churn that customers get who are too new for a model."""

from __future__ import annotations

import pytest

from jobs.modelling.served_facts import cold_start_rate


@pytest.fixture
def rate(session):
    """A function: rows of (tenure_days, churned, how many such customers) -> rate, at 7 days."""

    def of(*groups):
        rows = [(tenure, churned) for tenure, churned, count in groups for _ in range(count)]
        return cold_start_rate(session.createDataFrame(rows, "tenure_days int, churned int"), 7)

    return of


def test_it_is_that_of_those_known_for_less_than_the_days(rate):
    # 10 of 40 new ones left; who is known for seven days is new no more.
    assert rate((6, 1, 10), (3, 0, 30), (7, 1, 25)) == pytest.approx(10 / 40)


def test_whose_first_day_nobody_knows_is_new(rate):
    assert rate((None, 1, 10), (0, 0, 30), (200, 1, 25)) == pytest.approx(10 / 40)


def test_fewer_than_thirty_make_no_rate_and_get_that_of_all(rate):
    assert rate((6, 1, 29), (200, 0, 71)) == pytest.approx(29 / 100)
    assert rate((200, 1, 3), (200, 0, 9)) == pytest.approx(3 / 12)
