"""Drift of the champion's features and probabilities against its training sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from models.drift import Statistic, Thresholds, compared
from models.feature_histogram import Current, Reference
from pipelines.churn.drift_reference import PREDICTION, logged_references
from pipelines.monitoring.alert import WARNING, Alert
from runtime.context import Context
from runtime.model_registry import Registered, Registry
from runtime.wording import plural
from transforms.feature_bins import MISSING, OTHER, feature_bins

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_NAMED = 5


def drift(
    context: Context, registry: Registry, champion: Registered, *, features: DataFrame
) -> list[Statistic]:
    """The statistics of all features and of the probabilities of as_of.

    features: all feature tables of as_of. Compared are customers with a purchase and a contract
    that runs, as in the training rows. Empty, with a warning, if the model has no histograms.
    """
    references = logged_references(registry, champion)
    if not references:
        context.progress.warn(
            f"{champion.name} version {champion.version} was trained before histograms of the "
            "training sample were logged, so drift of features is not measured. Run train_churn "
            "to train a version that has them."
        )
        return []
    customers = features.where("recency_days IS NOT NULL AND NOT is_terminated")
    scores = context.slice("gold.customer_scores").where(f"model_version = '{champion.version}'")
    of_features = [r for r in references if r.feature != PREDICTION]
    of_scores = [r for r in references if r.feature == PREDICTION]
    pairs = counted(of_features, customers)
    if scores.take(1):
        pairs += counted(of_scores, scores)
    return compared(pairs, Thresholds(**context.settings.monitoring.drift_thresholds()))


def counted(references: Sequence[Reference], rows: DataFrame) -> list[tuple[Reference, Current]]:
    """Each reference with the counts of `rows` in its bins, in one pass over the rows.

    A feature that the rows do not have counts as missing in every row.
    """
    present = [r for r in references if r.feature in rows.columns]
    by_feature: dict[str, dict[int, Mapping[str, Any]]] = {r.feature: {} for r in references}
    for row in binned_rows(present, rows):
        by_feature[row["feature"]][row["bin"]] = row
    if len(present) < len(references):
        lacking = {r.feature for r in references} - {r.feature for r in present}
        everyone = {"rows": rows.count(), "total": 0.0, "below": 0, "above": 0}
        by_feature |= {name: {MISSING: everyone} for name in lacking}
    return [(r, current_of(r, by_feature[r.feature])) for r in references]


def binned_rows(present: Sequence[Reference], rows: DataFrame) -> list[dict[str, Any]]:
    """The rows of `feature_bins` for references whose features the rows have."""
    if not present:
        return []
    binned = feature_bins(
        rows,
        {r.feature: r.edges for r in present if r.categories is None},
        {r.feature: (r.low, r.high) for r in present if r.low is not None and r.high is not None},
        categories={r.feature: r.categories for r in present if r.categories is not None},
    )
    # At most 53 rows per feature.
    return [row.asDict() for row in binned.collect()]


def current_of(reference: Reference, bins: Mapping[int, Mapping[str, Any]]) -> Current:
    """The counts of one feature. bins: rows of `feature_bins` by bin."""
    places = range(len(reference.counts))

    def of(place: int, name: str) -> Any:
        return bins[place][name] if place in bins else 0

    return Current(
        tuple(int(of(i, "rows")) for i in places),
        int(of(MISSING, "rows")),
        tuple(float(of(i, "total")) for i in places),
        new=int(of(OTHER, "rows")),
        below=sum(int(row["below"]) for row in bins.values()),
        above=sum(int(row["above"]) for row in bins.values()),
    )


def rows_of(measured: Sequence[Statistic], version: str) -> list[dict[str, Any]]:
    """Rows of gold.drift, without as_of."""
    return [
        {
            "feature": s.feature,
            "statistic": s.statistic,
            "value": s.value,
            "threshold": s.threshold,
            "p_value": s.p_value,
            "is_alert": s.is_alert,
            "rows": s.rows,
            "model_version": version,
        }
        for s in measured
    ]


def drift_alerts(context: Context, measured: Sequence[Statistic]) -> list[Alert]:
    """One alert for the features, and one for the probabilities."""
    features = [s for s in measured if s.is_alert and s.feature != PREDICTION]
    scores = [s for s in measured if s.is_alert and s.feature == PREDICTION]
    alerts = []
    if features:
        names = list(dict.fromkeys(s.feature for s in features))
        alerts.append(
            Alert(
                context.as_of,
                "drift",
                "features",
                WARNING,
                f"{plural(len(names), 'feature')} drifted from the training sample: "
                f"{_told(features)}.",
                "Compare the sources of these features with those of the training dates. Fix a "
                "source that broke; if customers changed, run train_churn.",
            )
        )
    if scores:
        alerts.append(
            Alert(
                context.as_of,
                "drift",
                PREDICTION,
                WARNING,
                f"The churn probabilities drifted from those of the test date: {_told(scores)}.",
                "Look at the features that drifted in gold.drift, then run train_churn.",
            )
        )
    return alerts


def _told(measured: Sequence[Statistic]) -> str:
    """The largest value per feature, relative to its threshold; at most MOST_NAMED features."""

    def size(s: Statistic) -> float:
        return abs(s.value or 0) / (s.threshold or 1e-9)

    largest: dict[str, Statistic] = {}
    for s in sorted(measured, key=size, reverse=True):
        largest.setdefault(s.feature, s)
    named = [
        f"{s.feature} ({s.statistic} {s.value:.3g}, threshold {s.threshold:g})"
        for s in list(largest.values())[:MOST_NAMED]
    ]
    others = len(largest) - len(named)
    return "; ".join(named) + (f"; and {plural(others, 'other')}" if others else "")
