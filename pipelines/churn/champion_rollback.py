"""Roll the champion alias back to the previous version."""

from __future__ import annotations

from pipelines.churn import verdicts
from runtime.context import Context
from runtime.model_registry import CHAMPION, PREVIOUS, Registry, rollback


def run(context: Context) -> None:
    """Swap the aliases: `previous` becomes champion, and the current champion `previous`.

    The verdict on the version that was champion is withdrawn, so that deploy_model does not deploy
    it again.
    """
    registry = Registry(context.settings)
    current = registry.number_of(CHAMPION)
    if context.is_dry:
        names = current or "none", registry.number_of(PREVIOUS) or "none"
        context.progress.say(f"      champion is version {names[0]}, would become {names[1]}")
        return
    version = rollback(registry)
    if current is not None and current != version:
        verdicts.withdraw(registry, current)
    context.progress.say(
        f"      {registry.model_name}: version {version} is champion again. score_customers uses "
        "it from now on"
    )
