"""Build the feature tables and labels for one or many as_of dates in one pass over the data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.churn.time_split import plans
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from runtime.settings import Settings


@dataclass(frozen=True)
class FeatureOptions:
    """Options of `build_features`. as_of_dates: empty for as_of and the dates it trains on."""

    as_of_dates: Sequence[dt.date] = ()


def run(context: Context, options: FeatureOptions = FeatureOptions()) -> None:
    """features.demographics, behavior, transactions and labels of the dates wanted."""
    from transforms.attributes import terminated, valid_at
    from transforms.population import known_customers

    dates = wanted_dates(context, options.as_of_dates)
    context.progress.say(f"      as_of {', '.join(d.isoformat() for d in dates)}")
    try:
        silver = with_sentiment(context, existing_sources(context))
        spine = context.lake.keep(known_customers(silver, dates))
        profiles = context.lake.keep(valid_at(context.read("silver.customers"), spine))
        ended = terminated(context.read("silver.terminations"), spine)
        frames = feature_frames(silver, spine, profiles, ended, dates, context.settings)
        frames["features.labels"] = labels(context, silver, ended, dates)
        context.write([Write(context.table(name), frame, dates) for name, frame in frames.items()])
    finally:
        context.lake.forget()


def feature_frames(
    silver: dict[str, Any],
    spine: Any,
    profiles: Any,
    ended: Any,
    dates: list[dt.date],
    settings: Settings,
) -> dict[str, Any]:
    """Every feature table: one row a (customer_id, as_of) of the spine."""
    from transforms.attributes import demographic_features
    from transforms.behavior_features import behavior_features
    from transforms.transaction_features import transaction_features

    return {
        "features.demographics": demographic_features(profiles, ended, spine),
        "features.behavior": behavior_features(
            silver, spine, dates, settings.engagement, settings.training.reasons.ticket_categories
        ),
        "features.transactions": transaction_features(
            silver["silver.transactions"], spine, profiles, dates, settings.features.windows_days
        ),
    }


def with_sentiment(context: Context, silver: dict[str, Any]) -> dict[str, Any]:
    """The same sources; tickets and reviews with the sentiment of their text."""
    from udfs.sentiment import sentiment_of

    texts = [name for name in ("silver.support_tickets", "silver.reviews") if name in silver]
    scored: dict[str, Any] = {
        n: context.lake.with_computed(silver[n], "sentiment", "text", sentiment_of) for n in texts
    }
    return {**silver, **scored}


def labels(context: Context, silver: dict[str, Any], ended: Any, dates: list[dt.date]) -> Any:
    """features.labels of the dates, for all horizons that have passed."""
    from transforms.labels import (
        churn_population,
        inactivity_labels,
        purchase_days,
        termination_labels,
    )

    churn = context.settings.churn
    days = context.lake.keep(purchase_days(silver["silver.transactions"]))
    population = churn_population(days, ended, dates)
    horizons = (churn.horizons_days, churn.lead_days, churn.label_wait_days)
    timing = (population, *horizons, context.observed_until)
    if churn.definition == "termination":
        return termination_labels(context.read("silver.terminations"), *timing)
    return inactivity_labels(days, *timing)


def wanted_dates(context: Context, given: Sequence[dt.date]) -> list[dt.date]:
    """The dates given, else as_of and those that training on it takes."""
    if given:
        for date in given:
            if date > context.observed_until:
                raise UsageError(
                    f"--as-of {date}: purchases are complete only up to {context.observed_until}; "
                    "take that day or an earlier one."
                )
        wanted = sorted(set(given))
    else:
        found = plans(context.settings, context.as_of, context.observed_from).values()
        wanted = sorted({context.as_of, *(day for plan in found for day in plan.all_dates)})
    if wanted[0] <= context.observed_from:
        raise UsageError(
            f"as_of {wanted[0]}: no purchase lies before it; the first is on "
            f"{context.observed_from}. Take a later day."
        )
    return wanted


def existing_sources(context: Context) -> dict[str, Any]:
    """The silver tables that exist: a feature of an absent source is null."""
    context.needs("silver.transactions", "ingest")
    names = [t for t in context.tables if t.startswith("silver.") and t != "silver.quarantine"]
    return {name: context.read(name) for name in names if context.has(name)}
