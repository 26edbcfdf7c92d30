"""From raw features to the float32 matrix that a model was trained on: one way for every caller.

A frame and a dict go through the same numbers, so that a score does not depend on who asks.

    features  months: 7, plan: "gold"      categories of plan: basic, gold
    columns   months  plan=basic  plan=gold
              7       0           1
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LARGEST = float(np.finfo(np.float32).max)


class FeatureMismatch(ValueError):  # noqa: N818 - the name says what is wrong
    """The features given are not the features of the model."""


class FeatureValueError(ValueError):
    """A feature has a value that its column cannot hold: text for a number, infinity, a number for
    a category."""


@dataclass(frozen=True)
class FeatureEncoder:
    """The model's features, in order, and how each becomes matrix columns.

    numeric: one column each; null stays NaN, for learners that take missing values.
    categories: a feature and its known values, sorted; one 0/1 column a value; null and unknown
        values have 0 in all of them.

    For learners that cannot take NaN (logistic regression, neural network, Spark's forest):

    logged: numeric features whose value x becomes sign(x) * log(1 + |x|), before all else; for
        those with a long tail.
    fill: value in place of null, one a numeric feature.
    center, scale: after filling, (value - center) / scale, one a numeric feature.
    missing_indicators: numeric features with a further 0/1 column `<name> is missing`, at the end.
    """

    numeric: tuple[str, ...]
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fill: tuple[float, ...] | None = None
    center: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None
    missing_indicators: tuple[str, ...] = ()
    logged: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._refuse_unusable_names()
        self._refuse_unusable_numbers()

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The raw features: numeric, then categorical."""
        return (*self.numeric, *(feature for feature, _ in self.categories))

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """The matrix columns: numeric, `feature=category`, `feature is missing`."""
        return (
            *self.numeric,
            *(f"{feature}={value}" for feature, values in self.categories for value in values),
            *(f"{feature} is missing" for feature in self.missing_indicators),
        )

    @cached_property
    def column_feature(self) -> NDArray[np.int64]:
        """For each matrix column the position of its raw feature in `feature_names`."""
        position = {feature: k for k, feature in enumerate(self.feature_names)}
        one_hot = [position[feature] for feature, values in self.categories for _ in values]
        indicators = [position[feature] for feature in self.missing_indicators]
        return np.array([*range(len(self.numeric)), *one_hot, *indicators], dtype=np.int64)

    def encode(self, frame: pd.DataFrame, ignore: Collection[str] = ()) -> NDArray[np.float32]:
        """The frame's rows as a (rows, columns) matrix; the order of the frame's columns is free.

        Columns in `ignore` may stand beside the features. Raises FeatureMismatch when features
        are missing or others are there, FeatureValueError for a value that a column cannot hold.
        """
        self._refuse_other_features(frame.columns, ignore)
        values = np.empty((len(frame), len(self.numeric)), dtype=np.float64)
        for position, feature in enumerate(self.numeric):
            values[:, position] = _numbers_in(frame[feature])
        matrix = self._with_numeric(values)
        for feature, column_of in self._one_hot:
            texts = _texts_in(frame[feature])
            known = pd.Index(list(column_of), dtype=object).get_indexer(
                pd.Index(texts, dtype=object)
            )
            rows = np.flatnonzero(known >= 0)
            matrix[rows, np.array([*column_of.values()], dtype=np.int64)[known[rows]]] = 1.0
        return matrix

    def encode_one(
        self, row: Mapping[str, object], ignore: Collection[str] = ()
    ) -> NDArray[np.float32]:
        """One row, (columns,), from a dict: the numbers and errors of `encode`, without pandas."""
        if row.keys() != self._known_features:
            self._refuse_other_features(row, ignore)
        values = _numbers([row[feature] for feature in self.numeric], self.numeric)
        encoded = self._with_numeric(values.reshape(1, -1))[0]
        for feature, column_of in self._one_hot:
            value = row[feature]
            if isinstance(value, str):
                column = column_of.get(value)
                if column is not None:
                    encoded[column] = 1.0
            elif not _is_null(value):
                raise _not_a_text(feature, value)
        return encoded

    def refuse_missing(self, names: Collection[str]) -> None:
        """FeatureMismatch where a feature is not among the names; others may be."""
        self._refuse_other_features(names, names)

    def to_dict(self) -> dict[str, Any]:
        """Plain names and numbers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The encoder that `to_dict` wrote, also after JSON made lists of its tuples."""
        plain: dict[str, Any] = {k: v if v is None else tuple(v) for k, v in content.items()}
        plain["categories"] = tuple((f, tuple(values)) for f, values in content["categories"])
        return cls(**plain)

    @cached_property
    def _known_features(self) -> frozenset[str]:
        return frozenset(self.feature_names)

    @cached_property
    def _one_hot(self) -> tuple[tuple[str, dict[str, int]], ...]:
        """Each categorical feature with the matrix column of each known value."""
        columns = iter(range(len(self.numeric), len(self.column_names)))
        return tuple((f, {value: next(columns) for value in vs}) for f, vs in self.categories)

    @cached_property
    def _indicated(self) -> list[int]:
        return [self.numeric.index(feature) for feature in self.missing_indicators]

    @cached_property
    def _logged(self) -> list[int]:
        return [self.numeric.index(feature) for feature in self.logged]

    @cached_property
    def _dense(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """fill, center and scale as arrays; those not given change nothing."""
        neutral = ((self.fill, np.nan), (self.center, 0.0), (self.scale, 1.0))
        fill, center, scale = (
            np.full(len(self.numeric), default) if given is None else np.array(given, dtype=float)
            for given, default in neutral
        )
        return fill, center, scale

    def _with_numeric(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """The matrix with its numeric and indicator columns set, the one-hot columns still 0."""
        fill, center, scale = self._dense
        is_missing = np.isnan(values)
        if self.logged:
            tail = values[:, self._logged]
            values = values.copy()
            values[:, self._logged] = np.sign(tail) * np.log1p(np.abs(tail))
        values = (np.where(is_missing, fill, values) - center) / scale
        too_large = np.abs(values) > LARGEST
        if too_large.any():
            features = [self.numeric[k] for k in np.flatnonzero(too_large.any(axis=0))]
            raise FeatureValueError(
                f"{', '.join(features)}: a numeric feature must be finite (float32) or null, got "
                "an infinite value. Send null where the value is unknown."
            )
        matrix = np.zeros((len(values), len(self.column_names)), dtype=np.float32)
        matrix[:, : len(self.numeric)] = values
        if self.missing_indicators:
            matrix[:, -len(self.missing_indicators) :] = is_missing[:, self._indicated]
        return matrix

    def _refuse_other_features(self, names: Iterable[str], ignore: Collection[str]) -> None:
        given = Counter(list(names))
        missing = [f for f in self.feature_names if f not in given]
        unexpected = [n for n in given if n not in self._known_features and n not in ignore]
        repeated = [f for f in self.feature_names if given[f] > 1]
        found = {"missing": missing, "unexpected": unexpected, "given twice": repeated}
        if any(found.values()):
            said = "; ".join(f"{how}: {', '.join(map(str, fs))}" for how, fs in found.items() if fs)
            raise FeatureMismatch(
                f"features: the model takes its {len(self.feature_names)} features and no others, "
                f"got {said}. Send each feature once (null where it is unknown), and name in "
                "`ignore` what may stand beside them."
            )

    def _refuse_unusable_names(self) -> None:
        names = (*self.feature_names, *self.column_names[len(self.numeric) :])
        repeated = sorted(name for name, count in Counter(names).items() if count > 1)
        if repeated:
            raise ValueError(
                f"features: names must differ, got {', '.join(repeated)} twice. Rename one."
            )
        for feature, values in self.categories:
            if list(values) != sorted(values):
                raise ValueError(
                    f"{feature}: categories must be sorted, got {', '.join(values)}. Sort them."
                )

    def _refuse_unusable_numbers(self) -> None:
        for name in ("fill", "center", "scale"):
            given = getattr(self, name)
            if given is None:
                continue
            if len(given) != len(self.numeric) or not np.isfinite(given).all():
                raise ValueError(
                    f"{name}: must be {len(self.numeric)} finite numbers, one a numeric feature, "
                    f"got {given}. Compute them from the training rows."
                )
        if self.scale is not None and 0.0 in self.scale:
            raise ValueError(
                f"scale: must not be 0, got {self.scale}. Use 1 for a feature that never varies."
            )
        for name in ("missing_indicators", "logged"):
            others = sorted(set(getattr(self, name)) - set(self.numeric))
            if others:
                raise ValueError(
                    f"{name}: must be numeric features, got {', '.join(others)}. "
                    "Null in a category already shows: all its columns are 0."
                )


def _is_null(value: object) -> bool:
    """None, NaN, NaT and pandas.NA."""
    return value is None or bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _not_a_number(feature: str, value: object) -> FeatureValueError:
    return FeatureValueError(
        f"{feature}: a numeric feature must be a number or null, got {value!r}. "
        "Cast it where the features are made."
    )


def _not_a_text(feature: str, value: object) -> FeatureValueError:
    return FeatureValueError(
        f"{feature}: a category must be text or null, got {value!r}. "
        "Cast it where the features are made."
    )


def _numbers(values: Sequence[Any], features: Sequence[str]) -> NDArray[np.float64]:
    """Values of any numeric type as float64, null as NaN; `features` name them in an error."""
    has_text = any(issubclass(kind, (str, bytes)) for kind in set(map(type, values)))
    try:
        numbers = np.array([] if has_text else values, dtype=np.float64)  # None becomes NaN
        if numbers.shape == (len(values),):
            return numbers
    except (TypeError, ValueError, OverflowError):
        pass  # pandas.NA, or something that is no number: one by one, to name it
    return np.array([_number(v, f) for v, f in zip(values, features, strict=True)], dtype=float)


def _number(value: Any, feature: str) -> float:
    if _is_null(value):
        return np.nan
    try:
        if not isinstance(value, (str, bytes)):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise _not_a_number(feature, value)


def _numbers_in(column: pd.Series) -> NDArray[np.float64]:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = column.to_numpy(dtype=object, na_value=None).tolist()
    return _numbers(values, [str(column.name)] * len(values))


def _texts_in(column: pd.Series) -> NDArray[np.object_]:
    """Text as objects, null as None."""
    texts = column.to_numpy(dtype=object, na_value=None)
    if pd.api.types.infer_dtype(texts, skipna=True) not in ("string", "empty"):
        for value in texts:
            if not (value is None or isinstance(value, str)):
                raise _not_a_text(str(column.name), value)
    return texts
