"""Move the alias champion to a challenger that validate_model accepted."""

from __future__ import annotations

from pipelines.churn.model_validation import no_challenger
from pipelines.churn.verdicts import ACCEPTED, NOBODY, WITHDRAWN, verdict_of
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_registry import CHALLENGER, CHAMPION, Registered, Registry


def run(context: Context) -> None:
    """Make the challenger the champion, if the verdict on exactly this version allows it.

    ModelGateError without a verdict, or with one against another champion than today's: the rule
    compares a challenger with the champion that it replaces.
    """
    registry = Registry(context.settings)
    challenger, champion = registry.by_alias(CHALLENGER), registry.number_of(CHAMPION)
    if challenger is None:
        no_challenger(context, registry, "nothing to deploy")
        return
    refusal = why_not(context, challenger, champion)
    if refusal:
        context.progress.say(f"      {refusal}")
    elif context.is_dry:
        context.progress.say(f"      version {challenger.version} would become champion")
    else:
        registry.promote(challenger.version)
        context.progress.say(f"      version {challenger.version} is the champion")


def why_not(context: Context, challenger: Registered, champion: str | None) -> str:
    """Why the champion stays, as a sentence. "" if the challenger replaces it."""
    name, number = challenger.name, challenger.version
    if number == champion:
        return f"version {number} is the champion already"
    verdict, fix = verdict_of(challenger.tags), f"--env {context.settings.env}"
    if verdict is None:
        raise ModelGateError(
            f"{name} version {number}: validate_model has not judged it, so it was not deployed. "
            f"Run `holdfast validate_model {fix}` first."
        )
    stays = f"version {champion} stays champion" if champion else "there is no champion"
    if verdict.outcome == WITHDRAWN:
        return f"version {number} was rolled back and is not deployed again: {stays}"
    if verdict.against != (champion or NOBODY):
        raise ModelGateError(
            f"{name} version {number}: it was judged against champion {verdict.against}, but "
            f"the champion is {champion or NOBODY}. Nothing was deployed. Run `holdfast "
            f"validate_model {fix}` again."
        )
    if verdict.outcome != ACCEPTED:
        return f"version {number} was refused, {stays}: {verdict.reason}"
    return ""
