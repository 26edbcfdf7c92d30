"""Rows of gold.model_comparison: every model and baseline on the same rows, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jobs.modelling.candidates import Candidate
from jobs.modelling.rows import sample
from jobs.runtime.context import Context
from jobs.runtime.errors import ModelGateError
from jobs.runtime.registry import CHAMPION, Registered
from models.metrics import Estimate, bootstrap_weights, estimates, paired_difference, stable_seed
from models.profit import CampaignEconomics


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


def comparison(
    evaluated: Evaluated, samples: int, economics: CampaignEconomics
) -> list[dict[str, Any]]:
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
            measured = {
                **estimates(label, p[chosen], threshold, weights),
                **campaign_metrics(label, p[chosen], threshold, economics),
            }
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


def campaign_metrics(
    label: NDArray[np.float64], p: NDArray[np.float64], threshold: float, economics: Any
) -> dict[str, Estimate]:
    """The threshold, the confusion matrix there, what its campaign earns a customer, and the
    expected maximum profit of the ranking. Null where one class only is there."""
    from models.profit import expected_maximum_profit

    hit, left = p >= threshold, label == 1
    counts = {
        "true_positives": hit & left,
        "false_positives": hit & ~left,
        "false_negatives": ~hit & left,
        "true_negatives": ~hit & ~left,
    }
    both = 0 < label.sum() < len(label)
    earned = counts["true_positives"].sum() * economics.of_leaver()
    earned += counts["false_positives"].sum() * economics.of_stayer()
    best = expected_maximum_profit(label, p, economics).profit if both else None
    return {
        "threshold": Estimate(float(threshold)),
        **{name: Estimate(float(flags.sum())) for name, flags in counts.items()},
        "profit_per_customer": Estimate(float(earned) / len(label)),
        "expected_maximum_profit": Estimate(best),
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
    return Evaluated("test", seen, found, thresholds)


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
    training = context.settings.training
    ceilings = {
        "all": training.leak_alarm_roc_auc,
        "active_90d": training.leak_alarm_roc_auc_active_90d,
    }
    for name in names:
        for population, ceiling in ceilings.items():
            value = value_of(found, name, population, "roc_auc")
            if value is not None and value > ceiling:
                raise ModelGateError(
                    f"{name}: ROC AUC {value:.3f} on the test date ({population}) is above "
                    f"training.leak_alarm_roc_auc = {ceiling}: a feature is likely to know the "
                    "future. Nothing was registered. Look for it among the top factors, or raise "
                    "the ceiling."
                )
