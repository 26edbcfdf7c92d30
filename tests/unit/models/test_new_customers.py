"""New customers: credibility by hand, class means by hand, and properties of the shrinkage."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from models.new_customers import PRIOR_CUSTOMERS, NewCustomers, Tenure

TENURE = Tenure((7, 14, 30, 60), unseen_days=30)
# Class means per day: 1, 2, 3 and 4 by days known, doubled for one repeat and tripled for more.
FITTED = NewCustomers(
    (7, 14, 30, 60), tuple((float(m), 2.0 * m, 3.0 * m) for m in (1, 2, 3, 4)), 16.0, 50
)


def rows(known, frequency, as_of="2017-06-01"):
    """Customers known for so many days."""
    return pd.DataFrame({"as_of": as_of, "T_days": np.array(known) - 1, "frequency": frequency})


@pytest.mark.parametrize(
    ("known", "repeats", "expected"),
    [
        # Own rate 25 per day; weight known / (known + 16); the rest on the class mean.
        (4, 0, 0.2 * 25 + 0.8 * 1),
        (4, 1, 0.2 * 25 + 0.8 * 2),
        (4, 9, 0.2 * 25 + 0.8 * 3),
        (7, 0, 7 / 23 * 25 + 16 / 23 * 1),
        (8, 0, 1 / 3 * 25 + 2 / 3 * 2),
        (48, 2, 0.75 * 25 + 0.25 * 12),
        (60, 0, 60 / 76 * 25 + 16 / 76 * 4),
        (61, 0, 25),
    ],
)
def test_the_rate_is_the_credibility_mean(known, repeats, expected):
    assert FITTED.shrunk(rows([known], [repeats]), np.array([25.0])) == pytest.approx([expected])


def test_more_days_known_mean_less_shrinkage():
    known = np.arange(1, 8)
    distance = 25 - FITTED.shrunk(rows(known, np.zeros(7)), np.full(7, 25.0))
    assert (np.diff(distance) < 0).all() and (distance > 0).all()


def test_class_means_by_hand():
    """Four customers with 30 days each. Drawn toward the mean with the weight of ten customers."""
    past = rows([5, 5, 10, 10], [0, 0, 0, 3], as_of="2017-06-01")
    # The first customer of all came long before, and is not new.
    past = pd.concat([past, rows([200], [9])], ignore_index=True)
    days, came = np.full(5, 30.0), np.array([30.0, 90.0, 60.0, 300.0, 999.0])
    fitted = NewCustomers.fit(TENURE, past, own=np.full(5, 50.0), days=days, came=came)
    k = PRIOR_CUSTOMERS
    whole = 480 / 120  # 4 per day
    young, older = ((s / 30 + k * whole) / (2 + k) for s in (120, 360))
    assert fitted.customers == 4
    assert fitted.means[0][0] == pytest.approx((120 / 30 + k * young) / (2 + k))
    assert fitted.means[0][1] == pytest.approx(young)
    assert fitted.means[1][2] == pytest.approx((300 / 30 + k * older) / (1 + k))
    assert fitted.means[3] == pytest.approx((whole,) * 3)
    # The own rates say nothing, so the class mean has as much weight as it can.
    assert fitted.half_days == 256.0


def test_rates_that_are_right_are_not_shrunk():
    draw = np.random.default_rng(1)
    past = pd.concat([rows(draw.integers(1, 61, 400), draw.integers(0, 3, 400)), rows([300], [1])])
    own, days = draw.gamma(1, 4, 401), np.full(401, 30.0)
    fitted = NewCustomers.fit(TENURE, past, own=own, days=days, came=own * days)
    assert fitted.half_days == 0.0
    assert fitted.shrunk(past, own) == pytest.approx(own)


def test_customers_of_the_first_days_of_the_data_teach_nothing_about_new_ones():
    """All are known for 40 days at most, but the data began 45 days before the date."""
    past = rows([45, 40, 20, 10], [5, 4, 0, 0])
    assert TENURE.usable(past).tolist() == [False, False, False, True]
    only_old = rows([45, 40], [5, 4])
    nothing = np.array([1.0, 1.0])
    assert NewCustomers.fit(TENURE, only_old, own=nothing, days=nothing, came=nothing) is None


def test_money_scales_and_json_restores():
    draw = np.random.default_rng(2)
    past = pd.concat([rows(draw.integers(1, 61, 300), draw.integers(0, 3, 300)), rows([300], [1])])
    own, days = draw.gamma(1, 4, 301), np.full(301, 30.0)
    came = draw.gamma(1, 90, 301)
    plain, dear = (
        NewCustomers.fit(TENURE, past, own=own * f, days=days, came=came * f) for f in (1, 100)
    )
    assert dear.half_days == plain.half_days
    assert dear.shrunk(past, own * 100) == pytest.approx(100 * plain.shrunk(past, own))
    assert NewCustomers.from_dict(json.loads(json.dumps(asdict(plain)))) == plain
