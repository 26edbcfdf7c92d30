"""Survival models of a day: Cox, Weibull and hazard trees, with what their customers spend."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from models.learners import XgboostLearner
from models.survival.cox import CoxModel, fit_cox
from models.survival.discrete_hazard import HazardModel, fit_hazard, fit_hazard_in_memory
from models.survival.distributed import person_rows
from models.survival.portable import Bands, LifetimeModel
from models.survival.proportional_hazards import WHOLE_MODEL, Proportionality, proportionality
from models.survival.rows import SurvivalError
from models.survival.survey import survey
from models.survival.weibull_aft import fit_weibull
from models.survival.worth import SurvivalWorth, fit_worth
from pipelines.lifetime.btyd_fits import Row, terms
from pipelines.lifetime.landmarks import Landmarks, Seen
from pipelines.lifetime.life_rows import row, short
from runtime.context import Context


@dataclass
class Staying:
    """What came of a date: the model to predict with, gold.lifetime_models' rows, warnings.

    others: the models that were not chosen, by name.
    """

    model: SurvivalWorth | None = None
    others: dict[str, SurvivalWorth] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


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
        return model, [row(name, "person_periods", hazard.rows, seen)]
    rows = seen.rows()
    every = survey(rows)
    columns = every.independent_columns()
    names = [seen.encoder.column_names[k] for k in columns]
    weibull = fit_weibull(rows.with_columns(columns), names, every.with_columns(columns))
    facts = zip(weibull.parameters.items(), weibull.robust_std_errors, strict=True)
    parameters = [
        row(name, short(p), v, seen, float(e), weibull.log_likelihood) for (p, v), e in facts
    ]
    return LifetimeModel(seen.encoder, weibull, level), parameters


def _cox(context: Context, seen: Seen) -> tuple[LifetimeModel, list[Row]]:
    """Cox's model; where a hazard ratio changes with age, with strata by the worst covariate."""
    settings = context.settings.lifetime.survival
    model, tests = _cox_with(seen, None)
    rows = [row("cox", f"p_value_proportional {short(t.name)}", t.p_value, seen) for t in tests]
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
            rows.append(row("cox", f"strata {short(worst.name)}", len(bands.edges) + 1, seen))
            rows += [
                row("cox", f"p_value_proportional_in_strata {short(t.name)}", t.p_value, seen)
                for t in again
                if t.name == WHOLE_MODEL
            ]
    errors = model.robust_std_errors
    rows += [
        row("cox", short(n), float(v), seen, float(e), model.log_likelihood)
        for n, v, e in zip(model.names, model.coefficients, errors, strict=True)
    ]
    return LifetimeModel(seen.encoder, model, settings.level, bands=bands), rows


def _cox_with(seen: Seen, bands: Bands | None) -> tuple[CoxModel, list[Proportionality]]:
    rows = seen.rows(bands)
    every = survey(rows)
    columns = every.independent_columns()
    names = [seen.encoder.column_names[k] for k in columns]
    model = fit_cox(rows.with_columns(columns), names, surveyed=every.with_columns(columns))
    return model, proportionality(model.residuals, model.covariance, model.names)


def _hazard(context: Context, seen: Seen) -> HazardModel:
    """Trees on a row a period lived: in this process where all rows are on the driver."""
    from transforms.survival_rows import person_periods

    trees, training = context.settings.lifetime.survival.trees, context.settings.training
    names, features = seen.encoder.column_names, list(seen.encoder.feature_names)
    shape = (trees.period_days, trees.periods)
    if seen.landmarks.is_whole:
        x = seen.encoder.encode(seen.sample[features]).astype(float)
        lived = seen.sample["duration_days"] - seen.sample["entry_days"]
        times = (
            seen.sample["entry_days"],
            lived,
            *(seen.sample[c] for c in ("event", "followed_days")),
        )
        entry, days, event, followed = (t.to_numpy(dtype=np.int64) for t in times)
        spells = (entry, days, event, followed)
        return fit_hazard_in_memory(x, spells, names, trees.parameters, training.seed, *shape)
    rows = seen.frame()
    keys = ["customer_id", "as_of"]
    known = person_periods(rows, *shape).join(rows.select(*keys, *features), on=keys, how="inner")
    frame = context.lake.keep(person_rows(known, seen.encoder))
    learner = XgboostLearner(trees.parameters, training.seed, training.workers)
    return fit_hazard(frame, names, learner, trees.period_days)


def with_rates(
    context: Context, landmarks: Landmarks, day: dt.date, life: LifetimeModel
) -> SurvivalWorth | None:
    """The model with spend rates, learnt over the shortest horizon: most dates have seen it pass.

    None: no landmark has.
    """
    horizons, past = context.settings.lifetime.backtest.horizons_days, landmarks.past(day)
    return fit_worth(life, past, horizons, terms(context)) if past else None
