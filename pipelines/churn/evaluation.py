"""Rows of gold.model_comparison: all models and baselines on the same rows, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.baselines import RFM, EveryoneStays, RecencyOnly
from models.fit_attempts import LEFT_OUT
from models.metrics import (
    CALIBRATION_CURVE,
    METRICS,
    Estimate,
    bootstrap_weights,
    estimates,
    stable_seed,
)
from models.paired import mean_paired_difference, paired_difference
from models.portable import PortableModel
from models.profit import CampaignEconomics, campaign_measures
from models.scoring import probabilities
from pipelines.churn.candidates import Candidate
from pipelines.churn.dataset import sample
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_registry import CHAMPION, Registered
from transforms.scores import rate_by_recency

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Baseline = RecencyOnly | EveryoneStays
# Metrics at the further thresholds (half, f1). The profit threshold has all metrics.
AT_FURTHER_THRESHOLDS = ("precision", "recall", "f1", "profit_per_customer")
# The metrics of which each model is compared with rfm_logistic, customer by customer.
PAIRED = ("roc_auc", "log_loss", "lift_at_10")
# Begins the text of a run in which no learner is better than chance.
NO_SIGNAL = "no signal in these data"
# The population that is scored: active and silent customers.
SCORED = "active_90d"


def against_rfm(metric: str) -> str:
    """The name of a metric minus that of rfm_logistic on the same customers."""
    return f"{metric}_against_{RFM}"


@dataclass(frozen=True)
class Evaluated:
    """The rows of one split, sorted by customer, and the probabilities of each model.

    thresholds: each model's own threshold. further_thresholds: `half` and `f1`, by model.
    """

    split: str
    rows: pd.DataFrame
    probabilities: Mapping[str, NDArray[np.float64]]
    thresholds: Mapping[str, float]
    further_thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def populations(self) -> dict[str, NDArray[np.bool_]]:
        """Row masks by population: all, and customers with a purchase in the last 90 days."""
        everyone = np.ones(len(self.rows), dtype=bool)
        return {"all": everyone, "active_90d": self.rows["purchases_90d"].to_numpy() > 0}


def comparison(
    evaluated: Evaluated, samples: int, economics: CampaignEconomics, *, reference: str
) -> list[dict[str, Any]]:
    """One row per (model, population, metric): value, ci_low, ci_high.

    `roc_auc_difference` is a model's ROC AUC minus that of the model `reference`, with an interval
    paired by customer. The difference is significant if the interval excludes zero.
    `<metric>_against_rfm_logistic` is the same for each metric of PAIRED and rfm_logistic.
    """
    compared: list[dict[str, Any]] = []
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
            measured = estimates(label, p, threshold, weights=weights, measures=measures)
            measured["threshold"] = Estimate(float(threshold))
            for kind, other in evaluated.further_thresholds.get(name, {}).items():
                at_other = estimates(label, p, other, weights=weights, measures=at_threshold)
                measured |= {f"{m}_threshold_{kind}": e for m, e in at_other.items()}
                measured[f"threshold_{kind}"] = Estimate(float(other))
            if name != reference:
                measured["roc_auc_difference"] = paired_difference(
                    "roc_auc", label, p, other=scores[reference], weights=weights
                )
            if name != RFM and RFM in scores:
                for metric in PAIRED:
                    measured[against_rfm(metric)] = paired_difference(
                        metric, label, p, other=scores[RFM], weights=weights
                    )
            for metric, estimate in measured.items():
                compared.append(
                    result_row(name, metric, estimate, population=population, split=evaluated.split)
                )
    return compared


def result_row(
    name: str, metric: str, estimate: Estimate, *, population: str = "all", split: str = "test"
) -> dict[str, Any]:
    """A row of gold.model_comparison without the columns that describe the run."""
    return {
        "model_name": name,
        "population": population,
        "split": split,
        "metric": metric,
        "value": estimate.value,
        "ci_low": estimate.low,
        "ci_high": estimate.high,
    }


def left_out_row(name: str, reason: str, *, split: str = "train") -> dict[str, Any]:
    """The row of a model that could not be fitted."""
    return {**result_row(name, LEFT_OUT, Estimate(None), split=split), "reason": reason}


def advantage(evaluated: Evaluated, name: str, other: str, *, samples: int) -> Estimate:
    """ROC AUC of a model minus that of another among the scored, with a paired interval."""
    inside = evaluated.populations()[SCORED]
    rows = evaluated.rows[inside]
    if not len(rows):
        return Estimate(None)
    weights = bootstrap_weights(rows["customer_id"].tolist(), samples, stable_seed(SCORED))
    return paired_difference(
        "roc_auc",
        rows["churned"].to_numpy(dtype=float),
        evaluated.probabilities[name][inside],
        other=evaluated.probabilities[other][inside],
        weights=weights,
    )


def mean_gain(tests: Sequence[Evaluated], name: str, metric: str, *, samples: int) -> Estimate:
    """A metric minus that of rfm_logistic among the scored, as the mean over several test dates.

    The interval is paired by customer, and a customer is drawn on all dates together.
    """
    inside = [test.rows[test.populations()[SCORED]] for test in tests]
    customers = [c for rows in inside for c in rows["customer_id"]]
    if not all(len(rows) for rows in inside):
        return Estimate(None)
    parts = [
        (
            rows["churned"].to_numpy(dtype=float),
            *(test.probabilities[n][test.populations()[SCORED]] for n in (name, RFM)),
        )
        for test, rows in zip(tests, inside, strict=True)
    ]
    weights = bootstrap_weights(customers, samples, stable_seed(SCORED))
    return mean_paired_difference(metric, parts, weights=weights)


def row_of(
    rows: Sequence[Mapping[str, Any]], model: str, metric: str, *, population: str = "all"
) -> Mapping[str, Any] | None:
    """The test row of a metric in the rows of `comparison`. None: there is no such row.

    Rows of further horizons have horizon_days, those of earlier test dates test_on. They do not
    count.
    """
    for row in rows:
        if not {"horizon_days", "test_on"} & row.keys() and (
            row["model_name"],
            row["population"],
            row["split"],
            row["metric"],
        ) == (model, population, "test", metric):
            return row
    return None


def value_of(
    rows: Sequence[Mapping[str, Any]], model: str, metric: str, *, population: str = "all"
) -> float | None:
    """The value of the row that `row_of` returns."""
    row = row_of(rows, model, metric, population=population)
    return None if row is None else row["value"]


class TestDates:
    """The rows of the test dates. They are read once, after everything is fitted.

    A second read raises an error: a fit after it could be tuned on the test result.
    """

    __test__ = False  # tells pytest that this is no test class

    def __init__(self, rows: DataFrame) -> None:
        self._rows, self.is_open = rows, False

    def read(self) -> pd.DataFrame:
        """At most MOST_ROWS rows, sorted by customer and date."""
        if self.is_open:
            raise ModelGateError(
                "test dates: already read in this run. They may be read only once per run. "
                "Choose and tune on the validation date."
            )
        self.is_open = True
        return sample(self._rows, "test")


def evaluate(
    test: TestDates,
    rows: DataFrame,
    candidates: Sequence[Candidate],
    *,
    champion: Registered | None,
) -> Evaluated:
    """Candidates, baselines and champion on the test date, which is read here.

    `rows`: the dates before the test date, on which the baselines are fitted. rfm_logistic is a
    candidate.
    """
    fitted = baselines(rows)
    seen = test.read()
    scores, thresholds = {}, {}
    for candidate in candidates:
        scores[candidate.name] = predicted(candidate.model, seen)
        thresholds[candidate.name] = candidate.model.threshold
    for baseline in fitted:
        scores[baseline.name] = baseline.predict_proba(seen)
    if champion is not None:
        model = PortableModel.from_json(champion.portable)
        scores[CHAMPION] = predicted(model, seen)
        thresholds[CHAMPION] = model.threshold
    further = {c.name: {k: c.thresholds[k] for k in ("half", "f1")} for c in candidates}
    return Evaluated("test", seen, scores, thresholds, further)


def predicted(model: PortableModel, rows: pd.DataFrame) -> NDArray[np.float64]:
    """The served probabilities of feature rows. `rows` may have further columns."""
    return probabilities(model, rows)


def baselines(rows: DataFrame) -> list[Baseline]:
    """The baselines other than rfm_logistic, fitted on the dates before the test date."""
    counts = rate_by_recency(rows.where("recency_days IS NOT NULL")).toPandas()
    return [
        RecencyOnly.fit(counts),  # one row per recency_days
        EveryoneStays(),
    ]


def check_leak(
    context: Context, compared: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> None:
    """Raise ModelGateError if a test ROC AUC is implausibly high. compared: as `comparison`."""
    alarms = {
        "all": "leak_alarm_roc_auc",
        "active_90d": "leak_alarm_roc_auc_active_90d",
    }
    for name in names:
        for population, alarm in alarms.items():
            ceiling, setting = getattr(context.settings.training, alarm), f"training.{alarm}"
            value = value_of(compared, name, "roc_auc", population=population)
            if value is not None and value > ceiling:
                raise ModelGateError(
                    f"{name}: ROC AUC {value:.3f} on the test date ({population}) is above "
                    f"{setting} = {ceiling}. A feature probably contains information from the "
                    "future. This model was not registered. Look for the feature among the top "
                    "factors, or raise the limit."
                )
