"""Survival models of a day: Cox, Weibull and hazard trees; judged on days after the fit; chosen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from jobs.lifetime.fits import Row, terms
from jobs.lifetime.landmarks import Landmarks, Seen, seen_by
from jobs.runtime.context import Context
from models.learners import InMemoryXgboost, XgboostLearner
from models.survival.cox import CoxModel, fit_cox
from models.survival.discrete_hazard import HazardModel, fit_hazard
from models.survival.distributed import person_rows
from models.survival.evaluation import brier, calibration_by_decile, concordance
from models.survival.portable import Bands, LifetimeModel
from models.survival.proportional_hazards import WHOLE_MODEL, Proportionality, proportionality
from models.survival.rows import SurvivalError
from models.survival.survey import survey
from models.survival.weibull_aft import fit_weibull
from models.survival.worth import SurvivalWorth, fit_worth

# Days between those on which a curve is judged.
BRIER_STEP = 10


@dataclass
class Staying:
    """What came of a date: the model to predict with, gold.lifetime_models' rows, warnings.

    others: the models that were not chosen, by name.
    """

    model: SurvivalWorth | None = None
    others: dict[str, SurvivalWorth] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


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
        found.rows += rate_rows(found.model)
    for row in found.rows:
        row["is_chosen"] = row["model_name"] in (name, "spend_rate")
    return found


def fits_of(context: Context, seen: Seen, found: Staying) -> dict[str, LifetimeModel]:
    """Every model of conf that can be fitted, by name; of the others a warning says why not."""
    fits: dict[str, LifetimeModel] = {}
    for name in context.settings.lifetime.survival.models:
        try:
            fits[name], rows = fit_one(context, seen, name)
            found.rows += rows
        except SurvivalError as reason:
            found.warnings.append(f"{name}: {reason}")
    return fits


def fit_one(context: Context, seen: Seen, name: str) -> tuple[LifetimeModel, list[Row]]:
    """One model on what a day sees, and its rows of gold.lifetime_models. Raises SurvivalError."""
    if name == "cox":
        return _cox(context, seen)
    level = context.settings.lifetime.survival.level
    if name == "discrete_hazard":
        hazard = _hazard(context, seen)
        model = LifetimeModel(seen.encoder, hazard, level)
        return model, [_row(name, "periods", hazard.rows, seen, rows=hazard.rows)]
    rows = seen.rows()
    every = survey(rows)
    columns = every.independent_columns()
    names = [seen.encoder.column_names[k] for k in columns]
    weibull = fit_weibull(rows.with_columns(columns), names, every.with_columns(columns))
    facts = zip(weibull.parameters.items(), weibull.robust_std_errors, strict=True)
    parameters = [
        _row(name, _short(p), v, seen, float(e), weibull.log_likelihood) for (p, v), e in facts
    ]
    return LifetimeModel(seen.encoder, weibull, level), parameters


def _cox(context: Context, seen: Seen) -> tuple[LifetimeModel, list[Row]]:
    """Cox's model; where a hazard ratio changes with age, with strata by the worst covariate."""
    settings = context.settings.lifetime.survival
    model, tests = _cox_with(seen, None)
    rows = [_row("cox", f"p_value_proportional {_short(t.name)}", t.p_value, seen) for t in tests]
    worst = min(
        (t for t in tests if t.name in seen.encoder.numeric), key=lambda t: (t.p_value, t.name)
    )
    bands = None
    if worst.p_value < settings.least_p_value:
        quarters = seen.sample[worst.name].astype(float).quantile([0.25, 0.5, 0.75])
        bands = Bands(worst.name, tuple(sorted({float(q) for q in quarters})))
        try:
            model, again = _cox_with(seen, bands)
        except SurvivalError:
            bands = None
        else:
            rows.append(_row("cox", f"strata {_short(worst.name)}", len(bands.edges) + 1, seen))
            rows += [
                _row("cox", f"p_value_proportional_in_strata {_short(t.name)}", t.p_value, seen)
                for t in again
                if t.name == WHOLE_MODEL
            ]
    errors = model.robust_std_errors
    rows += [
        _row("cox", _short(n), float(v), seen, float(e), model.log_likelihood)
        for n, v, e in zip(model.names, model.coefficients, errors, strict=True)
    ]
    return LifetimeModel(seen.encoder, model, settings.level, bands=bands), rows


def _cox_with(seen: Seen, bands: Bands | None) -> tuple[CoxModel, list[Proportionality]]:
    rows = seen.rows(bands)
    every = survey(rows)
    columns = every.independent_columns()
    names = [seen.encoder.column_names[k] for k in columns]
    model = fit_cox(rows.with_columns(columns), names, found=every.with_columns(columns))
    return model, proportionality(model.residuals, model.covariance, model.names)


