"""Score, explain and segment the customers of an as_of with the champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from contracts.features import FEATURE_TABLES
from pipelines.churn.arms import Arm, arm_writes, serving_arms
from pipelines.churn.dataset import check_features, check_finite
from runtime.context import Context
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from runtime.model_registry import Registered


def run(context: Context) -> None:
    """gold.customer_segments, segment_migration, customer_scores and risk_factors of as_of."""
    from models.reasons import LABELLED, SHAP_FAMILIES
    from transforms.reasons import churn_reasons, with_own_reason
    from transforms.segments import customer_segments

    features = context.lake.keep(features_at(context))
    rfm_days = context.settings.rfm.window_days
    segments = context.lake.keep(customer_segments(features, rfm_days, context.formulas))
    kept = features.join(
        segments.where("lifecycle IN ('active', 'silent')").select("customer_id"),
        on="customer_id",
        how="left_semi",
    )
    check_finite(context, kept, "Nothing was written.")
    arms = serving_arms(context)
    basis = LABELLED if arms and arms[0].reasons else SHAP_FAMILIES
    found = by_arms(kept, arms) if arms else by_rule(context, kept)
    surveys = "silver.exit_surveys"
    answers = context.read(surveys) if context.has(surveys) else None
    scored = context.lake.keep(with_own_reason(found, answers, basis))
    days = sorted(map(int, arms[0].horizons)) if arms else []
    context.write(
        [
            slice_of(context, "gold.customer_segments", segments),
            *migration(context, segments),
            slice_of(context, "gold.customer_scores", scores(context, scored, arms)),
            slice_of(context, "gold.risk_factors", factors(scored)),
            slice_of(context, "gold.churn_reasons", churn_reasons(scored)),
            slice_of(context, "gold.churn_by_horizon", by_horizon(context, scored, days)),
            *arm_writes(context, arms),
        ]
    )
    context.lake.forget()


def features_at(context: Context) -> Any:
    """All features of the customers known at as_of."""
    from transforms.training_rows import feature_rows

    for name in FEATURE_TABLES:
        context.needs(name, "build_features")
    day = context.as_of
    rows = feature_rows({n: context.slice(n, day) for n in FEATURE_TABLES})
    if not rows.take(1):
        raise TableError(
            f"features.transactions: has no row for as_of {day}. Run `spark-submit "
            f"jobs/build_features.py --env {context.settings.env} --as-of {day}` first."
        )
    return rows


def slice_of(context: Context, name: str, frame: Any) -> Write:
    """The rows of as_of of one table."""
    return Write(context.table(name), frame, [context.as_of])


def migration(context: Context, segments: Any) -> list[Write]:
    """The ways from the segments of the as_of before, where there is one."""
    from transforms.segments import segment_migration

    if not context.has("gold.customer_segments"):
        return []
    past = context.read("gold.customer_segments").where(f"as_of < DATE'{context.as_of}'")
    previous = past.agg({"as_of": "max"}).collect()[0][0]
    if previous is None:
        return []
    then = past.where(f"as_of = DATE'{previous}'")
    return [
        slice_of(context, "gold.segment_migration", segment_migration(segments, then, previous))
    ]


def by_arms(kept: Any, arms: Sequence[Arm]) -> Any:
    """Each customer's row by the model of their arm."""
    frames = [
        by_model(kept.where(arm.condition()), arm.model, arm.horizons, arm.reasons) for arm in arms
    ]
    return reduce(lambda one, other: one.unionByName(other), frames)


def by_model(
    kept: Any, champion: Registered, horizons: Mapping[str, str], reasons: Mapping[str, str]
) -> Any:
    """Probability, top factors and reasons by the champion, in batches on the workers.

    `horizons`, `reasons`: portable models beside it, by horizon (days) and by reason. A feature
    that the champion does not take is no error: tables may gain columns before a model learns them.
    """
    from pyspark.sql import functions as F

    from models.portable import PortableModel
    from models.scoring import SCORED_DDL, batch_scorer, horizon_columns

    taken = check_features(champion, kept.columns, (*horizons.values(), *reasons.values()))
    facts = ("recency_days", "engagement_score", "tenure_days")
    needed = dict.fromkeys(("as_of", "customer_id", *taken, *facts))
    model = PortableModel.from_json(champion.portable)
    scored = kept.select(*needed).mapInPandas(
        batch_scorer(champion.portable, horizons, reasons), SCORED_DDL + horizon_columns(horizons)
    )
    return scored.select(
        "*",
        F.lit(model.metadata["model_name"]).alias("model_name"),
        F.lit(champion.version).alias("model_version"),
    )


