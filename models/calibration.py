"""Calibration: converts a raw score to the share of customers with this score who churn.

`identity` keeps the learner's probability. `platt` shifts and scales the log-odds (Platt 1999,
"Probabilistic outputs for support vector machines"). `isotonic` fits any non-decreasing curve
(Zadrozny and Elkan 2002, KDD).

Isotonic calibration creates ties. All customers on one step get the same probability, and so do all
customers beyond the first or the last knot. This lowers AUC slightly. Rank by the raw score where
the order matters. `best_by_brier` chooses isotonic only if its gain exceeds sampling noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from contracts.wording import plural

Kind = Literal["identity", "platt", "isotonic"]

# Probabilities of exactly 0 or 1 have infinite log-odds and log loss.
LOWEST, HIGHEST = 1e-6, 1.0 - 1e-6
# Scores with a relative spread below this are equal up to rounding, and cannot rank customers.
EQUAL_SCORES = 1e-9


class CalibrationError(ValueError):
    """The scores and labels do not allow a calibration, or the kind is unknown."""


@dataclass(frozen=True)
class Calibration:
    """A curve from the raw score (log-odds) to a probability in [1e-6, 1 - 1e-6].

    identity, platt: sigmoid(slope * raw + intercept). identity has slope 1 and intercept 0. A
        negative slope means that the score ranks worse than chance.
    isotonic: linear interpolation between the knots (x: raw score, y: probability), constant beyond
        the first and the last knot.
    """

    kind: Kind = "identity"
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        rising = all(np.diff(self.x) > 0) and all(np.diff(self.y) >= 0)
        has_knots = self.kind == "isotonic"
        if len(self.x) != len(self.y) or bool(self.x) != has_knots or not rising:
            raise CalibrationError(
                f"{self.kind}: only isotonic has knots. x must increase strictly, y must not "
                f"decrease, and both need the same length; got {len(self.x)} x and {len(self.y)} "
                "y. Fit the calibration again."
            )

    def apply(self, raw: ArrayLike) -> NDArray[np.float64]:
        """The probability of each raw score, in the same shape. NaN stays NaN."""
        raw = np.asarray(raw, dtype=np.float64)
        if self.kind == "isotonic":
            probability = np.interp(raw, self.x, self.y)
        else:
            probability = expit(self.slope * raw + self.intercept)
        return np.clip(probability, LOWEST, HIGHEST)

    @classmethod
    def fit(cls, raw: ArrayLike, label: ArrayLike, kind: Kind) -> Self:
        """Fit a calibration of the given kind on rows that the model was not trained on.

        Raises CalibrationError if the labels hold only one class or the kind is unknown.
        """
        raw, label = _checked(raw, label)
        if kind not in _FITS:
            raise CalibrationError(
                f"kind: must be one of {', '.join(_FITS)}, got {kind!r}. Choose one of them."
            )
        return cls(kind=kind, **_FITS[kind](raw, label))

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild the calibration from `to_dict`. Accepts the lists that JSON makes of tuples."""
        return cls(**{**content, "x": tuple(content["x"]), "y": tuple(content["y"])})


def best_by_brier(
    raw: ArrayLike, label: ArrayLike, groups: Sequence[object], *, folds: int = 5
) -> Calibration:
    """The calibration with the lowest cross-validated Brier score, fitted on all rows.

    Folds are split by group (customer). The fold of a group is a hash of its name, so the split is
    deterministic and no customer is in two folds. The simpler kind is preferred: platt replaces
    identity, and isotonic replaces the better of the two, only if the Brier score falls by more
    than one standard error of the difference, clustered by group (the one-standard-error rule of
    Breiman et al. 1984). A smaller gain is sampling noise, while isotonic always creates ties.

    Returns identity if all rows of one class are in the same fold: the other folds then hold only
    one class and cannot be fitted.
    """
    raw, label = _checked(raw, label)
    if len(groups) != len(raw):
        raise CalibrationError(
            f"groups: must have one entry per row ({plural(len(raw), 'row')}), got {len(groups)}. "
            "Pass the customer id of each row."
        )
    fold = np.array([_fold_of(group, folds) for group in groups])
    if any(len(np.unique(label[fold != held_out])) < 2 for held_out in np.unique(fold)):
        return Calibration()
    _, cluster = np.unique([str(group) for group in groups], return_inverse=True)
    best: Kind = "identity"
    loss = _out_of_fold_loss(raw, label, fold, best)
    for kind in ("platt", "isotonic"):
        challenger = _out_of_fold_loss(raw, label, fold, kind)
        if _is_clearly_lower(challenger, loss, cluster):
            best, loss = kind, challenger
    return Calibration.fit(raw, label, best)


