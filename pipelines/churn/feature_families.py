"""Families of features, by the patterns of training.feature_families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from runtime.wording import plural

OTHER_FAMILY = "attributes"


def family_of(feature: str, families: Mapping[str, Sequence[str]]) -> str:
    """The first family with a pattern that matches the feature, else `attributes`."""
    for family, patterns in families.items():
        if any(fnmatchcase(feature, pattern) for pattern in patterns):
            return family
    return OTHER_FAMILY


def unused_text(
    features: Sequence[str], families: Mapping[str, Sequence[str]], missing: Sequence[str]
) -> str:
    """One line on features without values: how many, of which family, and the missing tables.

    >>> unused_text(["logins", "tickets"], {"support": ["tickets"]}, ["silver.tickets"])
    '2 features have no values and are left out: attributes 1, support 1. No data in silver.tickets'
    """
    counts = sorted(Counter(family_of(f, families) for f in features).items())
    has = "has" if len(features) == 1 else "have"
    is_out = "is" if len(features) == 1 else "are"
    text = f"{plural(len(features), 'feature')} {has} no values and {is_out} left out: "
    text += ", ".join(f"{family} {number}" for family, number in counts)
    return text + (f". No data in {', '.join(missing)}" if missing else "")
