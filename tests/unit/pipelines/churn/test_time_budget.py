"""Each learner has an equal share of the time budget and is left out when it exceeds it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.fit_limit import check_fit
from models.matrix_rows import MatrixRows
from pipelines.churn.fit_costs import costs_text
from pipelines.churn.left_out import trained
from pipelines.churn.time_budget import seconds_of_share, within_budget
from runtime.settings import load

NAMES = ["xgboost", "random_forest", "logistic_regression"]


def settings_of(**training):
    return load("demo", training={"learners": NAMES, **training})


@pytest.mark.parametrize(
    ("minutes", "at_once", "seconds"),
    [
        (3, 1, 60),  # three learners, one after the other: 3 min / 3
        (3, 2, 120),  # two at a time use two minutes of the same three
        (3, 9, 180),  # all at once
    ],
)
def test_learners_that_run_in_parallel_share_the_same_minutes(minutes, at_once, seconds):
    training = settings_of(budget_minutes=minutes, fits_at_once=at_once).training
    assert seconds_of_share(training) == seconds


def test_a_learner_beyond_its_share_is_left_out_and_its_row_says_so():
    warned: list[str] = []
    rows = MatrixRows(pd.DataFrame({"split": ["train"]}), np.zeros((1, 1), np.float32))
    data = SimpleNamespace(
        context=SimpleNamespace(
            settings=settings_of(budget_minutes=0.0005, fits_at_once=1),
            progress=SimpleNamespace(warn=warned.append),
        ),
        plain=SimpleNamespace(rows=rows),
        side_by_side=lambda fit, items, name: [fit(item) for item in items],
    )

    def fit(name):
        # The share of each learner is 0.0005 * 60 / 3 = 0.01 s.
        if name == "random_forest":
            time.sleep(0.02)
        check_fit()
        return f"candidate {name}"

    candidates, left_out = trained(data, within_budget(data, fit), NAMES)
    assert candidates == ["candidate xgboost", "candidate logistic_regression"]
    assert [(row["model_name"], row["metric"]) for row in left_out] == [
        ("random_forest", "left_out")
    ]
    reason = (
        "stopped after 0 s, its share of training.budget_minutes = 0.0005 for 3 learners. Raise "
        "the setting, or remove random_forest from training.learners."
    )
    assert left_out[0]["reason"] == reason
    assert warned == [f"random_forest is left out: {reason}"]


def test_the_costs_are_told_before_the_first_fit(monkeypatch):
    seconds = {"xgboost": 4.0, "random_forest": 48.0, "logistic_regression": 1.0}
    monkeypatch.setattr("pipelines.churn.fit_costs.SECONDS", seconds)
    training = settings_of().training
    # The search `small` has 3, 1 and 3 trials; one more fit follows. 200,000 rows are twice, 29
    # columns half of what was measured. A tree of the forest takes at most 100,000 rows.
    assert costs_text(training, 200_000, 29, share=600.0) == (
        "search on 200,000 rows: xgboost 4 fits, about 16 s; random_forest 2 fits, about 48 s; "
        "logistic_regression 4 fits, about 4 s. A learner is stopped after 10 min 0 s "
        "(training.budget_minutes)"
    )
