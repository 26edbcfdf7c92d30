"""Campaigns that chose their customers: what can be said of their offers all the same, and how much
of it rests on what was known."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contracts.features import FEATURE_TABLES
from pipelines.offers.uplift_campaigns import days_with_features, horizon_passed, scorer
from runtime.context import Context
from runtime.model_registry import Registry
from runtime.run_info import code_version

LEARNER, SPLIT = "dr_learner", "observed"


@dataclass(frozen=True)
class Found:
    """Rows of gold.uplift_results; models of offers that could be estimated; their encoder."""

    results: list[dict[str, Any]] = field(default_factory=list)
    models: dict[str, Any] = field(default_factory=dict)
    encoder: Any = None


def past_campaigns(context: Context) -> list[dt.date]:
    """The days of such campaigns whose horizon has passed by as_of, from the first on."""
    if not context.has("silver.campaign_contacts"):
        return []
    return horizon_passed(context, contacts_of(context).where("offer_id IS NOT NULL"))


def contacts_of(context: Context) -> Any:
    """Who was chosen by a campaign, and for what."""
    from transforms.experiments import observed_contacts

    return observed_contacts(context.read("silver.campaign_contacts"))


# Context and rows -> the design of their matrix, with frame, names and encoder.
Designed = Callable[[Context, Any], Any]


def estimates(context: Context, designed: Designed) -> Found:
    """What every offer did that was sent to enough chosen customers on a day with features."""
    contacts = context.lake.keep(contacts_of(context))
    days_of = campaign_days(context, contacts)
    if not days_of:
        return Found()
    every = sorted({day for days in days_of.values() for day in days})
    armed = context.lake.keep(observed_rows(context, contacts, every))
    design = designed(context, armed)
    keys = armed.select("customer_id", "as_of", "offer_id", "fold")
    rows = context.lake.keep(design.frame.join(keys, on=["customer_id", "as_of"], how="inner"))
    found = Found(encoder=design.encoder)
    for offer, days in days_of.items():
        sample = sampled(context, rows, offer, days)
        facts, model = estimate(context, offer, sample, design.names)
        found.results.extend(facts)
        if model is not None:
            found.models[offer] = model
    return found


def campaign_days(context: Context, contacts: Any) -> dict[str, list[dt.date]]:
    """The days on which each offer reached enough customers and for which there are features."""
    passed = horizon_passed(context, contacts.where("offer_id IS NOT NULL"))
    counted = contacts.where("offer_id IS NOT NULL").groupBy("offer_id", "as_of").count()
    fewest, found = context.settings.uplift.fewest_rows, dict[str, list[dt.date]]()
    for r in counted.orderBy("offer_id", "as_of").collect():  # campaigns x offers
        if r["as_of"] in passed and r["count"] >= fewest:
            found.setdefault(r["offer_id"], []).append(r["as_of"])
    every = {d for days in found.values() for d in days}
    told = "campaigns that chose their customers have no features and are left out"
    there = days_with_features(context, every, told)
    kept = {offer: [d for d in days if d in there] for offer, days in found.items()}
    return {offer: days for offer, days in kept.items() if days}


def observed_rows(context: Context, contacts: Any, days: Sequence[dt.date]) -> Any:
    """One row a customer and day: features, churned, offer_id (null: none), fold, split."""
    from transforms.experiments import with_observed
    from transforms.training_rows import feature_rows, labelled_rows

    of_days = "as_of IN (" + ", ".join(f"DATE'{d}'" for d in days) + ")"
    settings = context.settings
    rows = feature_rows({n: context.read(n).where(of_days) for n in FEATURE_TABLES})
    labels = context.read("features.labels")
    churn = settings.churn
    labelled = labelled_rows(
        rows, labels, churn.primary_horizon_days, churn.definition, churn.lead_days
    )
    silent_days = settings.lifecycle.silent_days
    return with_observed(labelled, contacts, context.read("silver.customers"), silent_days)


def sampled(context: Context, rows: Any, offer: str, days: Sequence[dt.date]) -> Any:
    """Customers of an offer's days as pandas, with arm; at most uplift.most_rows_on_driver rows, by
    a hash of the customer."""
    from pyspark.sql import functions as F

    most = context.settings.uplift.most_rows_on_driver
    of_days = F.col("as_of").isin([F.lit(d).cast("date") for d in days])
    is_of_it = F.col("offer_id").isNull() | (F.col("offer_id") == offer)
    arm = F.col("offer_id").isNotNull().cast("double").alias("arm")
    chosen = rows.where(of_days & is_of_it).select(*rows.columns, arm)
    chosen = chosen.orderBy(F.xxhash64("customer_id"), "customer_id", "as_of").limit(most)
    return chosen.toPandas().sort_values(["as_of", "customer_id"]).reset_index(drop=True)


def estimate(
    context: Context, offer: str, sample: Any, names: list[str]
) -> tuple[list[dict[str, Any]], Any]:
    """Rows of gold.uplift_results of one offer, and its DR-learner; None where there is no overlap.

    Who was sent the offer is told for each day apart, since a company changes whom it writes to.
    """
    from models.uplift import metrics, propensity
    from models.uplift.boosting import LocalBoosting
    from models.uplift.learners import doubly_robust, from_falls

    conf, training = context.settings.uplift, context.settings.training
    treated, churned, fold = (sample[c].to_numpy(float) for c in ("arm", "churned", "fold"))
    if min((treated == side).sum() for side in (0, 1)) < conf.fewest_rows:
        # Everybody was sent it, or next to nobody: there is no other side.
        nobody = ("overlap_share", 0.0, len(sample), propensity.NO_OVERLAP)
        return [row(context, offer, *nobody)], None
    x = propensity.known_before(sample[names].to_numpy(np.float32))
    p = np.empty(len(sample))
    for day in sample["as_of"].unique():
        of_day = (sample["as_of"] == day).to_numpy()
        p[of_day] = propensity.propensities(x[of_day], treated[of_day], fold[of_day])
    region = propensity.overlap(
        x, treated, p, conf.least_propensity, conf.least_overlap, conf.fewest_rows
    )
    naive = metrics.average_effect(churned, treated)
    values = [("naive_difference", naive, len(sample)), *report(region, len(sample))]
    model = None
    if region.verdict == propensity.ADJUSTED:
        kept = sample.assign(e_0=1 - p, e_1=p)[region.kept].reset_index(drop=True)
        boosting = LocalBoosting(training.starts["xgboost"], training.seed)
        ((_, scored),) = doubly_robust(kept, names, 1, boosting)
        codes = scored["customer_id"].astype("category").cat.codes.to_numpy(np.int64)
        adjusted = propensity.mean_of(scored["fall"].to_numpy(float), codes)
        values.append(("average_effect", adjusted, len(scored)))
        model = from_falls(offer, scored, names, boosting)
    return [row(context, offer, *v, region.verdict) for v in values], model


def report(region: Any, rows: int) -> Iterable[tuple[str, Any, int]]:
    """The overlap report as metrics."""
    from models.uplift.propensity import QUANTILES

    yield "overlap_share", region.share, rows
    yield "imbalance_before", region.imbalance_before, rows
    if not np.isnan(region.imbalance_after):
        yield "imbalance_after", region.imbalance_after, int(region.kept.sum())
    for name in ("treated", "untreated"):
        for q, value in zip(QUANTILES, getattr(region, name), strict=True):
            yield f"{name}_propensity_p{round(100 * q):02d}", value, rows


def row(
    context: Context, offer: str, metric: str, found: Any, customers: int, verdict: str
) -> dict[str, Any]:
    """A row of gold.uplift_results; `found` is a number, or an estimate with its interval."""
    is_plain = isinstance(found, float)
    return {
        "as_of": context.as_of,
        "learner": LEARNER,
        "split": SPLIT,
        "offer_id": offer,
        "metric": metric,
        "is_randomised": False,
        "value": float(found if is_plain else found.value),
        "ci_low": None if is_plain else found.low,
        "ci_high": None if is_plain else found.high,
        "customers": customers,
        "verdict": verdict if metric == "overlap_share" else None,
    }


def effects(context: Context, found: Found, features: Any, tested: Sequence[str]) -> Any:
    """gold.offer_effects of offers that no experiment has tested; None: there is none."""
    from transforms.experiments import offer_effects

    whole = None
    for offer, model in found.models.items():
        if offer in tested:
            continue
        scored = features.mapInPandas(
            scorer(found.encoder, model), "as_of date, customer_id string, effect_1 double"
        )
        part = offer_effects(scored, [offer], [None], LEARNER, "observational")
        whole = part if whole is None else whole.unionByName(part)
    return whole


def log(context: Context, found: Found) -> None:
    """One MLflow run with the figures of every offer; the same figures are logged once."""
    if context.is_dry or not found.results:
        return
    import mlflow

    registry = Registry(context.settings)
    record = {"rows": [{**r, "as_of": str(r["as_of"])} for r in found.results]}
    facts = json.dumps([record, context.settings.uplift.model_dump(), code_version()])
    mark = hashlib.sha256(facts.encode()).hexdigest()[:24]
    if registry.finished_run(mark) is not None:
        return
    name = f"uplift-observed-{context.as_of}"
    with mlflow.start_run(experiment_id=registry.experiment_id(), run_name=name):
        mlflow.set_tags({"fingerprint": mark, "code": code_version(), "is_randomised": "false"})
        mlflow.log_params(context.settings.uplift.model_dump())
        mlflow.log_metrics({f"{r['offer_id']}.{r['metric']}": r["value"] for r in found.results})
        mlflow.log_dict(record, "overlap.json")
        mlflow.log_dict(context.run.inputs, "input_versions.json")


def tell(context: Context, found: Found) -> None:
    """What each offer seems to do, and on whom that rests."""
    by = {(r["offer_id"], r["metric"]): r for r in found.results}
    for offer in dict.fromkeys(r["offer_id"] for r in found.results):
        share = by[offer, "overlap_share"]
        naive, adjusted = (by.get((offer, m)) for m in ("naive_difference", "average_effect"))
        said = f"      {offer:<18} sent to chosen customers: "
        if naive is not None:
            said += f"{naive['value']:+.1%} as it looks, "
        if adjusted is not None:
            said += (
                f"{adjusted['value']:+.1%} ({adjusted['ci_low']:+.1%} to "
                f"{adjusted['ci_high']:+.1%}) adjusted, "
            )
        context.progress.say(f"{said}{share['value']:.0%} overlap: {share['verdict']}")
