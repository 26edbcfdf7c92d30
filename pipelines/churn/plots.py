"""Pictures of a model, for MLflow and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import CALIBRATION_BINS
from models.scoring import unit_of_impact
from pipelines.churn.evaluation import Evaluated, row_of

INK, ACCENT, SOFT = "#1f2933", "#c2410c", "#94a3b8"


def training_plots(
    evaluated: Evaluated, model: Any, name: str, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """File name -> figure: ROC, calibration, what drives the model; `rows` as `comparison` gives
    them."""
    return {
        "roc.png": roc_plot(evaluated, name),
        "calibration.png": calibration_plot(rows, name),
        **explanation_plots(evaluated, model),
    }


def _figure(title: str, x: str, y: str) -> tuple[Any, Any]:
    # Figure without pyplot: no window system, and nothing stays open.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def roc_plot(evaluated: Evaluated, name: str) -> Any:
    """The ROC curve of the model beside the baselines, on the test date."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, axes = _figure(
        "Who leaves: test date", "share of stayers contacted", "share of leavers found"
    )
    label = evaluated.rows["churned"].to_numpy()
    for other, p in evaluated.probabilities.items():
        if len(np.unique(p)) < 2:
            continue
        fpr, tpr, _ = roc_curve(label, p)
        style = {"color": ACCENT, "lw": 2.2} if other == name else {"lw": 1.2}
        axes.plot(fpr, tpr, label=f"{other} {roc_auc_score(label, p):.3f}", **style)
    axes.plot([0, 1], [0, 1], color=SOFT, lw=0.8, ls=":")
    axes.legend(frameon=False, fontsize=8, title="ROC AUC", title_fontsize=8)
    return figure


def calibration_plot(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    """Predicted probability against the share that left, by tenth, with its 95 % interval."""
    figure, axes = _figure(
        "Does 40 % mean 40 %? Test date", "predicted probability", "share that left"
    )
    told, came = (
        [
            row_of(rows, name, "all", f"calibration_{n}_{what}") or {}
            for n in range(1, CALIBRATION_BINS + 1)
        ]
        for what in ("predicted", "observed")
    )
    # A tenth without customers, or an interval that could not be drawn, leaves a gap.
    p, share, low, high = (
        np.array([row.get(end) for row in of], dtype=float)
        for of, end in ((told, "value"), (came, "value"), (came, "ci_low"), (came, "ci_high"))
    )
    axes.plot([0, 1], [0, 1], color=SOFT, lw=0.8, ls=":")
    axes.vlines(p, low, high, color=ACCENT, lw=1)
    axes.plot(p, share, "o-", color=ACCENT)
    return figure


def explanation_plots(evaluated: Evaluated, model: Any, most: int = 4) -> dict[str, Any]:
    """Mean |SHAP|, beeswarm, and dependence of the strongest features; none for a network."""
    if not model.is_exactly_explained:
        return {}
    import shap

    rows = evaluated.rows[list(model.encoder.feature_names)].head(2_000)
    contributions, base = model.contributions(rows)
    numbers = rows.apply(_as_numbers).to_numpy(dtype=float)
    found = shap.Explanation(
        contributions, np.full(len(rows), base), numbers, feature_names=list(rows.columns)
    )
    figure, axes = _figure("What moves whom", "", "")
    # Without a seed the points would jump from run to run.
    state = np.random.get_state()
    np.random.seed(0)
    try:
        shap.plots.beeswarm(found, ax=axes, show=False, plot_size=None, max_display=12)
    finally:
        np.random.set_state(state)
    unit = unit_of_impact(model)
    drivers = drivers_plot(contributions, list(rows.columns), unit)
    plots = {"drivers.png": drivers, "beeswarm.png": figure}
    strongest = np.argsort(-np.abs(contributions).mean(axis=0), kind="stable")[:most]
    for place in strongest:
        name = rows.columns[place]
        figure, axes = _figure(f"{name} and the risk", name, f"SHAP value, {unit}")
        axes.scatter(numbers[:, place], contributions[:, place], s=6, color=ACCENT, alpha=0.5)
        axes.axhline(0, color=SOFT, lw=0.8)
        plots[f"dependence_{name}.png"] = figure
    return plots


def _as_numbers(column: Any) -> Any:
    """A category as the position of its value."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(float)
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().any() else pd.factorize(column, sort=True)[0].astype(float)


def drivers_plot(
    contributions: NDArray[np.float64], names: Sequence[str], unit: str, most: int = 15
) -> Any:
    """Mean |SHAP value| of the strongest features; contributions (rows, features) in `unit`."""
    figure, axes = _figure("What drives the risk", f"mean |SHAP value|, {unit}", "")
    strength = np.abs(contributions).mean(axis=0)
    order = np.argsort(strength)[-most:]
    axes.barh([names[i] for i in order], strength[order], color=ACCENT)
    axes.tick_params(axis="y", labelsize=8)
    return figure
