"""A churn model as JSON text. Dicts, frames, Spark and the service all predict with it.

    encoder -> matrix -> scorer -> raw score (log-odds) -> calibration -> probability

Loading a model runs no code, unlike unpickling. A SHA-256 checksum detects any changed byte.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from contracts.wording import plural
from models.calibration import Calibration, to_log_odds
from models.encoding import FeatureEncoder
from models.portable_text import PortableModelError, complete_parts, sealed, unsealed
from models.row_sums import row_sums
from models.tree_ensemble import TreeEnsemble
from models.tree_shap import ShapTables


class NotExplainableError(ValueError):
    """The model has no exact explanation (a neural network)."""


@dataclass(frozen=True)
class LinearScorer:
    """Logistic regression: raw score = intercept + sum(coefficients * columns), in log-odds.

    means: the mean of each column over the training rows, the reference point of contributions.
    """

    coefficients: tuple[float, ...]
    intercept: float
    means: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.means) != len(self.coefficients):
            raise PortableModelError(
                f"means: must be one per column, got {len(self.means)} for "
                f"{plural(len(self.coefficients), 'coefficient')}. Compute them from the encoded "
                "training rows."
            )

    @property
    def columns(self) -> int:
        """Width of the matrix."""
        return len(self.coefficients)

    @property
    def base(self) -> float:
        """Raw score of the mean row."""
        return self.intercept + float(np.dot(self.coefficients, self.means))

    def predict(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw score of each row."""
        return row_sums(matrix, self.coefficients) + self.intercept

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """coefficient * (value - mean) in log-odds, (rows, columns): exact Shapley values for
        independent columns (Lundberg and Lee 2017, corollary 1)."""
        return (matrix - np.array(self.means)) * np.array(self.coefficients)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The scorer that `to_dict` wrote."""
        return cls(tuple(content["coefficients"]), content["intercept"], tuple(content["means"]))


@dataclass(frozen=True, eq=False)
class MlpScorer:
    """A neural network.

    Hidden layers are sigmoid, the output is softmax over (stays, leaves). The raw score is the
    log-odds of leaving. weights: (inputs, outputs) per layer; biases: (outputs,) per layer.
    """

    weights: tuple[NDArray[np.float64], ...]
    biases: tuple[NDArray[np.float64], ...]

    @classmethod
    def from_flat(cls, flat: NDArray[np.float64], layers: list[int]) -> Self:
        """Build the scorer from all weights in one array and the sizes of the layers.

        The array has the weights of each layer, row by row, and then its biases.
        """
        weights, biases, at = [], [], 0
        for inputs, outputs in pairwise(layers):
            weight, bias, _ = np.split(flat[at:], [inputs * outputs, (inputs + 1) * outputs])
            weights.append(weight.reshape(inputs, outputs))
            biases.append(bias)
            at += (inputs + 1) * outputs
        return cls(tuple(weights), tuple(biases))

    @property
    def columns(self) -> int:
        """Width of the matrix."""
        return len(self.weights[0])

    def predict(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw score of each row: softmax(a)[1] = sigmoid(a[1] - a[0])."""
        layer = matrix.astype(np.float64)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            layer = expit(layer @ weight + bias)
        outputs = layer @ self.weights[-1] + self.biases[-1]
        return outputs[:, 1] - outputs[:, 0]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "weights": [weight.tolist() for weight in self.weights],
            "biases": [bias.tolist() for bias in self.biases],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The scorer that `to_dict` wrote."""
        return cls(
            tuple(map(np.array, content["weights"])), tuple(map(np.array, content["biases"]))
        )


Scorer = TreeEnsemble | LinearScorer | MlpScorer
SCORERS: dict[str, type[Scorer]] = {"trees": TreeEnsemble, "linear": LinearScorer, "mlp": MlpScorer}


@dataclass(frozen=True, eq=False)
class PortableModel:
    """A complete churn model: encoder, scorer, calibration, threshold and metadata.

    ensemble: the scorer: trees, logistic regression or neural network.
    threshold: customers with at least this probability count as at risk.
    metadata: further facts as JSON values (name, horizon in days, training cut-off).
    """

    encoder: FeatureEncoder
    ensemble: Scorer
    calibration: Calibration = field(default_factory=Calibration)
    threshold: float = 0.5
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = len(self.encoder.column_names)
        if given != self.ensemble.columns:
            raise PortableModelError(
                f"encoder: must produce the scorer's {plural(self.ensemble.columns, 'column')}, "
                f"got {given}. Use the encoder and the scorer of the same training run."
            )
        takes_null = isinstance(self.ensemble, TreeEnsemble) or not self.encoder.numeric
        if self.encoder.fill is None and not takes_null:
            raise PortableModelError(
                f"fill: a {type(self.ensemble).__name__} does not accept null, got an encoder "
                "without fill values. Give the encoder one fill value per numeric feature."
            )
        if not 0.0 <= self.threshold <= 1.0:
            raise PortableModelError(
                f"threshold: must be a probability in 0..1, got {self.threshold}. "
                "Set the lowest probability at which a customer counts as at risk."
            )

    @property
    def is_exactly_explained(self) -> bool:
        """True if `contributions` are exact. Only such a model can become champion."""
        return not isinstance(self.ensemble, MlpScorer)

    @property
    def is_in_probability_units(self) -> bool:
        """True for a forest: its raw scores and contributions are probabilities, not log-odds."""
        return isinstance(self.ensemble, TreeEnsemble) and self.ensemble.scale == "mean"

    def predict_proba(
        self, frame: pd.DataFrame, ignore: Collection[str] = ()
    ) -> NDArray[np.float64]:
        """Calibrated churn probability per row. `ignore` and errors: `FeatureEncoder.encode`."""
        return self._probability(self.encoder.encode(frame, ignore))

    def predict_one(self, row: Mapping[str, object], ignore: Collection[str] = ()) -> float:
        """`predict_proba` for one dict, without pandas."""
        return float(self._probability(self.encoder.encode_one(row, ignore)[None])[0])

    def raw_scores(self, frame: pd.DataFrame, ignore: Collection[str] = ()) -> NDArray[np.float64]:
        """The scorer's output before calibration. Order by it where probabilities tie."""
        return self.ensemble.predict(self.encoder.encode(frame, ignore))

    def contributions(
        self, frame: pd.DataFrame, ignore: Collection[str] = ()
    ) -> tuple[NDArray[np.float64], float]:
        """The contribution of each raw feature to the raw score, (rows, features), and the base.

        base + sum of a row's contributions = its raw score before calibration, in log-odds (a
        forest: probability). The columns of a category and of a missing indicator are added to
        their feature. Raises NotExplainableError for a neural network.
        """
        return self._explained(self.encoder.encode(frame, ignore)), self._explainer.base

    def contributions_one(
        self, row: Mapping[str, object], ignore: Collection[str] = ()
    ) -> tuple[NDArray[np.float64], float]:
        """`contributions` for one dict, (features,), without pandas."""
        encoded = self.encoder.encode_one(row, ignore)
        return self._explained(encoded[None])[0], self._explainer.base

    def explained_rows(
        self, rows: Sequence[Mapping[str, object]], ignore: Collection[str] = ()
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`predict_proba` and `contributions` of dicts, (rows,) and (rows, features), no pandas."""
        matrix = self.encoder.encode_rows(rows, ignore)
        return self._probability(matrix), self._explained(matrix)

    def to_json(self) -> str:
        """The model as JSON text with a checksum. `from_json` restores the identical model."""
        return sealed(
            {
                "encoder": self.encoder.to_dict(),
                "scorer": next(k for k, of in SCORERS.items() if isinstance(self.ensemble, of)),
                "ensemble": self.ensemble.to_dict(),
                "calibration": self.calibration.to_dict(),
                "threshold": self.threshold,
                "metadata": self.metadata,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Load the text of `to_json`. PortableModelError for another format or a changed byte.

        Also for a text with a valid checksum whose parts are missing, unknown or of another type.
        """
        content = unsealed(text)
        with complete_parts():
            return cls(
                encoder=FeatureEncoder.from_dict(content["encoder"]),
                ensemble=SCORERS[content["scorer"]].from_dict(content["ensemble"]),
                calibration=Calibration.from_dict(content["calibration"]),
                threshold=content["threshold"],
                metadata=content["metadata"],
            )

    @cached_property
    def _explainer(self) -> ShapTables | LinearScorer:
        if isinstance(self.ensemble, TreeEnsemble):
            return ShapTables.build(self.ensemble)
        if isinstance(self.ensemble, LinearScorer):
            return self.ensemble
        raise NotExplainableError(
            "contributions: a neural network has no exact explanation, got MlpScorer. "
            "Explain with the trees or the logistic regression instead."
        )

    @cached_property
    def _columns_by_feature(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The matrix columns ordered by feature, and where each feature's columns start."""
        feature = np.asarray(self.encoder.column_feature)
        order = np.argsort(feature, kind="stable")
        return order, np.searchsorted(feature[order], np.arange(len(self.encoder.feature_names)))

    def _explained(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        order, starts = self._columns_by_feature
        return np.add.reduceat(self._explainer.contributions(matrix)[:, order], starts, axis=1)

    def _probability(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        raw = self.ensemble.predict(matrix)
        return self.calibration.apply(to_log_odds(raw) if self.is_in_probability_units else raw)
