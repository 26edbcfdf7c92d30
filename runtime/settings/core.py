"""The base class of settings, and conditions that conf writes in SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        near = get_close_matches(name, sorted(available_timezones()), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"must be an IANA time zone, such as Europe/Berlin{hint}") from None
    return name


# The name of a time zone.
TimeZone = Annotated[str, AfterValidator(_known_zone)]

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
