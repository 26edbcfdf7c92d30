"""Plots: units on the axes, rows explained once, the horizon and intervals shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.metrics import CALIBRATION_BINS, Estimate
from models.portable import LinearScorer, PortableModel
from models.tree_ensemble import LEAF, TreeEnsemble
from pipelines.churn.evaluation import Evaluated, result_row
from pipelines.churn.plots import calibration_plot, explanation_plots


def stump(scale):
    """A tree: .2 for orders below 2, else .6."""
    return TreeEnsemble(
        feature=np.array([0, LEAF, LEAF]),
        threshold=np.array([2.0, 0.0, 0.0]),
        left=np.array([1, LEAF, LEAF]),
        right=np.array([2, LEAF, LEAF]),
        default_left=np.zeros(3, dtype=bool),
        value=np.array([0.0, 0.2, 0.6]),
        cover=np.array([2.0, 1.0, 1.0]),
        tree_start=np.array([0, 3]),
        base=0.0,
        columns=1,
        scale=scale,
    )


@pytest.mark.parametrize(
    ("scorer", "unit"),
    [
        (stump("mean"), "probability"),
        (stump("sum"), "log-odds"),
        (LinearScorer((1.0,), 0.0, (0.0,)), "log-odds"),
    ],
)
def test_shap_values_have_the_unit_of_their_model(scorer, unit):
    rows = pd.DataFrame({"orders": [1.0, 3.0]})
    model = PortableModel(FeatureEncoder(("orders",), fill=(0.0,)), scorer)
    plots = explanation_plots(Evaluated("test", rows, {}, {}), model)
    assert plots["dependence_orders.png"].axes[0].get_ylabel() == f"SHAP value, {unit}"
    assert plots["drivers.png"].axes[0].get_xlabel() == f"mean |SHAP value|, {unit}"


class Counted(PortableModel):
    """A model that counts how often it explains rows."""

    calls = 0

    def contributions(self, rows):
        Counted.calls += 1
        return super().contributions(rows)


def test_rows_are_explained_once_for_all_plots():
    model = Counted(FeatureEncoder(("orders",), fill=(0.0,)), stump("sum"))
    rows = pd.DataFrame({"orders": [1.0, 3.0]})
    plots = explanation_plots(Evaluated("test", rows, {}, {}), model)
    assert set(plots) == {"drivers.png", "beeswarm.png", "dependence_orders.png"}
    assert Counted.calls == 1
    # The mean is .4. Each of the two rows is .2 away from it.
    (bar,) = plots["drivers.png"].axes[0].patches
    assert bar.get_width() == pytest.approx(0.2)


def test_a_plot_that_fails_leaves_the_random_numbers_of_others_alone(monkeypatch):
    def fails(*_, **__):
        raise ValueError("no room")

    monkeypatch.setattr("shap.plots.beeswarm", fails)
    model = PortableModel(FeatureEncoder(("orders",), fill=(0.0,)), stump("sum"))
    np.random.seed(7)
    first = np.random.random()
    np.random.seed(7)
    with pytest.raises(ValueError, match="no room"):
        explanation_plots(Evaluated("test", pd.DataFrame({"orders": [1.0, 3.0]}), {}, {}), model)
    assert np.random.random() == first


def curve(told, came):
    """Rows of a calibration curve with the same predicted and observed value in each decile."""
    return [
        result_row("m", f"calibration_{n}_{what}", Estimate(value, value - 0.1, value + 0.1))
        for n in range(1, CALIBRATION_BINS + 1)
        for what, value in (("predicted", told), ("observed", came))
    ]


def test_the_calibration_plot_shows_the_primary_horizon_with_its_intervals():
    of_a_day = [{**row, "horizon_days": 1} for row in curve(0.8, 0.9)]
    axes = calibration_plot([*curve(0.2, 0.3), *of_a_day], "m").axes[0]
    points = next(line for line in axes.lines if line.get_marker() == "o")
    assert set(points.get_xdata()) == {0.2} and set(points.get_ydata()) == {0.3}
    (intervals,) = axes.collections
    assert np.allclose(intervals.get_segments(), [[0.2, 0.2], [0.2, 0.4]])
