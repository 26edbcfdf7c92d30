"""Skip the steps of run_pipeline if nothing has changed since a run of all steps finished."""

from __future__ import annotations

import dataclasses

from pipelines.offers.offer_catalog import offers_of_conf
from runtime.context import Context
from runtime.fingerprint import mark_of
from runtime.model_registry import CHALLENGER, CHAMPION, Registry
from runtime.run_info import CHANGED, code_version


def state_of(context: Context) -> str | None:
    """Fingerprint of as_of, settings, code, models and the contents of all tables.

    It is the same after a run of all steps as before the next one if nothing has changed in
    between: no new file, no other setting, no table written, no model promoted. None in a checkout
    with changed files, whose code no commit names.
    """
    if code_version().endswith(CHANGED):
        return None
    settings = context.settings
    survival, lifetime = settings.lifetime.survival, settings.lifetime
    models = (None, lifetime.registered_model, survival.registered_model)
    registries = [Registry(settings, name) for name in models]
    facts = {
        "job": "run_pipeline",
        "as_of": context.as_of.isoformat(),
        "settings": settings.model_dump(mode="json", exclude={"report"}),
        "offers": [dataclasses.asdict(offer) for offer in offers_of_conf()],
        "models": [[r.number_of(alias) for alias in (CHAMPION, CHALLENGER)] for r in registries],
    }
    versions = {name: context.lake.content_version(name) for name in sorted(context.tables)}
    return mark_of(context, settings.mlflow.model_name, versions, facts=facts)


def finished_with(context: Context, state: str | None) -> str | None:
    """The id of a run of all steps that ended in this state. None: there is none."""
    done = Registry(context.settings).finished_run(state) if state else None
    return done.info.run_id if done else None


def record(context: Context, state: str | None) -> None:
    """Record in MLflow that a run of all steps ended in this state."""
    if state is None:
        return
    registry = Registry(context.settings)
    tags = {"fingerprint": state, "mlflow.runName": f"run_pipeline-{context.as_of}"}
    run = registry.client.create_run(registry.experiment_id(), tags=tags)
    registry.client.set_terminated(run.info.run_id)
