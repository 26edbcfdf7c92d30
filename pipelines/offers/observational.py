"""Campaigns that chose their customers: adjusted estimates of their offers, and their overlap.

Such an estimate is still biased by everything that was not observed before the campaign. No plan
uses it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

import mlflow
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.features import FEATURE_TABLES
from models.encoding import FeatureEncoder
from models.uplift import metrics, propensity
from models.uplift.boosting import LocalBoosting
from models.uplift.learners import UpliftModel, doubly_robust, from_falls
from pipelines.churn.dataset import designed
from pipelines.offers.uplift_campaigns import days_with_features, horizon_passed
from pipelines.offers.uplift_learning import UpliftResult, scorer
from runtime.context import Context
from runtime.model_registry import Registry
from runtime.run_info import code_version
from transforms.experiments import observed_contacts, offer_effects, with_observed
from transforms.slices import at_dates
from transforms.training_rows import feature_rows, labelled_rows
from transforms.uplift_samples import first_by_hash, keep_offer_days

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LEARNER, SPLIT = "dr_learner", "observed"
# metric, value or estimate, customers
Figure = tuple[str, float | metrics.Estimate, int]


@dataclass(frozen=True)
class Observed:
    """Observational estimates.

    results: rows of gold.uplift_results. models: the model of each offer that has an estimate.
    encoder: of their features; None without campaigns.
    """

    results: Sequence[UpliftResult] = ()
    models: Mapping[str, UpliftModel] = field(default_factory=dict)
    encoder: FeatureEncoder | None = None


def past_campaigns(context: Context) -> list[dt.date]:
    """The days of campaigns that were not randomised and whose horizon has ended by as_of."""
    if not context.has("silver.campaign_contacts"):
        return []
    return horizon_passed(context, contacts_of(context).where("offer_id IS NOT NULL"))


def contacts_of(context: Context) -> DataFrame:
    """The customers that campaigns chose, and their offers: see observed_contacts."""
    return observed_contacts(context.read("silver.campaign_contacts"))


def estimates(context: Context) -> Observed:
    """Estimates for each offer that enough chosen customers got on a day with features."""
    contacts = context.lake.keep(contacts_of(context))
    days_of = campaign_days(context, contacts)
    if not days_of:
        return Observed()
    days = sorted({day for days in days_of.values() for day in days})
    armed = context.lake.keep(observed_rows(context, contacts, days))
    design = designed(context, armed, in_spark=True)
    keys = armed.select("customer_id", "as_of", "offer_id", "fold")
    rows = context.lake.keep(design.frame.join(keys, on=["customer_id", "as_of"], how="inner"))
    results: list[UpliftResult] = []
    models: dict[str, UpliftModel] = {}
    for offer, offer_days in days_of.items():
        sample = sampled(context, rows, offer, days=offer_days)
        figures, model = estimate(context, offer, sample, names=design.names)
        results += figures
        if model is not None:
            models[offer] = model
    return Observed(results, models, design.encoder)


def campaign_days(context: Context, contacts: DataFrame) -> dict[str, list[dt.date]]:
    """The days with features on which enough customers got an offer, by offer."""
    sent = contacts.where("offer_id IS NOT NULL")
    passed = horizon_passed(context, sent)
    counted = sent.groupBy("offer_id", "as_of").count().orderBy("offer_id", "as_of")
    fewest = context.settings.uplift.fewest_rows
    days_of: dict[str, list[dt.date]] = {}
    for r in counted.collect():  # campaigns x offers
        if r["as_of"] in passed and r["count"] >= fewest:
            days_of.setdefault(r["offer_id"], []).append(r["as_of"])
    usable = days_with_features(
        context,
        {day for days in days_of.values() for day in days},
        "of campaigns that chose their customers: no features, so left out",
    )
    kept = {offer: [d for d in days if d in usable] for offer, days in days_of.items()}
    return {offer: days for offer, days in kept.items() if days}


def observed_rows(context: Context, contacts: DataFrame, days: Sequence[dt.date]) -> DataFrame:
    """One row per customer and day: features, churned, offer_id (null: none), fold and split."""
    rows = feature_rows({n: at_dates(context.read(n), days) for n in FEATURE_TABLES})
    labels, churn = context.read("features.labels"), context.settings.churn
    labelled = labelled_rows(
        rows,
        labels,
        churn.primary_horizon_days,
        definition=churn.definition,
        lead_days=churn.lead_days,
    )
    silent_days = context.settings.lifecycle.silent_days
    return with_observed(
        labelled, contacts, context.read("silver.customers"), silent_days=silent_days
    )


def sampled(
    context: Context, rows: DataFrame, offer: str, *, days: Sequence[dt.date]
) -> pd.DataFrame:
    """The rows of an offer's days with arm, at most uplift.most_rows_on_driver."""
    most = context.settings.uplift.most_rows_on_driver
    of_days = keep_offer_days(rows, offer, days)
    sample: pd.DataFrame = first_by_hash(of_days, most, ("customer_id", "as_of")).toPandas()
    return sample.sort_values(["as_of", "customer_id"]).reset_index(drop=True)


