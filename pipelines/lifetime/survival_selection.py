"""The survival models of a day, judged on what came after an earlier fit, and the choice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.survival.evaluation import brier, calibration_by_decile, concordance
from models.survival.portable import LifetimeModel
from models.survival.rows import SurvivalError
from pipelines.lifetime.btyd_fits import Row
from pipelines.lifetime.landmarks import Landmarks, Seen, seen_by
from pipelines.lifetime.life_rows import rate_rows, row
from pipelines.lifetime.survival_fits import Staying, fits_of, with_rates
from runtime.context import Context

# Days between those on which a curve is judged.
BRIER_STEP = 10


def fit_staying(context: Context, landmarks: Landmarks, tested: dt.date) -> Staying:
    """Every model of conf on what as_of sees; the choice by curves judged before the test date."""
    found = Staying()
    day = context.as_of
    seen = landmarks.seen(day)
    fewest = context.settings.lifetime.survival.fewest_events
    if seen is None or seen.events < fewest:
        count = 0 if seen is None else seen.events
        found.warnings.append(
            f"no survival model at {day}: {count} customers were seen to leave, at least {fewest} "
            "must be. Build features of earlier dates, or shorten lifetime.survival.window_days."
        )
        return found
    fits = fits_of(context, seen, found)
    judged = judge(context, landmarks, tested)
    found.rows += judged
    if not fits:
        return found
    name = chosen([r for r in judged if r["parameter"] == "integrated_brier"], fits)
    worths = {n: with_rates(context, landmarks, day, life) for n, life in fits.items()}
    found.model = worths[name]
    found.others = {n: m for n, m in worths.items() if n != name and m is not None}
    if found.model is None:
        found.warnings.append("survival: no landmark's horizon has passed, so no rate is known.")
    else:
        found.rows += rate_rows(found.model, landmarks.past(day))
    for one in found.rows:
        one["is_chosen"] = one["model_name"] in (name, "spend_rate")
    return found


def judge(context: Context, landmarks: Landmarks, tested: dt.date) -> list[Row]:
    """Integrated Brier, concordance and calibration of each model, fitted a longest horizon before
    the test date and followed up to it: the test date itself is not read."""
    longest = max(context.settings.lifetime.backtest.horizons_days)
    day = next((d for d in reversed(landmarks.dates) if (tested - d).days >= longest), None)
    seen = landmarks.seen(day) if day else None
    if day is None or seen is None:
        return []
    after = seen_by(landmarks.followed(day), tested)
    fits = fits_of(context, seen, Staying())
    return [r for name, model in fits.items() for r in measured(name, model, after, seen)]


def measured(name: str, model: LifetimeModel, after: pd.DataFrame, seen: Seen) -> list[Row]:
    """Rows of one model on customers whose stay was followed after the fit; none where they allow
    no judgement: nobody left, or nobody outlived another."""
    lived = (after["duration_days"] - after["entry_days"]).to_numpy(dtype=int)
    event = after["event"].to_numpy(dtype=int)
    if not event.any() or lived.max() <= BRIER_STEP:
        return []
    days = np.arange(BRIER_STEP, lived.max(), BRIER_STEP)
    curve = model.conditional_survival(after, days)
    score = brier(curve, days, lived, event)
    gone = 1 - curve[:, -1]
    try:
        ranks = concordance(lived, event, gone)
    except SurvivalError:
        return []
    figures = {
        "concordance": ranks,
        "integrated_brier": score.integrated,
        "integrated_brier_of_kaplan_meier": score.reference,
    }
    for tenth in calibration_by_decile(gone, lived, event, int(days[-1])):
        figures[f"calibration_{tenth.decile}_predicted"] = tenth.predicted
        figures[f"calibration_{tenth.decile}_observed"] = tenth.observed
    known = {p: float(v) for p, v in figures.items() if np.isfinite(v)}
    return [row(name, p, v, seen, judged=len(after)) for p, v in known.items()]


def chosen(scores: Sequence[Row], fits: dict[str, LifetimeModel]) -> str:
    """The smallest integrated Brier score; the first of conf where nothing was judged."""
    usable = {r["model_name"]: r["value"] for r in scores if r["model_name"] in fits}
    return min(usable, key=lambda n: usable[n]) if usable else next(iter(fits))
