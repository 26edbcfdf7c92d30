"""The rows that models are trained and tested on, and their columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.features import FEATURE_TABLES
from pipelines.churn.time_split import Schedule, plans
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_registry import Registered

ALSO = ("customer_id", "as_of", "split", "churned")
# Categories with fewer rows than this, or beyond the 50 most frequent of a feature, count as none.
MOST_CATEGORIES, FEWEST_ROWS = 50, 20
# Evaluation rows on the driver: metrics of 200,000 customers have intervals of a thousandth.
MOST_ROWS = 200_000


@dataclass(frozen=True)
class Design:
    """The rows of all splits as Spark columns x0, x1, ... and the encoder that names them.

    A dense design has the columns as one vector `features` too.
    """

    frame: Any
    names: list[str]
    encoder: Any
    left_out: list[str]

    def split(self, *splits: str) -> Any:
        from pyspark.sql import functions as F

        return self.frame.where(F.col("split").isin(*splits))


def training_plans(context: Context) -> dict[int, Schedule]:
    """The as_of dates of each horizon (days), the primary one first."""
    return plans(context.settings, context.as_of, context.observed_from)


def training_rows(context: Context, plan: Schedule, horizon: int | None = None) -> Any:
    """One row a (customer_id, as_of) of the plan with features, `churned` and `split`."""
    from transforms.training_rows import feature_rows, labelled_rows, with_split

    for name in (*FEATURE_TABLES, "features.labels"):
        context.needs(name, "build_features")
    rows = feature_rows({name: context.read(name) for name in FEATURE_TABLES})
    churn, labels = context.settings.churn, context.read("features.labels")
    days = horizon or churn.primary_horizon_days
    labelled = labelled_rows(rows, labels, days, churn.definition, churn.lead_days)
    return with_split(labelled, plan.split_of())


def check_labels(context: Context, plan: Schedule, rows: Any) -> dict[str, int]:
    """Rows by split. Raises ModelGateError where a split has no row or one class only."""
    found = {
        r["split"]: r for r in rows.groupBy("split").agg({"churned": "sum", "*": "count"}).collect()
    }
    for split in ("train", "validation", "test"):
        if split not in found:
            raise ModelGateError(
                f"features.labels: no row of the {split} dates is there. Run "
                f"`spark-submit jobs/build_features.py --env {context.settings.env}` for "
                f"as_of {context.as_of} first."
            )
        churned, count = found[split]["sum(churned)"], found[split]["count(1)"]
        if churned in (0, count):
            raise ModelGateError(
                f"features.labels: all {count:,} rows of the {split} dates have churned = "
                f"{int(churned > 0)}; a model needs both classes. Choose another horizon "
                "(churn.primary_horizon_days) or more dates (training.train_dates)."
            )
    return {split: int(r["count(1)"]) for split, r in found.items()}


def check_features(
    model: Registered, columns: Collection[str], others: Iterable[str] = ()
) -> list[str]:
    """The features that a registered model takes, each once; ModelGateError where one is not among
    the columns.

    `others`: the portable models that serve beside it, whose features come after.
    """
    from models.portable import PortableModel

    found = [PortableModel.from_json(text).encoder for text in (model.portable, *others)]
    taken = list(dict.fromkeys(f for encoder in found for f in encoder.feature_names))
    lacking = sorted(set(taken) - set(columns))
    if lacking:
        raise ModelGateError(
            f"{model.name} version {model.version} takes features that the feature tables do not "
            f"have: {', '.join(lacking)}. Nothing was written. Bring them back "
            "(features.windows_days, sources), or take the alias champion from that version."
        )
    return taken


def check_finite(context: Context, rows: Any, outcome: str) -> None:
    """Raise ModelGateError where a numeric feature of the rows is infinite, or too large.

    Features alone are looked at, so that the rows may be those of a test date. One that the rows
    lack is for `check_features` to tell. outcome: what was not done, a sentence.
    """
    from models.encoding import LARGEST
    from transforms.training_rows import feature_columns, infinite_counts

    numeric, _ = feature_columns([context.table(name) for name in FEATURE_TABLES])
    there = [name for name in numeric if name in rows.columns]
    counts = infinite_counts(rows, there, LARGEST).collect()[0].asDict()  # one row
    infinite = {name: count for name, count in counts.items() if count}
    if infinite:
        told = ", ".join(f"{name} ({count:,} rows)" for name, count in sorted(infinite.items()))
        raise ModelGateError(
            f"{told}: infinite, or too large for float32; a feature must be a number or null. "
            f"{outcome} Mend what made the table."
        )


def check_filled(filled: Mapping[str, int]) -> None:
    """Raise ModelGateError where no feature has a value; filled: the rows that have one, by
    feature."""
    if not any(filled.values()):
        raise ModelGateError(
            f"features: none of {len(filled)} features has a value on the dates before the test "
            "date. Nothing was trained. Build the features of these dates again."
        )


def designed(context: Context, rows: Any) -> Design:
    """Choose features that have values, learn the categories, lay out the matrix.

    Rows are spread by customer and kept, so that all fits share them. Test dates decide nothing.
    """
    from models.encoding import FeatureEncoder
    from transforms.training_rows import (
        design_matrix,
        feature_columns,
        filled_counts,
        frequent_categories,
    )

    numeric, categorical = feature_columns([context.table(name) for name in FEATURE_TABLES])
    seen = rows.where("split <> 'test'")
    filled = filled_counts(seen, [*numeric, *categorical]).collect()[0].asDict()  # one row
    check_filled(filled)
    check_finite(context, rows, "Nothing was trained.")
    left_out = [name for name, count in filled.items() if not count]
    if left_out:
        context.progress.say(f"      {len(left_out)} features have no value and are left out")
    numeric = [n for n in numeric if n not in left_out]
    categorical = [n for n in categorical if n not in left_out]
    # At most MOST_CATEGORIES a feature come to the driver.
    known = (
        frequent_categories(seen, categorical, FEWEST_ROWS, MOST_CATEGORIES).collect()
        if categorical
        else []
    )
    categories = tuple(
        (name, tuple(sorted(r["category"] for r in known if r["feature"] == name)))
        for name in categorical
    )
    encoder = FeatureEncoder(numeric=tuple(numeric), categories=categories)
    frame, names = design_matrix(rows, numeric, categories, ALSO)
    kept = _spread(context, frame, context.settings.training.workers)
    return Design(kept, names, encoder, left_out)


def dense(context: Context, rows: Any, plain: Design) -> Design:
    """The same features filled, scaled and with indicators, for learners that take no null.

    A feature that is never negative and skewed to the right (skewness above 1) is taken as its
    logarithm. Statistics are those of the dates before the test date, to six digits, so that the
    order of addition does not show.
    """
    from pyspark.ml.feature import VectorAssembler

    from models.encoding import FeatureEncoder
    from transforms.training_rows import dense_matrix, numeric_statistics

    seen, numeric = rows.where("split <> 'test'"), plain.encoder.numeric
    # One row a feature.
    found = {r["feature"]: r for r in numeric_statistics(seen, numeric).collect()}
    logged = tuple(
        n for n in numeric if found[n]["smallest"] >= 0 and (found[n]["skewness"] or 0) > 1
    )
    center = [_rounded(found[n]["logged_mean" if n in logged else "mean"], 0.0) for n in numeric]
    scale = [_rounded(found[n]["logged_std" if n in logged else "std"], 1.0) for n in numeric]
    count = seen.count()
    encoder = FeatureEncoder(
        numeric=numeric,
        categories=plain.encoder.categories,
        fill=tuple(center),
        center=tuple(center),
        scale=tuple(scale),
        missing_indicators=tuple(n for n in numeric if found[n]["filled"] < count),
        logged=logged,
    )
    places = {n: (c, c, s) for n, c, s in zip(numeric, center, scale, strict=True)}
    frame, names = dense_matrix(
        rows, places, logged, encoder.missing_indicators, encoder.categories, ALSO
    )
    vectors = VectorAssembler(inputCols=names, outputCol="features").transform(frame)
    partitions = context.settings.training.partitions
    kept = _spread(context, vectors.select(*ALSO, "features"), partitions)
    return Design(kept, names, encoder, plain.left_out)


def _rounded(value: float | None, otherwise: float) -> float:
    """Six digits; a feature that never varies has scale 1."""
    return float(f"{value:.6g}") if value else otherwise


def _spread(context: Context, frame: Any, partitions: int) -> Any:
    """The rows in an order and in partitions that depend on nothing but the rows."""
    spread = frame.repartition(partitions, "customer_id")
    return context.lake.keep(spread.sortWithinPartitions("as_of", "customer_id"))


def sample(rows: Any, split: str) -> Any:
    """At most MOST_ROWS rows of a split as pandas, chosen by hash, sorted by customer."""
    from pyspark.sql import functions as F

    of_split = rows.where(F.col("split") == split)
    chosen = of_split.orderBy(F.xxhash64("customer_id", "as_of"), "customer_id").limit(MOST_ROWS)
    return chosen.toPandas().sort_values(["customer_id", "as_of"]).reset_index(drop=True)
