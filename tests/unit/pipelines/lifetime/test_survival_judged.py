"""How a survival model is judged on customers who were followed after its fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipelines.lifetime.survival_selection import chosen, measured


class Curves:
    """A model whose customers are left with a chance of their own, at all times."""

    def conditional_survival(self, frame, days):
        return np.repeat(frame["chance"].to_numpy()[:, None], len(days), axis=1)


def followed(lived, event, chance):
    """Customers of age 100 at the landmark."""
    columns = {"entry_days": 100, "duration_days": np.add(lived, 100), "event": event}
    return pd.DataFrame({**columns, "chance": chance})


def judged(after):
    rows = measured("cox", Curves(), after, None)
    return {r["parameter"]: r["value"] for r in rows}


def test_a_model_is_judged_on_every_tenth_day():
    # One leaves on day 5, one is there on the last, day 25: judged on days 10 and 20.
    found = judged(followed([5, 25], [1, 0], [0.2, 0.6]))
    assert found["concordance"] == 1
    # (0 - .2)^2 and (1 - .6)^2 on both days; of Kaplan-Meier, a half, (1/2)^2 each.
    assert found["integrated_brier"] == pytest.approx((0.04 + 0.16) / 2)
    assert found["integrated_brier_of_kaplan_meier"] == pytest.approx(0.25)
    assert (found["calibration_1_predicted"], found["calibration_1_observed"]) == (0.4, 0)


@pytest.mark.parametrize(
    ("lived", "event"),
    [([25, 25], [0, 0]), ([25, 25], [1, 1]), ([5, 9], [1, 0])],
    ids=["nobody left", "all left on one day", "too short"],
)
def test_where_nothing_can_be_told_there_is_no_row(lived, event):
    assert judged(followed(lived, event, [0.2, 0.6])) == {}


def test_one_customer_without_a_figure_leaves_no_row_that_a_table_refuses():
    found = judged(followed([5, 25], [1, 0], [0.2, np.nan]))
    assert found and all(np.isfinite(v) for v in found.values())
    assert "integrated_brier" not in found
    assert chosen([], {"cox": None, "weibull_aft": None}) == "cox"
