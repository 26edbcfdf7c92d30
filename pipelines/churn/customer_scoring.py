"""Score, explain and segment the customers of an as_of with the champion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from contracts.features import FEATURE_TABLES
from models.answers import thresholds
from models.baselines import RecencyOnly
from models.portable import PortableModel
from models.profit import threshold_of_groups
from models.reasons import LABELLED, SHAP_FAMILIES, reason_features
from models.scoring import SCORED_DDL, batch_scorer, horizon_columns
from pipelines.churn.arms import Arm, arm_writes, serving_arms
from pipelines.churn.dataset import check_features, check_finite
from pipelines.churn.economics import campaign_economics
from runtime.context import Context
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from runtime.model_registry import Registered
from runtime.wording import plural
from transforms import scores as score_tables
from transforms.reasons import churn_reasons, with_main_reason, with_own_reason
from transforms.risk_percentiles import with_risk_percentiles
from transforms.satisfaction import latest_answers, satisfaction, without_contact
from transforms.segments import customer_segments, segment_migration
from transforms.training_rows import feature_rows, labelled_rows
from transforms.training_samples import keep_passed
from udfs.risk_bands import decision_threshold

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Above this share of replaced probabilities a horizon's model contradicts the others.
MOST_BOUNDED = 0.05


def run(context: Context) -> None:
    """Write segments, migration, scores, risk factors, reasons, horizons, satisfaction of as_of."""
    features = context.lake.keep(features_at(context))
    then = previous_as_of(context)
    segments = context.lake.keep(
        customer_segments(
            features,
            context.settings.rfm.window_days,
            context.formulas,
            previous=None if then is None else context.slice("gold.customer_segments", then),
            margin=context.settings.rfm.segment_margin_percent,
        )
    )
    kept = features.join(
        segments.where("lifecycle IN ('active', 'silent')").select("customer_id"),
        on="customer_id",
        how="left_semi",
    )
    check_finite(context, kept, "Nothing was written.")
    arms = serving_arms(context)
    basis = LABELLED if arms and arms[0].reasons else SHAP_FAMILIES
    # Families of conf, not of the model: a change of conf counts without a new training.
    training = context.settings.training
    members = reason_features(kept.columns, training.reasons.features, training.feature_families)
    scored_rows = by_arms(kept, arms, members) if arms else by_rule(context, kept)
    surveys = "silver.exit_surveys"
    answers = context.read(surveys) if context.has(surveys) else None
    scored = context.lake.keep(with_own_reason(scored_rows, answers, basis))
    churn = context.settings.churn
    days = sorted(map(int, arms[0].horizons)) if arms else []
    horizons = score_tables.churn_by_horizon(
        scored, churn.primary_horizon_days, days, definition=churn.definition
    )
    tell_bounded(context, scored, days)
    context.write(
        [
            slice_of(context, "gold.customer_segments", segments),
            *migration(context, segments, then),
            slice_of(context, "gold.customer_scores", scores(context, scored, segments)),
            slice_of(context, "gold.risk_factors", score_tables.risk_factors(scored)),
            slice_of(context, "gold.churn_reasons", churn_reasons(scored)),
            slice_of(context, "gold.churn_by_horizon", horizons),
            slice_of(context, "gold.satisfaction", satisfied(context, segments, features)),
            *arm_writes(context, arms),
        ]
    )
    context.lake.forget()


def satisfied(context: Context, segments: DataFrame, features: DataFrame) -> DataFrame:
    """gold.satisfaction of as_of. A warning counts the answers whose contact is unknown."""
    answers, outbox = context.read("silver.survey_answers"), context.read("gold.outbox")
    if context.has("silver.survey_answers"):
        unknown = without_contact(answers, outbox, context.as_of).count()
        if unknown:
            context.progress.warn(
                f"silver.survey_answers: {plural(unknown, 'answer')} with a token of no contact in "
                "gold.outbox, so the customer is unknown. The key or the answers may belong to "
                "another environment: give each environment a key of its own."
            )
    return satisfaction(segments, features, latest_answers(answers, outbox, context.as_of))


def features_at(context: Context) -> DataFrame:
    """All features of the customers known at as_of, one row per customer."""
    for name in FEATURE_TABLES:
        context.needs(name, "build_features")
    rows = feature_rows({name: context.slice(name) for name in FEATURE_TABLES})
    if not rows.take(1):
        raise TableError(
            f"features.transactions: has no row for as_of {context.as_of}. Run `holdfast "
            f"build_features --env {context.settings.env} --as-of {context.as_of}` first."
        )
    return rows


def slice_of(context: Context, name: str, frame: DataFrame) -> Write:
    """A write that replaces the rows of as_of in one table."""
    return Write(context.table(name), frame, [context.as_of])


def previous_as_of(context: Context) -> dt.date | None:
    """The latest earlier as_of of gold.customer_segments; None if there is none."""
    if not context.has("gold.customer_segments"):
        return None
    past = context.read("gold.customer_segments").where(f"as_of < DATE'{context.as_of}'")
    return cast("dt.date | None", past.agg({"as_of": "max"}).collect()[0][0])  # one row


def migration(context: Context, segments: DataFrame, then: dt.date | None) -> list[Write]:
    """gold.segment_migration since `then`, the previous as_of. No write if it is None."""
    if then is None:
        return []
    before = context.slice("gold.customer_segments", then)
    return [slice_of(context, "gold.segment_migration", segment_migration(segments, before, then))]


def by_arms(
    customers: DataFrame, arms: Sequence[Arm], members: Mapping[str, Sequence[str]]
) -> DataFrame:
    """Score each customer with the model of their arm."""
    frames = [
        by_model(
            arm.customers(customers),
            arm.model,
            arm.horizons,
            reasons=arm.reasons,
            members=members,
        )
        for arm in arms
    ]
    return reduce(lambda left, right: left.unionByName(right), frames)


def by_model(
    customers: DataFrame,
    champion: Registered,
    horizons: Mapping[str, str],
    *,
    reasons: Mapping[str, str],
    members: Mapping[str, Sequence[str]],
) -> DataFrame:
    """Probability, top factors and reasons from a registered model, in batches on the workers.

    `horizons`, `reasons`: its further portable models, by horizon (days) and by reason. `members`:
    the features of each reason. Features that the model does not use are ignored: tables may gain
    columns before a model uses them.
    """
    taken = check_features(champion, customers.columns, (*horizons.values(), *reasons.values()))
    facts = ("recency_days", "engagement_score", "tenure_days")
    needed = dict.fromkeys(("as_of", "customer_id", *taken, *facts))
    model = PortableModel.from_json(champion.portable)
    scored = customers.select(*needed).mapInPandas(
        batch_scorer(champion.portable, horizons, reasons, members=members),
        SCORED_DDL + horizon_columns(horizons),
    )
    named = {h: PortableModel.from_json(text).metadata for h, text in horizons.items()}
    return score_tables.with_model(
        scored,
        model.metadata["model_name"],
        champion.version,
        thresholds=thresholds(model),
        horizons={h: facts.get("model_name", "") for h, facts in named.items()},
    )


def tell_bounded(context: Context, scored: DataFrame, days: Sequence[int]) -> None:
    """Log how often a longer horizon had the higher probability (for a termination the lower).

    A warning if this is more than MOST_BOUNDED of the rows of a horizon: its model contradicts the
    others.
    """
    if not days:
        return
    churn = context.settings.churn
    counts = score_tables.bounded_counts(
        scored, churn.primary_horizon_days, days, definition=churn.definition
    )
    of = counts.collect()[0].asDict()  # one row
    rows = of.pop("rows")
    told = ", ".join(f"{plural(int(h), 'day')} {count:,}" for h, count in of.items())
    context.progress.say(
        f"      gold.churn_by_horizon: probabilities that contradicted a nearer horizon and were "
        f"replaced by its value, of {rows:,} per horizon: {told}"
    )
    often = [h for h, count in of.items() if count > MOST_BOUNDED * rows]
    if often:
        context.progress.warn(
            f"gold.churn_by_horizon: over {MOST_BOUNDED:.0%} of the probabilities of these "
            "horizons "
            f"were replaced, in days: {', '.join(often)}. Their models contradict the primary one: "
            "run train_churn again, or remove them from churn.horizons_days."
        )


def by_rule(context: Context, customers: DataFrame) -> DataFrame:
    """Without a champion: the churn rate of customers with the same recency on past dates."""
    context.needs("features.labels", "build_features")
    churn = context.settings.churn
    horizon = churn.primary_horizon_days
    recency = context.read("features.transactions").select("customer_id", "as_of", "recency_days")
    labels = keep_passed(context.read("features.labels"), context.as_of)
    known = labelled_rows(
        recency, labels, horizon, definition=churn.definition, lead_days=churn.lead_days
    )
    counts = score_tables.rate_by_recency(known).toPandas()  # one row per recency_days
    if not len(counts):
        raise TableError(
            f"features.labels: no label with a horizon of {plural(horizon, 'day')} has passed "
            "by "
            f"{context.as_of}, and no champion is registered. Run build_features for an earlier "
            "as_of, or train a model."
        )
    rule = RecencyOnly.fit(counts)
    threshold = rule_threshold(context, rule, counts)
    context.progress.warn(
        "no champion is registered: scores use the churn rate by recency only (score_basis rule), "
        f"with a decision threshold of {threshold:.3f}."
    )
    # Every scored customer bought within the last silent_days days.
    days = pd.DataFrame({"recency_days": range(1, context.settings.lifecycle.silent_days + 1)})
    return score_tables.scored_by_rule(customers, rule.predict_proba(days).tolist(), threshold)


def rule_threshold(context: Context, rule: RecencyOnly, counts: pd.DataFrame) -> float:
    """The decision threshold of the rates by recency, by the profit rule of training.economics.

    `counts`: rows and churned per recency_days, on past dates.
    """
    economics = campaign_economics(context.settings.training)
    numbers = [counts[name].to_numpy(dtype=np.float64) for name in ("rows", "churned")]
    rates = rule.predict_proba(counts)
    return decision_threshold(threshold_of_groups(rates, *numbers, economics=economics))


def scores(context: Context, scored: DataFrame, segments: DataFrame) -> DataFrame:
    """gold.customer_scores. Each row uses the threshold logged with whatever scored it."""
    if not context.has("gold.customer_lifetime"):
        context.progress.say(
            "      gold.customer_lifetime does not exist yet: CLV, P(alive) and value columns are "
            "null"
        )
    lifetime = context.slice("gold.customer_lifetime")
    rows = score_tables.with_lifetime(with_main_reason(scored), lifetime)
    return score_tables.customer_scores(
        with_risk_percentiles(rows, segments),
        context.settings.churn.primary_horizon_days,
        context.settings.risk.scheme,
        formulas=context.formulas,
    )
