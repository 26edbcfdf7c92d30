"""Ranking power of a single column, against hand calculations and scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.leakage import FEWEST_ROWS, ranking_power

LABEL = np.repeat([0.0, 1.0], 30)


@pytest.mark.parametrize(
    "values, power",
    [
        (range(60), 1.0),
        # The opposite direction has the same power.
        (range(60, 0, -1), 1.0),
        # Ties count half, so a constant column has no power.
        ([7] * 60, 0.5),
        # A number that only leavers have, then a number that only leavers lack.
        ([None] * 30 + [5] * 30, 1.0),
        ([5] * 30 + [None] * 30, 1.0),
        # Half of the leavers have the value: 1/2 of the pairs are ordered correctly, 1/2 are tied.
        ([None] * 45 + [5] * 15, 0.75),
        ([False] * 45 + [True] * 15, 0.75),
    ],
)
def test_numbers(values, power):
    column = pd.Series(list(values), dtype=object)
    assert ranking_power(column, LABEL, is_number=True) == power


@pytest.mark.parametrize(
    "values, power",
    [
        # A reason that only leavers have.
        ([None] * 30 + ["price"] * 30, 1.0),
        (["basic"] * 30 + [None] * 30, 1.0),
        # Rates are 0 (30 stayers) and 30 / 30. The three rare categories are merged.
        ([None] * 30 + ["price", "moved", "died"] * 10, 1.0),
        # Each id occurs once. They are merged into one category, which has no power.
        ([f"id{n}" for n in range(60)], 0.5),
        # 15 of 30 stayers and 15 of 30 leavers are in each category.
        (["a", "b"] * 30, 0.5),
    ],
)
def test_texts(values, power):
    assert FEWEST_ROWS <= 30
    assert ranking_power(pd.Series(values, dtype=object), LABEL, is_number=False) == power


def test_one_class_tells_nothing():
    assert ranking_power(pd.Series([1.0, 2.0]), np.ones(2), is_number=True) == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_area_of_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    label = (draw.random(400) < 0.3).astype(float)
    values = draw.integers(0, 30, 400) + 5 * label
    area = roc_auc_score(label, values)
    power = ranking_power(pd.Series(values), label, is_number=True)
    assert power == pytest.approx(max(area, 1 - area), abs=1e-12)
