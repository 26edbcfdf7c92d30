"""A check ends each kind of fit between its iterations."""

from __future__ import annotations

import datetime as dt
import threading

import numpy as np
import pandas as pd
import pytest

from models.fit_limit import check_fit, checked_by
from models.learners import LEARNERS
from models.matrix_rows import CUSTOMER_HASH, MatrixRows

PARAMETERS = {
    "xgboost": {"n_estimators": 30, "max_depth": 3},
    "random_forest": {"numTrees": 30, "maxDepth": 3},
    "multilayer_perceptron": {"hidden": [4], "maxIter": 60, "patience": 5},
    "logistic_regression": {"regParam": 0.001, "elasticNetParam": 0.5},
    "rfm_logistic": {},
}


class TooLong(ValueError):
    pass


class Countdown:
    """Fails at the third check."""

    def __init__(self):
        self.checks = 0

    def __call__(self):
        self.checks += 1
        if self.checks == 3:
            raise TooLong("too long")


@pytest.fixture
def rows():
    draw = np.random.default_rng(3)
    x = draw.normal(size=(200, 3)).astype(np.float32)
    keys = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(200)],
            "as_of": dt.date(2020, 1, 1),
            "churned": (x[:, 0] + draw.normal(size=200) > 0).astype(int),
            CUSTOMER_HASH: draw.integers(0, 10**9, 200),
        }
    )
    return MatrixRows(keys, x)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_fit_ends_with_the_error_of_its_check(rows, name):
    learner, check = LEARNERS[name](PARAMETERS[name], 7, 1), Countdown()
    with pytest.raises(TooLong), checked_by(check):
        learner.fit(rows, ["x0", "x1", "x2"], "churned")
    assert check.checks == 3
    learner.fit(rows, ["x0", "x1", "x2"], "churned")  # without the check it goes to its end


def test_the_check_of_a_thread_is_its_own():
    check, seen = Countdown(), []
    with checked_by(check):
        thread = threading.Thread(target=lambda: seen.append(check_fit()))
        thread.start()
        thread.join()
    assert seen == [None] and check.checks == 0
