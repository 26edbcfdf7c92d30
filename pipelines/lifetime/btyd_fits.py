"""Fit every model of conf at one date, choose, and say what can't be known."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.btyd.choice import (
    SPEND,
    fit_model,
    fit_spend,
    fitted,
    held_out,
    is_identified,
)
from models.btyd.credibility import Credibility, correlation
from models.btyd.fitting import Fit
from models.btyd.gamma_gamma import GammaGamma
from models.btyd.rows import NotFittableError, check_fittable
from models.btyd.shifted_beta_geometric import ShiftedBetaGeometric
from models.btyd.worth import LifetimeModel, Terms
from pipelines.lifetime.summaries import Fittable, Summaries
from runtime.context import Context
from runtime.settings.lifetime import LifetimeSettings

Row = dict[str, Any]


@dataclass
class Fits:
    """What came of a date: gold.lifetime_models' rows, the model to predict with, the others that
    converged by name (that of renewals too), the warnings."""

    model: LifetimeModel | None = None
    others: dict[str, LifetimeModel | ShiftedBetaGeometric] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def fit_all(context: Context, summaries: Summaries, day: dt.date) -> Fits:
    """Every model on all customers, the choice by those held out, the value of a purchase."""
    settings = context.settings.lifetime
    found = Fits()
    whole = summaries.purchases(day)
    try:
        check(whole, settings)
    except NotFittableError as reason:
        found.warnings.append(f"no lifetime model at {day}: {reason}")
        return found
    scores = held_out_scores(summaries, day, settings)
    fits = fits_of(whole, settings, found)
    if not fits:
        return found
    name = chosen(scores, fits)
    for each, fit in fits.items():
        rows = rows_of(each, fit, each == name, identified(each, fit, settings))
        more = {"held_out_log_likelihood": scores[each], "leaving_a_purchase": _leaving(each, fit)}
        found.rows += rows + [
            {**rows[0], "parameter": n, "value": v, "std_error": None} for n, v in more.items()
        ]
    found.warnings += doubts(name, fits[name], settings)
    spent = fit_worth(summaries, day, settings, found)
    models = {n: model_of(context, n, fit, *spent) for n, fit in fits.items()}
    found.model = models.pop(name)
    found.others = {n: m for n, m in models.items() if fits[n].converged}
    return found


def fit_one(
    context: Context, summaries: Summaries, day: dt.date, name: str
) -> LifetimeModel | None:
    """One model at a past date, to forecast from there; None: too little had happened by then."""
    settings = context.settings.lifetime
    whole = summaries.purchases(day)
    try:
        check(whole, settings)
        fit = fit_of(whole, name)
    except NotFittableError:
        return None
    return model_of(context, name, fit, *fit_worth(summaries, day, settings, Fits()))


def model_of(
    context: Context, name: str, fit: Fit, spend_name: str | None, spend: Any
) -> LifetimeModel:
    """A fit with the value of a purchase and the terms of conf."""
    is_known = identified(name, fit, context.settings.lifetime)
    return LifetimeModel(name, fitted(name, fit), spend_name, spend, is_known, terms(context))


def check(whole: Fittable, settings: LifetimeSettings) -> None:
    """Raise NotFittableError where there is too little to learn from."""
    rows = whole.rows
    repeaters = rows.weight[rows.frequency > 0].sum() / max(rows.customers, 1) * whole.customers
    check_fittable(whole.customers, float(repeaters), settings.fewest_customers)


def fit_of(whole: Fittable, name: str) -> Fit:
    """One model on all customers of a date. Raises NotFittableError."""
    return fit_model(name, whole.rows, whole.likelihood(name), whole.customers)


def fits_of(whole: Fittable, settings: LifetimeSettings, found: Fits) -> dict[str, Fit]:
    """Every model of conf that can be fitted, by name; of the others a warning says why not."""
    fits: dict[str, Fit] = {}
    for name in settings.models:
        try:
            fits[name] = fit_of(whole, name)
        except NotFittableError as reason:
            found.warnings.append(f"{name}: {reason}")
    return fits


def held_out_scores(
    summaries: Summaries, day: dt.date, settings: LifetimeSettings
) -> dict[str, float | None]:
    """Mean log-likelihood of the customers held out, a model; None: it could not be fitted."""
    train, test = summaries.purchases(day, False), summaries.purchases(day, True)
    found: dict[str, float | None] = {}
    for name in settings.models:
        score: float | None = None
        try:
            fit = fit_of(train, name)
            likelihood = test.likelihood(name)
            if likelihood is not None:
                score = likelihood(np.log(fit.values))[0] / test.customers
            else:
                score = held_out(fitted(name, fit), test.rows) if len(test.rows) else None
        except NotFittableError:
            pass  # the fit on all customers says why
        found[name] = score
    return found


def chosen(scores: dict[str, float | None], fits: dict[str, Fit]) -> str:
    """The best by held-out likelihood among the converged; the first of those where nothing was
    held out, and the first of conf where none converged."""
    at_maximum = [n for n, fit in fits.items() if fit.converged]
    usable = [n for n in at_maximum if scores[n] is not None]
    if usable:
        return max(usable, key=lambda n: scores[n] or 0.0)
    return next(iter(at_maximum or fits))


def identified(name: str, fit: Fit, settings: LifetimeSettings) -> bool:
    """Whether dropout can be read from the data, by the bounds of conf."""
    return is_identified(name, fit, settings.least_leaving, settings.most_dropout_error)


def doubts(name: str, fit: Fit, settings: LifetimeSettings) -> list[str]:
    """Warnings on the chosen fit: it has no maximum; dropout can't be read from the data."""
    found = []
    if not fit.converged:
        found.append(
            f"{name}: the fit did not converge (gradient {fit.gradient_norm:.1e} a customer), and "
            "no other model of conf did: p_alive is not shown, and forecasts rest on the point "
            "where the search ended. See gold.clv_backtest, or take a longer history."
        )
    # Without a maximum, only a fit in which hardly anyone leaves says something of dropout.
    leaving = _leaving(name, fit)
    is_silent = fit.converged or leaving < settings.least_leaving
    if is_silent and not identified(name, fit, settings):
        found.append(
            f"{name}: dropout is not identified ({leaving:.4f} leave a purchase): p_alive is not "
            "shown, and strategies that need it use expected purchases, which do not depend on it."
        )
    return found


