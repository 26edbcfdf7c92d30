"""The stages of jobs/estimate_uplift.py: which campaigns, which learner, what the test says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from contracts.features import FEATURE_TABLES
from runtime.context import Context
from runtime.errors import ModelGateError, TableError


def past_campaigns(context: Context) -> list[dt.date]:
    """The days of randomised campaigns whose horizon has passed by as_of, from the first on."""
    from transforms.experiments import randomised_contacts

    if not context.has("silver.campaign_contacts"):
        return []
    contacts = randomised_contacts(context.read("silver.campaign_contacts"))
    return horizon_passed(context, contacts)


def horizon_passed(context: Context, contacts: Any) -> list[dt.date]:
    """The campaigns' days that lie a horizon and its lead before as_of."""
    wait = context.settings.churn.wait
    found = sorted(r["as_of"] for r in contacts.select("as_of").distinct().collect())  # campaigns
    return [d for d in found if d + wait <= context.as_of]


def campaign_splits(context: Context, contacts: Any) -> dict[dt.date, str]:
    """The days of randomised campaigns whose horizon has passed. The last is the test; validation
    is the last whose horizon had ended by then, train those that had ended by validation. What lies
    between is later: in no test, and in the model that is used."""
    wait, days = context.settings.churn.wait, horizon_passed(context, contacts)
    ended = [d for d in days if d + wait <= days[-1]]
    train = [d for d in ended if d + wait <= ended[-1]]
    if not train:
        raise ModelGateError(
            f"silver.campaign_contacts: {len(days)} randomised campaigns lie {wait.days} days "
            f"before {context.as_of}; uplift needs three that lie {wait.days} days apart (train, "
            "choose, test). Run experiments first; until then decide_offers uses its rules."
        )
    first = {**dict.fromkeys(train, "train"), ended[-1]: "validation", days[-1]: "test"}
    return {day: first.get(day, "later") for day in days}


def own_campaigns(context: Context) -> list[dt.date]:
    """The days of our own plans and triggers with a hold-out whose horizon has passed by as_of."""
    return horizon_passed(context, own_contacts_of(context))


def own_contacts_of(context: Context) -> Any:
    """Who was sent what our own plans and triggers chose for them, and who was held out."""
    from transforms.experiments import own_contacts

    return own_contacts(context.read("gold.offer_decisions"), context.read("gold.outbox"))


def own_splits(context: Context, own: Any, splits: Mapping[dt.date, str]) -> dict[dt.date, str]:
    """The days of our own campaigns: train where their horizon ended before the learner is chosen,
    else later. What is later is in no test, and in the model that is used."""
    wait = context.settings.churn.wait
    chosen_on = min(day for day, split in splits.items() if split == "validation")
    days = horizon_passed(context, own)
    told = "our own campaigns have no features and labels and teach nothing"
    there = days_with_features(context, days, told)
    return {d: "train" if d + wait <= chosen_on else "later" for d in days if d in there}


def days_with_features(context: Context, days: Iterable[dt.date], told: str) -> set[dt.date]:
    """`labelled_days`; where some of the days are not among them, a warning with what is `told` of
    whose they are."""
    there = labelled_days(context)
    if missing := sorted(set(days) - there):
        context.progress.warn(
            f"{len(missing)} days of {told}. Run `{features_command(context, missing)}`."
        )
    return there


def labelled_days(context: Context) -> set[dt.date]:
    """The days that have features and labels of the primary horizon."""
    if not all(context.has(n) for n in (*FEATURE_TABLES, "features.labels")):
        return set()
    horizon = context.settings.churn.primary_horizon_days
    labels = context.read("features.labels").where(f"horizon_days = {horizon}")
    days = [
        {r["as_of"] for r in frame.select("as_of").distinct().collect()}  # dates
        for frame in (context.read("features.transactions"), labels)
    ]
    return days[0] & days[1]


def features_command(context: Context, days: Sequence[dt.date]) -> str:
    """What makes the features of the days."""
    dates = " ".join(f"--as-of {d}" for d in days)
    return f"spark-submit jobs/build_features.py --env {context.settings.env} {dates}"


def check_features(context: Context, days: Sequence[dt.date]) -> None:
    """Raise TableError, with the command that mends it, where a campaign's day has no features."""
    for name in (*FEATURE_TABLES, "features.labels"):
        context.needs(name, "build_features")
    there = context.read("features.transactions").select("as_of").distinct().collect()  # dates
    missing = sorted(set(days) - {r["as_of"] for r in there})
    if missing:
        raise TableError(
            f"features.transactions: has no row for the days of {len(missing)} campaigns. Run "
            f"`{features_command(context, missing)}` first."
        )


