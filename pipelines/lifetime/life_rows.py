"""Rows of gold.lifetime_models that survival models leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from models.survival.worth import SurvivalWorth
from pipelines.lifetime.btyd_fits import Row
from pipelines.lifetime.landmarks import Seen


def rate_rows(model: SurvivalWorth, past: Mapping[int, pd.DataFrame]) -> list[Row]:
    """The weights of the spend rates; past: what `fit_worth` learnt them from, a row a landmark.

    The weights come from the shortest horizon, the variances from the longest.
    """
    found = []
    customers, lasting = (past[h]["customer_id"].nunique() for h in (min(past), max(past)))
    for rate in (model.value, model.purchases):
        if rate is None:
            continue
        weights = {f"{w}d": v for w, v in zip(rate.windows, rate.weights[:-1], strict=True)}
        figures = {"base": rate.base, **weights, "whole_past": rate.weights[-1]}
        squared, of_mean = rate.spread
        spread = {"variance_of_mean_squared": squared, "variance_of_mean": of_mean}
        for values, count in ((figures, customers), (spread, lasting)):
            found += [plain("spend_rate", f"{rate.what}_{n}", v, count) for n, v in values.items()]
    return found


def row(
    name: str,
    parameter: str,
    value: float,
    seen: Seen,
    error: float | None = None,
    log_likelihood: float | None = None,
    judged: int | None = None,
) -> Row:
    """A figure of a model that was fitted on the customers seen; `judged`: where it comes from so
    many others."""
    count = judged if judged is not None else seen.customers
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
