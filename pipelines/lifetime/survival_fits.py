"""Survival models of a day: Cox, Weibull and hazard trees, with the spend rates of customers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from models.fit_attempts import LeftOut, fit_or_reason
from models.learners import XgboostLearner
from models.return_rate import silent_days
from models.survival.cox import CoxModel, fit_cox
from models.survival.discrete_hazard import HazardModel, fit_hazard, fit_hazard_in_memory
from models.survival.distributed import person_rows
from models.survival.portable import Bands, LifetimeModel
from models.survival.proportional_hazards import WHOLE_MODEL, Proportionality, proportionality
from models.survival.survey import survey
from models.survival.weibull_aft import fit_weibull
from models.survival.worth import SurvivalWorth
from models.survival.worth_fit import Past, fit_worth
from pipelines.lifetime.btyd_fits import tenure, terms
from pipelines.lifetime.customer_kinds import lost_from
from pipelines.lifetime.landmarks import Landmarks, Seen
from pipelines.lifetime.model_rows import Row, feature_name, left_out_row, survival_row
from runtime.settings import Settings
from transforms.survival_rows import COVARIATE, person_periods


@dataclass(frozen=True)
class SurvivalFits:
    """The survival fits of one date.

    model: the chosen model; None: there is none. others: the models that were not chosen, by name.
    rows: of gold.lifetime_models. warnings: for the user.
    """

    model: SurvivalWorth | None = None
    others: dict[str, SurvivalWorth] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class ModelFits(NamedTuple):
    """Models by name, their rows of gold.lifetime_models, and the reason of each failed fit."""

    models: dict[str, LifetimeModel]
    rows: list[Row]
    left_out: dict[str, str]


def fits_of(settings: Settings, seen: Seen) -> ModelFits:
    """The models of conf that can be fitted, and the reason of each other one."""
    fits = ModelFits({}, [], {})
    for name in settings.lifetime.survival.models:
        fitted = fit_or_reason(partial(fit_one, settings, seen, name))
        if isinstance(fitted, LeftOut):
            reason = fitted.reason.replace(COVARIATE, "")  # features as the user knows them
            fits.left_out[name] = reason
            fits.rows.append(left_out_row(name, reason, seen.customers))
        else:
            fits.models[name] = fitted[0]
            fits.rows.extend(fitted[1])
    return fits


def fit_one(settings: Settings, seen: Seen, name: str) -> tuple[LifetimeModel, list[Row]]:
    """Fit one model. Also returns its rows of gold.lifetime_models. Raises a FIT_ERRORS."""
    if name == "cox":
        return _cox(settings, seen)
    level = settings.lifetime.survival.level
    if name == "discrete_hazard":
        hazard = _hazard(settings, seen)
        row = survival_row(name, "person_periods", hazard.rows, customers=seen.customers)
        return LifetimeModel(seen.encoder, hazard, level), [row]
    rows = seen.rows()
    surveyed = survey(rows)
    columns = surveyed.independent_columns()
    names = [seen.encoder.column_names[k] for k in columns]
    weibull = fit_weibull(rows.with_columns(columns), names, surveyed.with_columns(columns))
    parameters = zip(weibull.parameters.items(), weibull.robust_std_errors, strict=True)
    return LifetimeModel(seen.encoder, weibull, level), [
        survival_row(
            name,
            feature_name(parameter),
            value,
            customers=seen.customers,
            std_error=float(error),
            log_likelihood=weibull.log_likelihood,
        )
        for (parameter, value), error in parameters
    ]


def _cox(settings: Settings, seen: Seen) -> tuple[LifetimeModel, list[Row]]:
    """Cox model. Where a hazard ratio changes with age, it is fitted again with strata.

    The strata are quarters of the numeric covariate with the smallest p-value.
    """
    survival = settings.lifetime.survival
    model, tests = _cox_with(seen, None)
    rows = _test_rows("p_value_proportional", tests, seen)
    # A covariate whose test is not possible (its variance is not positive) has no p-value.
    able = [t for t in tests if t.name in seen.encoder.numeric and np.isfinite(t.p_value)]
    worst = min(able, key=lambda t: (t.p_value, t.name), default=None)
    bands = None
    if worst is not None and worst.p_value < survival.least_p_value:
        quarters = seen.sample[worst.name].astype(float).quantile([0.25, 0.5, 0.75])
        bands = Bands(worst.name, tuple(sorted({float(q) for q in quarters})))
        stratified = fit_or_reason(partial(_cox_with, seen, bands))
        if isinstance(stratified, LeftOut):
            bands = None  # The model without strata stays.
        else:
            model, again = stratified
            strata = f"strata {feature_name(worst.name)}"
            rows.append(survival_row("cox", strata, len(bands.edges) + 1, customers=seen.customers))
            whole = [t for t in again if t.name == WHOLE_MODEL]
            rows += _test_rows("p_value_proportional_in_strata", whole, seen)
    errors = model.robust_std_errors
    rows += [
        survival_row(
            "cox",
            feature_name(name),
            float(value),
            customers=seen.customers,
            std_error=float(error),
            log_likelihood=model.log_likelihood,
        )
        for name, value, error in zip(model.names, model.coefficients, errors, strict=True)
    ]
    return LifetimeModel(seen.encoder, model, survival.level, bands=bands), rows


def _test_rows(parameter: str, tests: list[Proportionality], seen: Seen) -> list[Row]:
    return [
        survival_row(
            "cox", f"{parameter} {feature_name(t.name)}", t.p_value, customers=seen.customers
        )
        for t in tests
    ]


def _cox_with(seen: Seen, bands: Bands | None) -> tuple[CoxModel, list[Proportionality]]:
    rows = seen.rows(bands)
    surveyed = survey(rows)
    columns = surveyed.independent_columns()
    names = [seen.encoder.column_names[k] for k in columns]
    model = fit_cox(rows.with_columns(columns), names, surveyed=surveyed.with_columns(columns))
    return model, proportionality(model.residuals, model.covariance, model.names)


def _hazard(settings: Settings, seen: Seen) -> HazardModel:
    """Trees on one row per period lived; in this process if the driver holds all rows."""
    trees, training = settings.lifetime.survival.trees, settings.training
    names, features = seen.encoder.column_names, list(seen.encoder.feature_names)
    if seen.landmarks.is_whole:
        sample = seen.sample
        x = seen.encoder.encode(sample[features]).astype(float)
        lived = sample["duration_days"] - sample["entry_days"]
        times = (sample["entry_days"], lived, sample["event"], sample["followed_days"])
        entry, days, event, followed = (t.to_numpy(dtype=np.int64) for t in times)
        spells = (entry, days, event, followed)
        return fit_hazard_in_memory(
            x,
            spells,
            names,
            parameters=trees.parameters,
            seed=training.seed,
            period_days=trees.period_days,
            most_periods=trees.periods,
        )
    rows = seen.frame()
    keys = ["customer_id", "as_of"]
    known = person_periods(rows, trees.period_days, trees.periods).join(
        rows.select(*keys, *features), on=keys, how="inner"
    )
    frame = seen.landmarks.lake.keep(person_rows(known, seen.encoder))
    learner = XgboostLearner(trees.parameters, training.seed, training.workers)
    return fit_hazard(frame, names, learner, period_days=trees.period_days)


def with_rates(
    settings: Settings, landmarks: Landmarks, day: dt.date, *, life: LifetimeModel
) -> SurvivalWorth | None:
    """The model with spend rates of the shortest horizon, which has passed for most landmarks.

    None: no horizon had passed since any landmark by the day.
    """
    lifetime, window = settings.lifetime, lost_from(settings)
    horizons = lifetime.interval_horizons_days
    staying = landmarks.past(day, horizons)
    if not any(h in staying for h in landmarks.horizons):
        return None
    lost: dict[int, pd.DataFrame] = {}
    if settings.churn.definition == "inactivity":
        wanted = sorted({*landmarks.horizons, *horizons})
        lost = landmarks.known(day, wanted, lambda rows: _is_lost(rows, window))
    past = Past(staying, lost, window, tuple(lifetime.return_classes_days))
    return fit_worth(life, past, landmarks.horizons, terms=terms(settings), tenure=tenure(settings))


def _is_lost(rows: pd.DataFrame, window: int) -> pd.Series[bool]:
    """Silent for the window, the contract not ended."""
    return (silent_days(rows) >= window) & rows["entry_days"].isna() & ~rows["is_terminated"]
