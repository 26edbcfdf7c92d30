"""Risk level, confidence and recommended actions of one customer, in Python: product.md §7.

The same results as the SQL of `udfs.risk` and `udfs.risk_bands`, for a service without an engine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from udfs.conditions import Node, condition
from udfs.risk import ACTION_PARAMETERS, recommended_actions
from udfs.risk_bands import ABOVE, ODDS_RATIO, check_bands


def confidence_of(churn_probability: float) -> float:
    """|p - 0.5| * 2: 0 undecided, 1 certain.

    >>> confidence_of(0.25)
    0.5
    """
    return abs(churn_probability - 0.5) * 2.0


@dataclass(frozen=True)
class Recommender:
    """The bands of the risk scheme and the rules of actions, as conf has them.

    bands: (level, kind of bound, bound) from the highest; the last one has no bound.
    rules: (condition, actions) in order. level_actions: the action of a risk level.
    """

    bands: tuple[tuple[str, str, float], ...]
    rules: tuple[tuple[Node, tuple[str, ...]], ...]
    level_actions: Mapping[str, str]

    @classmethod
    def of(cls, risk: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> Self:
        """From the sections `risk` and `actions` of conf. FormulaError for what SQL refuses too."""
        bands = risk["schemes"][risk["scheme"]]
        check_bands(bands)
        recommended_actions(actions, risk["level_actions"], risk["call_above"])  # its checks
        above = f"{risk['call_above']:,.10g}"
        kinds = [ODDS_RATIO if ODDS_RATIO in band else ABOVE for band in bands]
        return cls(
            tuple((b["level"], k, float(b.get(k, 0))) for b, k in zip(bands, kinds, strict=True)),
            tuple((condition(r["when"], ACTION_PARAMETERS), tuple(r["actions"])) for r in actions),
            {r["level"]: r["action"].replace("{call_above}", above) for r in risk["level_actions"]},
        )

    def risk_level(self, p: float, threshold: float) -> str:
        """The highest band whose bound the probability reaches; else the last band."""
        for level, kind, bound in self.bands[:-1]:
            if kind == ABOVE:
                is_reached = p > bound
            elif bound == 1:
                is_reached = p >= threshold
            else:  # the operations of SQL in the same order
                is_reached = p * (1.0 - threshold) >= bound * threshold * (1.0 - p)
            if is_reached:
                return level
        return self.bands[-1][0]

    def actions(
        self, p: float, engagement_score: float | None, recency_days: float | None, *, level: str
    ) -> list[str]:
        """The actions of all rules that fire, each once and in order; else that of the level."""
        values = (p, _finite(engagement_score), _finite(recency_days))
        row = dict(zip(ACTION_PARAMETERS, values, strict=True))
        fired = (action for when, actions in self.rules if when(row) for action in actions)
        chosen = list(dict.fromkeys(fired))
        if not chosen and level in self.level_actions:
            chosen = [self.level_actions[level]]
        return chosen


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
