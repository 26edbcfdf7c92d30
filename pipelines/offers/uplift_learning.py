"""Fit uplift learners, evaluate them on a split, and score customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypedDict, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.encoding import FeatureEncoder
from models.learners import TooManyRowsError
from models.uplift import metrics
from models.uplift.boosting import LocalBoosting, SparkBoosting
from models.uplift.learners import UpliftModel, fit
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.wording import plural
from transforms.uplift_samples import first_by_hash

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Floats = NDArray[np.float64]
# The splits before the test campaign. The model that is tested learned from these only.
SEEN = ("train", "validation")
# A function for mapInPandas.
BatchScorer = Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]


class UpliftResult(TypedDict):
    """A row of gold.uplift_results."""

    as_of: dt.date
    learner: str
    split: str
    offer_id: str
    metric: str
    is_randomised: bool
    value: float
    ci_low: float | None
    ci_high: float | None
    customers: int
    verdict: str | None


class Best(NamedTuple):
    """The chosen learner, its model, and the results of all learners."""

    learner: str
    model: UpliftModel
    results: list[UpliftResult]


class TrialRows(Protocol):
    """The rows of all campaigns, with their splits."""

    def sample(self, split: str) -> pd.DataFrame: ...

    def fitted(self, learner: str, splits: Sequence[str]) -> UpliftModel: ...


@dataclass(frozen=True)
class SparkTrialRows:
    """TrialRows on Spark. names: the columns of the matrix."""

    context: Context
    rows: DataFrame
    names: Sequence[str]
    offers: Sequence[str]

    def sample(self, split: str) -> pd.DataFrame:
        return sampled(self.context, self.rows, split)

    def fitted(self, learner: str, splits: Sequence[str]) -> UpliftModel:
        within = ", ".join(f"'{split}'" for split in splits)
        rows = self.rows.where(f"split IN ({within})")
        return fitted(self.context, learner, rows, names=self.names, offers=self.offers)


def best_learner(context: Context, rows: TrialRows, names: Sequence[str]) -> Best:
    """The learner of conf with the highest mean Qini on the validation campaign.

    It is fitted again on training and validation, and evaluated on the test campaign.
    """
    validation, test = rows.sample("validation"), rows.sample("test")
    told: list[UpliftResult] = []
    scores: dict[str, float] = {}
    for learner in context.settings.uplift.learners:
        model = rows.fitted(learner, ("train",))
        validated = results(
            context, learner, "validation", model=model, sample=validation, names=names
        )
        qinis = [r["value"] for r in validated if r["metric"] == "qini"]
        scores[learner] = sum(qinis) / len(qinis)
        told += validated
    best = max(scores, key=lambda name: scores[name])
    model = rows.fitted(best, SEEN)
    told += results(context, best, "test", model=model, sample=test, names=names)
    return Best(best, model, told)


def fitted(
    context: Context, learner: str, rows: DataFrame, *, names: Sequence[str], offers: Sequence[str]
) -> UpliftModel:
    """Fit the learner on Spark rows. names: the columns of the matrix.

    Up to training.rows_in_one_process rows are fitted on the driver, more by xgboost.spark.
    ModelGateError for more rows on Spark Connect, where xgboost.spark does not run.
    """
    training = context.settings.training
    counts = {r["arm"]: r["count"] for r in rows.groupBy("arm").count().collect()}  # arms
    count, bound = sum(counts.values()), training.rows_in_one_process
    shares = [counts.get(float(k), 0) / count for k in range(len(offers) + 1)]
    fitted_on = partial(fit, learner, names=names, arms=offers, shares=shares)
    parameters = training.starts["xgboost"]
    if count <= bound:
        local: pd.DataFrame = rows.toPandas()  # at most rows_in_one_process rows
        local = local.sort_values(["customer_id", "as_of"], ignore_index=True)
        return fitted_on(local, boosting=LocalBoosting(parameters, training.seed))
    if not context.has_jvm:
        raise ModelGateError(f"uplift: {TooManyRowsError(count, bound)}")
    return fitted_on(rows, boosting=SparkBoosting(parameters, training.seed, training.workers))


def sampled(context: Context, rows: DataFrame, split: str) -> pd.DataFrame:
    """The rows of a split on the driver, sorted by customer_id: first_by_hash.

    Tells the user if the split has more customers than uplift.most_rows_on_driver.
    """
    most = context.settings.uplift.most_rows_on_driver
    of_split = rows.where(f"split = '{split}'")
    sample: pd.DataFrame = first_by_hash(of_split, most).toPandas()
    if len(sample) == most and (customers := of_split.count()) > most:
        context.progress.say(
            f"      {split}: {most:,} of {plural(customers, 'customer')}, selected by a hash of "
            "customer_id (uplift.most_rows_on_driver)"
        )
    return sample.sort_values("customer_id", ignore_index=True)


def results(
    context: Context,
    learner: str,
    split: str,
    *,
    model: UpliftModel,
    sample: pd.DataFrame,
    names: Sequence[str],
) -> list[UpliftResult]:
    """Rows of gold.uplift_results for one learner and split. Only test rows have a verdict."""
    effects = model.effects(sample[list(names)].to_numpy(np.float32))
    uplift, seed = context.settings.uplift, context.settings.training.seed
    rows: list[UpliftResult] = []
    for k, offer in enumerate(model.arms, 1):
        both = sample["arm"].isin([0.0, float(k)]).to_numpy()
        effect = effects[both, k - 1]
        churned = sample["churned"].to_numpy(float)[both]
        treated = (sample["arm"].to_numpy()[both] == k).astype(float)
        ranking = metrics.ranking(
            effect, churned, treated, samples=uplift.bootstrap_samples, seed=seed
        )
        mean = metrics.average_effect(churned, treated)
        deciles = metrics.by_decile(effect, churned, treated)
        verdict = metrics.verdict(ranking.qini, mean) if split == "test" else None
        rows += [
            {
                "as_of": context.as_of,
                "learner": learner,
                "split": split,
                "offer_id": offer,
                "metric": metric,
                "is_randomised": True,
                "value": float(value),
                "ci_low": low,
                "ci_high": high,
                "customers": customers,
                "verdict": verdict if metric == "qini" else None,
            }
            for metric, value, low, high, customers in _figures(ranking, mean, deciles, len(effect))
        ]
    return rows


# metric, value, ci_low, ci_high, customers
Figure = tuple[str, float, float | None, float | None, int]


def _figures(
    ranking: metrics.Ranking,
    mean: metrics.Estimate,
    deciles: Sequence[tuple[float, float, int]],
    customers: int,
) -> Iterator[Figure]:
    estimates = {
        "qini": ranking.qini,
        "auuc": ranking.auuc,
        "average_effect": mean,
        "calibration_slope": ranking.slope,
    }
    for name, estimate in estimates.items():
        yield name, estimate.value, estimate.low, estimate.high, customers
    for number, (predicted, observed, rows) in enumerate(deciles, 1):
        yield f"decile_{number}", observed, None, None, rows
        yield f"decile_{number}_predicted", predicted, None, None, rows


def average_of(rows: Sequence[UpliftResult], offer: str) -> float | None:
    """The common effect of an offer, according to the verdict on one split.

    None: the effect differs between customers, so each customer has an individual effect. 0 if no
    effect was shown.
    """
    by_metric = {r["metric"]: r for r in rows if r["offer_id"] == offer}
    qini, mean = (_estimate(by_metric[name]) for name in ("qini", "average_effect"))
    verdict = metrics.verdict(qini, mean)
    if verdict.startswith("target"):
        return None
    return float(mean.value) if verdict.startswith("treat all") else 0.0


def _estimate(row: UpliftResult) -> metrics.Estimate:
    # Only deciles have no interval.
    low, high = cast(float, row["ci_low"]), cast(float, row["ci_high"])
    return metrics.Estimate(row["value"], low, high)


def followed_effects(effects: Floats, averages: Sequence[float | None]) -> Floats:
    """(rows, offers): the effects that a plan uses, as in transforms.experiments.offer_effects.

    An offer with an average has it in all rows.
    """
    columns = zip(effects.T, averages, strict=True)
    return np.column_stack([own if a is None else np.full_like(own, a) for own, a in columns])


def scorer(encoder: FeatureEncoder, model: UpliftModel) -> BatchScorer:
    """A function for mapInPandas: feature rows to as_of, customer_id, effect_1, ..."""

    def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            effects = model.effects(encoder.encode(batch[list(encoder.feature_names)]))
            scores = batch[["as_of", "customer_id"]].copy()
            for k in range(effects.shape[1]):
                scores[f"effect_{k + 1}"] = effects[:, k]
            yield scores

    return score