def by_rule(context: Context, kept: Any) -> Any:
    """Without a champion: the share that churned among those silent for as long, on past dates."""
    import pandas as pd
    from pyspark.sql import functions as F

    from models.baselines import RecencyOnly
    from transforms.scores import rate_by_recency
    from transforms.training_rows import labelled_rows

    context.needs("features.labels", "build_features")
    churn = context.settings.churn
    horizon = churn.primary_horizon_days
    recency = context.read("features.transactions").select("customer_id", "as_of", "recency_days")
    # A label counts once its horizon has passed by as_of.
    labels = context.read("features.labels")
    known = labelled_rows(recency, labels, horizon, churn.definition, churn.lead_days).where(
        F.date_add("as_of", horizon + churn.lead_days) <= F.lit(context.as_of)
    )
    counts = rate_by_recency(known).toPandas()
    if not len(counts):
        raise TableError(
            f"features.labels: no label of {horizon} days has passed by {context.as_of}, and "
            "there is no champion. Build features of an earlier as_of, or train a model."
        )
    rule = RecencyOnly.fit(counts)

    context.progress.warn(
        "no champion is registered: scores come from recency alone (score_basis rule)."
    )
    # One literal a day up to silent_days: whom it scores is not silent for longer.
    days = pd.DataFrame({"recency_days": range(1, context.settings.lifecycle.silent_days + 1)})
    rates = F.array(*[F.lit(float(rate)) for rate in rule.predict_proba(days)])
    none = F.lit(None).cast("string")
    return kept.select(
        "as_of",
        "customer_id",
        "recency_days",
        "engagement_score",
        F.element_at(rates, F.col("recency_days").cast("int")).alias("churn_probability"),
        F.lit("rule").alias("score_basis"),
        F.array().cast("array<string>").alias("factors"),
        F.array().cast("array<double>").alias("impacts"),
        F.array().cast("array<string>").alias("factor_values"),
        F.lit(None).cast("array<double>").alias("reasons"),
        none.alias("model_name"),
        none.alias("model_version"),
    )


def scores(context: Context, scored: Any, arms: Sequence[Arm]) -> Any:
    """gold.customer_scores; the threshold is that of the model which scored the row."""
    from pyspark.sql import functions as F

    from transforms.reasons import with_main_reason
    from transforms.scores import customer_scores, with_lifetime

    raising = F.expr("filter(arrays_zip(factors, impacts), pair -> pair.impacts > 0)")
    rows = scored.select("*", F.get(raising, F.lit(0))["factors"].alias("top_risk_factor"))
    if not context.has("gold.customer_lifetime"):
        context.progress.say("      no gold.customer_lifetime yet: worth and P(alive) stay null")
    lifetime = context.slice("gold.customer_lifetime")
    horizon = context.settings.churn.primary_horizon_days
    rows = with_lifetime(with_main_reason(rows), lifetime)
    if not arms:
        return customer_scores(rows, horizon, 0.5, context.formulas)
    frames = [
        customer_scores(
            rows.where(F.col("model_version") == arm.model.version),
            *(horizon, arm.threshold, context.formulas),
        )
        for arm in arms
    ]
    return reduce(lambda one, other: one.unionByName(other), frames)


def factors(scored: Any) -> Any:
    """gold.risk_factors."""
    from transforms.scores import risk_factors

    return risk_factors(scored)


def by_horizon(context: Context, scored: Any, horizons: list[int]) -> Any:
    """gold.churn_by_horizon; without a champion the primary horizon alone."""
    from transforms.scores import churn_by_horizon

    churn = context.settings.churn
    return churn_by_horizon(scored, churn.primary_horizon_days, horizons, churn.definition)
