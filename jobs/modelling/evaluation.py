"""Rows of gold.model_comparison: every model and baseline on the same rows, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jobs.modelling.rows import sample
from jobs.runtime.context import Context
from jobs.runtime.errors import ModelGateError
from jobs.runtime.registry import CHAMPION, Registered
from models.metrics import Estimate, bootstrap_weights, estimates, paired_difference, stable_seed


@dataclass(frozen=True)
class Evaluated:
    """Rows of one split, sorted by customer, with each model's probability beside the label."""

    split: str
    rows: pd.DataFrame
    probabilities: Mapping[str, NDArray[np.float64]]
    thresholds: Mapping[str, float]

    def populations(self) -> dict[str, NDArray[np.bool_]]:
        """all, and those with a purchase in the last 90 days."""
        everyone = np.ones(len(self.rows), dtype=bool)
        return {"all": everyone, "active_90d": self.rows["purchases_90d"].to_numpy() > 0}


def comparison(evaluated: Evaluated, samples: int) -> list[dict[str, Any]]:
    """One row a (model, population, metric): value, ci_low, ci_high."""
    found: list[dict[str, Any]] = []
    for population, chosen in evaluated.populations().items():
        rows = evaluated.rows[chosen]
        if not len(rows):
            continue
        label = rows["churned"].to_numpy(dtype=float)
        weights = bootstrap_weights(rows["customer_id"].tolist(), samples, stable_seed(population))
        for name, p in evaluated.probabilities.items():
            threshold = evaluated.thresholds.get(name, 0.5)
            for metric, estimate in estimates(label, p[chosen], threshold, weights).items():
                found.append(
                    {
                        "model_name": name,
                        "population": population,
                        "split": evaluated.split,
                        "metric": metric,
                        "value": estimate.value,
                        "ci_low": estimate.low,
                        "ci_high": estimate.high,
                    }
                )
    return found


def advantage(evaluated: Evaluated, name: str, other: str, samples: int) -> Estimate:
    """ROC AUC of one model less that of another on the same customers, with a paired interval."""
    rows = evaluated.rows
    weights = bootstrap_weights(rows["customer_id"].tolist(), samples, stable_seed("all"))
    return paired_difference(
        "roc_auc",
        rows["churned"].to_numpy(dtype=float),
        evaluated.probabilities[name],
        evaluated.probabilities[other],
        weights,
    )


def value_of(
    rows: Sequence[Mapping[str, Any]], model: str, population: str, metric: str
) -> float | None:
    """The test value of a metric in the rows of `comparison`."""
    for row in rows:
        if (row["model_name"], row["population"], row["split"], row["metric"]) == (
            model,
            population,
            "test",
            metric,
        ):
            return row["value"]
    return None


def evaluate(
    context: Context, rows: Any, model: Any, name: str, champion: Registered | None
) -> Evaluated:
    """The test dates, read here and nowhere before: the model, the baselines, the champion."""
    from models.portable import PortableModel

    test = sample(rows, "test")
    found = {name: model.predict_proba(test[list(model.encoder.feature_names)])}
    for baseline in baselines(rows):
        found[baseline.name] = baseline.predict_proba(test)
    thresholds = {name: model.threshold}
    if champion is not None:
        held = PortableModel.from_json(champion.portable)
        found[CHAMPION] = held.predict_proba(test[list(held.encoder.feature_names)])
        thresholds[CHAMPION] = held.threshold
    return Evaluated("test", test, found, thresholds)


def baselines(rows: Any) -> list[Any]:
    """The trivial models, fitted on train and validation dates."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql import functions as F

    from models.baselines import RFM_COLUMNS, EveryoneStays, RecencyOnly, RfmLogistic
    from transforms.scores import rate_by_recency

    known = rows.where("split <> 'test'")
    logs = known.select(
        "churned",
        *[F.log1p(F.greatest(F.col(c).cast("double"), F.lit(0.0))).alias(c) for c in RFM_COLUMNS],
    ).na.drop()
    vectors = VectorAssembler(inputCols=list(RFM_COLUMNS), outputCol="x").transform(logs)
    fitted = LogisticRegression(featuresCol="x", labelCol="churned", maxIter=50).fit(vectors)
    return [
        RecencyOnly.fit(rate_by_recency(known.where("recency_days IS NOT NULL")).toPandas()),
        RfmLogistic(tuple(float(c) for c in fitted.coefficients), float(fitted.intercept)),
        EveryoneStays(),
    ]


def check_leak(context: Context, found: list[dict[str, Any]], name: str) -> None:
    """Stop where the test ROC AUC is too good to be true."""
    training = context.settings.training
    ceilings = {
        "all": training.leak_alarm_roc_auc,
        "active_90d": training.leak_alarm_roc_auc_active_90d,
    }
    for population, ceiling in ceilings.items():
        value = value_of(found, name, population, "roc_auc")
        if value is not None and value > ceiling:
            raise ModelGateError(
                f"{name}: ROC AUC {value:.3f} on the test date ({population}) is above "
                f"training.leak_alarm_roc_auc = {ceiling}: a feature is likely to know the future. "
                "Nothing was registered. Look for it among the top factors, or raise the ceiling."
            )
