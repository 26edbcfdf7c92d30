"""Build the feature tables and labels of one or many as_of dates in one pass over the data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.churn.time_split import plans
from pipelines.features.text_sentiment import with_sentiment
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from runtime.settings import Settings
from transforms.attributes import demographic_features, terminated, valid_at
from transforms.behavior_features import behavior_features
from transforms.labels import (
    churn_population,
    inactivity_labels,
    purchase_days,
    termination_labels,
)
from transforms.population import known_customers
from transforms.transaction_features import transaction_features

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class FeatureOptions:
    """Options of `build_features`.

    as_of_dates: the dates to build. Empty: as_of and the dates that training at as_of uses.
    """

    as_of_dates: Sequence[dt.date] = ()


def run(context: Context, options: FeatureOptions = FeatureOptions()) -> None:
    """Write features.demographics, behavior, transactions and labels of the requested dates."""
    dates = wanted_dates(context, options.as_of_dates)
    context.progress.say(f"      as_of {', '.join(d.isoformat() for d in dates)}")
    try:
        silver = with_sentiment(context, existing_sources(context))
        spine = context.lake.keep(known_customers(silver, dates))
        profiles = context.lake.keep(valid_at(context.read("silver.customers"), spine))
        ended = terminated(context.read("silver.terminations"), spine)
        frames = feature_frames(
            silver, spine, profiles, ended=ended, dates=dates, settings=context.settings
        )
        frames["features.labels"] = labels(
            context, silver["silver.transactions"], ended, dates=dates
        )
        context.write([Write(context.table(name), frame, dates) for name, frame in frames.items()])
    finally:
        context.lake.forget()


def feature_frames(
    silver: Mapping[str, DataFrame],
    spine: DataFrame,
    profiles: DataFrame,
    *,
    ended: DataFrame,
    dates: Sequence[dt.date],
    settings: Settings,
) -> dict[str, DataFrame]:
    """Every feature table by name. Each has one row per (customer_id, as_of) of the spine."""
    return {
        "features.demographics": demographic_features(profiles, ended, spine),
        "features.behavior": behavior_features(
            silver,
            spine,
            dates,
            engagement=settings.engagement,
            categories=settings.training.reasons.ticket_categories,
        ),
        "features.transactions": transaction_features(
            silver["silver.transactions"],
            spine,
            profiles,
            as_of_dates=dates,
            windows=settings.features.windows_days,
        ),
    }


def labels(
    context: Context, transactions: DataFrame, ended: DataFrame, *, dates: Sequence[dt.date]
) -> DataFrame:
    """features.labels of the dates, for every horizon that has passed."""
    churn = context.settings.churn
    days = context.lake.keep(purchase_days(transactions))
    population = churn_population(days, ended, dates)
    is_contract = churn.definition == "termination"
    labelled = termination_labels if is_contract else inactivity_labels
    return labelled(
        context.read("silver.terminations") if is_contract else days,
        population,
        churn.horizons_days,
        lead_days=churn.lead_days,
        wait_days=churn.label_wait_days,
        observed_until=context.observed_until,
    )


def wanted_dates(context: Context, given: Sequence[dt.date] = ()) -> list[dt.date]:
    """The given dates, in order. None given: as_of and the dates that training at as_of uses.

    UsageError if purchases are not complete up to a date, or none lies before it.
    """
    if given:
        for date in given:
            if date > context.observed_until:
                raise UsageError(
                    f"--as-of {date}: purchases are complete only up to {context.observed_until}. "
                    "Use that day or an earlier one."
                )
        wanted = sorted(set(given))
    else:
        schedules = plans(context.settings, context.as_of, context.observed_from).values()
        wanted = sorted({context.as_of, *(day for s in schedules for day in s.all_dates)})
    if wanted[0] <= context.observed_from:
        raise UsageError(
            f"as_of {wanted[0]}: no purchase lies before this day. The first purchase is on "
            f"{context.observed_from}. Use a later day."
        )
    return wanted


def existing_sources(context: Context) -> dict[str, DataFrame]:
    """The silver tables that exist. Features of a table that does not exist are null."""
    context.needs("silver.transactions", "ingest")
    names = [t for t in context.tables if t.startswith("silver.") and t != "silver.quarantine"]
    return {name: context.read(name) for name in names if context.has(name)}
