"""Spend rate: past rates by hand, recovery of planted weights, and scaling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.survival.spend_rate import SpendRate, past_rates


def rows(count=400, seed=1):
    draw = np.random.default_rng(seed)
    known = draw.integers(100, 300, count)
    return pd.DataFrame(
        {
            "frequency": draw.integers(1, 40, count),
            "monetary_value": draw.gamma(3, 10, count),
            "T_days": known,
            "past_value_30": draw.gamma(2, 50, count),
            "past_value_90": draw.gamma(2, 150, count),
            "past_days_30": draw.integers(0, 9, count),
            "past_days_90": draw.integers(0, 25, count),
        }
    )


def test_rates_of_the_past_by_hand():
    frame = pd.DataFrame(
        {
            "frequency": [4, 0, 2],
            "monetary_value": [25.0, None, -3.0],
            "T_days": [199, 9, 0],
            "past_value_30": [60.0, 20.0, -5.0],
            "past_value_90": [90.0, 20.0, -5.0],
            "past_days_30": [3, 1, 1],
            "past_days_90": [9, 1, 1],
        }
    )
    values = past_rates("value", [30, 90], frame)
    # Second row: known for 10 days, so 20 / 10 in both windows. Third row: returns exceed purchases.
    assert values == pytest.approx(np.array([[2, 1, 100 / 199], [2, 2, 0], [0, 0, 0]]))
    days = past_rates("days", [30], frame)
    assert days == pytest.approx(np.array([[0.1, 4 / 199], [0.1, 0], [1, 2]]))


def test_planted_weights_are_found():
    frame = rows()
    truth = 0.4 + past_rates("value", [30, 90], frame) @ np.array([0.2, 0.0, 0.6])
    days = np.linspace(10.0, 30.0, len(frame))
    fitted = SpendRate.fit("value", [30, 90], frame, days=days, came=truth * days)
    assert (fitted.base, *fitted.weights) == pytest.approx((0.4, 0.2, 0.0, 0.6), abs=1e-9)
    assert fitted.of(frame) == pytest.approx(truth)


def test_weights_of_past_rates_are_never_negative():
    frame = rows()
    falling = 900.0 - frame["past_value_90"]
    fitted = SpendRate.fit("value", [30, 90], frame, days=np.full(len(frame), 30.0), came=falling)
    assert min(fitted.weights) >= 0 and fitted.base > 0


def test_money_scales_and_json_gives_it_back():
    frame, days = rows(), np.full(400, 30.0)
    came = frame["past_value_30"] * 0.7 + 3
    plain = SpendRate.fit("value", [30, 90], frame, days=days, came=came)
    dear = frame.assign(**{c: frame[c] * 100 for c in frame if "value" in c})
    hundred = SpendRate.fit("value", [30, 90], dear, days=days, came=came * 100)
    assert hundred.of(dear) == pytest.approx(plain.of(frame) * 100)
    assert SpendRate.from_dict(plain.to_dict()) == plain
