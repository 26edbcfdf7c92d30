"""Raw score to probability: what of those who scored so really leaves.

`identity` believes the learner; `platt` shifts and stretches the log-odds (Platt 1999,
"Probabilistic outputs for support vector machines"); `isotonic` learns any rising curve (Zadrozny
and Elkan 2002, KDD).

Isotonic makes ties: customers on one step, and all beyond its first and last knot, get one
probability, so AUC and the order of a list suffer a little. Rank by the raw score where order
matters; `best_by_brier` takes isotonic only where it wins by more than chance would give.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

Kind = Literal["identity", "platt", "isotonic"]

# No customer is certain: a probability of 0 or 1 has infinite log-odds and log-loss.
LOWEST, HIGHEST = 1e-6, 1.0 - 1e-6


class CalibrationError(ValueError):
    """Scores and labels from which no calibration can be learnt, or an unknown kind."""


@dataclass(frozen=True)
class Calibration:
    """A curve from the raw score (log-odds) to a probability in [1e-6, 1 - 1e-6].

    identity, platt: sigmoid(slope * raw + intercept); identity has slope 1, intercept 0. A slope
        below 0 means that the score ranks worse than chance.
    isotonic: straight lines between the knots (x raw score, y probability), level beyond the ends.
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
                f"{self.kind}: isotonic alone has knots, x strictly rising, y not falling, as many "
                f"of each; got {len(self.x)} x and {len(self.y)} y. Fit the calibration again."
            )

    def apply(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Probabilities of raw scores, same shape; NaN stays NaN."""
        raw = np.asarray(raw, dtype=np.float64)
        if self.kind == "isotonic":
            probability = np.interp(raw, self.x, self.y)
        else:
            probability = expit(self.slope * raw + self.intercept)
        return np.clip(probability, LOWEST, HIGHEST)

    @classmethod
    def fit(cls, raw: ArrayLike, label: ArrayLike, kind: Kind) -> Self:
        """The calibration of that kind; `raw` must come from rows that the model did not train on.

        CalibrationError when only one class is there.
        """
        raw, label = _checked(raw, label)
        if kind not in _FITS:
            raise CalibrationError(
                f"kind: must be one of {', '.join(_FITS)}, got {kind!r}. Choose one of them."
            )
        return cls(kind=kind, **_FITS[kind](raw, label))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The calibration that `to_dict` wrote, also after JSON made lists of its tuples."""
        return cls(**{**content, "x": tuple(content["x"]), "y": tuple(content["y"])})


def best_by_brier(
    raw: ArrayLike, label: ArrayLike, groups: Sequence[object], folds: int = 5
) -> Calibration:
    """The calibration of smallest Brier score on groups (customers) that it was not fitted on.

    A group falls into a fold by its hash, so nothing is random and no customer is on both sides.
    Simple before flexible: platt replaces identity, and isotonic the better of both, only when the
    Brier score falls by more than one standard error of the difference, clustered by group (the
    one-standard-error rule of Breiman et al. 1984). Below that the gain is noise of the sample,
    while the ties of isotonic are certain. The choice is then fitted on all rows.

    Identity where all of one class fall into one fold, so that nothing could be learnt without it.
    """
    raw, label = _checked(raw, label)
    if len(groups) != len(raw):
        raise CalibrationError(
            f"groups: must name the group of each of {len(raw)} rows, got {len(groups)}. "
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
    raw: ArrayLike, label: ArrayLike, groups: Sequence[object], kind: Kind, folds: int = 5
) -> NDArray[np.float64]:
    """Probabilities as `best_by_brier` judges them: each by a calibration of that kind that was
    fitted without the row's fold of groups. `kind`: what it chose."""
    raw, label = np.asarray(raw, dtype=np.float64), np.asarray(label, dtype=np.float64)
    return _out_of_fold(raw, label, np.array([_fold_of(group, folds) for group in groups]), kind)


def to_log_odds(probability: ArrayLike) -> NDArray[np.float64]:
    """Log-odds of a probability, kept finite as `apply` keeps probabilities off 0 and 1."""
    return logit(np.clip(np.asarray(probability, dtype=np.float64), LOWEST, HIGHEST))


def _checked(raw: ArrayLike, label: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scores, labels = np.asarray(raw, dtype=np.float64), np.asarray(label, dtype=np.float64)
    if scores.shape != labels.shape or not np.isfinite(scores).all():
        raise CalibrationError(
            f"raw: must be one finite score a label, got {scores.size} scores and {labels.size} "
            "labels. Score exactly the labelled rows."
        )
    classes = np.unique(labels)
    if not np.array_equal(classes, [0.0, 1.0]):
        raise CalibrationError(
            f"label: must hold both 0 and 1 and nothing else, got {classes.tolist()}. "
            "Calibrate on a period in which some customers left and some stayed."
        )
    return scores, labels


def _fit_identity(raw: NDArray[np.float64], label: NDArray[np.float64]) -> dict[str, Any]:
    return {}


def _fit_platt(raw: NDArray[np.float64], label: NDArray[np.float64]) -> dict[str, Any]:
    """Logistic regression on the raw score, with Platt's targets.

    Instead of 1 and 0, (positives + 1) / (positives + 2) and 1 / (negatives + 2): each row counts
    for both classes with these weights, so that separable scores keep a finite slope.
    """
    from sklearn.linear_model import LogisticRegression  # a scoring service need not load it

    positives, negatives = label.sum(), (1.0 - label).sum()
    target = np.where(label == 1.0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(
        np.concatenate([raw, raw])[:, None],
        np.repeat([1, 0], len(raw)),
        sample_weight=np.concatenate([target, 1.0 - target]),
    )
    return {"slope": float(fitted.coef_[0, 0]), "intercept": float(fitted.intercept_[0])}


def _fit_isotonic(raw: NDArray[np.float64], label: NDArray[np.float64]) -> dict[str, Any]:
    from sklearn.isotonic import IsotonicRegression  # a scoring service need not load it

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
    """The same on every machine and day, unlike Python's own hash of text."""
    digest = hashlib.sha256(str(group).encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def _out_of_fold_loss(
    raw: NDArray[np.float64], label: NDArray[np.float64], fold: NDArray[np.int64], kind: Kind
) -> NDArray[np.float64]:
    """Squared error of each row's probability, fitted without the row's fold."""
    return (_out_of_fold(raw, label, fold, kind) - label) ** 2


def _out_of_fold(
    raw: NDArray[np.float64], label: NDArray[np.float64], fold: NDArray[np.int64], kind: Kind
) -> NDArray[np.float64]:
    """Probabilities, each of a calibration that was fitted without the row's fold."""
    if kind == "identity":
        return Calibration().apply(raw)
    found = np.empty(len(raw))
    for held_out in np.unique(fold):
        inside, outside = fold == held_out, fold != held_out
        found[inside] = Calibration.fit(raw[outside], label[outside], kind).apply(raw[inside])
    return found


def _is_clearly_lower(
    challenger: NDArray[np.float64], loss: NDArray[np.float64], cluster: NDArray[np.int64]
) -> bool:
    """The mean falls by more than one standard error, groups being independent of each other."""
    gain = loss - challenger
    by_group = np.bincount(cluster, weights=gain - gain.mean())
    standard_error = np.sqrt((by_group**2).sum()) / len(gain)
    return bool(gain.mean() > standard_error)
