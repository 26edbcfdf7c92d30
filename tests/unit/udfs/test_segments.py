"""The twelve segments and their groups. Each (R, F, M) is in exactly one segment."""

from __future__ import annotations

from itertools import product

import pytest

from tests.unit.udfs.conftest import values
from udfs.formula import FormulaError
from udfs.rfm import segment, segment_group, segments_of

# product.md §5
RULES = [
    {"r": [5, 5], "fm_at_least": 4, "segment": "Champions"},
    {"r": [5, 5], "fm_at_least": 2.5, "segment": "Potential Loyalists"},
    {"r": [5, 5], "segment": "New Customers"},
    {"r": [4, 4], "fm_at_least": 4, "segment": "Loyal Customers"},
    {"r": [4, 4], "fm_at_least": 2.5, "segment": "Potential Loyalists"},
    {"r": [4, 4], "segment": "Promising"},
    {"r": [3, 3], "fm_at_least": 4, "segment": "Loyal Customers"},
    {"r": [3, 3], "fm_at_least": 2.5, "segment": "Need Attention"},
    {"r": [3, 3], "segment": "About To Sleep"},
    {"r": [1, 2], "fm_at_least": 4, "segment": "Can't Lose Them"},
    {"r": [1, 2], "fm_at_least": 2.5, "segment": "At Risk"},
    {"r": [1, 2], "segment": "Hibernating"},
]
GROUPS = {
    "High-value": ["Champions"],
    "Loyal": ["Loyal Customers", "Potential Loyalists"],
    "New": ["New Customers", "Promising", "Prospects"],
    "At-risk": ["Need Attention", "About To Sleep", "At Risk", "Can't Lose Them"],
    "Hibernating": ["Hibernating", "Lost"],
}


def test_segments_at_their_bounds(session):
    rows = {
        # lifecycle, R, F, M -> segment; FM = (F + M) / 2
        ("active", 5, 3, 5): "Champions",  # FM exactly 4
        ("active", 5, 4, 3): "Potential Loyalists",  # 3.5
        ("active", 5, 2, 3): "Potential Loyalists",  # exactly 2.5
        ("active", 5, 2, 2): "New Customers",  # 2
        ("active", 4, 4, 4): "Loyal Customers",
        ("active", 4, 1, 4): "Potential Loyalists",  # 2.5
        ("active", 4, 1, 3): "Promising",  # 2
        ("active", 3, 5, 5): "Loyal Customers",
        ("silent", 3, 3, 4): "Need Attention",
        ("silent", 3, 1, 1): "About To Sleep",
        ("silent", 2, 4, 4): "Can't Lose Them",
        ("silent", 1, 5, 3): "Can't Lose Them",  # 4
        ("silent", 1, 2, 3): "At Risk",  # 2.5
        ("silent", 2, 4, 3): "At Risk",  # 3.5
        ("silent", 2, 1, 3): "Hibernating",  # 2
        ("silent", 1, 1, 1): "Hibernating",
        ("prospect", None, None, None): "Prospects",
        ("lost", None, None, None): "Lost",
        ("terminated", None, None, None): "Lost",
        # Lifecycle takes precedence over scores.
        ("lost", 5, 5, 5): "Lost",
        ("prospect", 5, 5, 5): "Prospects",
        # Active and silent customers must have scores. Missing scores are an error and give null.
        ("active", None, 5, 5): None,
        ("active", 5, None, 5): None,
        ("silent", 5, 5, None): None,
        (None, 5, 5, 5): None,
    }
    got = values(session, segment(RULES), list(rows))
    assert got == list(rows.values())
    assert len({name for name in got if name}) == 12


def python_segment(r, f, m):
    """The table of product.md §5: rows by R, columns by FM."""
    column = 0 if f + m >= 8 else 1 if f + m >= 5 else 2
    table = {
        5: ("Champions", "Potential Loyalists", "New Customers"),
        4: ("Loyal Customers", "Potential Loyalists", "Promising"),
        3: ("Loyal Customers", "Need Attention", "About To Sleep"),
        2: ("Can't Lose Them", "At Risk", "Hibernating"),
        1: ("Can't Lose Them", "At Risk", "Hibernating"),
    }
    return table[r][column]


def test_each_of_the_125_scores_has_its_segment(session):
    scores = list(product(range(1, 6), repeat=3))
    got = values(session, segment(RULES), [("active", *rfm) for rfm in scores])
    assert got == [python_segment(*rfm) for rfm in scores]
    assert set(got) | {"Prospects", "Lost"} == segments_of(RULES)
    assert len(segments_of(RULES)) == 12


def test_each_segment_is_in_one_group(session):
    rows = {(name,): group for group, names in GROUPS.items() for name in names}
    assert {name for (name,) in rows} == segments_of(RULES)
    rows |= {("champions",): None, (None,): None}  # names are exact
    assert values(session, segment_group(GROUPS), list(rows)) == list(rows.values())


def test_rules_that_leave_a_score_without_a_segment_are_refused():
    with pytest.raises(FormulaError) as caught:
        segment(RULES[:-1])
    # R 1 and 2, each with the 6 of 25 pairs (F, M) with F + M <= 4
    assert str(caught.value) == (
        "conf segments.rules: 12 of 125 (R, F, M) match no rule, first [(1, 1, 1), (1, 1, 2), "
        "(1, 1, 3)]; rules [] are never used. For each r, list the rules from the highest "
        "fm_at_least down, and end with a rule without fm_at_least."
    )


def test_a_rule_that_is_never_used_is_refused():
    # The rule without a bound comes first and matches all customers with R 5.
    with pytest.raises(FormulaError, match=r"0 of 125 .* rules \[1, 2\] are never used"):
        segment([RULES[2], RULES[0], RULES[1], *RULES[3:]])


@pytest.mark.parametrize("r", [[0, 5], [5], [1, 6], []])
def test_a_rule_is_for_scores_of_one_to_five(r):
    with pytest.raises(FormulaError) as caught:
        segment([{"r": r, "segment": "All"}])
    assert str(caught.value) == (
        f"conf segments.rules[0]: r must be two scores from 1 to 5, got {r}. "
        "Write [lowest, highest], or [5, 5] for a single score."
    )


def test_a_segment_in_two_groups_is_refused():
    with pytest.raises(FormulaError) as caught:
        segment_group(GROUPS | {"Gone": ["Lost"]})
    assert str(caught.value) == (
        "conf segments.groups: ['Lost'] are in two groups. Put each segment in one group."
    )
