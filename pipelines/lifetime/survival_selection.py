"""Choose the survival model of a day: fit all on an earlier date, evaluate on the time after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from models.fit_attempts import LeftOut, fit_or_reason
from models.survival.evaluation import brier, calibration_by_decile, concordance
from models.survival.portable import LifetimeModel
from models.survival.rows import SurvivalError
from models.survival.worth import SurvivalWorth
from pipelines.lifetime.landmarks import Landmarks, seen_by
from pipelines.lifetime.model_rows import (
    NO_VARIANCE,
    Row,
    left_out_row,
    rate_rows,
    survival_row,
)
from pipelines.lifetime.survival_fits import SurvivalFits, fits_of, with_rates
from runtime.settings import Settings

# Days between the points at which a curve is judged.
BRIER_STEP = 10


def fit_survival(settings: Settings, landmarks: Landmarks, tested: dt.date) -> SurvivalFits:
    """Fit each model on the data known at as_of. Choose by an evaluation before the test date."""
    day = landmarks.as_of
    seen = landmarks.seen(day)
    fewest = settings.lifetime.survival.fewest_events
    if seen is None or seen.events < fewest:
        events = 0 if seen is None else seen.events
        warning = (
            f"no survival model at {day}: {events} departures were observed after the landmarks, "
            f"at least {fewest} are needed. Build features of earlier dates, or shorten "
            "lifetime.survival.window_days."
        )
        names, customers = settings.lifetime.survival.models, 0 if seen is None else seen.customers
        missing = [left_out_row(n, warning, customers) for n in names]
        return SurvivalFits(rows=missing, warnings=[warning])
    fits, rows, left_out = fits_of(settings, seen)
    warnings = [f"{n} is left out: {reason}" for n, reason in left_out.items()]
    warnings += without_error(rows)
    judged = judge(settings, landmarks, tested)
    rows = [*rows, *judged]
    if not fits:
        return SurvivalFits(rows=rows, warnings=warnings)
    scores = [r for r in judged if r["parameter"] == "integrated_brier"]
    if not landmarks.past(day):
        warnings.append(
            "no spend rates: no horizon of lifetime.backtest.horizons_days has passed since a "
            "landmark, so there is no survival model. Build features of earlier dates."
        )
        return SurvivalFits(rows=marked(rows, chosen(scores, fits)), warnings=warnings)
    models: dict[str, SurvivalWorth] = {}
    for n, life in fits.items():
        worth = fit_or_reason(partial(with_rates, settings, landmarks, day, life=life))
        if isinstance(worth, LeftOut):
            rows.append(left_out_row(n, worth.reason, seen.customers))
            warnings.append(f"{n} is left out: {worth.reason}")
        elif worth is not None:
            models[n] = worth
    if not models:
        return SurvivalFits(rows=rows, warnings=warnings)
    name = chosen(scores, {n: fits[n] for n in models})
    rows += rate_rows(models[name], landmarks.past(day))
    others = {n: m for n, m in models.items() if n != name}
    return SurvivalFits(models[name], others, marked(rows, name), warnings)


def marked(rows: Sequence[Row], name: str) -> list[Row]:
    """The rows, with is_chosen for the rows of the chosen model and of its spend rates."""
    return [{**r, "is_chosen": r["model_name"] in (name, "spend_rate")} for r in rows]


def without_error(rows: Sequence[Row]) -> list[str]:
    """A warning for each model with parameters that have no standard error."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row["reason"] == NO_VARIANCE:
            names.setdefault(row["model_name"], []).append(row["parameter"])
    return [f"{n}: {', '.join(ps)}: {NO_VARIANCE}." for n, ps in names.items()]


def judge(settings: Settings, landmarks: Landmarks, tested: dt.date) -> list[Row]:
    """Integrated Brier score, concordance and calibration of each model; may be empty.

    The models are fitted on the last landmark at least the longest horizon before the test date,
    and followed until the test date. The test date itself is not used.
    """
    longest = max(landmarks.horizons)
    day = next((d for d in reversed(landmarks.dates) if (tested - d).days >= longest), None)
    seen = landmarks.seen(day) if day else None
    if day is None or seen is None:
        return []
    after = seen_by(landmarks.followed(day), tested)
    models = fits_of(settings, seen).models
    return [row for name, model in models.items() for row in measured(name, model, after)]


def measured(name: str, model: LifetimeModel, after: pd.DataFrame) -> list[Row]:
    """The measures of one model on customers who were followed after the fit.

    None if the model cannot be evaluated: nobody left, or no two customers are comparable.
    """
    lived = (after["duration_days"] - after["entry_days"]).to_numpy(dtype=int)
    event = after["event"].to_numpy(dtype=int)
    if not event.any() or lived.max() <= BRIER_STEP:
        return []
    days = np.arange(BRIER_STEP, lived.max(), BRIER_STEP)
    curve = model.conditional_survival(after, days)
    score = brier(curve, days, lived, event=event)
    p_left = 1 - curve[:, -1]
    try:
        ranks = concordance(lived, event, p_left)
    except SurvivalError:
        return []
    values = {
        "concordance": ranks,
        "integrated_brier": score.integrated,
        "integrated_brier_of_kaplan_meier": score.reference,
    }
    for decile in calibration_by_decile(p_left, lived, event, horizon=int(days[-1])):
        values[f"calibration_{decile.decile}_predicted"] = decile.predicted
        values[f"calibration_{decile.decile}_observed"] = decile.observed
    known = {p: float(v) for p, v in values.items() if np.isfinite(v)}
    return [survival_row(name, p, v, customers=len(after)) for p, v in known.items()]


def chosen(scores: Sequence[Row], fits: Mapping[str, LifetimeModel]) -> str:
    """The model with the smallest integrated Brier score; without scores the first of conf."""
    scored = {r["model_name"]: r["value"] for r in scores if r["model_name"] in fits}
    return min(scored, key=lambda n: scored[n]) if scored else next(iter(fits))
