"""Rows of gold.model_comparison: every model and baseline on the same rows, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.metrics import (
    CALIBRATION_CURVE,
    METRICS,
    Estimate,
    bootstrap_weights,
    estimates,
    paired_difference,
    stable_seed,
)
from models.profit import CampaignEconomics, campaign_measures
from pipelines.churn.candidates import Candidate
from pipelines.churn.dataset import sample
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_registry import CHAMPION, Registered

# What the other thresholds (half, f1) are judged by, beside the one where a campaign earns most.
AT_FURTHER_THRESHOLDS = ("precision", "recall", "f1", "profit_per_customer")


@dataclass(frozen=True)
class Evaluated:
    """Rows of one split, sorted by customer, with each model's probability beside the label.

    thresholds: the models' own; further_thresholds: those beside them (`half`, `f1`), by model.
    """

    split: str
    rows: pd.DataFrame
    probabilities: Mapping[str, NDArray[np.float64]]
    thresholds: Mapping[str, float]
    further_thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def populations(self) -> dict[str, NDArray[np.bool_]]:
        """all, and those with a purchase in the last 90 days."""
        everyone = np.ones(len(self.rows), dtype=bool)
        return {"all": everyone, "active_90d": self.rows["purchases_90d"].to_numpy() > 0}


def comparison(
    evaluated: Evaluated, samples: int, economics: CampaignEconomics, reference: str
) -> list[dict[str, Any]]:
    """One row a (model, population, metric): value, ci_low, ci_high.

    `roc_auc_difference` of the others is theirs less that of the model `reference`, with an
    interval paired by customer: only where it excludes zero does the difference count.
    """
    found: list[dict[str, Any]] = []
    measures = {**METRICS, **campaign_measures(economics), **CALIBRATION_CURVE}
    at_threshold = {name: measures[name] for name in AT_FURTHER_THRESHOLDS}
    for population, chosen in evaluated.populations().items():
        rows = evaluated.rows[chosen]
        if not len(rows):
            continue
        label = rows["churned"].to_numpy(dtype=float)
        weights = bootstrap_weights(rows["customer_id"].tolist(), samples, stable_seed(population))
        scores = {name: p[chosen] for name, p in evaluated.probabilities.items()}
        for name, p in scores.items():
            threshold = evaluated.thresholds.get(name, 0.5)
            measured = estimates(label, p, threshold, weights, measures)
            measured["threshold"] = Estimate(float(threshold))
            for kind, other in evaluated.further_thresholds.get(name, {}).items():
                at_other = estimates(label, p, other, weights, at_threshold)
                measured |= {f"{m}_threshold_{kind}": one for m, one in at_other.items()}
                measured[f"threshold_{kind}"] = Estimate(float(other))
            if name != reference:
                measured["roc_auc_difference"] = paired_difference(
                    "roc_auc", label, p, scores[reference], weights
                )
            for metric, estimate in measured.items():
                found.append(result_row(name, metric, estimate, population, split=evaluated.split))
    return found


def result_row(
    name: str, metric: str, estimate: Estimate, population: str = "all", split: str = "test"
) -> dict[str, Any]:
    """A row of gold.model_comparison, but for the facts of the run."""
    return {
        "model_name": name,
        "population": population,
        "split": split,
        "metric": metric,
        "value": estimate.value,
        "ci_low": estimate.low,
        "ci_high": estimate.high,
    }


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


def row_of(
    rows: Sequence[Mapping[str, Any]], model: str, population: str, metric: str
) -> Mapping[str, Any] | None:
    """The test row of a metric in the rows of `comparison`; of a whole run's, where those of the
    other horizons say theirs, the primary one's."""
    for row in rows:
        if "horizon_days" not in row and (
            row["model_name"],
            row["population"],
            row["split"],
            row["metric"],
        ) == (model, population, "test", metric):
            return row
    return None


def value_of(
    rows: Sequence[Mapping[str, Any]], model: str, population: str, metric: str
) -> float | None:
    """The value in `row_of`."""
    row = row_of(rows, model, population, metric)
    return None if row is None else row["value"]


class TestDates:
    """The rows of the test dates: read once, after everything is fitted, and never again.

    A second reading is refused: whoever has seen a test result and fits once more tunes on it.
    """

    __test__ = False  # no test class of pytest's

    def __init__(self, rows: Any) -> None:
        self._rows, self.is_open = rows, False

    def read(self) -> pd.DataFrame:
        """At most MOST_ROWS rows, by customer."""
        if self.is_open:
            raise ModelGateError(
                "test dates: they were read already, and are read once a run. "
                "Choose and tune on the validation date."
            )
        self.is_open = True
        return sample(self._rows, "test")


def evaluate(
    test: TestDates, rows: Any, candidates: Sequence[Candidate], champion: Registered | None
) -> Evaluated:
    """Every candidate, the baselines and the champion on the test date, which is read here.

    `rows` are those of the train and validation dates, on which the baselines are fitted.
    """
    from models.portable import PortableModel

    fitted = baselines(rows)
    seen = test.read()
    found, thresholds = {}, {}
    for candidate in candidates:
        found[candidate.name] = predicted(candidate.model, seen)
        thresholds[candidate.name] = candidate.model.threshold
    for baseline in fitted:
        found[baseline.name] = baseline.predict_proba(seen)
    if champion is not None:
        held = PortableModel.from_json(champion.portable)
        found[CHAMPION] = predicted(held, seen)
        thresholds[CHAMPION] = held.threshold
    further = {c.name: {k: c.thresholds[k] for k in ("half", "f1")} for c in candidates}
    return Evaluated("test", seen, found, thresholds, further)


def predicted(model: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Probabilities as they are served, of feature rows that have other columns beside them."""
    from models.scoring import probabilities

    return probabilities(model, rows)


def baselines(rows: Any) -> list[Any]:
    """The trivial models, fitted on train and validation dates."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql import functions as F

    from models.baselines import RFM_COLUMNS, EveryoneStays, RecencyOnly, RfmLogistic
    from transforms.scores import rate_by_recency

    logs = rows.select(
        "churned",
        *[F.log1p(F.greatest(F.col(c).cast("double"), F.lit(0.0))).alias(c) for c in RFM_COLUMNS],
    ).na.drop()
    vectors = VectorAssembler(inputCols=list(RFM_COLUMNS), outputCol="x").transform(logs)
    fitted = LogisticRegression(featuresCol="x", labelCol="churned", maxIter=50).fit(vectors)
    return [
        RecencyOnly.fit(rate_by_recency(rows.where("recency_days IS NOT NULL")).toPandas()),
        RfmLogistic(tuple(float(c) for c in fitted.coefficients), float(fitted.intercept)),
        EveryoneStays(),
    ]


def check_leak(context: Context, found: list[dict[str, Any]], names: Sequence[str]) -> None:
    """Stop where a test ROC AUC is too good to be true."""
    alarms = {
        "all": "leak_alarm_roc_auc",
        "active_90d": "leak_alarm_roc_auc_active_90d",
    }
    for name in names:
        for population, alarm in alarms.items():
            ceiling, setting = getattr(context.settings.training, alarm), f"training.{alarm}"
            value = value_of(found, name, population, "roc_auc")
            if value is not None and value > ceiling:
                raise ModelGateError(
                    f"{name}: ROC AUC {value:.3f} on the test date ({population}) is above "
                    f"{setting} = {ceiling}: a feature is likely to know the future. This "
                    "model was not registered. Look for it among the top factors, or raise the "
                    "ceiling."
                )
