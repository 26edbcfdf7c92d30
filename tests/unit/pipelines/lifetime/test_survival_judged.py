"""Measures of a survival model on customers who were followed after its fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipelines.lifetime.survival_selection import chosen, measured


class Curves:
    """A model in which each customer survives with the probability `chance`, on all days."""

    def conditional_survival(self, frame, days):
        return np.repeat(frame["chance"].to_numpy()[:, None], len(days), axis=1)


def followed(lived, event, chance):
    """Customers who are 100 days old at the landmark."""
    columns = {"entry_days": 100, "duration_days": np.add(lived, 100), "event": event}
    return pd.DataFrame({**columns, "chance": chance})


def judged(after):
    rows = measured("cox", Curves(), after)
    return {r["parameter"]: r["value"] for r in rows}


def test_a_model_is_judged_on_every_tenth_day():
    # One leaves on day 5, the other stays until day 25, the last one: judged on days 10 and 20.
    values = judged(followed([5, 25], [1, 0], [0.2, 0.6]))
    assert values["concordance"] == 1
    # (0 - .2)^2 and (1 - .6)^2 on both days. Kaplan-Meier gives 1/2 to each: (1/2)^2.
    assert values["integrated_brier"] == pytest.approx((0.04 + 0.16) / 2)
    assert values["integrated_brier_of_kaplan_meier"] == pytest.approx(0.25)
    assert (values["calibration_1_predicted"], values["calibration_1_observed"]) == (0.4, 0)


@pytest.mark.parametrize(
    ("lived", "event"),
    [([25, 25], [0, 0]), ([25, 25], [1, 1]), ([5, 9], [1, 0])],
    ids=["nobody left", "all left on one day", "too short"],
)
def test_without_comparable_customers_there_is_no_row(lived, event):
    assert judged(followed(lived, event, [0.2, 0.6])) == {}


def test_a_missing_prediction_gives_no_row_with_nan():
    values = judged(followed([5, 25], [1, 0], [0.2, np.nan]))
    assert values and all(np.isfinite(v) for v in values.values())
    assert "integrated_brier" not in values
    assert chosen([], {"cox": None, "weibull_aft": None}) == "cox"
