"""The fraud model that answers: loaded from the registry, swapped when the alias moves."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from models.fraud.payments import Payments
from models.fraud.scoring import fraud_scores
from models.fraud.windows import STATE
from models.portable import PortableModel
from runtime.model_registry import CHAMPION
from runtime.settings import Settings
from service.champion import ModelSource
from service.watch import Watch

log = logging.getLogger("holdfast.service")


@dataclass(frozen=True)
class FraudModel:
    """One version."""

    version: str
    model: PortableModel


class FraudModels(Watch):
    """Holds the champion. current: None if none is registered; then answers are degraded.

    source: None if the service has no registry for fraud.
    """

    def __init__(self, settings: Settings, source: ModelSource | None) -> None:
        seconds = settings.service.model_check_seconds
        super().__init__(seconds, what="the fraud model", thread="fraud-check")
        self.settings, self.source = settings, source
        self.current: FraudModel | None = None

    def start(self) -> None:
        """Load the model, and begin to watch the alias, if there is a registry."""
        if self.source is not None:
            super().start()

    def _refresh(self) -> None:
        assert self.source is not None
        number = self.source.number_of(CHAMPION)
        if number is None or (self.current is not None and self.current.version == number):
            return
        registered = self.source.by_alias(CHAMPION)
        if registered is None:
            return
        model = PortableModel.from_json(registered.portable)
        _warm(model, self.settings.fraud.degraded_amount)
        self.current = FraudModel(registered.version, model)
        log.info("model %s version %s answers", registered.name, registered.version)


def _warm(model: PortableModel, degraded_amount: float) -> None:
    """Score one payment, which compiles the kernels."""
    payment = dict.fromkeys(
        ("card_id", "device_id", "merchant_category", "country", "latitude", "longitude")
    )
    whole = {"cents": 100, "paid_at": 0, "received_at": 0}
    ids = {"payment_id": "p", "customer_id": "c", "merchant_id": "m"}
    row = Payments.single({**payment, **whole, **ids})
    fraud_scores(model, row, np.ones((1, len(STATE))), degraded_amount=degraded_amount)
