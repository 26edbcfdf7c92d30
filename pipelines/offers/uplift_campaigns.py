"""Campaigns for uplift models: days for training, validation and test, and tested offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from contracts.features import FEATURE_TABLES
from pipelines.offers.offer_catalog import offers_of_conf
from runtime.context import Context
from runtime.errors import ModelGateError, TableError
from runtime.wording import plural, verb
from transforms.experiments import own_contacts, randomised_contacts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Campaign day -> train, validation, test or later.
Splits = Mapping[dt.date, str]


def past_campaigns(context: Context) -> list[dt.date]:
    """The days of randomised campaigns whose horizon has ended by as_of, in order."""
    if not context.has("silver.campaign_contacts"):
        return []
    contacts = randomised_contacts(context.read("silver.campaign_contacts"))
    return horizon_passed(context, contacts)


def horizon_passed(context: Context, contacts: DataFrame) -> list[dt.date]:
    """The campaign days that are at least the horizon and the lead before as_of, in order."""
    wait = context.settings.churn.wait
    days = sorted(r["as_of"] for r in contacts.select("as_of").distinct().collect())  # campaigns
    return [day for day in days if day + wait <= context.as_of]


def campaign_splits(context: Context, contacts: DataFrame) -> dict[dt.date, str]:
    """The split of each randomised campaign day whose horizon has ended.

    test: the last day. validation: the last day whose horizon had ended by the test day. train: the
    days whose horizon had ended by the validation day. later: all days between. They are not
    compared, but the final model is trained on them too. Raises ModelGateError without a train day.
    """
    wait, days = context.settings.churn.wait, horizon_passed(context, contacts)
    splits = splits_of(days, wait)
    if not splits:
        raise ModelGateError(
            f"silver.campaign_contacts: {plural(len(days), 'randomised campaign')} "
            f"{verb(len(days), 'is', 'are')} at least {plural(wait.days, 'day')} before "
            f"{context.as_of}. Uplift needs three such "
            f"campaigns with {plural(wait.days, 'day')} between them: for training, validation "
            "and test. Run experiments first. Until then decide_offers uses its rules."
        )
    return splits


def splits_of(days: Sequence[dt.date], wait: dt.timedelta) -> dict[dt.date, str]:
    """`campaign_splits` of days in order. `wait`: from a campaign until its outcomes are known.

    Empty without a train day.
    """
    ended = [d for d in days if d + wait <= days[-1]]
    train = [d for d in ended if d + wait <= ended[-1]]
    if not train:
        return {}
    first = {**dict.fromkeys(train, "train"), ended[-1]: "validation", days[-1]: "test"}
    return {day: first.get(day, "later") for day in days}


def own_campaigns(context: Context) -> list[dt.date]:
    """The days of plans and triggers with a hold-out whose horizon has ended by as_of."""
    return horizon_passed(context, own_contacts_of(context))


def own_contacts_of(context: Context) -> DataFrame:
    """The contacts that plans and triggers chose, sent or held out: see own_contacts."""
    return own_contacts(context.read("gold.offer_decisions"), context.read("gold.outbox"))


def own_splits(context: Context, own: DataFrame, splits: Splits) -> dict[dt.date, str]:
    """The split of each day of plans and triggers: train or later.

    train: the horizon ended by the validation day, when the learner is chosen. later: not compared,
    but the final model is trained on the day too. Days without features are left out.
    """
    wait = context.settings.churn.wait
    chosen_on = min(day for day, split in splits.items() if split == "validation")
    days = horizon_passed(context, own)
    usable = days_with_features(
        context, days, "of plans and triggers: no features and labels, so not used"
    )
    return {d: "train" if d + wait <= chosen_on else "later" for d in days if d in usable}


def days_with_features(context: Context, days: Iterable[dt.date], what: str) -> set[dt.date]:
    """All labelled_days. Warns if some of `days` are not among them; `what` follows their number "
    "in the warning."""
    labelled = labelled_days(context)
    if missing := sorted(set(days) - labelled):
        context.progress.warn(
            f"{plural(len(missing), 'day')} {what}. Run `{features_command(context, missing)}` to "
            f"include {verb(len(missing), 'it', 'them')}."
        )
    return labelled


def labelled_days(context: Context) -> set[dt.date]:
    """The days that have features, and labels of the primary horizon."""
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
    """The command that builds the features of these days."""
    dates = " ".join(f"--as-of {d}" for d in days)
    return f"holdfast build_features --env {context.settings.env} {dates}"


def check_features(context: Context, days: Iterable[dt.date]) -> None:
    """Raise TableError if a campaign day has no features. The message has the command to run."""
    for name in (*FEATURE_TABLES, "features.labels"):
        context.needs(name, "build_features")
    built = context.read("features.transactions").select("as_of").distinct().collect()  # dates
    missing = sorted(set(days) - {r["as_of"] for r in built})
    if missing:
        raise TableError(
            "features.transactions: has no rows for the days of "
            f"{plural(len(missing), 'campaign')}. Run `{features_command(context, missing)}` first."
        )


def tested_offers(context: Context, contacts: DataFrame, splits: Splits) -> list[str]:
    """The offers of conf that enough customers got in each of training, validation and test.

    Raises ModelGateError if there is none.
    """
    counted = contacts.where("offer_id IS NOT NULL").groupBy("as_of", "offer_id").count()
    sent: dict[tuple[str, str], int] = {}
    for r in counted.collect():  # campaigns x offers
        if r["as_of"] in splits:
            key = (splits[r["as_of"]], r["offer_id"])
            sent[key] = sent.get(key, 0) + r["count"]
    fewest = context.settings.uplift.fewest_rows
    parts = ("train", "validation", "test")
    names = [offer.name for offer in offers_of_conf()]
    tested = [n for n in names if all(sent.get((part, n), 0) >= fewest for part in parts)]
    if not tested:
        raise ModelGateError(
            f"silver.campaign_contacts: no offer of conf/offers.yaml was sent to at least "
            f"{plural(fewest, 'customer')} (uplift.fewest_rows) in each of training, validation "
            "and test. Run larger experiments."
        )
    return tested
