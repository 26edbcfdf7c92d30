"""Fit all BTYD models of conf on one date, choose one, and warn about unreliable results."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from models.btyd.choice import SPEND, fit_model, fit_spend, fitted, held_out
from models.btyd.credibility import Credibility, correlation
from models.btyd.dropout import Dropout
from models.btyd.fitting import Fit
from models.btyd.gamma_gamma import GammaGamma
from models.btyd.rows import NotFittableError, PurchaseRows, check_fittable
from models.btyd.shifted_beta_geometric import ShiftedBetaGeometric
from models.btyd.terms import Terms
from models.btyd.worth import LifetimeModel
from models.fit_attempts import LeftOut, fit_or_reason
from models.new_customers import Tenure
from pipelines.lifetime.dropout_checks import doubts, dropouts
from pipelines.lifetime.model_rows import Row, fit_rows, left_out_row, plain_row
from pipelines.lifetime.summaries import Fittable, Summaries
from runtime.settings import Settings
from runtime.settings.lifetime import LifetimeSettings


@dataclass(frozen=True)
class Fits:
    """The fits of one date.

    model: the chosen model; None: there is none. others: the other converged models by name,
    including the model of renewals. rows: of gold.lifetime_models. warnings: for the user.
    """

    model: LifetimeModel | None = None
    others: dict[str, LifetimeModel | ShiftedBetaGeometric] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def plus(self, more: Fits) -> Fits:
        """These fits with the others, rows and warnings of `more`. The chosen model stays."""
        return Fits(
            self.model,
            self.others | more.others,
            [*self.rows, *more.rows],
            [*self.warnings, *more.warnings],
        )


class Spend(NamedTuple):
    """The model of the value of a purchase. name and model are None where no amounts are known."""

    name: str | None
    model: GammaGamma | Credibility | None
    rows: list[Row]
    warnings: list[str]


def fit_all(settings: Settings, summaries: Summaries, day: dt.date) -> Fits:
    """Fit each model on all customers, and choose by the likelihood of the hold-out."""
    lifetime = settings.lifetime
    purchases = summaries.purchases(day)
    try:
        check(purchases, lifetime)
    except NotFittableError as reason:
        missing = [left_out_row(n, str(reason), int(purchases.customers)) for n in lifetime.models]
        return Fits(rows=missing, warnings=[f"no lifetime model at {day}: {reason}"])
    scores = held_out_scores(summaries, day, lifetime)
    fits, left_out = fits_of(purchases, lifetime)
    warnings = [f"{n} is left out: {reason}" for n, reason in left_out.items()]
    missing = [left_out_row(n, reason, int(purchases.customers)) for n, reason in left_out.items()]
    if not fits:
        return Fits(rows=missing, warnings=warnings)
    name = chosen(scores, fits)
    leaving = dropouts(purchases, fits, settings)
    rows = [
        row
        for n, fit in fits.items()
        for row in _rows_of(n, fit, scores[n], leaving[n], is_chosen=n == name)
    ]
    spend = fit_spend_model(summaries, day, lifetime)
    models = {
        n: model_of(settings, n, fit, spend=spend, missing=leaving[n].missing)
        for n, fit in fits.items()
    }
    return Fits(
        models[name],
        {n: m for n, m in models.items() if n != name and fits[n].converged},
        [*rows, *missing, *spend.rows],
        [*warnings, *doubts(name, fits[name], leaving[name], settings=lifetime), *spend.warnings],
    )


def fit_one(
    settings: Settings, summaries: Summaries, day: dt.date, *, name: str
) -> LifetimeModel | None:
    """One model fitted on a past date, to forecast from that date; None: it cannot be fitted."""

    def fitted_then() -> LifetimeModel:
        purchases = summaries.purchases(day)
        check(purchases, settings.lifetime)
        fit = fit_of(purchases, name)
        spend = fit_spend_model(summaries, day, settings.lifetime)
        missing = dropouts(purchases, {name: fit}, settings)[name].missing
        return model_of(settings, name, fit, spend=spend, missing=missing)

    model = fit_or_reason(fitted_then)
    return None if isinstance(model, LeftOut) else model


def model_of(
    settings: Settings, name: str, fit: Fit, *, spend: Spend, missing: str | None
) -> LifetimeModel:
    """A fit of purchases with the spend model and the terms of conf.

    missing: why P(alive) is not shown; None: it is.
    """
    return LifetimeModel(
        name,
        fitted(name, fit),
        spend.name,
        spend.model,
        missing,
        terms(settings),
    )


def check(purchases: Fittable[PurchaseRows], settings: LifetimeSettings) -> None:
    """Raise NotFittableError if there are too few customers or repeat customers."""
    rows = purchases.rows
    share = rows.weight[rows.frequency > 0].sum() / max(rows.customers, 1)
    repeaters = float(share * purchases.customers)
    check_fittable(purchases.customers, repeaters, settings.fewest_customers)


def fit_of(purchases: Fittable[PurchaseRows], name: str) -> Fit:
    """One model on all customers of a date. Raises one of FIT_ERRORS."""
    return fit_model(
        name, purchases.rows, purchases.likelihood(name), customers=purchases.customers
    )


def fits_of(
    purchases: Fittable[PurchaseRows], settings: LifetimeSettings
) -> tuple[dict[str, Fit], dict[str, str]]:
    """The models of conf that can be fitted, by name, and the reason of each other one."""
    fits: dict[str, Fit] = {}
    left_out: dict[str, str] = {}
    for name in settings.models:
        fit = fit_or_reason(partial(fit_of, purchases, name))
        if isinstance(fit, LeftOut):
            left_out[name] = fit.reason
        else:
            fits[name] = fit
    return fits, left_out


def held_out_scores(
    summaries: Summaries, day: dt.date, settings: LifetimeSettings
) -> dict[str, float | None]:
    """Mean log-likelihood per customer of the hold-out, by model; None: no fit or no hold-out."""
    train, test = summaries.purchases(day, False), summaries.purchases(day, True)
    return {name: _held_out_score(train, test, name) for name in settings.models}


def _held_out_score(
    train: Fittable[PurchaseRows], test: Fittable[PurchaseRows], name: str
) -> float | None:
    def measured() -> float | None:
        fit = fit_of(train, name)
        likelihood = test.likelihood(name)
        if likelihood is not None:
            return likelihood(np.log(fit.values))[0] / test.customers
        return held_out(fitted(name, fit), test.rows) if len(test.rows) else None

    score = fit_or_reason(measured)
    # The fit on all customers warns of the reason.
    return score if isinstance(score, float) and math.isfinite(score) else None


def chosen(scores: dict[str, float | None], fits: dict[str, Fit]) -> str:
    """The converged model with the best likelihood of the hold-out.

    Without a score: the first converged model. Without a converged one: the first model of conf.
    """
    converged = [n for n, fit in fits.items() if fit.converged]
    scored = [n for n in converged if scores[n] is not None]
    if scored:
        return max(scored, key=lambda n: scores[n] or 0.0)
    return next(iter(converged or fits))


def fit_spend_model(summaries: Summaries, day: dt.date, settings: LifetimeSettings) -> Spend:
    """Gamma-Gamma, or credibility if value depends on frequency or Gamma-Gamma cannot be fitted."""
    sums = summaries.spend_sums(day)
    customers = int(sums["customers"].sum())
    if not customers:
        warning = (
            "no repeat purchase has a positive amount, so CLV is null (clv_basis no_amounts). "
            "Purchases are forecast."
        )
        return Spend(None, None, [], [warning])
    spend = summaries.spend(day)
    tried = fit_or_reason(lambda: fit_spend(spend.rows, spend.likelihood(SPEND), spend.customers))
    fit, rows, warnings = _gamma_gamma(tried, customers)
    related = correlation(sums)
    is_related = related is not None and abs(related) > settings.most_value_correlation
    has_maximum = fit is not None and fit.converged and dict(fit.parameters)["q"] > 1
    is_used = has_maximum and not is_related
    if fit is not None:
        rows += fit_rows(SPEND, fit, is_used, is_identified=None)
    correlated = "frequency_value_correlation"
    rows.append(plain_row(SPEND, correlated, related, customers=customers, is_chosen=is_used))
    if is_used and fit is not None:
        return Spend(SPEND, GammaGamma(**fit.parameters), rows, warnings)
    why = (
        f"frequency and value correlate ({related:.2f}, at most "
        f"{settings.most_value_correlation} is allowed)"
        if is_related
        else "its likelihood has no usable maximum"
    )
    warnings.append(
        f"gamma_gamma is not used: {why}. The value of a purchase is the customer's own mean, "
        "shrunk to the mean of customers with a similar frequency (credibility)."
    )
    shrunk = Credibility.fit(sums)
    for parameter, value in (("within", shrunk.within), ("between", shrunk.between)):
        rows.append(plain_row("credibility", parameter, value, customers=customers, is_chosen=True))
    return Spend("credibility", shrunk, rows, warnings)


def _gamma_gamma(tried: Fit | LeftOut, customers: int) -> tuple[Fit | None, list[Row], list[str]]:
    """The fit, or None with a row and a warning that say why."""
    if not isinstance(tried, LeftOut):
        return tried, [], []
    row = left_out_row(SPEND, tried.reason, customers)
    return None, [row], [f"gamma_gamma is left out: {tried.reason}"]


def tenure(settings: Settings) -> Tenure:
    """Which customers are new, by conf."""
    new = settings.lifetime.new_customers
    return Tenure(tuple(new.tenure_days), new.unseen_days)


def terms(settings: Settings) -> Terms:
    """Margin, discount, interval, horizon and lead of conf."""
    lifetime, churn = settings.lifetime, settings.churn
    days = (churn.primary_horizon_days, churn.lead_days)
    return Terms(lifetime.margin, lifetime.monthly_discount, lifetime.interval, *days)


def _rows_of(
    name: str, fit: Fit, score: float | None, leaving: Dropout, *, is_chosen: bool
) -> list[Row]:
    """The parameters of a fit, its score on the hold-out, and what it shows about dropout."""
    rows = fit_rows(name, fit, is_chosen, is_identified=leaving.missing is None)
    values = {
        "held_out_log_likelihood": score,
        "leaving_a_purchase": float(fitted(name, fit).leaving_a_purchase),
        "leaving_a_year": leaving.leaving_a_year,
        "likelihood_ratio": leaving.likelihood_ratio,
        "p_alive_error": leaving.p_alive_error,
    }
    more = [
        {**rows[0], "parameter": parameter, "value": value, "std_error": None}
        for parameter, value in values.items()
    ]
    return rows + more
