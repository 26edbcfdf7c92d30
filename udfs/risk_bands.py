"""Risk levels: bands of the churn probability, in SQL and for numpy. product.md §7.

A scheme in conf is a list of bands from the highest to the lowest. The last band has no bound. The
others have one of two kinds of bound:

- `above: 0.8`: the churn probability is above 0.8.
- `odds_ratio: 8`: the odds of churn, p / (1 - p), are at least 8 times the odds at the decision
  threshold t, t / (1 - t). An odds ratio of 1 means p >= t, which is churn_prediction = 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.formula import FormulaError, SqlFormula, check_keys, number, quote

Bands = Sequence[Mapping[str, Any]]

# Bounds of a decision threshold. Near 0 or 1 the odds say nothing about a customer.
LEAST_THRESHOLD, MOST_THRESHOLD = 0.01, 0.99
ABOVE, ODDS_RATIO = "above", "odds_ratio"


def decision_threshold(logged: float) -> float:
    """The threshold of churn_prediction and of relative bands: the logged one, within its bounds.

    >>> decision_threshold(0.14), decision_threshold(0.0), decision_threshold(1.0)
    (0.14, 0.01, 0.99)
    """
    return min(max(float(logged), LEAST_THRESHOLD), MOST_THRESHOLD)


def risk_level(bands: Bands) -> SqlFormula:
    """The highest band whose bound the probability reaches; else the last band.

    Null: no probability, or no threshold where the scheme needs one. Conf: `risk.schemes`, one list
    of bands per scheme; `risk.scheme` selects the scheme:
    `[{level: CRITICAL, above: 0.8}, {level: HIGH, above: 0.6}, {level: MEDIUM, above: 0.4},
    {level: LOW}]` gives

    | churn_probability | decision_threshold | risk_level |
    |---|---|---|
    | 0.81 | 0.5 | CRITICAL |
    | 0.8 | 0.5 | HIGH |
    | 0.4 | 0.5 | LOW |
    """
    check_bands(bands)
    needed = ["churn_probability"]
    if any(ODDS_RATIO in band for band in bands):
        needed.append("decision_threshold")
    unknown = " OR ".join(f"{name} IS NULL" for name in needed)
    branches = " ".join(f"WHEN {_reached(b)} THEN {quote(b['level'])}" for b in bands[:-1])
    return SqlFormula(
        name="risk_level",
        parameters=(("churn_probability", "DOUBLE"), ("decision_threshold", "DOUBLE")),
        returns="STRING",
        body=f"CASE WHEN {unknown} THEN NULL {branches} ELSE {quote(bands[-1]['level'])} END",
        comment=f"Band of the churn probability: {', '.join(b['level'] for b in bands)}.",
    )


def risk_levels(
    churn_probability: ArrayLike, decision_threshold: ArrayLike, bands: Bands
) -> NDArray[np.object_]:
    """The level of each probability, as `risk_level` gives it in SQL; None where that is null.

    `decision_threshold`: one value, or one per probability.

    >>> relative = [{"level": "HIGH", "odds_ratio": 3}, {"level": "LOW"}]
    >>> risk_levels([0.5, 0.6], 0.25, relative).tolist()
    ['HIGH', 'HIGH']
    >>> risk_levels([0.49, float("nan")], 0.25, relative).tolist()
    ['LOW', None]
    """
    check_bands(bands)
    p, t = np.broadcast_arrays(
        np.asarray(churn_probability, dtype=float), np.asarray(decision_threshold, dtype=float)
    )
    levels = np.full(p.shape, bands[-1]["level"], dtype=object)
    for band in reversed(bands[:-1]):
        levels[_is_reached(band, p, t)] = band["level"]
    is_known = np.isfinite(p)
    if any(ODDS_RATIO in band for band in bands):
        is_known &= np.isfinite(t)
    levels[~is_known] = None
    return levels


def _reached(band: Mapping[str, Any]) -> str:
    """The condition of a band in SQL. Products, so that no odds are infinite."""
    if ABOVE in band:
        return f"churn_probability > {number(band[ABOVE], 'risk.schemes')}"
    ratio = number(band[ODDS_RATIO], "risk.schemes")
    if band[ODDS_RATIO] == 1:
        return "churn_probability >= decision_threshold"
    return (
        f"churn_probability * (1.0D - decision_threshold) >= "
        f"{ratio} * decision_threshold * (1.0D - churn_probability)"
    )


def _is_reached(
    band: Mapping[str, Any], p: NDArray[np.float64], t: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """The condition of a band in numpy: the same operations in the same order as in SQL."""
    with np.errstate(invalid="ignore"):
        if ABOVE in band:
            return p > float(band[ABOVE])
        if band[ODDS_RATIO] == 1:
            return p >= t
        return p * (1.0 - t) >= float(band[ODDS_RATIO]) * t * (1.0 - p)


def check_bands(bands: Bands) -> None:
    """Raise FormulaError unless the bands have one kind of bound that decreases, and own names."""
    kind = ODDS_RATIO if bands and ODDS_RATIO in bands[0] else ABOVE
    for place, band in enumerate(bands):
        where = f"risk.schemes, band {place + 1} of {len(bands)}"
        keys = ("level", kind) if place < len(bands) - 1 else ("level",)
        check_keys(band, keys, f"conf {where}")
        number(band.get(kind, 0), where)
    bounds = [band[kind] for band in bands[:-1]]
    levels = [band["level"] for band in bands]
    if not bands or bounds != sorted(set(bounds), reverse=True) or len(set(levels)) < len(levels):
        raise FormulaError(
            "conf risk.schemes: bounds must decrease and levels must be unique, got "
            f"{bounds} for {levels}. List the bands from the highest down. The last has no bound."
        )
    if kind == ODDS_RATIO and bounds and min(bounds) < 1:
        raise FormulaError(
            f"conf risk.schemes: odds_ratio must be 1 or more, got {bounds}. Below 1 a customer "
            "who is predicted to stay would have a raised level."
        )