def out_of_fold(
    raw: ArrayLike, label: ArrayLike, groups: Sequence[object], *, kind: Kind, folds: int = 5
) -> NDArray[np.float64]:
    """The cross-validated probability of each row, from the same folds as `best_by_brier`.

    Each probability comes from a calibration of the given kind that was fitted without the row's
    fold. Pass the kind that `best_by_brier` chose.
    """
    raw, label = np.asarray(raw, dtype=np.float64), np.asarray(label, dtype=np.float64)
    return _out_of_fold(raw, label, np.array([_fold_of(group, folds) for group in groups]), kind)


def to_log_odds(probability: ArrayLike) -> NDArray[np.float64]:
    """Log-odds of probabilities, clipped to [1e-6, 1 - 1e-6] so that they stay finite."""
    return logit(np.clip(np.asarray(probability, dtype=np.float64), LOWEST, HIGHEST))


def _checked(raw: ArrayLike, label: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scores, labels = np.asarray(raw, dtype=np.float64), np.asarray(label, dtype=np.float64)
    if scores.shape != labels.shape or not np.isfinite(scores).all():
        raise CalibrationError(
            f"raw: must be one finite score per label, got {plural(scores.size, 'score')} and "
            f"{labels.size} labels. Score exactly the labelled rows."
        )
    classes = np.unique(labels)
    if not np.array_equal(classes, [0.0, 1.0]):
        raise CalibrationError(
            f"label: must contain both 0 and 1 and no other value, got {classes.tolist()}. "
            "Calibrate on a period in which some customers left and some stayed."
        )
    return scores, labels


def _fit_identity(raw: NDArray[np.float64], label: NDArray[np.float64]) -> dict[str, Any]:
    return {}


def _fit_platt(raw: NDArray[np.float64], label: NDArray[np.float64]) -> dict[str, Any]:
    """Logistic regression on the raw score, with Platt's targets.

    The targets are (positives + 1) / (positives + 2) instead of 1 and 1 / (negatives + 2) instead
    of 0. Each row enters once per class with its target as the weight. The slope then stays finite
    even if the scores separate the classes. Standardised scores keep the Hessian well-conditioned.
    Where all scores are equal, only the intercept is fitted.
    """

    positives, negatives = label.sum(), (1.0 - label).sum()
    target = np.where(label == 1.0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    mean, spread = float(raw.mean()), float(raw.std())
    if spread <= EQUAL_SCORES * max(abs(mean), 1.0):
        return {"slope": 1.0, "intercept": float(logit(target.mean())) - mean}
    scaled = (raw - mean) / spread
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(
        np.concatenate([scaled, scaled])[:, None],
        np.repeat([1, 0], len(raw)),
        sample_weight=np.concatenate([target, 1.0 - target]),
    )
    slope = float(fitted.coef_[0, 0]) / spread
    return {"slope": slope, "intercept": float(fitted.intercept_[0]) - slope * mean}


def _fit_isotonic(raw: NDArray[np.float64], label: NDArray[np.float64]) -> dict[str, Any]:

    fitted = IsotonicRegression(out_of_bounds="clip").fit(raw, label)
    return {
        "x": tuple(map(float, fitted.X_thresholds_)),
        "y": tuple(map(float, fitted.y_thresholds_)),
    }


_FITS: dict[Kind, Callable[[NDArray[np.float64], NDArray[np.float64]], dict[str, Any]]] = {
    "identity": _fit_identity,
    "platt": _fit_platt,
    "isotonic": _fit_isotonic,
}


def _fold_of(group: object, folds: int) -> int:
    """The fold of a group. Uses SHA-256, because Python's hash() of text differs per process."""
    digest = hashlib.sha256(str(group).encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def _out_of_fold_loss(
    raw: NDArray[np.float64], label: NDArray[np.float64], fold: NDArray[np.int64], kind: Kind
) -> NDArray[np.float64]:
    """Squared error of each row's cross-validated probability."""
    return (_out_of_fold(raw, label, fold, kind) - label) ** 2


def _out_of_fold(
    raw: NDArray[np.float64], label: NDArray[np.float64], fold: NDArray[np.int64], kind: Kind
) -> NDArray[np.float64]:
    """The probability of each row, from a calibration fitted without the row's fold."""
    if kind == "identity":
        return Calibration().apply(raw)
    probability = np.empty(len(raw))
    for held_out in np.unique(fold):
        inside, outside = fold == held_out, fold != held_out
        probability[inside] = Calibration.fit(raw[outside], label[outside], kind).apply(raw[inside])
    return probability


def _is_clearly_lower(
    challenger: NDArray[np.float64], loss: NDArray[np.float64], cluster: NDArray[np.int64]
) -> bool:
    """True if the mean loss falls by more than one standard error, clustered by group."""
    gain = loss - challenger
    by_group = np.bincount(cluster, weights=gain - gain.mean())
    standard_error = np.sqrt((by_group**2).sum()) / len(gain)
    return bool(gain.mean() > standard_error)
