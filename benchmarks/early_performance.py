"""Performance before labels have matured, against the labels that came later.

    bin/with-env python -m benchmarks.early_performance

Simulated customers buy at random times (gamma-distributed rates) and leave at a constant rate, as
in the Pareto/NBD model. A customer has churned if no purchase follows within 30 days. The
probability is that of gradient-boosted trees on recency and frequency, fitted on customers of their
own and calibrated on further ones. Each replay draws, from a million customers, those of a matured
date, for S(d), and those of a date DAYS ago, whose performance is estimated. Concept drift: the
probabilities of a share of the customers belong to other customers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression

from benchmarks.measure import Section, write
from models.early_performance import (
    METRICS,
    Cells,
    Early,
    Returns,
    estimated,
    expected_metrics,
    verdict,
)

HORIZON, SILENT, DAYS, SEED = 30, 90, 10, 20180101
RECENCY, FREQUENCY = np.array([3, 7, 14, 30, 60]), np.array([2, 5, 10, 20])
REPLAYS, CUSTOMERS, POOL = 1_000, 5_000, 1_000_000
LARGE_REPLAYS, LARGE = 20, 100_000
DRIFT_REPLAYS, MOVED, DRAWS = 200, 0.3, 200
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Customers:
    """recency, frequency: what is known at as_of. first: days to the next purchase; inf: never.

    probability: the calibrated churn probability.
    """

    recency: Array
    frequency: Array
    first: Array
    probability: Array

    @property
    def features(self) -> Array:
        return np.column_stack([self.recency, self.frequency])

    def sample(self, draw: Any, number: int) -> Customers:
        """`number` of the customers, each at most once."""
        places = draw.choice(len(self.first), number, replace=False)
        return Customers(*(getattr(self, f.name)[places] for f in fields(self)))

    @property
    def churned(self) -> NDArray[np.bool_]:
        return self.first >= HORIZON


def customers(draw: Any, number: int) -> Customers:
    """Customers with a purchase in the last SILENT days."""
    n = 3 * number
    rate = draw.gamma(1.5, 1 / 20, n)
    leaving = draw.gamma(2, 1 / 300, n)
    age = draw.uniform(0, 365, n)
    lifetime = draw.exponential(1 / leaving)
    alive = lifetime > age
    end = np.minimum(lifetime, age)
    frequency = draw.poisson(rate * end).astype(float)
    # The last purchase before `end`: the time back from it is exponential.
    recency = age - end + draw.exponential(1 / rate)
    next_one = draw.exponential(1 / rate)
    first = np.where(alive & (age + next_one < lifetime), next_one, np.inf)
    kept = np.flatnonzero((recency <= SILENT) & (recency <= age))[:number]
    return Customers(recency[kept], frequency[kept], first[kept], np.zeros(len(kept)))


@dataclass(frozen=True)
class Scorer:
    """A learner and its calibration."""

    trees: HistGradientBoostingClassifier
    calibration: IsotonicRegression

    @classmethod
    def fit(cls, draw: Any) -> Scorer:
        train, held = customers(draw, 200_000), customers(draw, 200_000)
        trees = HistGradientBoostingClassifier(max_iter=60, random_state=1)
        trees.fit(train.features, train.churned)
        calibration = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip")
        raw = trees.predict_proba(held.features)[:, 1]
        return cls(trees, calibration.fit(raw, held.churned))

    def scored(self, rows: Customers) -> Customers:
        """The customers with calibrated probabilities, in bins of .001 as monitor counts them."""
        raw = self.trees.predict_proba(rows.features)[:, 1]
        return replace(rows, probability=np.round(self.calibration.predict(raw), 3))


def bands(rows: Customers) -> NDArray[np.int64]:
    """The band of recency and frequency."""
    frequency = np.searchsorted(FREQUENCY, rows.frequency)
    band: NDArray[np.int64] = (
        np.searchsorted(RECENCY, rows.recency) * (len(FREQUENCY) + 1) + frequency
    )
    return band


def replay(
    draw: Any, company: Customers, number: int, *, error: float, moved: float = 0.0
) -> tuple[Early, dict[str, float], float]:
    """The estimate, the realised metrics, and the ROC AUC of another date without drift."""
    past, rows = company.sample(draw, number), company.sample(draw, number)
    probability = rows.probability.copy()
    if moved:
        chosen = np.flatnonzero(draw.random(len(probability)) < moved)
        probability[chosen] = probability[draw.permutation(chosen)]
    late = (past.first > DAYS).astype(float)[~past.churned]
    shape = (len(RECENCY) + 1, len(FREQUENCY) + 1)
    of_past = bands(past)[~past.churned]
    counts = [
        np.bincount(of_past, weights=w, minlength=shape[0] * shape[1]).reshape(shape)
        for w in (np.ones(len(late)), late)
    ]
    is_back = (rows.first <= DAYS).astype(float)
    band = bands(rows)
    keys, place = np.unique(np.column_stack([probability, band]), axis=0, return_inverse=True)
    returned = np.bincount(place, weights=is_back)
    waiting = np.bincount(place) - returned
    cells = Cells(keys[:, 0], waiting.astype(float), returned, keys[:, 1].astype(np.int64))
    early = estimated(
        cells,
        Returns.pooled(*counts),
        calibration_error=error,
        seed=int(draw.integers(2**31)),
        draws=DRAWS,
    )
    churned = rows.churned.astype(float)
    real = expected_metrics(probability, churned, 1 - churned)
    before = past.churned.astype(float)
    reference = expected_metrics(past.probability, before, 1 - before)["roc_auc"]
    return early, {name: float(real[name]) for name in METRICS}, float(reference)


def coverage(section: Section, draw: Any, company: Customers) -> None:
    """Coverage of the 90 % interval."""
    inside, told = dict.fromkeys(METRICS, 0), 0
    for _ in range(REPLAYS):
        early, real, _ = replay(draw, company, CUSTOMERS, error=0.0)
        told += bool(early.estimates)
        for name, value in early.estimates.items():
            inside[name] += value.low <= real[name] <= value.high
    for name in METRICS:
        low, high = stats.binomtest(inside[name], told).proportion_ci(0.95)
        section.add(
            f"coverage of the 90 % interval, {name}",
            f"{told} of {REPLAYS} told",
            f"{inside[name] / told:.3f} ({low:.3f} to {high:.3f})",
        )


def run() -> Section:
    """Coverage, error of the ROC AUC, and what is told under concept drift."""
    section = Section(
        "Performance before labels have matured",
        f"Simulated customers, horizon {HORIZON} days, estimated {DAYS} days after the scores. "
        f"Coverage (calibration error 0): {REPLAYS:,} replays of {CUSTOMERS:,} customers. ROC "
        f"AUC: {LARGE_REPLAYS} replays of {LARGE:,} customers. Concept drift: {DRIFT_REPLAYS} "
        f"replays of {CUSTOMERS:,} customers; {MOVED:.0%} of them have the probability of "
        f"another customer. {DRAWS} draws per interval.",
        ("what", "replays", "value"),
    )
    draw = np.random.default_rng(SEED)
    scorer = Scorer.fit(draw)
    company = scorer.scored(customers(draw, POOL))
    coverage(section, draw, company)
    gaps, biases = [], []
    for _ in range(LARGE_REPLAYS):
        early, real, _ = replay(draw, company, LARGE, error=0.1)
        if early.estimates:
            gap = early.estimates["roc_auc"].value - real["roc_auc"]
            gaps.append(abs(gap))
            biases.append(early.estimates["churn_rate"].value - real["churn_rate"])
    section.add("mean absolute error of the ROC AUC", f"{len(gaps)} told", f"{np.mean(gaps):.4f}")
    section.add("mean error of the churn rate", f"{len(gaps)} told", f"{np.mean(biases):+.4f}")
    section.reach(f"error of the ROC AUC, {LARGE:,} customers", float(np.mean(gaps)), 0.01, False)
    for moved in (0.0, MOVED):
        fine = 0
        for _ in range(DRIFT_REPLAYS):
            early, _, reference = replay(draw, company, CUSTOMERS, error=0.1, moved=moved)
            if early.estimates:
                told = verdict("roc_auc", early.estimates["roc_auc"], reference, fall=0.05)
                fine += told == "fine"
        low, high = stats.binomtest(fine, DRIFT_REPLAYS).proportion_ci(0.95)
        what = "with concept drift" if moved else "without drift"
        section.add(
            f"ROC AUC said to be fine, {what}",
            DRIFT_REPLAYS,
            f"{fine / DRIFT_REPLAYS:.3f} ({low:.3f} to {high:.3f})",
        )
        if moved:
            section.reach("not said to be fine, with concept drift", 1 - fine / DRIFT_REPLAYS, 0.95)
    return section


if __name__ == "__main__":
    write(run())
