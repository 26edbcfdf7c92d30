"""Engagement: product use and contact with the company, product.md §4.

Each value is a share, 0 to 1. A component without a source is null, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from udfs.formula import FormulaError, SqlFormula, at_most, number, positive, quote

login_frequency = SqlFormula(
    name="login_frequency",
    parameters=(("login_days", "DOUBLE"), ("window_days", "DOUBLE")),
    returns="DOUBLE",
    body="CASE WHEN window_days > 0 THEN login_days / window_days END",
    comment="Share of days with a login: distinct login days / days of the window.",
)
"""
| login_days | window_days | login_frequency |
|---|---|---|
| 15 | 30 | 0.5 |
| null | 30 | null |
"""


def capped_share(cap: float) -> SqlFormula:
    """Count / cap, at most 1: support_interactions_30d and community_participation.

    Null: the count is unknown. Conf: `engagement.cap`. With a cap of 10:

    | events | capped_share |
    |---|---|
    | 0 | 0 |
    | 4 | 0.4 |
    | 25 | 1 |
    | null | null |
    """
    share = f"events / {positive(cap, 'engagement.cap')}"
    return SqlFormula(
        name="capped_share",
        parameters=(("events", "DOUBLE"),),
        returns="DOUBLE",
        body=at_most(share, "1.0D"),
        comment=f"Events in the window / {cap}, at most 1.",
    )


def engagement_score(weights: Mapping[str, float]) -> SqlFormula:
    """Weighted mean of the available components. The keys of the weights are the parameters.

    The weights are renormalised over the components that are not null. The score is null if all
    components are null. A component outside [0, 1] is clipped, so the score stays in [0, 1].
    Conf: `engagement.weights`. With login .3, support .2, usage .3, community .2:

    | login | support | usage | community | engagement_score |
    |---|---|---|---|---|
    | 0.5 | 1 | 0 | 0 | .3·.5 + .2·1 = 0.35 |
    | 0.5 | null | 1 | null | (.3·.5 + .3·1) / (.3 + .3) = 0.75 |
    | null | null | null | null | null |
    """
    literals = _weights(weights)
    # Both sums add doubles in the same order, and rounding is monotone. So the quotient of shares
    # in [0, 1] cannot exceed 1, not even in the last digit.
    weighted = " + ".join(f"COALESCE({w} * {_share(name)}, 0.0D)" for name, w in literals.items())
    total = " + ".join(
        f"CASE WHEN {name} IS NOT NULL THEN {w} ELSE 0.0D END" for name, w in literals.items()
    )
    return SqlFormula(
        name="engagement_score",
        parameters=tuple((name, "DOUBLE") for name in literals),
        returns="DOUBLE",
        body=f"({weighted}) / NULLIF({total}, 0.0D)",
        comment="Weighted mean of the available components, 0 to 1; null: none.",
    )


def engagement_basis(weights: Mapping[str, float]) -> SqlFormula:
    """Names of the components used in engagement_score, in the order of the weights.

    Null: no component. Conf: `engagement.weights`.

    | login_frequency_30d | feature_usage_score | engagement_basis |
    |---|---|---|
    | 0.5 | 0 | login_frequency_30d, feature_usage_score |
    | null | 0.2 | feature_usage_score |
    | null | null | null |
    """
    names = ", ".join(f"CASE WHEN {n} IS NOT NULL THEN {quote(n)} END" for n in _weights(weights))
    return SqlFormula(
        name="engagement_basis",
        parameters=tuple((name, "DOUBLE") for name in weights),
        returns="STRING",
        body=f"NULLIF(CONCAT_WS(', ', {names}), '')",
        comment="Components used in engagement_score, separated by ', '; null: none.",
    )


def engagement_level(levels: Sequence[Mapping[str, Any]]) -> SqlFormula:
    """The highest level whose bound the score is above; else the last one. Null: no score.

    Conf: `stream.levels`, from the highest to the lowest; the last has no bound.
    `[{level: high, above: 0.5}, {level: medium, above: 0.2}, {level: low}]` gives

    | engagement_score | engagement_level |
    |---|---|
    | 0.51 | high |
    | 0.5 | medium |
    | 0 | low |
    | null | null |
    """
    branches = " ".join(
        f"WHEN engagement_score > {number(b['above'], 'stream.levels.above')} "
        f"THEN {quote(b['level'])}"
        for b in levels[:-1]
    )
    return SqlFormula(
        name="engagement_level",
        parameters=(("engagement_score", "DOUBLE"),),
        returns="STRING",
        body=f"CASE WHEN engagement_score IS NULL THEN NULL {branches} "
        f"ELSE {quote(levels[-1]['level'])} END",
        comment=f"Level of engagement: {', '.join(b['level'] for b in levels)}.",
    )


def _share(name: str) -> str:
    return f"CASE WHEN {name} < 0 THEN 0.0D WHEN {name} > 1 THEN 1.0D ELSE {name} END"


def _weights(weights: Mapping[str, float]) -> dict[str, str]:
    if not weights:
        raise FormulaError(
            "conf engagement.weights: must have at least one component, got none. Add one."
        )
    return {name: positive(w, f"engagement.weights.{name}") for name, w in weights.items()}
