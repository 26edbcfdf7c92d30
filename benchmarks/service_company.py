"""What the benchmarks of the service ask: tables of 20,000 customers, a champion in MLflow."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import xgboost as xgb
import yaml
from deltalake import write_deltalake

from contracts import catalog
from contracts.features import FEATURE_TABLES
from models.encoding import FeatureEncoder
from models.portable import PortableModel
from models.tree_ensemble import TreeEnsemble
from runtime import settings as settings_module
from runtime.lakehouse.arrow_types import arrow_schema, nullable
from runtime.model_registry import CHAMPION, Registry
from runtime.settings import Settings

CUSTOMERS, TREES, DEPTH = 20_000, 200, 5
DAY = dt.date(2024, 9, 1)
ENV = "bench"
CATEGORIES = {"region": ("north", "south"), "plan": ("basic", "plus")}
FACTS = {
    **{"model_name": "xgboost", "horizon_days": 30, "lead_days": 0, "definition": "inactivity"},
    **{"cold_start_days": 7, "cold_start_rate": 0.25, "cold_start_threshold": 0.3},
}
CHURN_PYFUNC = Path(__file__).parents[1] / "pipelines" / "churn" / "churn_pyfunc.py"


def customers() -> list[str]:
    """All customer ids."""
    return [f"c{number:06d}" for number in range(CUSTOMERS)]


def numeric_features() -> list[str]:
    """All numeric columns of the feature tables."""
    tables = catalog.tables()
    return [
        column.name
        for name in FEATURE_TABLES
        for column in tables[name].columns
        if column.type in ("double", "bigint", "int") and column.name not in ("label",)
    ]


def build(folder: Path, redis_url: str) -> Settings:
    """Write conf and tables, register the champion. Returns the settings."""
    conf = folder / "conf"
    conf.mkdir()
    service = {
        "redis": {"url": redis_url},
        "answer_cache_seconds": 0,
        "requests_per_second": 1_000_000,
        "burst": 1_000_000,
    }
    content = {"lakehouse": {"root": str(folder / "lake")}, "sources": {}, "service": service}
    (conf / f"{ENV}.yaml").write_text(yaml.safe_dump(content))
    settings_module.use_conf_dir(str(conf))
    settings = settings_module.load(ENV)
    frame = _features()
    for name in FEATURE_TABLES:
        schema = nullable(arrow_schema(catalog.tables()[name]))
        columns = [
            pa.array(frame[f.name], f.type, safe=False)
            if f.name in frame
            else pa.nulls(CUSTOMERS, f.type)
            for f in schema
        ]
        address = settings.root / name.replace(".", "/")
        write_deltalake(address, pa.Table.from_arrays(columns, schema=schema))
    _register(settings, frame)
    return settings


def _features() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = numeric_features()
    frame = pd.DataFrame(np.round(rng.gamma(2, 20, (CUSTOMERS, len(names)))), columns=names)
    frame["tenure_days"] += 30
    frame["customer_id"], frame["as_of"] = customers(), DAY
    frame["has_profile"], frame["is_terminated"] = True, False
    for name, values in CATEGORIES.items():
        frame[name] = rng.choice(np.array(values, dtype=object), CUSTOMERS)
    return frame


def _register(settings: Settings, frame: pd.DataFrame) -> None:
    encoder = FeatureEncoder(tuple(numeric_features()), tuple(sorted(CATEGORIES.items())))
    matrix = encoder.encode(frame[list(encoder.feature_names)])
    rng = np.random.default_rng(1)
    left = (matrix[:, :10].sum(axis=1) + rng.normal(0, 60, CUSTOMERS) > 400).astype(int)
    parameters = {"objective": "binary:logistic", "max_depth": DEPTH, "nthread": 1, "eta": 0.1}
    booster = xgb.train(parameters, xgb.DMatrix(matrix, left), TREES)
    model = PortableModel(encoder, TreeEnsemble.from_xgboost(booster), metadata=FACTS)
    example = frame[list(encoder.feature_names)].head(2)
    registry = Registry(settings)
    with mlflow.start_run(experiment_id=registry.experiment_id()) as run:
        version = registry.register(
            run.info.run_id,
            CHURN_PYFUNC,
            model.to_json(),
            example=example,
            answer=pd.DataFrame({"churn_probability": model.predict_proba(example)}),
            tags={},
        )
    registry.set_alias(CHAMPION, version)


def rows(settings: Settings, count: int) -> list[dict[str, Any]]:
    """Features of some customers as a client sends them."""
    from service.delta_features import DeltaFeatures

    registry = Registry(settings)
    champion = registry.by_alias(CHAMPION)
    assert champion is not None
    names = PortableModel.from_json(champion.portable).encoder.feature_names
    records = DeltaFeatures(settings).records(customers()[:count])
    return [
        {name: record.features[name] for name in names} for record in records.values() if record
    ]
