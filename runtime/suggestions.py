"""'Did you mean': the nearest known name to one that was mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """A question that follows a message, with a space before it; empty if no name is near.

    prefix: text before the name, such as the section of a setting.

    >>> did_you_mean("dmo", ["demo", "simulated"])
    ' Did you mean demo?'
    >>> did_you_mean("acme", ["demo", "simulated"])
    ''
    """
    matches = get_close_matches(word, list(known), n=1)
    return f" Did you mean {prefix}{matches[0]}?" if matches else ""
