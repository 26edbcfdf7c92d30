"""Scoring time of the effects of six offers, against the churn score of the same customers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from benchmarks.measure import Cost, Section, cost
from models.encoding import FeatureEncoder
from models.portable import PortableModel
from models.scoring import SCORED_DDL, batch_scorer, model_of
from models.uplift.boosting import LocalBoosting
from models.uplift.learners import LEARNERS, UpliftModel, fit
from pipelines.offers.uplift_learning import scorer
from runtime.settings import load

ROWS, FEATURES, ARMS = 200_000, 30, 6
OTHERS = ("recency_days", "engagement_score", "tenure_days")
NAMES = tuple(f"f{k}" for k in range(FEATURES - len(OTHERS))) + OTHERS
SEED = 5


def experiment(count: int) -> pd.DataFrame:
    """A randomised campaign with six offers: features, arm, fold, churned, shares e_<arm>.

    One row per customer.
    """
    draw = np.random.default_rng(SEED)
    rows = pd.DataFrame(draw.normal(size=(count, FEATURES)).astype(np.float32), columns=[*NAMES])
    rows["arm"] = draw.integers(0, ARMS + 1, count).astype(float)
    rows["fold"] = draw.integers(0, 2, count).astype(float)
    push = rows["f0"] - 0.1 * rows["arm"] * (rows["f1"] > 0)
    rows["churned"] = (draw.random(count) < 1 / (1 + np.exp(-push))).astype(float)
    for arm in range(ARMS + 1):
        rows[f"e_{arm}"] = 1 / (ARMS + 1)
    return rows


def stored(spark: Any, folder: Path) -> str:
    """Path of a Parquet folder, one row per customer: as_of, customer_id and the features."""
    path = str(folder / f"to_score_{ROWS}")
    if not (Path(path) / "_SUCCESS").exists():
        drawn = [F.randn(k + 1).cast("float").alias(n) for k, n in enumerate(NAMES[: -len(OTHERS)])]
        rows = spark.range(ROWS).select(
            F.lit("2020-01-01").cast("date").alias("as_of"),
            F.concat(F.lit("c"), F.col("id")).alias("customer_id"),
            *drawn,
            (F.col("id") % 90).alias("recency_days"),
            (F.col("id") % 101).cast("double").alias("engagement_score"),
            F.lit(400).alias("tenure_days"),
        )
        rows.write.mode("overwrite").parquet(path)
    return path


def models() -> tuple[PortableModel, dict[str, UpliftModel]]:
    """The churn model and the uplift learners, with the trees of conf/demo.yaml."""
    boosting = LocalBoosting(load("demo").training.starts["xgboost"], SEED)
    # About 45 fits on one thread. Few rows suffice: scoring time depends only on the tree size.
    rows, names = experiment(4_000), list(NAMES)
    churn = PortableModel(
        FeatureEncoder(numeric=NAMES),
        boosting.classifier(rows, names, "churned"),
        metadata={"cold_start_days": 30, "cold_start_rate": 0.1},
    )
    arms = [f"offer_{k}" for k in range(1, ARMS + 1)]
    shares = [1 / (ARMS + 1)] * (ARMS + 1)
    return churn, {
        name: fit(name, rows, names, arms=arms, shares=shares, boosting=boosting)
        for name in LEARNERS
    }


def run(spark: Any, folder: Path) -> Section:
    """Measure each learner against churn scoring of the same rows."""
    section = Section(
        f"Uplift scoring of {ROWS:,} customers, {ARMS} offers",
        f"{FEATURES} features, trees of conf/demo.yaml, from Parquet through mapInPandas, with "
        f"warm workers. Compared with {ARMS} times churn scoring: as in score_customers "
        "(probability, exact SHAP, top five), and the probability only.",
        (
            "scoring",
            "wall seconds",
            "CPU seconds",
            "CPU µs per customer",
            "/ (churn x offers), CPU",
        ),
    )
    churn, learners = models()
    rows = spark.read.parquet(stored(spark, folder))
    text = churn.to_json()
    whole = _measured(rows, batch_scorer(text), SCORED_DDL)
    alone = _measured(rows, _probability_alone(text), "churn_probability double")
    for name, taken in (("churn, as in the job", whole), ("churn probability only", alone)):
        section.add(name, taken.wall, taken.cpu, taken.cpu / ROWS * 1e6, "")
    ddl = "as_of date, customer_id string"
    ddl += "".join(f", effect_{k} double" for k in range(1, ARMS + 1))
    for name, model in learners.items():
        copy = UpliftModel.from_dict(json.loads(json.dumps(model.to_dict())))
        taken = _measured(rows, scorer(churn.encoder, copy), ddl)
        ratio = taken.cpu / (whole.cpu * ARMS)
        section.add(name, taken.wall, taken.cpu, taken.cpu / ROWS * 1e6, ratio)
        each = Cost(whole.wall * ARMS, whole.cpu * ARMS)
        section.reach_both(f"{name} / (churn x offers)", taken / each, 1, at_least=False)
        only = taken.cpu / (alone.cpu * ARMS)
        section.verdicts.append(f"{name} / (churn probability only x offers), CPU: {only:.3g}")
    return section


def _probability_alone(text: str) -> Any:
    def score(batches: Any) -> Any:
        model = model_of(text)
        for batch in batches:
            yield pd.DataFrame({"churn_probability": model.predict_proba(batch[list(NAMES)])})

    return score


def _measured(rows: Any, function: Any, ddl: str) -> Cost:
    some, all_rows = rows.limit(2_000).repartition(4), rows
    for frame in (some, all_rows):
        mapped = frame.mapInPandas(function, ddl)
        taken, _ = cost(lambda m=mapped: m.write.format("noop").mode("overwrite").save())  # type: ignore[misc]
    return taken
