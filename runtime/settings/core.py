"""The base class of settings, and conditions that conf writes in SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_WORDS = {"and", "or", "not", "in", "is", "null"}


def checked_condition(condition: str | None, names: Sequence[str]) -> str | None:
    """The condition itself. ValueError if it uses anything but these columns and comparisons."""
    bare = re.sub(r"'[^']*'", " ", condition or "")
    unknown = sorted(set(re.findall(r"[A-Za-z_]\w*", bare.lower())) - {*names, *_WORDS})
    if unknown or re.search(r"[^\w\s.,<>=()]", bare):
        raise ValueError(
            f"must compare {', '.join(names)} with numbers or 'texts', joined by and, "
            f"or, not, parentheses; unknown are {unknown}"
        )
    return condition
