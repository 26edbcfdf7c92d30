"""A company without Spark: feature tables written by delta-rs, and a small champion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb
from deltalake import write_deltalake

from contracts import catalog
from contracts.features import FEATURE_TABLES
from contracts.gold import CUSTOMER_SCORES, CUSTOMER_SEGMENTS
from models.encoding import FeatureEncoder
from models.portable import PortableModel
from models.tree_ensemble import TreeEnsemble
from runtime.lakehouse.arrow_types import arrow_schema, nullable
from runtime.model_registry import Registered
from runtime.settings import load

EARLIER, LAST = dt.date(2024, 7, 30), dt.date(2024, 8, 29)
CUSTOMERS = [f"c{n:03d}" for n in range(40)]
NUMERIC = ("recency_days", "tenure_days", "revenue_30d", "engagement_score", "has_profile")
ENCODER = FeatureEncoder(NUMERIC, (("region", ("north", "south")),))
FACTS = {
    "model_name": "xgboost",
    "horizon_days": 30,
    "lead_days": 0,
    "definition": "inactivity",
    "cold_start_days": 7,
    "cold_start_rate": 0.25,
    "cold_start_threshold": 0.3,
}


def features_of(customer_id: str, day: dt.date = LAST) -> dict[str, Any]:
    """The features of a customer in the tables, by a rule that tests can repeat."""
    n = int(customer_id[1:])
    return {
        "recency_days": 1 + n * 2,
        "tenure_days": 3 if n == 1 else 100 + n,
        "revenue_30d": None if n % 5 == 0 else n * 1.5 + (day - EARLIER).days,
        "engagement_score": None if n % 7 == 0 else (n % 10) / 10,
        "has_profile": n % 3 != 0,
        "region": ("north", "south", None)[n % 3],
    }


def write_lake(
    root: Path,
    day: dt.date = LAST,
    customers: list[str] = CUSTOMERS,
    *,
    features: Callable[[str, dt.date], dict[str, Any]] = features_of,
) -> None:
    """The feature tables, segments and scores of one day, beside those of other days."""
    tables = catalog.tables()
    rows = [{"customer_id": c, "as_of": day, **features(c, day)} for c in customers]
    for name in FEATURE_TABLES:
        _append(root, tables[name], rows)
    segment = {"lifecycle": "active", "frequency": 1, "monetary": 1.0, "segment": "Champions"}
    segment |= {"segment_group": "High-value", "high_risk_churn": False}
    _append(root, CUSTOMER_SEGMENTS, [{**row, **segment} for row in rows])
    score = {"horizon_days": 30, "churn_probability": 0.5, "churn_prediction": 1}
    score |= {"risk_level": "LOW", "confidence_score": 0.0, "score_basis": "model"}
    _append(root, CUSTOMER_SCORES, [{**row, **score} for row in rows])


def _append(root: Path, table: Any, rows: list[dict[str, Any]]) -> None:
    schema = nullable(arrow_schema(table))
    content = pa.Table.from_pylist([{n: row.get(n) for n in schema.names} for row in rows], schema)
    write_deltalake(root / table.name.replace(".", "/"), content, mode="append")


def portable(seed: int = 0, **facts: Any) -> PortableModel:
    """A small boosted model on random rows; another seed is another model."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(50, 40, (400, len(ENCODER.column_names))).astype(np.float32)
    left = (matrix[:, 0] + rng.normal(0, 20, 400) > 50).astype(int)
    parameters = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}
    booster = xgb.train(parameters, xgb.DMatrix(matrix, left), 20)
    return PortableModel(
        ENCODER, TreeEnsemble.from_xgboost(booster), threshold=0.4, metadata={**FACTS, **facts}
    )


@dataclass
class FakeRegistry:
    """Versions by alias, as the registry answers. fault: raised instead."""

    versions: dict[str, Registered] = field(default_factory=dict)
    fault: Exception | None = None

    def set(self, alias: str, version: str, model: PortableModel) -> None:
        """Move an alias."""
        self.versions[alias] = Registered("churn", version, f"run{version}", model.to_json(), {})

    def number_of(self, alias: str) -> str | None:
        if self.fault:
            raise self.fault
        known = self.versions.get(alias)
        return known.version if known else None

    def by_alias(self, alias: str) -> Registered | None:
        if self.fault:
            raise self.fault
        return self.versions.get(alias)


def settings_of(root: Path, redis_url: str | None, *, share: float = 0.0, **service: Any) -> Any:
    """Settings of the demo for a lake, with short times."""
    changes = {"model_check_seconds": 0.1, "stop_seconds": 30, **service}
    # A busy machine may need more than the 50 ms of conf.
    patient = {"retry_seconds": 0.3, "timeout_ms": 1000}
    redis = {"url": redis_url, **patient, **changes.pop("redis", {})}
    log = {"commit_seconds": 0.5, **changes.pop("log", {})}
    return load(
        "demo",
        lakehouse={"root": str(root)},
        model_ab={"challenger_share": share},
        service={**changes, "redis": redis, "log": log},
    )
