"""Recommended actions: which rules fire, in which order, and which conditions are invalid."""

from __future__ import annotations

import math

import pytest

from tests.unit.udfs.conftest import INF, NAN, known, random_rows, values
from udfs.formula import FormulaError
from udfs.risk import recommended_actions

# product.md §7
ENGAGE, MANAGER = "Immediate engagement campaign", "Personal account manager assignment"
WIN_BACK, TRAINING = "Win-back offer with discount", "Product usage training session"
LOYALTY, INSIGHTS = "Loyalty program enrollment", "Usage analytics and insights sharing"
ACTIONS = [
    {"when": "churn_probability > 0.7 and engagement_score < 0.3", "actions": [ENGAGE, MANAGER]},
    {"when": "churn_probability > 0.7 and recency_days > 60", "actions": [WIN_BACK, TRAINING]},
    {
        "when": "churn_probability > 0.5 and churn_probability <= 0.7",
        "actions": [LOYALTY, INSIGHTS],
    },
]


LEVEL_ACTIONS = [
    {"level": "CRITICAL", "action": "Call within two days"},
    {"level": "HIGH", "action": "Send the planned offer, call if worth more than {call_above}"},
    {"level": "MEDIUM", "action": "Send the planned offer"},
]


def of_no_level(rows):
    """Rows of churn_probability, engagement_score and recency_days, without a risk level."""
    return [(*row, None) for row in rows]


def test_the_level_decides_only_where_no_rule_fires(session):
    rows = {
        (0.9, 0.2, 60, "CRITICAL"): f"{ENGAGE}; {MANAGER}",
        (0.9, 0.3, 60, "CRITICAL"): "Call within two days",
        (0.5, 0.2, 61, "HIGH"): "Send the planned offer, call if worth more than 1,500",
        (0.2, None, None, "MEDIUM"): "Send the planned offer",
        (0.2, None, None, "LOW"): None,
        (0.2, None, None, None): None,
    }
    formula = recommended_actions(ACTIONS, LEVEL_ACTIONS, 1500)
    assert values(session, formula, list(rows)) == list(rows.values())
    of_levels = recommended_actions([], LEVEL_ACTIONS, 0.5)
    assert values(session, of_levels, [(0.9, 0.1, 99, "HIGH")]) == [
        "Send the planned offer, call if worth more than 0.5"
    ]


def test_an_action_of_a_level_with_the_separator_is_refused():
    with pytest.raises(FormulaError) as caught:
        recommended_actions([], [{"level": "HIGH", "action": "Call; write"}])
    assert str(caught.value) == (
        "conf risk.level_actions: an action must be text without ';', got ['Call; write']. "
        "Reword it."
    )


def test_actions_by_hand(session):
    rows = {
        # churn_probability, engagement_score, recency_days
        (0.9, 0.2, 61): "; ".join([ENGAGE, MANAGER, WIN_BACK, TRAINING]),
        (0.9, 0.2, 60): f"{ENGAGE}; {MANAGER}",
        (0.9, 0.3, 61): f"{WIN_BACK}; {TRAINING}",
        (0.9, 0.3, 60): None,
        (math.nextafter(0.7, 1), 0.2, 61): "; ".join([ENGAGE, MANAGER, WIN_BACK, TRAINING]),
        (0.7, 0.2, 61): f"{LOYALTY}; {INSIGHTS}",
        (math.nextafter(0.5, 1), 0.9, 1): f"{LOYALTY}; {INSIGHTS}",
        (0.5, 0.2, 61): None,
        # A rule with a null input does not fire. The other rules do.
        (0.9, None, 61): f"{WIN_BACK}; {TRAINING}",
        (0.9, 0.2, None): f"{ENGAGE}; {MANAGER}",
        (0.6, None, None): f"{LOYALTY}; {INSIGHTS}",
        (0.9, None, None): None,
        (None, 0.2, 61): None,
        (NAN, 0.2, 61): None,
        (INF, 0.2, 61): None,
    }
    assert values(session, recommended_actions(ACTIONS), of_no_level(rows)) == list(rows.values())


def python_actions(row):
    p, engagement, recency = known(row)
    said = []
    if p is not None and p > 0.7 and engagement is not None and engagement < 0.3:
        said += [ENGAGE, MANAGER]
    if p is not None and p > 0.7 and recency is not None and recency > 60:
        said += [WIN_BACK, TRAINING]
    if p is not None and 0.5 < p <= 0.7:
        said += [LOYALTY, INSIGHTS]
    return "; ".join(said) or None


def test_actions_against_plain_python(session):
    rows = [(p, e, None if r is None else 100 * r) for p, e, r in random_rows(3, 0, 1, count=200)]
    expected = [python_actions(row) for row in rows]
    assert len(set(expected)) == 5  # all four texts, and no action
    assert values(session, recommended_actions(ACTIONS), of_no_level(rows)) == expected


def test_an_action_of_two_rules_appears_once_at_its_first_rule(session):
    formula = recommended_actions(
        [
            {"when": "churn_probability > 0.5", "actions": ["Call"]},
            {"when": "recency_days > 30", "actions": ["Write", "Call", "Write"]},
        ]
    )
    rows = {
        (0.9, None, 31): "Call; Write",
        (0.9, None, 30): "Call",
        (0.1, None, 31): "Write; Call",
        (None, None, 31): "Write; Call",  # a rule with a null did not add the action
    }
    assert values(session, formula, of_no_level(rows)) == list(rows.values())


def test_conditions_may_use_or_not_null_and_lists(session):
    formula = recommended_actions(
        [
            {
                "when": "engagement_score IS NULL OR not (recency_days between 1 and 9)",
                "actions": ["A"],
            },
            {"when": "recency_days in (5, 50) and engagement_score > -1", "actions": ["It's B"]},
        ]
    )
    rows = {
        (None, None, 5): "A",
        (None, 0.5, 5): "It's B",
        (None, 0.5, 50): "A; It's B",
        (None, 0.5, 6): None,
    }
    assert values(session, formula, of_no_level(rows)) == list(rows.values())


def test_without_rules_nothing_is_recommended(session):
    assert values(session, recommended_actions([]), [(0.9, 0.1, 99, "HIGH")]) == [None]


@pytest.mark.parametrize(
    "when, unknown",
    [
        ("churn_probabilty > 0.7", ["churn_probabilty"]),
        ("churn_probability > 0.7 and segment = 'Lost'", ["segment"]),
        ("recency_days > 60) or (1 = 1", []),
        ("recency_days > 60 -- and more", ["more"]),
        ("recency_days / 0 > 1", []),
        ("recency_days > 60; recency_days", []),
        ("", []),
        ("1" * 40 + "!", []),  # no backtracking over digits: must fail at once
    ],
)
def test_an_invalid_condition_is_refused(when, unknown):
    with pytest.raises(FormulaError) as caught:
        recommended_actions([ACTIONS[0], {"when": when, "actions": [ENGAGE]}])
    assert str(caught.value) == (
        f"conf actions[1]: cannot read the condition {when!r}, unknown names {unknown}. Compare "
        "churn_probability, engagement_score, recency_days with numbers, "
        "joined by and, or, not, parentheses."
    )


def test_an_action_with_the_separator_is_refused():
    with pytest.raises(FormulaError) as caught:
        recommended_actions([{"when": "recency_days > 1", "actions": ["Call; write", "Call"]}])
    assert str(caught.value) == (
        "conf actions[0]: an action must be text without ';', got ['Call; write']. Reword it."
    )
