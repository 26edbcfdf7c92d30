"""Rows of gold.lifetime_models that survival models leave."""

from __future__ import annotations

from typing import Any

from jobs.lifetime.fits import Row
from jobs.lifetime.landmarks import Seen
from models.survival.worth import SurvivalWorth


def rate_rows(model: SurvivalWorth) -> list[Row]:
    """The weights of the spend rates."""
    found = []
    for rate in (model.value, model.purchases):
        if rate is None:
            continue
        weights = {f"{w}d": v for w, v in zip(rate.windows, rate.weights[:-1], strict=True)}
        figures = {"base": rate.base, **weights, "whole_past": rate.weights[-1]}
        figures |= {"variance_of_mean_squared": rate.spread[0], "variance_of_mean": rate.spread[1]}
        found += [plain("spend_rate", f"{rate.what}_{n}", v, rate.rows) for n, v in figures.items()]
    return found


def row(
    name: str,
    parameter: str,
    value: float,
    seen: Seen,
    error: float | None = None,
    log_likelihood: float | None = None,
    rows: int | None = None,
) -> Row:
    """A figure of a model that was fitted on the rows seen; `rows`: where it comes from others."""
    count = rows if rows is not None else seen.customers
    found = plain(name, parameter, float(value), count)
    is_fit = {"converged": True} if log_likelihood is not None else {}
    return {**found, "std_error": error, "log_likelihood": log_likelihood, **is_fit}


def plain(name: str, parameter: str, value: float, customers: int) -> Row:
    """A figure without an error."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("std_error", "log_likelihood", "converged", "is_identified")
    )
    facts = {"model_name": name, "parameter": parameter, "value": value, "customers": customers}
    return {**facts, **nothing, "is_chosen": False}


def short(name: str) -> str:
    """A covariate's name as the feature tables have it."""
    from transforms.survival_rows import COVARIATE

    return name.removeprefix(COVARIATE)
