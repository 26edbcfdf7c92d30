"""Counts in messages agree with their nouns: "1 campaign", "2 campaigns"."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.packages import tree_of
from tests.architecture.test_code_rules import files, named

# The nouns that follow a count in messages.
NOUNS = set(
    [
        "attributes",
        "attempts",
        "batches",
        "bytes",
        "calls",
        "campaigns",
        "coefficients",
        "columns",
        "contracts",
        "covariates",
        "customers",
        "days",
        "digits",
        "duplicates",
        "events",
        "features",
        "files",
        "folds",
        "learners",
        "levels",
        "messages",
        "models",
        "months",
        "offers",
        "orders",
        "periods",
        "purchases",
        "rows",
        "scores",
        "steps",
        "sums",
        "texts",
        "tickets",
        "tries",
        "trials",
        "values",
        "versions",
        "words",
    ]
)


def counts_without_plural(tree):
    """(line, noun) of each f-string that writes a count before a noun in the plural.

    A constant, such as MOST_FILES, is above 1. `plural` writes count and noun.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        for part, after in zip(node.values, node.values[1:], strict=False):
            text = after.value if isinstance(after, ast.Constant) else ""
            noun = re.match(r" ([a-z]+)\b", text)
            is_count = isinstance(part, ast.FormattedValue) and not is_constant(part.value)
            if is_count and noun and noun[1] in NOUNS:
                yield part.lineno, noun[1]


def is_constant(value):
    return isinstance(value, ast.Name) and value.id.isupper()


@pytest.mark.parametrize(
    ("code", "nouns"),
    [
        ("f'{count:,} campaigns measured'", ["campaigns"]),
        ("f'silent for over {days} days.'", ["days"]),
        ("f'{plural(count, \"campaign\")} measured'", []),
        ("f'at most {MOST_FILES} files'", []),
        ("f'{name} counts as one'", []),
    ],
)
def test_a_count_before_a_plural_is_seen(code, nouns):
    assert [noun for _, noun in counts_without_plural(ast.parse(code))] == nouns


def test_counts_in_messages_agree_with_their_nouns():
    faults = [
        f"{named(path)}:{line}: a count before {noun!r}. Use runtime.wording.plural."
        for path in files("pipelines", "jobs", "models", "runtime", "messages")
        for line, noun in counts_without_plural(tree_of(path))
    ]
    assert faults == []
