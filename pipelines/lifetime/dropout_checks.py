"""Check whether P(alive) can be shown, by the bounds of conf, and say why where it cannot."""

from __future__ import annotations

from models.btyd import nbd
from models.btyd.choice import fit_without_dropout
from models.btyd.dropout import NO_DROPOUT, NOT_PRECISE, Bounds, Dropout, dropout
from models.btyd.fitting import Fit
from models.btyd.rows import NotFittableError, PurchaseRows
from pipelines.lifetime.summaries import Fittable
from runtime.settings import Settings
from runtime.settings.lifetime import LifetimeSettings

INSTEAD = "Strategies that need p_alive use expected purchases, which do not depend on dropout."


def dropouts(
    purchases: Fittable[PurchaseRows], fits: dict[str, Fit], settings: Settings
) -> dict[str, Dropout]:
    """What each fit shows about customers who leave, by model."""
    lifetime = settings.lifetime
    bounds = Bounds(
        lifetime.least_likelihood_ratio, lifetime.least_leaving_a_year, lifetime.most_p_alive_error
    )
    try:
        without = fit_without_dropout(
            purchases.rows, purchases.likelihood(nbd.NAME), customers=purchases.customers
        )
    except NotFittableError:
        without = None
    days = settings.lifecycle.silent_days
    return {
        name: dropout(name, fit, without, rows=purchases.rows, silent_days=days, bounds=bounds)
        for name, fit in fits.items()
    }


def doubts(name: str, fit: Fit, leaving: Dropout, *, settings: LifetimeSettings) -> list[str]:
    """Warnings about the chosen fit: it did not converge; P(alive) is not shown."""
    warnings = []
    if not fit.converged:
        warnings.append(
            f"{name}: the fit did not converge (gradient {fit.gradient_norm:.1e} per customer), "
            "nor did any other model of conf. p_alive is not shown, and forecasts use the "
            "parameters at which the search stopped. Check gold.clv_backtest, or use a longer "
            "history."
        )
    # A fit that did not converge shows one thing about dropout: that hardly anyone leaves.
    if leaving.missing == NO_DROPOUT:
        warnings.append(f"{name}: {_no_dropout(leaving, settings)} {INSTEAD}")
    elif leaving.missing == NOT_PRECISE and fit.converged:
        error = "unknown" if leaving.p_alive_error is None else f"{leaving.p_alive_error:.2f}"
        warnings.append(
            f"{name}: p_alive is not shown (not_precise). Customers do leave for good, but their "
            "purchases do not show clearly enough who has left: the median standard error of "
            f"p_alive is {error}, at most {settings.most_p_alive_error} is allowed "
            f"(lifetime.most_p_alive_error). {INSTEAD}"
        )
    return warnings


def _no_dropout(leaving: Dropout, settings: LifetimeSettings) -> str:
    """Why dropout does not exist by the bounds of conf, in a sentence."""
    said = "p_alive is not shown (no_dropout). The purchases do not show that customers leave "
    ratio, least = leaving.likelihood_ratio, settings.least_likelihood_ratio
    if ratio is None:
        return said + "for good: the model without leaving could not be fitted."
    if ratio <= least:
        return said + (
            f"for good: the likelihood ratio against a model without leaving is {ratio:.1f}, it "
            f"must be above {least} (lifetime.least_likelihood_ratio)."
        )
    return said + (
        f"for good: {leaving.leaving_a_year:.1%} leave per year, at least "
        f"{settings.least_leaving_a_year:.1%} must (lifetime.least_leaving_a_year)."
    )
