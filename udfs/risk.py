"""Risk bands, confidence, the churn rule, and recommended actions: product.md §4 and §7."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from udfs.formula import FormulaError, SqlFormula, check_keys, number, quote, words

ACTION_PARAMETERS = ("churn_probability", "engagement_score", "recency_days")
SEPARATOR = "; "

# Allowed syntax of a condition in conf. Division is not allowed, because it fails on zero.
_KEYWORD = re.compile(r"and|or|not|is|null|between|in", re.IGNORECASE).fullmatch
_CONDITION = re.compile(
    r"(?:\s*(?>[A-Za-z_]\w*|-?\d+(?:\.\d+)?|<=|>=|<>|!=|[<>=(),]))+\s*"
).fullmatch

confidence_score = SqlFormula(
    name="confidence_score",
    parameters=(("churn_probability", "DOUBLE"),),
    returns="DOUBLE",
    body="ABS(churn_probability - 0.5D) * 2.0D",
    comment="|p - 0.5| * 2: 0 undecided, 1 certain; null: no probability.",
)
"""
| churn_probability | confidence_score |
|---|---|
| 0.5 | 0 |
| 0.25 | 0.5 |
| 1 | 1 |
"""


def risk_level(bands: Sequence[Mapping[str, Any]]) -> SqlFormula:
    """First band with a bound below the probability. The last band has no bound.

    Null: no probability. Conf: `risk.schemes`, one list of bands per scheme; `risk.scheme` selects
    the scheme:
    `[{level: CRITICAL, above: 0.8}, {level: HIGH, above: 0.6}, {level: MEDIUM, above: 0.4},
    {level: LOW}]` gives

    | churn_probability | risk_level |
    |---|---|
    | 0.81 | CRITICAL |
    | 0.8 | HIGH |
    | 0.4 | LOW |
    """
    _check_bands(bands)
    branches = " ".join(
        f"WHEN churn_probability > {number(b['above'], 'risk.schemes')} THEN {quote(b['level'])}"
        for b in bands[:-1]
    )
    return SqlFormula(
        name="risk_level",
        parameters=(("churn_probability", "DOUBLE"),),
        returns="STRING",
        body=(
            f"CASE WHEN churn_probability IS NULL THEN NULL {branches} "
            f"ELSE {quote(bands[-1]['level'])} END"
        ),
        comment=f"Band of the churn probability: {', '.join(b['level'] for b in bands)}.",
    )


def high_risk_churn(
    recency_days_above: float, engagement_below: float, support_tickets_above: float
) -> SqlFormula:
    """Churn rule without a model: long silence, low engagement and many tickets. Never null.

    The rule does not fire if an input is null. Conf: `high_risk_churn`. With 60, 0.3 and 5:

    | recency_days | engagement_score | support_tickets_30d | high_risk_churn |
    |---|---|---|---|
    | 61 | 0.29 | 6 | true |
    | 60 | 0.29 | 6 | false |
    | 61 | null | 6 | false |
    """
    recency = number(recency_days_above, "high_risk_churn.recency_days_above")
    engagement = number(engagement_below, "high_risk_churn.engagement_below")
    tickets = number(support_tickets_above, "high_risk_churn.support_tickets_above")
    return SqlFormula(
        name="high_risk_churn",
        parameters=(
            ("recency_days", "DOUBLE"),
            ("engagement_score", "DOUBLE"),
            ("support_tickets_30d", "DOUBLE"),
        ),
        returns="BOOLEAN",
        body=(
            f"COALESCE(recency_days > {recency} AND engagement_score < {engagement} "
            f"AND support_tickets_30d > {tickets}, FALSE)"
        ),
        comment="Churn rule: long silence, low engagement, many tickets. Null input: false.",
    )


def recommended_actions(rules: Sequence[Mapping[str, Any]]) -> SqlFormula:
    """Actions of all rules that fire, in order and without duplicates, separated by "; ".

    Null: no rule fires. A rule whose condition is null does not fire. Conf: `actions`, a list of
    `{when: churn_probability > 0.7 and recency_days > 60, actions: [Win-back offer, ...]}`.
    `when` compares churn_probability, engagement_score and recency_days with numbers.

    | churn_probability | engagement_score | recency_days | recommended_actions |
    |---|---|---|---|
    | 0.8 | 0.5 | 61 | Win-back offer with discount; Product usage training session |
    | 0.7 | 0.5 | 61 | Loyalty program enrollment; Usage analytics and insights sharing |
    | 0.5 | 0.1 | 99 | null |
    """
    conditions = [_condition(rule, f"conf actions[{n}]") for n, rule in enumerate(rules)]
    recommended = []
    for n, rule in enumerate(rules):
        for action in dict.fromkeys(rule["actions"]):
            said = [conditions[m] for m in range(n) if action in rules[m]["actions"]]
            fires = " AND NOT ".join([conditions[n], *said])
            recommended.append(f"CASE WHEN {fires} THEN {quote(action)} END")
    text = f"CONCAT_WS({', '.join([quote(SEPARATOR), *recommended])})"
    return SqlFormula(
        name="recommended_actions",
        parameters=tuple((name, "DOUBLE") for name in ACTION_PARAMETERS),
        returns="STRING",
        body=f"NULLIF({text}, '')" if recommended else "NULL",
        comment="Actions of the rules that fire, separated by '; '; null: no rule fires.",
    )


def _check_bands(bands: Sequence[Mapping[str, Any]]) -> None:
    for place, band in enumerate(bands):
        keys = ("level", "above") if place < len(bands) - 1 else ("level",)
        check_keys(band, keys, f"conf risk.schemes, band {place + 1} of {len(bands)}")
        number(band.get("above", 0), f"risk.schemes, band {place + 1} of {len(bands)}")
    bounds = [band["above"] for band in bands[:-1]]
    levels = [band["level"] for band in bands]
    if not bands or bounds != sorted(set(bounds), reverse=True) or len(set(levels)) < len(levels):
        raise FormulaError(
            "conf risk.schemes: bounds must decrease and levels must be unique, got "
            f"{bounds} for {levels}. List the bands from the highest down. The last has no bound."
        )


def _condition(rule: Mapping[str, Any], where: str) -> str:
    """The condition of the rule in parentheses; false if it is null."""
    check_keys(rule, ("when", "actions"), where)
    if bad := [a for a in rule["actions"] if not a.strip() or SEPARATOR.strip() in a]:
        raise FormulaError(f"{where}: an action must be text without ';', got {bad}. Reword it.")
    when = rule["when"]
    unknown = sorted(w for w in words(when) if w not in ACTION_PARAMETERS and not _KEYWORD(w))
    if unknown or not _CONDITION(when) or not _is_balanced(when):
        raise FormulaError(
            f"{where}: cannot read the condition {when!r}, unknown names {unknown}. Compare "
            f"{', '.join(ACTION_PARAMETERS)} with numbers, joined by and, or, not, parentheses."
        )
    return f"COALESCE(({when}), FALSE)"


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0
