"""The challenger in shadow: it scores what the champion answered, for gold.inference_log alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.model_registry import CHAMPION
from service.champion import Models
from service.log_rows import LoggedAnswer

SHADOW = "shadow"


def shadow_answers(batch: Sequence[LoggedAnswer], models: Models | None) -> list[LoggedAnswer]:
    """One row per answer of the champion that the challenger can score. No request waits for it."""
    rival = models.challenger if models else None
    if rival is None:
        return []
    needed = set(rival.model.encoder.feature_names)
    answered = [a for a in batch if a.arm == CHAMPION and a.features is not None]
    rows = [(a, _row(a.features)) for a in answered]
    known = [(a, row) for a, row in rows if row.keys() >= needed]
    scored = rival.scores([row for _, row in known])
    return [
        answer._replace(
            arm=SHADOW,
            model_version=rival.version,
            churn_probability=score.churn_probability,
            score_basis=score.score_basis,
        )
        for (answer, _), score in zip(known, scored, strict=True)
    ]


def _row(features: bytes | Mapping[str, Any] | None) -> Mapping[str, Any]:
    return json.loads(features) if isinstance(features, bytes) else features or {}
