"""Exact SHAP values and the top five factors in Spark, against TreeExplainer in mapInPandas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from benchmarks.measure import Cost, Section, cost
from models.encoding import FeatureEncoder
from models.portable import PortableModel
from models.scoring import explain, model_of
from models.top_factors import top_factors
from models.tree_ensemble import TreeEnsemble

ROWS, FEATURES, TREES, DEPTH = 100_000, 30, 200, 5
OUT = "id bigint, factors array<string>, impacts array<double>"
OUT_WITH_TEXTS = f"{OUT}, texts array<string>"


def trained(seed: int = 1) -> tuple[xgboost.Booster, PortableModel]:
    """An XGBoost model on synthetic data with signal and noise, and its portable form."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(20_000, FEATURES)).astype(np.float32)
    y = (x[:, :5].sum(axis=1) + x[:, 0] * x[:, 1] + draw.normal(size=len(x)) > 0).astype(int)
    names = [f"f{i}" for i in range(FEATURES)]
    settings = {
        "objective": "binary:logistic",
        "max_depth": DEPTH,
        "eta": 0.1,
        "tree_method": "hist",
    }
    booster = xgboost.train(settings, xgboost.DMatrix(x, y, feature_names=names), TREES)
    model = PortableModel(
        FeatureEncoder(numeric=tuple(names), categories=()), TreeEnsemble.from_xgboost(booster)
    )
    return booster, model


def run(spark: Any, folder: Path) -> Section:
    """Measure the implementations and assert that their impacts are equal."""
    section = Section(
        f"Exact SHAP and top five of {ROWS:,} rows in Spark",
        f"{TREES} trees of depth {DEPTH}, {FEATURES} features, the same batches of 10,000 rows, "
        "one thread per worker. Warmed up on a tenth of the rows; best of two. With texts: also "
        "the five values as readable text, which the jobs store. Impacts are equal to 1e-4.",
        ("implementation", "wall seconds", "CPU seconds", "CPU µs per row"),
    )
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "10000")
    booster, model = trained()
    raw, text = bytes(booster.save_raw("json")), model.to_json()
    draw = np.random.default_rng(2)
    values = draw.normal(size=(ROWS, FEATURES)).astype(np.float32)
    frame = pd.DataFrame(values, columns=list(model.encoder.feature_names)).assign(
        id=np.arange(ROWS)
    )
    path = str(folder / "explained")
    spark.createDataFrame(frame).repartition(4).write.mode("overwrite").parquet(path)
    rows = spark.read.parquet(path)

    def kernel(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        ready = model_of(text)
        for batch in batches:
            factors, impacts, texts = explain(ready, batch[list(ready.encoder.feature_names)])
            yield pd.DataFrame(
                {"id": batch["id"], "factors": factors, "impacts": impacts, "texts": texts}
            )

    def equal_work(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        ready = model_of(text)
        names = np.asarray(ready.encoder.feature_names, dtype=object)
        for batch in batches:
            contributions, _ = ready.contributions(batch[list(names)])
            index, impacts = top_factors(contributions, 5)
            yield pd.DataFrame(
                {
                    "id": batch["id"],
                    "factors": names[index].tolist(),
                    "impacts": impacts.astype(float).tolist(),
                }
            )

    def peer(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import shap

        single = xgboost.Booster(model_file=bytearray(raw))
        single.set_param({"nthread": 1})
        explainer = shap.TreeExplainer(single)
        for batch in batches:
            features = batch.drop(columns="id")
            contributions = explainer.shap_values(features)
            order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :5]
            names = np.asarray(features.columns, dtype=object)
            yield pd.DataFrame(
                {
                    "id": batch["id"],
                    "factors": names[order].tolist(),
                    "impacts": np.take_along_axis(contributions, order, axis=1)
                    .astype(float)
                    .tolist(),
                }
            )

    taken: dict[str, Cost] = {}
    for name, function, ddl in (
        ("shap.TreeExplainer in mapInPandas", peer, OUT),
        ("holdfast", equal_work, OUT),
        ("holdfast, with texts", kernel, OUT_WITH_TEXTS),
    ):
        mapped = rows.mapInPandas(function, ddl)
        _computed(rows.where("id % 10 = 0").mapInPandas(function, ddl))
        taken[name], _ = cost(lambda mapped=mapped: _computed(mapped), 2)  # type: ignore[misc]
        section.add(name, taken[name].wall, taken[name].cpu, taken[name].cpu / ROWS * 1e6)
    some = rows.where("id < 2000")
    ours = some.mapInPandas(kernel, OUT_WITH_TEXTS).toPandas().sort_values("id")
    theirs = some.mapInPandas(peer, OUT).toPandas().sort_values("id")
    gap = np.abs(np.array(ours["impacts"].tolist()) - np.array(theirs["impacts"].tolist())).max()
    assert gap <= 1e-4, gap
    section.verdicts.append(f"largest difference between impacts on 2,000 rows: {gap:.1e}")
    slow, fast, full = taken.values()
    section.reach_both("shap in mapInPandas / holdfast", slow / fast, 25)
    section.reach_both("the same, holdfast with texts (shap has none)", slow / full, 25)
    return section


def _computed(frame: Any) -> None:
    frame.write.format("noop").mode("overwrite").save()
