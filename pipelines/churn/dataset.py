"""The rows that models are trained and tested on, their columns, and checks of both."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contracts.features import FEATURE_TABLES, PROFILE_FEATURES
from models.baselines import RFM_ENCODER
from models.encoding import LARGEST, FeatureEncoder
from models.matrix_rows import MatrixRows
from models.portable import PortableModel
from pipelines.churn.feature_families import unused_text
from pipelines.churn.fit_rows import ALSO, FitRows, of_splits, shared
from pipelines.churn.row_share import share_of_customers
from pipelines.churn.time_split import Schedule, plans
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_registry import Registered
from runtime.wording import plural, verb
from transforms.training_rows import (
    dense_matrix,
    design_matrix,
    feature_columns,
    feature_rows,
    filled_counts,
    frequent_categories,
    infinite_counts,
    labelled_rows,
    numeric_statistics,
    with_earlier_label,
    with_split,
)
from transforms.training_samples import class_counts, hash_sample, keep_share

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

# A category with fewer rows than FEWEST_ROWS, or beyond the MOST_CATEGORIES most frequent ones of
# a feature, has no column of its own.
MOST_CATEGORIES, FEWEST_ROWS = 50, 20
# Evaluation rows on the driver. Intervals of metrics of 200,000 customers are about 0.001 wide.
MOST_ROWS = 200_000


@dataclass(frozen=True)
class Design:
    """The rows of all splits as columns x0, x1, ... and the encoder that defines them.

    rows: up to training.rows_in_one_process rows are in this process, more rows in Spark, where a
    dense design also has the columns as one vector `features`. left_out: features without any
    value. undated: features of a profile whose date of becoming known is unknown.
    """

    rows: FitRows
    names: list[str]
    encoder: FeatureEncoder
    left_out: list[str]
    undated: list[str] = field(default_factory=list)

    @property
    def frame(self) -> DataFrame:
        """The rows in Spark, of a design that was made `in_spark`."""
        assert not isinstance(self.rows, MatrixRows)
        return self.rows

    def split(self, *splits: str) -> FitRows:
        """The rows of the named splits."""
        return of_splits(self.rows, splits)


def training_plans(context: Context) -> dict[int, Schedule]:
    """The as_of dates of each horizon (days), the primary one first."""
    return plans(context.settings, context.as_of, context.observed_from)


def training_rows(
    context: Context, plan: Schedule, horizon: int | None = None, *, after: int | None = None
) -> DataFrame:
    """One row per (customer_id, as_of) of the plan with features, `churned` and `split`.

    after: a shorter horizon, whose label is added as `churned_before`. Of more than
    training.max_rows rows, a share of the customers is kept (`share_of_customers`).
    """
    for name in (*FEATURE_TABLES, "features.labels"):
        context.needs(name, "build_features")
    rows = feature_rows({name: context.read(name) for name in FEATURE_TABLES})
    churn, labels = context.settings.churn, context.read("features.labels")
    days = horizon or churn.primary_horizon_days
    share = share_of_customers(context, plan, days)
    if share < 1:
        rows, labels = keep_share(rows, share), keep_share(labels, share)
    labelled = labelled_rows(
        rows, labels, days, definition=churn.definition, lead_days=churn.lead_days
    )
    if after is not None:
        labelled = with_earlier_label(
            labelled, labels, after, definition=churn.definition, lead_days=churn.lead_days
        )
    return with_split(labelled, plan.split_of())


def check_labels(
    context: Context, rows: DataFrame, splits: Sequence[str] = ("train", "validation", "test")
) -> dict[str, int]:
    """Rows by split. Raises ModelGateError if one of `splits` has no row or only one class."""
    counts = {r["split"]: r for r in class_counts(rows).collect()}  # one row per split
    for split in splits:
        if split not in counts:
            raise ModelGateError(
                f"features.labels: has no row for the {split} dates. Run "
                f"`holdfast build_features --env {context.settings.env}` for "
                f"as_of {context.as_of} first."
            )
        churned, count = counts[split]["churned"], counts[split]["rows"]
        if churned in (0, count):
            raise ModelGateError(
                f"features.labels: all {plural(count, 'row')} of the {split} dates have churned = "
                f"{int(churned > 0)}, but a model needs both classes. Choose another horizon "
                "(churn.primary_horizon_days) or more dates (training.train_dates)."
            )
    return {split: int(r["rows"]) for split, r in counts.items()}


def check_features(
    model: Registered, columns: Collection[str], others: Iterable[str] = ()
) -> list[str]:
    """The features of a registered model, each once. ModelGateError if a column is missing.

    `others`: further portable models of the version; their features come last.
    """
    encoders = [PortableModel.from_json(text).encoder for text in (model.portable, *others)]
    taken = list(dict.fromkeys(f for encoder in encoders for f in encoder.feature_names))
    lacking = sorted(set(taken) - set(columns))
    if lacking:
        raise ModelGateError(
            f"{model.name} version {model.version} uses features that the feature tables do not "
            f"have: {', '.join(lacking)}. Nothing was written. Restore them "
            "(features.windows_days, sources), or remove the alias champion from that version."
        )
    return taken


def check_finite(context: Context, rows: DataFrame, outcome: str) -> None:
    """Raise ModelGateError if a numeric feature is infinite or too large for float32.

    It reads features only, so the rows may be those of a test date. `check_features` reports
    missing features. outcome: what was not done, as a sentence.
    """
    numeric, _ = feature_columns([context.table(name) for name in FEATURE_TABLES])
    present = [name for name in numeric if name in rows.columns]
    counts = infinite_counts(rows, present, LARGEST).collect()[0].asDict()  # one row
    infinite = {name: count for name, count in counts.items() if count}
    if infinite:
        told = ", ".join(
            f"{name} ({plural(count, 'row')})" for name, count in sorted(infinite.items())
        )
        raise ModelGateError(
            f"{told}: infinite, or too large for float32. A feature must be a finite number or "
            f"null. {outcome} Fix the source of the values and run build_features again."
        )


def check_filled(filled: Mapping[str, int]) -> None:
    """Raise ModelGateError if no feature has a value. filled: non-null rows by feature."""
    if not any(filled.values()):
        raise ModelGateError(
            f"features: none of {plural(len(filled), 'feature')} has a value on the dates before "
            "the test date. Nothing was trained. Run build_features for these dates again."
        )


def designed(context: Context, rows: DataFrame, *, in_spark: bool = False) -> Design:
    """Choose the features that have values, collect the categories and build the matrix.

    All fits share the rows. Test dates have no influence on the choice. in_spark: keep the rows in
    Spark, however few they are.
    """
    numeric, categorical = feature_columns([context.table(name) for name in FEATURE_TABLES])
    seen = rows.where("split <> 'test'")
    filled = filled_counts(seen, [*numeric, *categorical]).collect()[0].asDict()  # one row
    undated = undated_features(filled, context.settings.training.dated_attributes)
    filled = {name: count for name, count in filled.items() if name not in undated}
    check_filled(filled)
    check_finite(context, rows, "Nothing was trained.")
    left_out = [name for name, count in filled.items() if not count]
    if left_out:
        missing = [n for n in context.tables if n.startswith("silver.") and not context.has(n)]
        families = context.settings.training.feature_families
        context.progress.say_once(f"      {unused_text(left_out, families, missing)}")
    numeric = [n for n in numeric if filled.get(n)]
    categorical = [n for n in categorical if filled.get(n)]
    # At most MOST_CATEGORIES rows per feature.
    known = (
        frequent_categories(seen, categorical, FEWEST_ROWS, most=MOST_CATEGORIES).collect()
        if categorical
        else []
    )
    categories = tuple(
        (name, tuple(sorted(r["category"] for r in known if r["feature"] == name)))
        for name in categorical
    )
    encoder = FeatureEncoder(numeric=tuple(numeric), categories=categories)
    frame, names = design_matrix(rows, numeric, categories, also=ALSO)
    workers = context.settings.training.workers
    kept = shared(context, frame, names, partitions=workers, in_spark=in_spark)
    return Design(kept, names, encoder, left_out, undated)


def undated_features(filled: Mapping[str, int], dated: Collection[str]) -> list[str]:
    """The features of a profile that have values, but no date of becoming known.

    A profile that was asked later from customers who stayed would tell a model who stays. dated:
    training.dated_attributes. filled: non-null rows by feature.
    """
    return [n for n in PROFILE_FEATURES if filled.get(n) and n not in dated]


def tell_undated(context: Context, design: Design, champion: Registered | None) -> None:
    """Name the features that are left out for lack of a date. Warn if the champion has any."""
    if undated := len(design.undated):
        context.progress.say(
            f"      {plural(undated, 'attribute')} {verb(undated, 'has', 'have')} no date of "
            f"becoming known and {verb(undated, 'is', 'are')} left out: "
            f"{', '.join(design.undated)} (training.dated_attributes)"
        )
    if champion is None:
        return
    features = PortableModel.from_json(champion.portable).encoder.feature_names
    used = [name for name in design.undated if name in features]
    if used:
        context.progress.warn(
            f"{champion.name} version {champion.version}, the champion, uses attributes without a "
            f"date of becoming known: {', '.join(used)}. It serves until a new model is "
            "significantly better. To replace it now, train under another mlflow.model_name."
        )


def dense(context: Context, rows: DataFrame, plain: Design) -> Design:
    """The same features filled, scaled and with missing indicators, for learners without nulls.

    A feature that is never negative and has a skewness above 1 is replaced by its logarithm. The
    statistics are those of the dates before the test date, rounded to six digits, so that the order
    of addition has no effect.
    """
    seen, numeric = rows.where("split <> 'test'"), plain.encoder.numeric
    # One row per feature.
    of_feature = {r["feature"]: r for r in numeric_statistics(seen, numeric).collect()}
    logged = tuple(
        n
        for n in numeric
        if of_feature[n]["smallest"] >= 0 and (of_feature[n]["skewness"] or 0) > 1
    )
    center = [
        _rounded(of_feature[n]["logged_mean" if n in logged else "mean"], 0.0) for n in numeric
    ]
    scale = [_rounded(of_feature[n]["logged_std" if n in logged else "std"], 1.0) for n in numeric]
    count = seen.count()
    encoder = FeatureEncoder(
        numeric=numeric,
        categories=plain.encoder.categories,
        fill=tuple(center),
        center=tuple(center),
        scale=tuple(scale),
        missing_indicators=tuple(n for n in numeric if of_feature[n]["filled"] < count),
        logged=logged,
    )
    places = {n: (c, c, s) for n, c, s in zip(numeric, center, scale, strict=True)}
    frame, names = dense_matrix(
        rows,
        places,
        logged,
        missing_indicators=encoder.missing_indicators,
        categories=encoder.categories,
        also=ALSO,
    )
    return Design(shared(context, frame, names), names, encoder, plain.left_out, plain.undated)


def rfm_dense(context: Context, rows: DataFrame) -> Design:
    """The three columns of rfm_logistic."""
    encoder = RFM_ENCODER
    places = dict.fromkeys(encoder.numeric, (0.0, 0.0, 1.0))
    frame, names = dense_matrix(
        rows, places, encoder.logged, missing_indicators=(), categories=(), also=ALSO
    )
    return Design(shared(context, frame, names), names, encoder, [])


def _rounded(value: float | None, otherwise: float) -> float:
    """The value to six digits; `otherwise` for null and 0 (a constant feature has scale 1)."""
    return float(f"{value:.6g}") if value else otherwise


def sample(rows: DataFrame, split: str) -> pd.DataFrame:
    """At most MOST_ROWS rows of a split in pandas, chosen by hash, sorted by customer and date."""
    chosen: pd.DataFrame = hash_sample(rows.where(f"split = '{split}'"), MOST_ROWS).toPandas()
    return chosen.sort_values(["customer_id", "as_of"]).reset_index(drop=True)
