"""The verdict of validate_model on a version: tags of the version in the model registry.

deploy_model acts on these tags alone. They are set one by one and `verdict` comes last: a version
without it was not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runtime.model_registry import Registry

ACCEPTED, REFUSED, WITHDRAWN = "accepted", "refused", "withdrawn"
VERDICT, AGAINST, TESTED, REASON = (
    *("verdict", "verdict_against", "verdict_tested_on", "verdict_reason"),
)
# The champion's version in tags and tables, if there was no champion.
NOBODY = "-"
# Unity Catalog stores up to 256 characters per tag value.
LONGEST = 250


@dataclass(frozen=True)
class Verdict:
    """What validate_model found. against: version of the champion, or NOBODY."""

    outcome: str
    against: str
    tested_on: str
    reason: str


def verdict_of(tags: Mapping[str, str]) -> Verdict | None:
    """The verdict in the tags of a version. None: the version was not judged."""
    if VERDICT not in tags:
        return None
    return Verdict(tags[VERDICT], *(tags.get(name, "") for name in (AGAINST, TESTED, REASON)))


def verdict_on(registry: Registry, version: str) -> Verdict | None:
    """The verdict on a version of the registry. Its files are not read."""
    return verdict_of(registry.client.get_model_version(registry.model_name, version).tags)


def clear(registry: Registry, version: str) -> None:
    """Remove the verdict, before a new one is prepared."""
    if verdict_on(registry, version) is not None:
        registry.client.delete_model_version_tag(registry.model_name, version, VERDICT)


def give(registry: Registry, version: str, verdict: Verdict) -> None:
    """Set the tags of a version; `verdict` is the last one."""
    values = {AGAINST: verdict.against, TESTED: verdict.tested_on, REASON: verdict.reason}
    for name, value in {**values, VERDICT: verdict.outcome}.items():
        _set(registry, version, name, value[:LONGEST])


def withdraw(registry: Registry, version: str) -> None:
    """Withdraw the verdict on a version that was rolled back: it is not deployed again."""
    _set(registry, version, VERDICT, WITHDRAWN)


def _set(registry: Registry, version: str, name: str, value: str) -> None:
    registry.client.set_model_version_tag(registry.model_name, version, name, value)
