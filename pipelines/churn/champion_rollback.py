"""Give the champion's alias back to the version before it."""

from __future__ import annotations

from runtime.context import Context
from runtime.model_registry import CHAMPION, PREVIOUS, Registry, rollback


def run(context: Context) -> None:
    """The alias `previous` becomes champion, and the present champion `previous`."""
    registry = Registry(context.settings)
    if context.is_dry:
        now, before = registry.by_alias(CHAMPION), registry.by_alias(PREVIOUS)
        names = [one.version if one else "none" for one in (now, before)]
        context.progress.say(f"      champion is {names[0]}, would become {names[1]}")
        return
    version = rollback(registry)
    context.progress.say(
        f"      {registry.model_name}: version {version} is champion again; score_customers uses it"
    )
