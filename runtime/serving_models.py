"""Which registered versions may score: their meaning, and the experiment of two versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.errors import ModelGateError
from runtime.model_registry import Registered
from runtime.settings.churn import ChurnSettings

# What a model's probability means: a key of its metadata -> the key of section churn in conf.
MEANING = {
    "horizon_days": "primary_horizon_days",
    "lead_days": "lead_days",
    "definition": "definition",
}


def refuse_other_meaning(
    churn: ChurnSettings, model: Registered, facts: Mapping[str, Any], *, outcome: str
) -> None:
    """Raise ModelGateError if a registered model has another horizon, lead or definition than conf.

    facts: the metadata of its portable form. outcome: what was not done, as a sentence.
    """
    asked = {fact: getattr(churn, name) for fact, name in MEANING.items()}
    # Older models do not have these keys. They count as equal to conf.
    others = [
        f"churn.{MEANING[fact]} = {facts[fact]} (conf: {value})"
        for fact, value in asked.items()
        if facts.get(fact, value) != value
    ]
    if others:
        raise ModelGateError(
            f"{model.name} version {model.version} was trained with {', '.join(others)}, so its "
            f"probability has another meaning. {outcome} Change conf back, train under another "
            "mlflow.model_name, or roll back to a version that was trained with the values of conf."
        )


def experiment_of(champion: Registered, challenger: Registered) -> str:
    """The id of the A/B test of two versions. A hash of it and the customer id assigns the arm."""
    return f"{champion.name}-v{champion.version}-v{challenger.version}"