def _leaving(name: str, fit: Fit) -> float:
    return float(fitted(name, fit).leaving_a_purchase)


def fit_worth(
    summaries: Summaries, day: dt.date, settings: LifetimeSettings, found: Fits
) -> tuple[str | None, Any]:
    """Gamma-Gamma, or credibility where value depends on frequency; (None, None): no amounts."""
    sums = summaries.spend_sums(day)
    customers = int(sums["customers"].sum())
    if not customers:
        found.warnings.append(
            "no repeat purchase has a positive amount: purchases are forecast, "
            "worth is null (clv_basis no_amounts)."
        )
        return None, None
    related = correlation(sums)
    is_related = related is not None and abs(related) > settings.most_value_correlation
    spend = summaries.spend(day)
    fit = None
    try:
        fit = fit_spend(spend.rows, spend.likelihood(SPEND), spend.customers)
    except NotFittableError as reason:
        found.warnings.append(f"gamma_gamma: {reason}")
    is_usable = fit is not None and fit.converged and dict(fit.parameters)["q"] > 1
    if fit is not None:
        found.rows += rows_of(SPEND, fit, is_usable and not is_related, None)
    found.rows.append(
        _plain(
            SPEND, "frequency_value_correlation", related, customers, is_usable and not is_related
        )
    )
    if is_usable and not is_related and fit is not None:
        return SPEND, GammaGamma(**fit.parameters)
    why = f"frequency and value correlate ({related:.2f})" if is_related else "it has no maximum"
    found.warnings.append(
        f"gamma_gamma is not used: {why}; the value of a purchase is the "
        "customer's own mean, shrunk to that of the like (credibility)."
    )
    shrunk = Credibility.fit(sums)
    for parameter in ("within", "between"):
        found.rows.append(
            _plain("credibility", parameter, getattr(shrunk, parameter), customers, True)
        )
    return "credibility", shrunk


def terms(context: Context) -> Terms:
    """Margin, discount and interval of conf, and the days that tell who churned."""
    settings, churn = context.settings.lifetime, context.settings.churn
    days = (churn.primary_horizon_days, churn.lead_days)
    return Terms(settings.margin, settings.monthly_discount, settings.interval, *days)


def rows_of(name: str, fit: Fit, is_chosen: bool, is_known: bool | None) -> list[Row]:
    """A row a parameter."""
    errors = fit.std_errors or (None,) * len(fit.names)
    return [
        {
            "model_name": name,
            "parameter": parameter,
            "value": value,
            "std_error": error,
            "log_likelihood": fit.log_likelihood,
            "customers": int(fit.customers),
            "converged": fit.converged,
            "is_chosen": is_chosen,
            "is_identified": is_known,
        }
        for parameter, value, error in zip(fit.names, fit.values, errors, strict=True)
    ]


def _plain(name: str, parameter: str, value: float | None, customers: int, is_chosen: bool) -> Row:
    nothing = dict.fromkeys(("std_error", "log_likelihood", "converged", "is_identified"))
    facts = {"model_name": name, "parameter": parameter, "value": value, "customers": customers}
    return {**facts, **nothing, "is_chosen": is_chosen}
