"""Plots of a model for MLflow and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shap
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from models.metrics import CALIBRATION_BINS
from models.portable import PortableModel
from models.scoring import unit_of_impact
from pipelines.churn.evaluation import Evaluated, row_of

INK, ACCENT, SOFT = "#1f2933", "#c2410c", "#94a3b8"


def training_plots(
    evaluated: Evaluated, model: PortableModel, name: str, *, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Figure]:
    """Figures by file name: ROC curve, calibration curve, SHAP plots. `rows`: as `comparison`."""
    return {
        "roc.png": roc_plot(evaluated, name),
        "calibration.png": calibration_plot(rows, name),
        **explanation_plots(evaluated, model),
    }


def _figure(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    # A Figure without pyplot needs no display and does not stay in memory.
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def roc_plot(evaluated: Evaluated, name: str) -> Figure:
    """ROC curves of the model and the baselines on the test date."""
    figure, axes = _figure(
        "ROC curve, test date",
        "false positive rate (share of stayers contacted)",
        "true positive rate (share of leavers contacted)",
    )
    label = evaluated.rows["churned"].to_numpy()
    for other, p in evaluated.probabilities.items():
        if len(np.unique(p)) < 2:
            continue
        fpr, tpr, _ = roc_curve(label, p)
        style: dict[str, Any] = {"color": ACCENT, "lw": 2.2} if other == name else {"lw": 1.2}
        axes.plot(fpr, tpr, label=f"{other} {roc_auc_score(label, p):.3f}", **style)
    axes.plot([0, 1], [0, 1], color=SOFT, lw=0.8, ls=":")
    axes.legend(frameon=False, fontsize=8, title="ROC AUC", title_fontsize=8)
    return figure


def calibration_plot(rows: Sequence[Mapping[str, Any]], name: str) -> Figure:
    """Predicted probability against the observed churn rate, by decile, with 95 % intervals."""
    figure, axes = _figure("Calibration, test date", "predicted probability", "observed churn rate")
    predicted, observed = (
        [
            row_of(rows, name, f"calibration_{n}_{what}") or {}
            for n in range(1, CALIBRATION_BINS + 1)
        ]
        for what in ("predicted", "observed")
    )
    # A decile without customers or without an interval leaves a gap.
    p, share, low, high = (
        np.array([row.get(end) for row in of], dtype=float)
        for of, end in (
            (predicted, "value"),
            (observed, "value"),
            (observed, "ci_low"),
            (observed, "ci_high"),
        )
    )
    axes.plot([0, 1], [0, 1], color=SOFT, lw=0.8, ls=":")
    axes.vlines(p, low, high, color=ACCENT, lw=1)
    axes.plot(p, share, "o-", color=ACCENT)
    return figure


def explanation_plots(
    evaluated: Evaluated, model: PortableModel, most: int = 4
) -> dict[str, Figure]:
    """Mean |SHAP|, beeswarm, and dependence plots of the `most` strongest features.

    Empty for a model without exact explanations.
    """
    if not model.is_exactly_explained:
        return {}
    rows = evaluated.rows[list(model.encoder.feature_names)].head(2_000)
    contributions, base = model.contributions(rows)
    numbers = rows.apply(_as_numbers).to_numpy(dtype=float)
    explained = shap.Explanation(
        contributions, np.full(len(rows), base), numbers, feature_names=list(rows.columns)
    )
    figure, axes = _figure("SHAP values by feature", "", "")
    # The beeswarm plot spreads its points at random. A fixed seed makes it reproducible.
    state = np.random.get_state()
    np.random.seed(0)
    try:
        shap.plots.beeswarm(explained, ax=axes, show=False, plot_size=None, max_display=12)
    finally:
        np.random.set_state(state)
    unit = unit_of_impact(model)
    drivers = drivers_plot(contributions, list(rows.columns), unit)
    plots = {"drivers.png": drivers, "beeswarm.png": figure}
    strongest = np.argsort(-np.abs(contributions).mean(axis=0), kind="stable")[:most]
    for place in strongest:
        name = rows.columns[place]
        figure, axes = _figure(f"Churn risk by {name}", name, f"SHAP value, {unit}")
        axes.scatter(numbers[:, place], contributions[:, place], s=6, color=ACCENT, alpha=0.5)
        axes.axhline(0, color=SOFT, lw=0.8)
        plots[f"dependence_{name}.png"] = figure
    return plots


def _as_numbers(column: pd.Series) -> Any:
    """The column as numbers; a category becomes the position of its value in sorted order."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(float)
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().any() else pd.factorize(column, sort=True)[0].astype(float)


def drivers_plot(
    contributions: NDArray[np.float64], names: Sequence[str], unit: str, *, most: int = 15
) -> Figure:
    """Mean |SHAP value| of the `most` strongest features.

    contributions: (rows, features), in `unit`.
    """
    figure, axes = _figure("What drives the risk", f"mean |SHAP value|, {unit}", "")
    strength = np.abs(contributions).mean(axis=0)
    order = np.argsort(strength)[-most:]
    axes.barh([names[i] for i in order], strength[order], color=ACCENT)
    axes.tick_params(axis="y", labelsize=8)
    return figure
