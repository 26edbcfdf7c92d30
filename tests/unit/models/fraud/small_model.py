"""A small fraud model: many payments of a card in an hour, and new devices, are fraud."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.fraud.features import features
from models.fraud.payments import Payments
from models.fraud.training import Capacity, frame_of, supervised, with_thresholds
from models.fraud.windows import states
from models.portable import PortableModel
from tests.unit.models.fraud.recount import in_arrival, payment


def history(count: int = 1200, seed: int = 3) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Payments of 20 customers over 20 days, and bursts of fraud with new devices."""
    rng = np.random.default_rng(seed)
    rows, label = [], []
    for n, minute in enumerate(np.sort(rng.uniform(0, 20 * 1440, count))):
        customer = int(rng.integers(20))
        is_fraud = rng.random() < 0.03
        ids = {"customer_id": f"c{customer}", "card_id": f"k{customer}"}
        ids["device_id"] = f"x{n}" if is_fraud else f"d{customer}"
        ids["merchant_id"] = f"m{rng.integers(8)}"
        burst = 3 if is_fraud else 1
        for k in range(burst):
            cents = int(rng.gamma(2, 2000) * (3 if is_fraud else 1))
            rows.append(payment(len(rows), minute=minute + k / 10, cents=cents, **ids))
            label.append(is_fraud)
    order = np.argsort([r["paid_at"] for r in rows], kind="stable")
    return [rows[k] for k in order], np.array(label, dtype=np.int64)[order]


def made(payments: Payments) -> dict[str, Any]:
    """The features of payments."""
    return features(payments, states(payments))


def small_model(seed: int = 3) -> PortableModel:
    """Trained on `history`, with thresholds from the same rows."""
    rows, label = history(seed=seed)
    payments = in_arrival(rows)
    model = supervised(made(payments), label, seed=seed)
    score = model.predict_proba(frame_of(made(payments)))
    return with_thresholds(model, score, Capacity(3.0, 20, 0.9), held=score, label=label)
