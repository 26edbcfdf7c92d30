"""Values of features as numbers and texts. Errors name the feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class FeatureValueError(ValueError):
    """A feature has an invalid value: text for a number, infinity, or a number for a category."""


def is_null(value: object) -> bool:
    """True for None, NaN, NaT and pandas.NA."""
    return value is None or bool(pd.api.types.is_scalar(value) and pd.isna(value))


def not_a_number(feature: str, value: object) -> FeatureValueError:
    """The error for a value that is no number."""
    return FeatureValueError(
        f"{feature}: a numeric feature must be a number or null, got {value!r}. "
        "Cast it where the features are made."
    )


def not_a_text(feature: str, value: object) -> FeatureValueError:
    """The error for a value of a category that is no text."""
    return FeatureValueError(
        f"{feature}: a category must be text or null, got {value!r}. "
        "Cast it where the features are made."
    )


def numbers(values: Sequence[Any], features: Sequence[str]) -> NDArray[np.float64]:
    """Convert values of any numeric type to float64, null to NaN. Errors name the feature."""
    has_text = any(issubclass(kind, (str, bytes)) for kind in set(map(type, values)))
    try:
        numbers = np.array([] if has_text else values, dtype=np.float64)  # None becomes NaN
        if numbers.shape == (len(values),):
            return numbers
    except (TypeError, ValueError, OverflowError):
        pass  # pandas.NA or an invalid value: convert one by one, so that the error can name it
    return np.array([number(v, f) for v, f in zip(values, features, strict=True)], dtype=float)


def number(value: Any, feature: str) -> float:
    """The value as a float, null as NaN."""
    if is_null(value):
        return np.nan
    try:
        if not isinstance(value, (str, bytes)):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise not_a_number(feature, value)


def numbers_in(column: pd.Series) -> NDArray[np.float64]:
    """The values of a column as floats, null as NaN."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = column.to_numpy(dtype=object, na_value=None).tolist()
    return numbers(values, [str(column.name)] * len(values))


def texts_in(column: pd.Series) -> NDArray[np.object_]:
    """The texts as Python objects, null as None."""
    texts = column.to_numpy(dtype=object, na_value=None)
    if pd.api.types.infer_dtype(texts, skipna=True) not in ("string", "empty"):
        for value in texts:
            if not (value is None or isinstance(value, str)):
                raise not_a_text(str(column.name), value)
    return texts