def _hazard(context: Context, seen: Seen) -> HazardModel:
    """Trees on a row a period lived: in one process where all rows are on the driver."""
    from transforms.survival_rows import person_periods

    trees, training = context.settings.lifetime.survival.trees, context.settings.training
    features = list(seen.encoder.feature_names)
    rows = seen.frame()
    periods = person_periods(rows, trees.period_days, trees.periods)
    keys = ["customer_id", "as_of"]
    known = periods.join(rows.select(*keys, *features), on=keys, how="inner")
    frame = context.lake.keep(person_rows(known, seen.encoder))
    learner = (
        InMemoryXgboost(trees.parameters, training.seed)
        if seen.landmarks.is_whole
        else XgboostLearner(trees.parameters, training.seed, training.workers)
    )
    return fit_hazard(frame, seen.encoder.column_names, learner, trees.period_days)


def with_rates(
    context: Context, landmarks: Landmarks, day: dt.date, life: LifetimeModel
) -> SurvivalWorth | None:
    """The model with spend rates, learnt over the shortest horizon: most dates have seen it pass.

    None: no landmark has.
    """
    horizons = context.settings.lifetime.backtest.horizons_days
    past = landmarks.passed(day, horizons[0])
    if not len(past):
        return None
    return fit_worth(life, past, horizons[0], horizons, terms(context))


# ------------------------------------------------------------------ judged on what came after


def judge(context: Context, landmarks: Landmarks, tested: dt.date) -> list[Row]:
    """Integrated Brier, concordance and calibration of each model, fitted a longest horizon before
    the test date and followed up to it: the test date itself is not read."""
    longest = max(context.settings.lifetime.backtest.horizons_days)
    day = next((d for d in reversed(landmarks.dates) if (tested - d).days >= longest), None)
    seen = landmarks.seen(day) if day else None
    if day is None or seen is None:
        return []
    after = seen_by(landmarks.alive(day), tested)
    fits = fits_of(context, seen, Staying())
    return [row for name, model in fits.items() for row in measured(name, model, after, seen)]


def measured(name: str, model: LifetimeModel, after: pd.DataFrame, seen: Seen) -> list[Row]:
    """Rows of one model on customers whose stay was followed after the fit."""
    lived = (after["duration_days"] - after["entry_days"]).to_numpy(dtype=int)
    event = after["event"].to_numpy(dtype=int)
    if not event.any() or lived.max() <= BRIER_STEP:
        return []
    days = np.arange(BRIER_STEP, lived.max(), BRIER_STEP)
    curve = model.conditional_survival(after, days)
    score = brier(curve, days, lived, event)
    gone = 1 - curve[:, -1]
    figures = {
        "concordance": concordance(lived, event, gone),
        "integrated_brier": score.integrated,
        "integrated_brier_of_kaplan_meier": score.reference,
    }
    for tenth in calibration_by_decile(gone, lived, event, int(days[-1])):
        figures[f"calibration_{tenth.decile}_predicted"] = tenth.predicted
        figures[f"calibration_{tenth.decile}_observed"] = tenth.observed
    return [_row(name, p, float(v), seen, rows=len(after)) for p, v in figures.items()]


def chosen(scores: Sequence[Row], fits: dict[str, LifetimeModel]) -> str:
    """The smallest integrated Brier score; the first of conf where nothing was judged."""
    usable = {r["model_name"]: r["value"] for r in scores if r["model_name"] in fits}
    return min(usable, key=lambda n: usable[n]) if usable else next(iter(fits))


def rate_rows(model: SurvivalWorth) -> list[Row]:
    """The weights of the spend rates."""
    found = []
    for rate in (model.value, model.purchases):
        if rate is None:
            continue
        weights = {f"{w}d": v for w, v in zip(rate.windows, rate.weights[:-1], strict=True)}
        figures = {"base": rate.base, **weights, "whole_past": rate.weights[-1]}
        figures |= {"variance_of_mean_squared": rate.spread[0], "variance_of_mean": rate.spread[1]}
        found += [
            _plain("spend_rate", f"{rate.what}_{n}", v, rate.rows) for n, v in figures.items()
        ]
    return found


def _row(
    name: str,
    parameter: str,
    value: float,
    seen: Seen,
    error: float | None = None,
    log_likelihood: float | None = None,
    rows: int | None = None,
) -> Row:
    count = rows if rows is not None else int(seen.sample["customer_id"].nunique())
    found = _plain(name, parameter, float(value), count)
    is_fit = {"converged": True} if log_likelihood is not None else {}
    return {**found, "std_error": error, "log_likelihood": log_likelihood, **is_fit}


def _plain(name: str, parameter: str, value: float, customers: int) -> Row:
    nothing: dict[str, Any] = dict.fromkeys(
        ("std_error", "log_likelihood", "converged", "is_identified")
    )
    facts = {"model_name": name, "parameter": parameter, "value": value, "customers": customers}
    return {**facts, **nothing, "is_chosen": False}


def _short(name: str) -> str:
    """A covariate's name as the feature tables have it."""
    from transforms.survival_rows import COVARIATE

    return name.removeprefix(COVARIATE)