def tested_offers(context: Context, contacts: Any, splits: dict[dt.date, str]) -> list[str]:
    """Offers of conf that enough customers got, in training, choice and test alike."""
    from runtime.settings.offers import load_offers

    counted = contacts.where("offer_id IS NOT NULL").groupBy("as_of", "offer_id").count()
    by: dict[tuple[str, str], int] = {}
    for r in counted.collect():  # campaigns x offers
        if r["as_of"] in splits:
            key = (splits[r["as_of"]], r["offer_id"])
            by[key] = by.get(key, 0) + r["count"]
    fewest = context.settings.uplift.fewest_rows
    parts = ("train", "validation", "test")
    kept = [o for o in load_offers() if all(by.get((p, o), 0) >= fewest for p in parts)]
    if not kept:
        raise ModelGateError(
            f"silver.campaign_contacts: no offer of conf/offers.yaml was sent to {fewest} "
            "customers in training, choice and test (uplift.fewest_rows). Run larger experiments."
        )
    return kept


def fitted(context: Context, learner: str, rows: Any, names: list[str], offers: list[str]) -> Any:
    """The learner on Spark rows."""
    from models.uplift.boosting import SparkBoosting
    from models.uplift.learners import fit

    training = context.settings.training
    boosting = SparkBoosting(training.starts["xgboost"], training.seed, training.workers)
    counts = {r["arm"]: r["count"] for r in rows.groupBy("arm").count().collect()}  # arms
    shares = [counts.get(float(k), 0) / sum(counts.values()) for k in range(len(offers) + 1)]
    return fit(learner, rows, names, offers, shares, boosting)


def bounded(context: Context, rows: Any) -> Any:
    """At most uplift.most_rows_on_driver of the rows, one a customer, chosen by a hash of the id:
    of two frames over the same customers the same ones."""
    from pyspark.sql import functions as F

    most = context.settings.uplift.most_rows_on_driver
    return rows.orderBy(F.xxhash64("customer_id"), "customer_id").limit(most)


def sampled(context: Context, rows: Any, split: str) -> Any:
    """The rows of a split, `bounded`, as pandas by customer; told where some are left out."""
    of_split = rows.where(f"split = '{split}'")
    found = bounded(context, of_split).toPandas().sort_values("customer_id", ignore_index=True)
    most = context.settings.uplift.most_rows_on_driver
    if len(found) == most and (there := of_split.count()) > most:
        context.progress.say(
            f"      {split}: {most:,} of {there:,} customers, by a hash of the id "
            "(uplift.most_rows_on_driver)"
        )
    return found


def results(
    context: Context, learner: str, split: str, model: Any, sample: Any, names: list[str]
) -> list[dict[str, Any]]:
    """Rows of gold.uplift_results for one learner."""
    from models.uplift import metrics

    effects = model.effects(sample[names].to_numpy(np.float32))
    found = []
    for k, offer in enumerate(model.arms, 1):
        both = sample["arm"].isin([0.0, float(k)]).to_numpy()
        effect = effects[both, k - 1]
        churned = sample["churned"].to_numpy(float)[both]
        treated = (sample["arm"].to_numpy()[both] == k).astype(float)
        ranking = metrics.ranking(
            effect,
            churned,
            treated,
            context.settings.uplift.bootstrap_samples,
            context.settings.training.seed,
        )
        mean = metrics.average_effect(churned, treated)
        estimates = {
            "qini": ranking.qini,
            "auuc": ranking.auuc,
            "average_effect": mean,
            "calibration_slope": ranking.slope,
        }
        values: list[tuple[str, float, float | None, float | None, int]] = [
            (name, e.value, e.low, e.high, len(effect)) for name, e in estimates.items()
        ]
        for n, (predicted, observed, rows) in enumerate(
            metrics.by_decile(effect, churned, treated), 1
        ):
            values.append((f"decile_{n}", observed, None, None, rows))
            values.append((f"decile_{n}_predicted", predicted, None, None, rows))
        verdict = metrics.verdict(ranking.qini, mean) if split == "test" else None
        found += [
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
            for metric, value, low, high, customers in values
        ]
    return found


def average_of(rows: Sequence[dict[str, Any]], offer: str) -> float | None:
    """The effect that all customers share by the verdict on a split's rows; None: each has their
    own."""
    from models.uplift import metrics

    by = {r["metric"]: r for r in rows if r["offer_id"] == offer}
    qini, mean = (
        metrics.Estimate(by[name]["value"], by[name]["ci_low"], by[name]["ci_high"])
        for name in ("qini", "average_effect")
    )
    verdict = metrics.verdict(qini, mean)
    if verdict.startswith("target"):
        return None
    return float(mean.value) if verdict.startswith("treat all") else 0.0


def followed_effects(effects: Any, averages: Sequence[float | None]) -> Any:
    """As transforms.experiments.offer_effects: an offer's average in place of its column."""
    columns = zip(effects.T, averages, strict=True)
    return np.column_stack([own if a is None else np.full_like(own, a) for own, a in columns])


def scorer(encoder: Any, model: Any) -> Any:
    """A function for mapInPandas: feature rows in; as_of, customer_id, effect_<k> out."""

    def score(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            effects = model.effects(encoder.encode(batch[list(encoder.feature_names)]))
            out = batch[["as_of", "customer_id"]].copy()
            for k in range(effects.shape[1]):
                out[f"effect_{k + 1}"] = effects[:, k]
            yield out

    return score
