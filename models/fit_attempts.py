"""A fit that leaves one model out, with the reason, where the data do not allow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Fitted = TypeVar("Fitted")
# What a fit raises on data that it cannot use. ValueError: the project's own errors (too few rows,
# no event, one class, no convergence), numpy's LinAlgError, XGBoostError, and the checks for NaN in
# scipy and scikit-learn. ArithmeticError: overflow and division by zero. All other errors are
# faults of the program and end the run.
FIT_ERRORS: tuple[type[Exception], ...] = (ValueError, ArithmeticError)
# Metric of gold.model_comparison, and parameter of gold.lifetime_models, of a model without a fit.
LEFT_OUT = "left_out"
# Libraries append arrays and stack traces to their message.
LONGEST_REASON = 500


@dataclass(frozen=True)
class LeftOut:
    """Why a model was not fitted, as one line."""

    reason: str


def fit_or_reason(
    fit: Callable[[], Fitted], also: tuple[type[Exception], ...] = ()
) -> Fitted | LeftOut:
    """The result of `fit`, or the reason of FIT_ERRORS and `also`.

    >>> fit_or_reason(lambda: 1 / 0)
    LeftOut(reason='division by zero')
    """
    try:
        return fit()
    except (*FIT_ERRORS, *also) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return LeftOut(lines[0][:LONGEST_REASON])
