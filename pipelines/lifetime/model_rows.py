"""Rows of gold.lifetime_models: one row per as_of, model and parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from models.btyd.fitting import Fit
from models.fit_attempts import LEFT_OUT
from models.survival.worth import SurvivalWorth
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
    from the shortest horizon, the variances from the longest.
    """
    rows: list[Row] = []
    shortest, longest = (past[h]["customer_id"].nunique() for h in (min(past), max(past)))
    for rate in (model.value, model.purchases):
        if rate is None:
            continue
        weights = {f"{w}d": v for w, v in zip(rate.windows, rate.weights[:-1], strict=True)}
        weights = {"base": rate.base, **weights, "whole_past": rate.weights[-1]}
        squared, of_mean = rate.spread
        variances = {"variance_of_mean_squared": squared, "variance_of_mean": of_mean}
        for values, customers in ((weights, shortest), (variances, longest)):
            rows += [
                plain_row("spend_rate", f"{rate.what}_{n}", v, customers=customers)
                for n, v in values.items()
            ]
    return rows


def feature_name(covariate: str) -> str:
    """The name of a covariate in the feature tables."""
    return covariate.removeprefix(COVARIATE)
