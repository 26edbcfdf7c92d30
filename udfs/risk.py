"""Confidence, the churn rule, and recommended actions: product.md §4 and §7."""

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


def recommended_actions(
    rules: Sequence[Mapping[str, Any]],
    level_actions: Sequence[Mapping[str, str]] = (),
    call_above: float = 0,
) -> SqlFormula:
    """Actions of all rules that fire, in order and without duplicates, separated by "; ".

    Where no rule fires: the action of the risk level. Null: neither. A rule whose condition is null
    does not fire. Conf: `actions`, a list of
    `{when: churn_probability > 0.7 and recency_days > 60, actions: [Win-back offer, ...]}`.
    `when` compares churn_probability, engagement_score and recency_days with numbers. And
    `risk.level_actions`, a list of `{level: MEDIUM, action: Send the planned offer}`, in which
    {call_above} stands for `risk.call_above`.

    | churn_probability | engagement_score | recency_days | risk_level | recommended_actions |
    |---|---|---|---|---|
    | 0.8 | 0.5 | 61 | CRITICAL | Win-back offer with discount; Product usage training session |
    | 0.7 | 0.5 | 61 | HIGH | Loyalty program enrollment; Usage analytics and insights sharing |
    | 0.5 | 0.1 | 99 | HIGH | Send the planned offer, call if worth more than 500 |
    | 0.5 | 0.1 | 99 | LOW | null |
    """
    conditions = [_condition(rule, f"conf actions[{n}]") for n, rule in enumerate(rules)]
    recommended = []
    for n, rule in enumerate(rules):
        for action in dict.fromkeys(rule["actions"]):
            said = [conditions[m] for m in range(n) if action in rules[m]["actions"]]
            fires = " AND NOT ".join([conditions[n], *said])
            recommended.append(f"CASE WHEN {fires} THEN {quote(action)} END")
    text = f"CONCAT_WS({', '.join([quote(SEPARATOR), *recommended])})"
    of_rules = [f"NULLIF({text}, '')"] if recommended else []
    return SqlFormula(
        name="recommended_actions",
        parameters=(*((name, "DOUBLE") for name in ACTION_PARAMETERS), ("risk_level", "STRING")),
        returns="STRING",
        body=f"COALESCE({', '.join([*of_rules, _of_level(level_actions, call_above), 'NULL'])})",
        comment="Actions of the rules that fire, separated by '; ', else of the risk level.",
    )


def _of_level(level_actions: Sequence[Mapping[str, str]], call_above: float) -> str:
    """The action of the risk level; null for a level without an action."""
    number(call_above, "risk.call_above")
    texts = [row["action"].replace("{call_above}", f"{call_above:,.10g}") for row in level_actions]
    _check_actions(texts, "conf risk.level_actions")
    branches = [
        f"WHEN risk_level = {quote(row['level'])} THEN {quote(text)}"
        for row, text in zip(level_actions, texts, strict=True)
    ]
    return f"CASE {' '.join(branches)} END" if branches else "NULL"


def _check_actions(actions: Sequence[str], where: str) -> None:
    if bad := [a for a in actions if not a.strip() or SEPARATOR.strip() in a]:
        raise FormulaError(f"{where}: an action must be text without ';', got {bad}. Reword it.")


def _condition(rule: Mapping[str, Any], where: str) -> str:
    """The condition of the rule in parentheses; false if it is null."""
    check_keys(rule, ("when", "actions"), where)
    _check_actions(rule["actions"], where)
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
