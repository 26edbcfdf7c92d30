"""Recency, frequency and monetary scores, and the twelve segments: product.md §4 and §5.

The caller passes the cut points. Transforms compute them from active and silent customers at as_of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from udfs.formula import FormulaError, SqlFormula, check_keys, number, quote

SCORES = range(1, 6)
PROSPECTS, LOST = "Prospects", "Lost"

_CUTS = ("cut_20", "cut_40", "cut_60", "cut_80")
_SCORE_PARAMETERS = (("r_score", "INT"), ("f_score", "INT"), ("m_score", "INT"))

quintile_score = SqlFormula(
    name="quintile_score",
    parameters=(("value", "DOUBLE"), *((cut, "DOUBLE") for cut in _CUTS)),
    returns="INT",
    body=(
        "CASE WHEN value IS NOT NULL THEN 1"
        + "".join(f" + CASE WHEN {cut} < value THEN 1 ELSE 0 END" for cut in _CUTS)
        + " END"
    ),
    comment="1 + number of cut points strictly below the value; null: no value.",
)
"""The recency score uses -recency_days. A null cut point is ignored. Ties get the same score.

| value | cut_20 | cut_40 | cut_60 | cut_80 | quintile_score |
|---|---|---|---|---|---|
| 3 | 1 | 2 | 3 | 4 | 3 |
| 5 | 1 | 2 | 3 | 4 | 5 |
| 1 | 1 | 1 | 1 | 1 | 1 |
| 2 | 1 | 1 | 1 | 1 | 5 |
"""

rfm_score = SqlFormula(
    name="rfm_score",
    parameters=_SCORE_PARAMETERS,
    returns="STRING",
    body="CONCAT(CAST(r_score AS STRING), CAST(f_score AS STRING), CAST(m_score AS STRING))",
    comment="The three scores as digits, R first; null: a score is null.",
)
"""
| r_score | f_score | m_score | rfm_score |
|---|---|---|---|
| 5 | 4 | 1 | "541" |
| null | 4 | 1 | null |
"""


def rfm_priority(weights: Mapping[str, float]) -> SqlFormula:
    """Weighted sum of the three scores; null if a score is null. Conf: `rfm.priority_weights`.

    With r .4, f .3, m .3:

    | r_score | f_score | m_score | rfm_priority |
    |---|---|---|---|
    | 5 | 4 | 1 | 2 + 1.2 + .3 = 3.5 |
    """
    check_keys(weights, ("r", "f", "m"), "conf rfm.priority_weights")
    r, f, m = (number(weights[key], f"rfm.priority_weights.{key}") for key in "rfm")
    return SqlFormula(
        name="rfm_priority",
        parameters=_SCORE_PARAMETERS,
        returns="DOUBLE",
        body=f"{r} * r_score + {f} * f_score + {m} * m_score",
        comment="Weighted sum of the three scores; null: a score is null.",
    )


def segment(rules: Sequence[Mapping[str, Any]]) -> SqlFormula:
    """Segment of a known customer: Prospects, Lost (lost or terminated), else the first match.

    Conf: `segments.rules`, a list of `{r: [lowest, highest], fm_at_least: 4, segment: Champions}`.
    fm_at_least is an optional lower bound of FM = (F + M) / 2. Each (R, F, M) must match a rule,
    and each rule must be the first match of some (R, F, M). Null: an active or silent customer
    without scores, which is an upstream error. With the rules of product.md §5:

    | lifecycle | r_score | f_score | m_score | segment |
    |---|---|---|---|---|
    | active | 5 | 3 | 5 | Champions |
    | silent | 1 | 2 | 3 | At Risk |
    | prospect | null | null | null | Prospects |
    """
    _check_total(rules)
    branches = " ".join(f"WHEN {_condition(rule)} THEN {quote(rule['segment'])}" for rule in rules)
    return SqlFormula(
        name="segment",
        parameters=(("lifecycle", "STRING"), *_SCORE_PARAMETERS),
        returns="STRING",
        body=(
            f"CASE WHEN lifecycle = 'prospect' THEN {quote(PROSPECTS)} "
            f"WHEN lifecycle IN ('lost', 'terminated') THEN {quote(LOST)} "
            "WHEN lifecycle IS NULL OR r_score IS NULL OR f_score IS NULL OR m_score IS NULL "
            f"THEN NULL {branches} END"
        ),
        comment="One of twelve segments, by lifecycle, recency score and (F + M) / 2.",
    )


def segment_group(groups: Mapping[str, Sequence[str]]) -> SqlFormula:
    """Group of a segment; null if no group contains the segment.

    Conf: `segments.groups`, a mapping of group to list of segments.

    | segment | segment_group |
    |---|---|
    | Loyal Customers | Loyal |
    | Lost | Hibernating |
    """
    listed = [name for names in groups.values() for name in names]
    if twice := sorted({name for name in listed if listed.count(name) > 1}):
        raise FormulaError(
            f"conf segments.groups: {twice} are in two groups. Put each segment in one group."
        )
    branches = " ".join(
        f"WHEN segment IN ({', '.join(map(quote, names))}) THEN {quote(group)}"
        for group, names in groups.items()
    )
    return SqlFormula(
        name="segment_group",
        parameters=(("segment", "STRING"),),
        returns="STRING",
        body=f"CASE {branches} END",
        comment=f"Group of the segment: {', '.join(groups)}.",
    )


def segments_of(rules: Sequence[Mapping[str, Any]]) -> set[str]:
    """All names that `segment(rules)` can return."""
    return {PROSPECTS, LOST} | {rule["segment"] for rule in rules}


def _condition(rule: Mapping[str, Any]) -> str:
    lowest, highest = rule["r"]
    condition = f"r_score BETWEEN {lowest} AND {highest}"
    if "fm_at_least" in rule:
        condition += f" AND (f_score + m_score) / 2.0D >= {number(rule['fm_at_least'], 'segments')}"
    return condition


def _check_total(rules: Sequence[Mapping[str, Any]]) -> None:
    """Raise unless all rules are valid and used, and each (R, F, M) matches a rule."""
    for place, rule in enumerate(rules):
        keys = ("r", "fm_at_least", "segment") if "fm_at_least" in rule else ("r", "segment")
        check_keys(rule, keys, f"conf segments.rules[{place}]")
        if len(rule["r"]) != 2 or not set(rule["r"]) <= set(SCORES):
            raise FormulaError(
                f"conf segments.rules[{place}]: r must be two scores from 1 to 5, got {rule['r']}. "
                "Write [lowest, highest], or [5, 5] for a single score."
            )
    first = {scores: _first(rules, *scores) for scores in product(SCORES, repeat=3)}
    unmet = [scores for scores, place in first.items() if place is None]
    in_vain = sorted(set(range(len(rules))) - set(first.values()))
    if unmet or in_vain:
        raise FormulaError(
            f"conf segments.rules: {len(unmet)} of 125 (R, F, M) match no rule, first {unmet[:3]}; "
            f"rules {in_vain} are never used. For each r, list the rules from the highest "
            "fm_at_least down, and end with a rule without fm_at_least."
        )


def _first(rules: Sequence[Mapping[str, Any]], r: int, f: int, m: int) -> int | None:
    for place, rule in enumerate(rules):
        lowest, highest = rule["r"]
        if lowest <= r <= highest and (f + m) / 2 >= rule.get("fm_at_least", 1):
            return place
    return None
