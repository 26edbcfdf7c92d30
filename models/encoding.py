"""Encode raw features as the float32 matrix that a model was trained on.

A frame and a dict are encoded by the same code, so the score does not depend on the caller.

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

from models.feature_values import (
    FeatureValueError,
    is_null,
    not_a_text,
    numbers,
    numbers_in,
    texts_in,
)

LARGEST = float(np.finfo(np.float32).max)


class FeatureMismatch(ValueError):  # noqa: N818 - the name says what is wrong
    """The given features differ from the features of the model."""


@dataclass(frozen=True)
class FeatureEncoder:
    """The model's features in order, and their encoding as matrix columns.

    numeric: one column per feature. Null becomes NaN, for learners that accept missing values.
    categories: pairs of a feature and its sorted known values. Each value has one 0/1 column. Null
        and unknown values have 0 in all columns of the feature.

    For learners that do not accept NaN (logistic regression, neural network, Spark's forest):

    logged: numeric features with a long tail. Their value x becomes sign(x) * log(1 + |x|) before
        any other step.
    fill: the value that replaces null, one per numeric feature.
    center, scale: the filled value becomes (value - center) / scale, one per numeric feature.
    lowest, highest: bounds of the result, one per numeric feature. Values outside become the bound.
    missing_indicators: numeric features with an additional 0/1 column `<name> is missing`. These
        columns come last.
    """

    numeric: tuple[str, ...]
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fill: tuple[float, ...] | None = None
    center: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None
    missing_indicators: tuple[str, ...] = ()
    logged: tuple[str, ...] = ()
    lowest: tuple[float, ...] | None = None
    highest: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        self._refuse_unusable_names()
        self._refuse_unusable_numbers()

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the raw features: numeric, then categorical."""
        return (*self.numeric, *(feature for feature, _ in self.categories))

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names of the matrix columns: numeric, `feature=category`, `feature is missing`."""
        return (
            *self.numeric,
            *(f"{feature}={value}" for feature, values in self.categories for value in values),
            *(f"{feature} is missing" for feature in self.missing_indicators),
        )

    @cached_property
    def column_feature(self) -> NDArray[np.int64]:
        """The position in `feature_names` of each matrix column's raw feature."""
        position = {feature: k for k, feature in enumerate(self.feature_names)}
        one_hot = [position[feature] for feature, values in self.categories for _ in values]
        indicators = [position[feature] for feature in self.missing_indicators]
        return np.array([*range(len(self.numeric)), *one_hot, *indicators], dtype=np.int64)

    def encode(self, frame: pd.DataFrame, ignore: Collection[str] = ()) -> NDArray[np.float32]:
        """Encode the rows as a (rows, columns) matrix. The order of the frame's columns is free.

        `ignore`: further columns that the frame may have. Raises FeatureMismatch if a feature is
        missing, repeated or unexpected, and FeatureValueError for an invalid value.
        """
        self._refuse_other_features(frame.columns, ignore)
        values = np.empty((len(frame), len(self.numeric)), dtype=np.float64)
        for position, feature in enumerate(self.numeric):
            values[:, position] = numbers_in(frame[feature])
        matrix = self._with_numeric(values)
        for feature, column_of in self._one_hot:
            texts = texts_in(frame[feature])
            values_of = pd.Index(list(column_of), dtype=object)
            known = values_of.get_indexer(pd.Index(texts, dtype=object))
            rows = np.flatnonzero(known >= 0)
            matrix[rows, np.array([*column_of.values()], dtype=np.int64)[known[rows]]] = 1.0
        return matrix

    def encode_one(
        self, row: Mapping[str, object], ignore: Collection[str] = ()
    ) -> NDArray[np.float32]:
        """Encode one dict as a (columns,) row: one row of `encode_rows`."""
        return self.encode_rows((row,), ignore)[0]

    def encode_rows(
        self, rows: Sequence[Mapping[str, object]], ignore: Collection[str] = ()
    ) -> NDArray[np.float32]:
        """Encode dicts as a (rows, columns) matrix, as `encode` does, without pandas."""
        values = np.empty((len(rows), len(self.numeric)), dtype=np.float64)
        for position, row in enumerate(rows):
            if row.keys() != self._known_features:
                self._refuse_other_features(row, ignore)
            values[position] = numbers([row[feature] for feature in self.numeric], self.numeric)
        matrix = self._with_numeric(values)
        for feature, column_of in self._one_hot:
            for position, row in enumerate(rows):
                value = row[feature]
                if isinstance(value, str):
                    column = column_of.get(value)
                    if column is not None:
                        matrix[position, column] = 1.0
                elif not is_null(value):
                    raise not_a_text(feature, value)
        return matrix

    def refuse_missing(self, names: Collection[str]) -> None:
        """Raise FeatureMismatch if a feature is not in `names`. Further names are allowed."""
        self._refuse_other_features(names, names)

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild the encoder from `to_dict`. Accepts the lists that JSON makes of tuples."""
        plain: dict[str, Any] = {k: v if v is None else tuple(v) for k, v in content.items()}
        plain["categories"] = tuple((f, tuple(values)) for f, values in content["categories"])
        return cls(**plain)

    @cached_property
    def _known_features(self) -> frozenset[str]:
        return frozenset(self.feature_names)

    @cached_property
    def _one_hot(self) -> tuple[tuple[str, dict[str, int]], ...]:
        """Each categorical feature, with the matrix column of each of its known values."""
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
        """fill, center and scale as arrays, with neutral values for those that are None."""
        neutral = ((self.fill, np.nan), (self.center, 0.0), (self.scale, 1.0))
        fill, center, scale = (
            np.full(len(self.numeric), default) if given is None else np.array(given, dtype=float)
            for given, default in neutral
        )
        return fill, center, scale

    def _with_numeric(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """The matrix with the numeric and indicator columns set. One-hot columns are 0."""
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
        if self.lowest is not None and self.highest is not None:
            values = np.clip(values, self.lowest, self.highest)
        matrix = np.zeros((len(values), len(self.column_names)), dtype=np.float32)
        matrix[:, : len(self.numeric)] = values
        if self.missing_indicators:
            matrix[:, -len(self.missing_indicators) :] = is_missing[:, self._indicated]
        return matrix

    def _refuse_other_features(self, columns: Iterable[str], ignore: Collection[str]) -> None:
        given = Counter(list(columns))
        missing = [f for f in self.feature_names if f not in given]
        unexpected = [n for n in given if n not in self._known_features and n not in ignore]
        repeated = [f for f in self.feature_names if given[f] > 1]
        faults = {"missing": missing, "unexpected": unexpected, "given twice": repeated}
        if any(faults.values()):
            listed = "; ".join(
                f"{kind}: {', '.join(map(str, n))}" for kind, n in faults.items() if n
            )
            raise FeatureMismatch(
                f"features: the model takes its own {len(self.feature_names)} exactly, got "
                f"{listed}. Send each feature once (null if unknown), and list further columns in "
                "`ignore`."
            )

    def _refuse_unusable_names(self) -> None:
        names = (*self.feature_names, *self.column_names[len(self.numeric) :])
        repeated = sorted(name for name, count in Counter(names).items() if count > 1)
        if repeated:
            raise ValueError(
                f"features: names must be unique, got {', '.join(repeated)} twice. Rename one."
            )
        for feature, values in self.categories:
            if list(values) != sorted(values):
                raise ValueError(
                    f"{feature}: categories must be sorted, got {', '.join(values)}. Sort them."
                )

    def _refuse_unusable_numbers(self) -> None:
        for name in ("fill", "center", "scale", "lowest", "highest"):
            given = getattr(self, name)
            if given is None:
                continue
            if len(given) != len(self.numeric) or not np.isfinite(given).all():
                raise ValueError(
                    f"{name}: must be {len(self.numeric)} finite numbers, one per numeric feature, "
                    f"got {given}. Compute them from the training rows."
                )
        if self.scale is not None and 0.0 in self.scale:
            raise ValueError(
                f"scale: must not be 0, got {self.scale}. Use 1 for a constant feature."
            )
        for name in ("missing_indicators", "logged"):
            others = sorted(set(getattr(self, name)) - set(self.numeric))
            if others:
                raise ValueError(
                    f"{name}: must be numeric features, got {', '.join(others)}. "
                    "A category needs no indicator: null sets all its columns to 0."
                )
