"""Uplift learners for several arms: S-, T-, X- and DR-learner (Kunzel et al. 2019; Kennedy 2023),
and the shift learner for small experiments, in which each arm shifts the log-odds of a common risk.

The effect of arm k on a customer is the decrease in churn probability, P(churn | no offer) -
P(churn | k). A negative effect does harm. Arm 0 means no offer. `arm` and `fold` are numbers. e_<k>
is the probability of arm k: the share of the campaign in a randomised one, else a propensity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from models.tree_ensemble import TreeEnsemble
from models.uplift.boosting import Boosting, Floats, Frame, probability

# Trees by name, as in UpliftModel.trees.
Trees = dict[str, TreeEnsemble]
LEARNERS = ("s_learner", "t_learner", "x_learner", "dr_learner", "shift_learner")
FOLDS = 2
# Log-odds are grouped in steps of 1/50 from -8 to 8: at most 801 groups per arm.
STEPS, MOST_LOG_ODDS = 50, 8.0
# Newton steps for the one parameter of a logistic likelihood. It converges in about six.
NEWTON = 25


@dataclass(frozen=True)
class UpliftModel:
    """A fitted learner.

    trees: by name: y_<arm> (S- and shift learner: y), up_<arm>, down_<arm>. shares: share of the
    training rows per arm, arm 0 first. shifts: shift of the log-odds per arm, arm 0 first (only
    for the shift learner).
    """

    learner: str
    arms: tuple[str, ...]
    trees: Mapping[str, TreeEnsemble]
    shares: tuple[float, ...] = ()
    shifts: tuple[float, ...] = ()

    def effects(self, matrix: NDArray[np.float32]) -> Floats:
        """(rows, arms): the decrease in churn probability under each arm, without arm 0."""
        arms = range(1, len(self.arms) + 1)
        if self.learner == "s_learner":
            rows = (_with_arm(matrix, a, len(arms)) for a in (0, *arms))
            none, *others = (probability(self.trees["y"], r) for r in rows)
            return none[:, None] - np.column_stack(others)
        if self.learner == "t_learner":
            risks = self.risks(matrix)
            return risks[:, :1] - risks[:, 1:]
        if self.learner == "shift_learner":
            log_odds = self.trees["y"].predict(_with_arm(matrix, 0, len(arms)))[:, None]
            return expit(log_odds + self.shifts[0]) - expit(log_odds + np.array(self.shifts[1:]))
        return np.column_stack([self._effect(matrix, k) for k in arms])

    def risks(self, matrix: NDArray[np.float32]) -> Floats:
        """(rows, arms + 1): the churn probability under each arm, arm 0 first. Only t_learner."""
        names = [f"y_{k}" for k in range(len(self.arms) + 1)]
        return np.column_stack([probability(self.trees[name], matrix) for name in names])

    def _effect(self, matrix: NDArray[np.float32], k: int) -> Floats:
        if self.learner == "x_learner":
            share = self.shares[k] / (self.shares[k] + self.shares[0])
            from_held_out = self.trees[f"down_{k}"].predict(matrix)
            return share * from_held_out + (1 - share) * self.trees[f"up_{k}"].predict(matrix)
        return self.trees[f"up_{k}"].predict(matrix)

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values."""
        return {
            "learner": self.learner,
            "arms": list(self.arms),
            "shares": list(self.shares),
            "shifts": list(self.shifts),
            "trees": {name: trees.to_dict() for name, trees in self.trees.items()},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> UpliftModel:
        """Rebuild the model from `to_dict`."""
        trees = {name: TreeEnsemble.from_dict(t) for name, t in content["trees"].items()}
        numbers = (tuple(content["shares"]), tuple(content["shifts"]))
        return cls(content["learner"], tuple(content["arms"]), trees, *numbers)


def fit(
    learner: str,
    rows: Frame,
    names: Sequence[str],
    *,
    arms: Sequence[str],
    shares: Sequence[float],
    boosting: Boosting[Frame],
) -> UpliftModel:
    """Fit a learner of LEARNERS.

    `rows` have the features `names`, arm (0 to len(arms)), fold (0 or 1), churned, e_0, e_1, ...
    `shares`: the share of all rows per arm, arm 0 first.
    """
    if learner == "shift_learner":
        trees, shifts = _fit_shift(rows, list(names), len(arms), boosting)
        return UpliftModel(learner, tuple(arms), trees, tuple(shares), shifts)
    fitters = {"s_learner": _fit_s, "t_learner": _fit_t, "x_learner": _fit_x, "dr_learner": _fit_dr}
    trees = fitters[learner](rows, list(names), len(arms), boosting)
    return UpliftModel(learner, tuple(arms), trees, tuple(shares))


def _with_arm(matrix: NDArray[np.float32], arm: int, arms: int) -> NDArray[np.float32]:
    flags = np.zeros((len(matrix), arms), dtype=np.float32)
    if arm:
        flags[:, arm - 1] = 1.0
    return np.column_stack([matrix, flags])


def _matrix(batch: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float32]:
    return batch[list(names)].to_numpy(np.float32)


def _fit_s(rows: Frame, names: list[str], arms: int, boosting: Boosting[Frame]) -> Trees:
    flags = [f"is_arm_{k}" for k in range(1, arms + 1)]
    flagged = boosting.with_columns(
        rows,
        flags,
        lambda b: {f: (b["arm"] == k).astype(float) for k, f in enumerate(flags, 1)},
    )
    return {"y": boosting.classifier(flagged, [*names, *flags], "churned")}


def _fit_shift(
    rows: Frame, names: list[str], arms: int, boosting: Boosting[Frame]
) -> tuple[Trees, tuple[float, ...]]:
    """Trees for the risk without an offer, and the shift of its log-odds per arm, arm 0 first.

    The shifts are fitted on risks from a fit on the other fold. An effect is largest for risks near
    1/2 and vanishes for risks near 0 or 1. Few rows do not support a more detailed effect.
    """
    risks = [
        _fit_s(boosting.where(rows, "fold", [1 - f]), names, arms, boosting) for f in range(FOLDS)
    ]

    def placed(b: pd.DataFrame) -> dict[str, Floats]:
        matrix = _with_arm(_matrix(b, names), 0, arms)
        own = np.choose(
            (b["fold"].to_numpy() > 0.5).astype(int), [r["y"].predict(matrix) for r in risks]
        )
        return {"place": np.round(STEPS * np.clip(own, -MOST_LOG_ODDS, MOST_LOG_ODDS))}

    placed_rows = boosting.with_columns(rows, ["place"], placed)
    sums = boosting.totals(placed_rows, ["arm", "place"], "churned")
    shifts = tuple(_shift(sums[sums["arm"] == k]) for k in range(arms + 1))
    return _fit_s(rows, names, arms, boosting), shifts


def _shift(sums: pd.DataFrame) -> float:
    """The maximum likelihood shift of the log-odds place / STEPS, by Newton's method.

    A prior at 0 with the weight of one row keeps the shift finite if all or no customers churned.
    """
    log_odds = sums["place"].to_numpy(float) / STEPS
    rows, churned = sums["rows"].to_numpy(float), float(sums["total"].sum())
    shift = 0.0
    for _ in range(NEWTON):
        risk = expit(log_odds + shift)
        slope = (rows * risk).sum() - churned + shift
        shift -= float(np.clip(slope / ((rows * risk * (1 - risk)).sum() + 1.0), -1.0, 1.0))
    return shift


def _fit_t(rows: Frame, names: list[str], arms: int, boosting: Boosting[Frame]) -> Trees:
    return {
        f"y_{k}": boosting.classifier(boosting.where(rows, "arm", [k]), names, "churned")
        for k in range(arms + 1)
    }


def _fit_x(rows: Frame, names: list[str], arms: int, boosting: Boosting[Frame]) -> Trees:
    first = _fit_t(rows, names, arms, boosting)
    trees = {}
    for k in range(1, arms + 1):

        def imputed(b: pd.DataFrame, k: int = k) -> dict[str, Floats]:
            x = _matrix(b, names)
            return {
                "fall": np.where(
                    b["arm"] == k,
                    probability(first["y_0"], x) - b["churned"],
                    b["churned"] - probability(first[f"y_{k}"], x),
                )
            }

        both = boosting.with_columns(boosting.where(rows, "arm", [0, k]), ["fall"], imputed)
        trees[f"up_{k}"] = boosting.regressor(boosting.where(both, "arm", [k]), names, "fall")
        trees[f"down_{k}"] = boosting.regressor(boosting.where(both, "arm", [0]), names, "fall")
    return trees


def doubly_robust(
    rows: Frame, names: list[str], arms: int, *, boosting: Boosting[Frame]
) -> list[tuple[int, Frame]]:
    """The doubly robust pseudo-outcome per arm: (k, rows that were eligible for arm k).

    The rows get `fall`, an unbiased estimate of the row's effect. The risk models of a row are
    fitted on the other fold (cross-fitting). e_<k> is the probability of the arm: known in a
    randomised campaign, else a propensity. Rows with e_<k> = 0 were not eligible.
    """
    nuisances = [
        _fit_t(boosting.where(rows, "fold", [1 - fold]), names, arms, boosting)
        for fold in range(FOLDS)
    ]
    scored = []
    for k in range(1, arms + 1):

        def pseudo(b: pd.DataFrame, k: int = k) -> dict[str, Floats]:
            x, fold = _matrix(b, names), b["fold"].to_numpy()
            none, other = (
                np.choose(
                    (fold > 0.5).astype(int), [probability(n[f"y_{a}"], x) for n in nuisances]
                )
                for a in (0, k)
            )
            churned, arm = b["churned"].to_numpy(float), b["arm"].to_numpy()
            held = np.where(arm == 0, (churned - none) / b["e_0"], 0.0)
            treated = np.where(arm == k, (churned - other) / b[f"e_{k}"], 0.0)
            return {"fall": none - other + held - treated}

        def reach(b: pd.DataFrame, k: int = k) -> dict[str, Floats]:
            return {"is_within": (b[f"e_{k}"] > 0).astype(float)}

        within = boosting.where(
            boosting.with_columns(rows, ["is_within"], reach), "is_within", [1.0]
        )
        scored.append((k, boosting.with_columns(within, ["fall"], pseudo)))
    return scored


def _fit_dr(rows: Frame, names: list[str], arms: int, boosting: Boosting[Frame]) -> Trees:
    return {
        f"up_{k}": boosting.regressor(scored, names, "fall")
        for k, scored in doubly_robust(rows, names, arms, boosting=boosting)
    }


def from_falls(
    offer: str, scored: Frame, names: list[str], *, boosting: Boosting[Frame]
) -> UpliftModel:
    """The DR-learner of one arm, fitted on rows with the pseudo-outcome `fall`."""
    return UpliftModel("dr_learner", (offer,), {"up_1": boosting.regressor(scored, names, "fall")})
