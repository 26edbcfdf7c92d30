"""The fraud model that answers: loaded from the registry, swapped when the alias moves."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

import numpy as np

from models.fraud.payments import Payments
from models.fraud.scoring import fraud_scores
from models.fraud.windows import STATE
from models.portable import PortableModel
from runtime.errors import HoldfastError
from runtime.model_registry import CHAMPION
from runtime.settings import Settings
from service.champion import ModelSource

log = logging.getLogger("holdfast.service")


@dataclass(frozen=True)
class FraudModel:
    """One version."""

    version: str
    model: PortableModel


class FraudModels:
    """Holds the champion. current: None if none is registered; then answers are degraded.

    source: None if the service has no registry for fraud.
    """

    def __init__(self, settings: Settings, source: ModelSource | None) -> None:
        self.settings, self.source = settings, source
        self.current: FraudModel | None = None
        self._fault: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="fraud-check", daemon=True)

    def start(self) -> None:
        """Load the model, and begin to watch the alias."""
        if self.source is not None:
            self.refresh()
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def refresh(self) -> None:
        """Load what the alias names now, if it is another version. Faults are logged once."""
        try:
            self._refresh()
            self._fault = None
        except Exception as error:  # the model at hand goes on answering, whatever failed
            is_told = isinstance(error, HoldfastError)
            fault = str(error) if is_told else f"the fraud model failed: {type(error).__name__}"
            if fault != self._fault:
                log.error("%s", fault)
            self._fault = fault

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

    def _watch(self) -> None:
        while not self._stopped.wait(self.settings.service.model_check_seconds):
            self.refresh()


def _warm(model: PortableModel, degraded_amount: float) -> None:
    """Score one payment, which compiles the kernels."""
    payment = dict.fromkeys(
        ("card_id", "device_id", "merchant_category", "country", "latitude", "longitude")
    )
    whole = {"cents": 100, "paid_at": 0, "received_at": 0}
    ids = {"payment_id": "p", "customer_id": "c", "merchant_id": "m"}
    row = Payments.single({**payment, **whole, **ids})
    fraud_scores(model, row, np.ones((1, len(STATE))), degraded_amount=degraded_amount)
