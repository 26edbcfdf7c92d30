"""Return rate of lost customers: by hand, by class of silence, and never rising with silence."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from models.return_rate import FEWEST_LOST, ReturnRate


def lost(silent):
    """Customers who bought last so many days ago."""
    silent = np.asarray(silent)
    return pd.DataFrame({"T_days": silent + 99, "recency_days": 100})


def fitted(silent, before, came, classes=(120, 180)):
    rows = lost(silent)
    return ReturnRate.fit(
        rows, np.asarray(before), lost_from=91, classes=classes, horizon=90, came=np.asarray(came)
    )


def test_planted_levels_and_weight():
    silent = np.repeat([100, 150, 300], 40)
    before = np.tile(np.linspace(0.0, 2.0, 40), 3)
    truth = np.repeat([0.9, 0.5, 0.2], 40) + 0.3 * before
    model = fitted(silent, before, 90 * truth)
    assert model.levels == pytest.approx((0.9, 0.5, 0.2)) and model.weight == pytest.approx(0.3)
    assert model.of(lost([91, 120, 121, 181]), np.ones(4)) == pytest.approx([1.2, 1.2, 0.8, 0.5])
    assert model.after_loss(np.array([0.0, 2.0])) == pytest.approx([0.9, 1.5])
    assert ReturnRate.from_dict(json.loads(json.dumps(asdict(model)))) == model


def test_a_customer_who_is_silent_for_longer_is_not_worth_more():
    silent = np.repeat([100, 150, 300], 40)
    model = fitted(silent, np.zeros(120), 90 * np.repeat([0.5, 0.9, 0.2], 40))
    assert model.levels == pytest.approx((0.5, 0.5, 0.2))


def test_a_small_class_is_joined_with_the_one_before():
    silent = np.repeat([100, 150, 300], [FEWEST_LOST, 5, FEWEST_LOST])
    model = fitted(silent, np.zeros(len(silent)), np.full(len(silent), 90.0))
    assert model.last_days == (120,) and model.customers == 65


def test_few_lost_customers_have_no_rate():
    count = FEWEST_LOST - 1
    assert fitted(np.full(count, 100), np.zeros(count), np.zeros(count)) is None
