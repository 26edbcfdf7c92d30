"""Roll the champion alias back to the previous version."""

from __future__ import annotations

from runtime.context import Context
from runtime.model_registry import CHAMPION, PREVIOUS, Registry, rollback


def run(context: Context) -> None:
    """Swap the aliases: `previous` becomes champion, and the current champion `previous`."""
    registry = Registry(context.settings)
    if context.is_dry:
        current, previous = (registry.number_of(a) or "none" for a in (CHAMPION, PREVIOUS))
        context.progress.say(f"      champion is version {current}, would become {previous}")
        return
    version = rollback(registry)
    context.progress.say(
        f"      {registry.model_name}: version {version} is champion again. score_customers uses "
        "it from now on"
    )