def estimate(
    context: Context, offer: str, sample: pd.DataFrame, *, names: Sequence[str]
) -> tuple[list[UpliftResult], UpliftModel | None]:
    """Rows of gold.uplift_results for one offer, and its DR-learner (None without overlap).

    Propensities are estimated separately per day, since targeting rules change over time.
    """
    conf, training = context.settings.uplift, context.settings.training
    treated, churned, fold = (sample[c].to_numpy(float) for c in ("arm", "churned", "fold"))
    if min((treated == side).sum() for side in (0, 1)) < conf.fewest_rows:
        # Nearly all or nearly no customers got the offer, so there is no comparison group.
        figure: Figure = ("overlap_share", 0.0, len(sample))
        return [row(context, offer, figure, verdict=propensity.NO_OVERLAP)], None
    x = propensity.known_before(sample[list(names)].to_numpy(np.float32))
    p = propensities_per_day(sample["as_of"], x, treated, fold=fold)
    region = propensity.overlap(
        x,
        treated,
        p,
        least_p=conf.least_propensity,
        least_share=conf.least_overlap,
        fewest=conf.fewest_rows,
    )
    naive = metrics.average_effect(churned, treated)
    figures: list[Figure] = [("naive_difference", naive, len(sample))]
    figures += report(region, len(sample))
    model = None
    if region.verdict == propensity.ADJUSTED:
        kept = sample.assign(e_0=1 - p, e_1=p)[region.kept].reset_index(drop=True)
        boosting = LocalBoosting(training.starts["xgboost"], training.seed)
        ((_, scored),) = doubly_robust(kept, list(names), 1, boosting=boosting)
        codes = scored["customer_id"].astype("category").cat.codes.to_numpy(np.int64)
        adjusted = propensity.mean_of(scored["fall"].to_numpy(float), codes)
        figures.append(("average_effect", adjusted, len(scored)))
        model = from_falls(offer, scored, list(names), boosting=boosting)
    return [row(context, offer, figure, verdict=region.verdict) for figure in figures], model


def propensities_per_day(
    days: pd.Series,
    x: NDArray[np.float64],
    treated: NDArray[np.float64],
    *,
    fold: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The propensity per row, from a separate model per day."""
    p = np.empty(len(days))
    for day in days.unique():
        of_day = (days == day).to_numpy()
        p[of_day] = propensity.propensities(x[of_day], treated[of_day], fold[of_day])
    return p


def report(region: propensity.Overlap, rows: int) -> Iterator[Figure]:
    """The overlap report as metrics."""
    yield "overlap_share", region.share, rows
    yield "imbalance_before", region.imbalance_before, rows
    if not np.isnan(region.imbalance_after):
        yield "imbalance_after", region.imbalance_after, int(region.kept.sum())
    for name, quantiles in (("treated", region.treated), ("untreated", region.untreated)):
        for q, value in zip(propensity.QUANTILES, quantiles, strict=True):
            yield f"{name}_propensity_p{round(100 * q):02d}", float(value), rows


def row(context: Context, offer: str, figure: Figure, *, verdict: str) -> UpliftResult:
    """A row of gold.uplift_results. A plain number has no interval."""
    metric, value, customers = figure
    interval = value if isinstance(value, metrics.Estimate) else None
    return {
        "as_of": context.as_of,
        "learner": LEARNER,
        "split": SPLIT,
        "offer_id": offer,
        "metric": metric,
        "is_randomised": False,
        "value": float(value.value if isinstance(value, metrics.Estimate) else value),
        "ci_low": interval.low if interval else None,
        "ci_high": interval.high if interval else None,
        "customers": customers,
        "verdict": verdict if metric == "overlap_share" else None,
    }


def effects(seen: Observed, features: DataFrame, tested: Sequence[str]) -> DataFrame | None:
    """Rows of gold.offer_effects for offers that no experiment tested; None if there are none."""
    if seen.encoder is None:
        return None
    parts = []
    for offer, model in seen.models.items():
        if offer in tested:
            continue
        scored = features.mapInPandas(
            scorer(seen.encoder, model), "as_of date, customer_id string, effect_1 double"
        )
        parts.append(offer_effects(scored, [offer], [None], learner=LEARNER, own="observational"))
    return reduce(lambda left, right: left.unionByName(right), parts) if parts else None


def log(context: Context, seen: Observed) -> None:
    """Log the metrics of all offers to one MLflow run. Identical results are logged once."""
    if context.is_dry or not seen.results:
        return
    registry = Registry(context.settings)
    record = {"rows": [{**r, "as_of": str(r["as_of"])} for r in seen.results]}
    inputs = json.dumps([record, context.settings.uplift.model_dump(), code_version()])
    fingerprint = hashlib.sha256(inputs.encode()).hexdigest()[:24]
    if registry.finished_run(fingerprint) is not None:
        return
    name = f"uplift-observed-{context.as_of}"
    with mlflow.start_run(experiment_id=registry.experiment_id(), run_name=name):
        tags = {"fingerprint": fingerprint, "code": code_version(), "is_randomised": "false"}
        mlflow.set_tags(tags)
        mlflow.log_params(context.settings.uplift.model_dump())
        mlflow.log_metrics({f"{r['offer_id']}.{r['metric']}": r["value"] for r in seen.results})
        mlflow.log_dict(record, "overlap.json")
        mlflow.log_dict(context.run.inputs, "input_versions.json")


def tell(context: Context, seen: Observed) -> None:
    """Tell the user the estimate of each offer and the overlap that it is based on."""
    by_metric = {(r["offer_id"], r["metric"]): r for r in seen.results}
    for offer in dict.fromkeys(r["offer_id"] for r in seen.results):
        share = by_metric[offer, "overlap_share"]
        naive = by_metric.get((offer, "naive_difference"))
        adjusted = by_metric.get((offer, "average_effect"))
        said = f"      {offer:<18} not randomised: "
        if naive is not None:
            said += f"unadjusted effect {naive['value']:+.1%}, "
        if adjusted is not None:
            said += (
                f"adjusted {adjusted['value']:+.1%} ({adjusted['ci_low']:+.1%} to "
                f"{adjusted['ci_high']:+.1%}), "
            )
        context.progress.say(f"{said}overlap {share['value']:.0%}: {share['verdict']}")
