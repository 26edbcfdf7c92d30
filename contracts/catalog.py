"""All table contracts by name. Jobs look up every table that they read or write here."""

from __future__ import annotations

from collections.abc import Sequence

from contracts import (
    bronze,
    features,
    gold,
    gold_app,
    gold_decisions,
    gold_engagement,
    gold_erasure,
    gold_experiments,
    gold_fraud,
    gold_messages,
    gold_monitoring,
    gold_satisfaction,
    gold_serving,
    live,
    pseudonyms,
    silver,
    silver_payments,
)
from contracts.table import Table

DEFAULT_WINDOWS = (7, 30, 60, 90, 180, 365)


def tables(windows: Sequence[int] = DEFAULT_WINDOWS) -> dict[str, Table]:
    """All declared tables by name. Ingest adds the bronze table of each source."""
    declared = (
        bronze.INGEST_LOG,
        live.STREAM_LOG,
        *silver.SILVER,
        *silver_payments.SILVER_PAYMENTS,
        gold_erasure.ERASURE_LIST,
        pseudonyms.PSEUDONYMS,
        features.DEMOGRAPHICS,
        features.BEHAVIOR,
        features.transactions(windows),
        features.LABELS,
        live.BEHAVIOR_LIVE,
        *gold.GOLD,
        *gold_experiments.GOLD_EXPERIMENTS,
        *gold_decisions.GOLD_DECISIONS,
        *gold_messages.GOLD_MESSAGES,
        *gold_engagement.GOLD_ENGAGEMENT,
        *gold_satisfaction.GOLD_SATISFACTION,
        *gold_serving.GOLD_SERVING,
        *gold_monitoring.GOLD_MONITORING,
        *gold_fraud.GOLD_FRAUD,
        live.ENGAGEMENT_LIVE,
        *gold_app.GOLD_APP,
        gold_erasure.ERASURES,
    )
    return {t.name: t for t in declared}
