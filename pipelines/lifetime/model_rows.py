"""Rows of gold.lifetime_models: one row per as_of, model and parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from models.btyd.fitting import Fit
from models.btyd.worth import LifetimeModel
from models.fit_attempts import LEFT_OUT
from models.new_customers import NewCustomers
from models.survival.worth import SurvivalWorth
from models.value_interval import Spread
from transforms.survival_rows import COVARIATE

# Columns of a gold table without as_of, as JSON values: the MLflow run stores them.
Row = dict[str, Any]
NO_VARIANCE = "no standard error: its estimated variance is not positive"


def fit_rows(name: str, fit: Fit, is_chosen: bool, *, is_identified: bool | None) -> list[Row]:
    """One row per parameter of a maximum likelihood fit."""
    errors = fit.std_errors or (None,) * len(fit.names)
    reason = None if fit.std_errors else "no standard error: the fit did not end at a maximum"
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
            "is_identified": is_identified,
            "reason": reason,
        }
        for parameter, value, error in zip(fit.names, fit.values, errors, strict=True)
    ]


def plain_row(
    name: str, parameter: str, value: float | None, *, customers: int, is_chosen: bool = False
) -> Row:
    """A value without a standard error, such as a statistic."""
    return {
        "model_name": name,
        "parameter": parameter,
        "value": value,
        "customers": customers,
        **dict.fromkeys(("std_error", "log_likelihood", "converged", "is_identified", "reason")),
        "is_chosen": is_chosen,
    }


def left_out_row(name: str, reason: str, customers: int) -> Row:
    """A model that could not be fitted on this number of customers."""
    plain = plain_row(name, LEFT_OUT, None, customers=customers)
    return {**plain, "converged": False, "reason": reason}


def survival_row(
    name: str,
    parameter: str,
    value: float,
    *,
    customers: int,
    std_error: float | None = None,
    log_likelihood: float | None = None,
) -> Row:
    """A value of a survival model. With log_likelihood it is a parameter of a converged fit.

    A std_error of NaN (its variance is not positive) becomes null, with a reason. A value of NaN
    becomes null: it is undefined.
    """
    plain = plain_row(name, parameter, _finite(value), customers=customers)
    error = _finite(std_error)
    fit: Row = {"std_error": error, "log_likelihood": log_likelihood}
    if std_error is not None and error is None:
        fit["reason"] = NO_VARIANCE
    return plain | fit | ({"converged": True} if log_likelihood is not None else {})


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def rate_rows(model: SurvivalWorth, past: Mapping[int, pd.DataFrame]) -> list[Row]:
    """The weights and variances of the spend rates.

    past: the rows that `fit_worth` used, by horizon in days; one row per landmark. The weights come
    from the shortest horizon, the variances from all horizons.
    """
    rows: list[Row] = []
    customers = past[min(past)]["customer_id"].nunique()
    for rate in (model.value, model.purchases):
        if rate is None:
            continue
        staying = model.staying
        spread = None
        if staying is not None:
            spread = staying.value.spread if rate.what == "value" else staying.purchases
        weights = {f"{w}d": v for w, v in zip(rate.windows, rate.weights[:-1], strict=True)}
        weights = {"base": rate.base, **weights, "whole_past": rate.weights[-1]}
        values = weights | _of_spread(spread) | _of_new(rate.new)
        if rate.lost is not None:
            ends = [*(f"{day}d" for day in rate.lost.last_days), "later"]
            levels = zip(ends, rate.lost.levels, strict=True)
            values |= {f"return_rate_{end}": level for end, level in levels}
            values["return_rate_weight"] = rate.lost.weight
        rows += [
            plain_row("spend_rate", f"{rate.what}_{n}", v, customers=customers)
            for n, v in values.items()
        ]
    return rows


def past_rows(model: LifetimeModel) -> list[Row]:
    """What the past forecasts of the chosen purchase model showed."""
    past = model.past
    values = {f"value_{n}": v for n, v in _of_new(past.value).items()}
    values |= {f"purchases_{n}": v for n, v in _of_new(past.purchases).items()}
    if past.interval is not None:
        values |= {f"value_{n}": v for n, v in _of_spread(past.interval.spread).items()}
    customers = past.value.customers if past.value is not None else 0
    return [
        plain_row(model.name, n, v, customers=customers, is_chosen=True) for n, v in values.items()
    ]


def _of_spread(spread: Spread | None) -> dict[str, float]:
    """The variance around a forecast; the last part grows with each day of the horizon."""
    if spread is None:
        return {}
    return {
        "variance_of_mean_squared": spread.lasting,
        "variance_of_mean": spread.passing,
        "variance_of_mean_per_day": spread.growing,
    }


def _of_new(new: NewCustomers | None) -> dict[str, float]:
    """Days after which the own rate counts as much as the class mean, and the class means."""
    if new is None:
        return {}
    means = {
        f"new_{last}d_repeats_{repeats}": mean
        for last, row in zip(new.classes, new.means, strict=True)
        for repeats, mean in enumerate(row)
    }
    return {"new_half_days": new.half_days, **means}


def feature_name(covariate: str) -> str:
    """The name of a covariate in the feature tables."""
    return covariate.removeprefix(COVARIATE)
