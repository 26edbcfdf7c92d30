"""The models that answer: loaded once from the registry, swapped when an alias moves."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from models.answers import Score, scores, thresholds
from models.portable import PortableModel
from runtime.model_registry import CHALLENGER, CHAMPION, Registered
from runtime.serving_models import experiment_of, refuse_other_meaning
from runtime.settings import Settings
from service.schemas import RequestSchema
from service.watch import Watch
from udfs.shares import is_in_share

log = logging.getLogger("holdfast.service")


class ModelSource(Protocol):
    """What the service needs of the registry."""

    def number_of(self, alias: str) -> str | None:
        """The version with the alias."""

    def by_alias(self, alias: str) -> Registered | None:
        """The version with the alias, with its portable form."""


@dataclass(frozen=True)
class ServedModel:
    """One version, ready to score."""

    registered: Registered
    model: PortableModel

    @classmethod
    def of(cls, registered: Registered, settings: Settings) -> ServedModel:
        """Load a version and score one row, which compiles the kernels.

        ModelGateError for a version with another meaning of churn than conf.
        """
        model = PortableModel.from_json(registered.portable)
        outcome = "It does not answer."
        refuse_other_meaning(settings.churn, registered, model.metadata, outcome=outcome)
        scores(model, [dict.fromkeys(model.encoder.feature_names)])
        return cls(registered, model)

    @property
    def version(self) -> str:
        """Number in the registry."""
        return self.registered.version

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """The decision threshold by score_basis."""
        return thresholds(self.model)

    def scores(self, rows: Sequence[Mapping[str, Any]]) -> list[Score]:
        """The score of each row."""
        return scores(self.model, rows)


@dataclass(frozen=True)
class Models:
    """The champion, and the challenger if one is registered, at one moment.

    A request keeps the object with which it began, so a swap drops no request. share: of the
    customers, answered by the challenger; 0: none.
    """

    champion: ServedModel
    challenger: ServedModel | None
    share: float
    requests: RequestSchema

    @cached_property
    def experiment_id(self) -> str | None:
        """The A/B test, as gold.model_arms names it. None: the champion answers everybody."""
        if self.challenger is None or not self.share:
            return None
        return experiment_of(self.champion.registered, self.challenger.registered)

    def arm(self, customer_id: str | None, row: Mapping[str, Any]) -> tuple[str, ServedModel]:
        """The arm of a customer, by the same hash as score_customers.

        The champion answers without an id, and where the row lacks a feature of the challenger.
        """
        rival = self.challenger
        if (
            rival is not None
            and self.experiment_id
            and customer_id is not None
            and is_in_share(self.share, self.experiment_id, customer_id)
            and row.keys() >= set(rival.model.encoder.feature_names)
        ):
            return CHALLENGER, rival
        return CHAMPION, self.champion

    @cached_property
    def key(self) -> str:
        """Changes with the versions and the share: cached answers of other models are ignored."""
        rival = self.challenger.version if self.experiment_id and self.challenger else "-"
        return f"{self.champion.version}.{rival}.{self.share}"


class ModelHolder(Watch):
    """Holds the models of the service. current: None before a champion was loaded.

    swaps: their count since the start.
    """

    def __init__(self, settings: Settings, source: ModelSource) -> None:
        seconds = settings.service.model_check_seconds
        super().__init__(seconds, what="the model registry", thread="model-check")
        self.settings, self.source = settings, source
        self.current: Models | None = None
        self.swaps = 0

    def _refresh(self) -> None:
        share = self.settings.model_ab.challenger_share
        numbers = {alias: self.source.number_of(alias) for alias in (CHAMPION, CHALLENGER)}
        if not (share or self.settings.service.shadow_challenger):
            numbers[CHALLENGER] = None
        if numbers[CHALLENGER] == numbers[CHAMPION]:
            numbers[CHALLENGER] = None
        now = self.current
        held = {
            CHAMPION: now.champion if now else None,
            CHALLENGER: now.challenger if now else None,
        }
        if numbers == {alias: m.version if m else None for alias, m in held.items()}:
            return
        known = {m.version: m for m in held.values() if m}
        loaded = {alias: self._loaded(alias, number, known) for alias, number in numbers.items()}
        champion = loaded[CHAMPION]
        if champion is None:
            if now is not None:
                log.warning("no version has the alias champion: version %s goes on", now.key)
            return
        schema = RequestSchema(champion.model.encoder, self.settings.service.max_batch)
        _ = schema.one, schema.batch  # built here, and not in the first request
        self.current = Models(champion, loaded[CHALLENGER], share, schema)
        self.swaps += 1
        log.info("model %s version %s answers", champion.registered.name, champion.version)

    def _loaded(
        self, alias: str, number: str | None, known: Mapping[str, ServedModel]
    ) -> ServedModel | None:
        if number is None:
            return None
        if number in known:
            return known[number]
        registered = self.source.by_alias(alias)
        return None if registered is None else ServedModel.of(registered, self.settings)
