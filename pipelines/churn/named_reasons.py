"""Models of the reasons that leavers named: one a reason, where enough of them did."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.silver import REASONS
from models.metrics import bootstrap_weights, estimates, stable_seed
from pipelines.churn.candidates import TrainingData, learner_of, log_odds
from pipelines.churn.dataset import Design
from pipelines.churn.evaluation import result_row
from pipelines.churn.stability import fold_of
from pipelines.churn.ticket_reasons import with_read_tickets
from runtime.context import Context

SOURCES = ("silver.exit_surveys", "silver.support_tickets")
# Leavers who named it and leavers who did not, of the train dates; fewer fit no model.
FEWEST_OF_A_CLASS = 20
ROWS_A_PARTITION = 20_000
# Of customers; each is one fit more of a model that is measured.
FOLDS = 3


def reason_models(data: TrainingData) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Portable models by reason, and their rows of gold.model_comparison (split validation).

    Leavers alone are looked at: fitted on the train dates, calibrated and measured out of fold on
    the validation date, refitted on both. Nothing where fewer than conf's `fewest` leavers named
    a reason; a reason that hardly anyone named has no model, and then probability 0.
    """
    from pyspark.sql import functions as F

    context, settings = data.context, data.context.settings
    labels = labels_of_leavers(context, data.rows)
    if labels is None:
        return {}, []
    placed = labels.select("*", fold_of(FOLDS).cast("int").alias("fold"))
    named = context.lake.keep(placed)
    count = named.count()
    if count < settings.training.reasons.fewest:
        return {}, []
    # A few hundred leavers speak: trees as deep as churn's know them by heart.
    learner = learner_of(context, "logistic_regression", settings.training.reasons.parameters)
    design = data.design(learner)
    told = design.frame.join(named, on=["customer_id", "as_of"], how="inner")
    # Each iteration of a fit is a Spark job; of a few rows, its tasks are all that it costs.
    told = told.repartition(1 + count // ROWS_A_PARTITION, "customer_id")
    frame = context.lake.keep(told.sortWithinPartitions("as_of", "customer_id"))
    # At most MOST_ROWS rows: those of the validation date who left and named a reason.
    held = data.held_out.merge(
        named.where(F.col("as_of") == F.lit(data.plan.validation)).toPandas(),
        on=["customer_id", "as_of"],
    )
    columns = [c for c in named.columns if c.startswith("named_")]
    found = data.side_by_side(
        lambda column: reason_model(data, learner, design, frame, held, column), columns
    )
    models, rows = {}, []
    for column, one in zip(columns, found, strict=True):
        if one is not None:
            reason = column.removeprefix("named_")
            models[reason], measured = one
            rows += [{**row, "model_name": f"reason_{reason}"} for row in measured]
    return models, rows


def labels_of_leavers(context: Context, rows: Any) -> Any | None:
    """`reason_labels` of the rows that churned; None: no source names reasons.

    What was said or became known from context.as_of on says nothing yet.
    """
    from transforms.population import EVENT_TIMES
    from transforms.reasons import named_reasons, reason_labels
    from transforms.visibility import keep_visible

    surveys, tickets = (
        keep_visible(context.read(name), EVENT_TIMES[name], context.as_of)
        if context.has(name)
        else None
        for name in SOURCES
    )
    if surveys is None and tickets is None:
        return None
    reasons = context.settings.training.reasons
    if tickets is not None:
        tickets = with_read_tickets(context, tickets)
    categories = {**{reason: reason for reason in REASONS}, **reasons.ticket_categories}
    named = named_reasons(surveys, tickets, categories)
    horizon = context.settings.churn.wait.days
    return reason_labels(rows.where("churned = 1"), named, horizon, reasons.within_days)


def reason_model(
    data: TrainingData, learner: Any, design: Design, frame: Any, held: Any, column: str
) -> tuple[Any, list[dict[str, Any]]] | None:
    """One reason's portable model and its metrics; None where one side has too few rows.

    No metrics, and no calibration, where the rows of a side are all of one fold, or the held rows
    of one side.
    """
    from models.calibration import Calibration, best_by_brier, out_of_fold
    from models.portable import PortableModel

    train = frame.where("split = 'train'")
    counts = train.groupBy("fold", column).count().collect()  # at most 2 * FOLDS rows
    sides = [[r for r in counts if r[column] == side] for side in (0, 1)]
    label = held[column].to_numpy(dtype=float)
    if min(sum(r["count"] for r in side) for side in sides) < FEWEST_OF_A_CLASS:
        return None
    calibration, rows = Calibration(), []
    if 0 < label.sum() < len(label) and min(map(len, sides)) > 1:
        raw, who = unseen_scores(learner, design, train, held, column), held["customer_id"].tolist()
        calibration = best_by_brier(raw, label, who)
        samples = data.context.settings.training.bootstrap_samples
        weights = bootstrap_weights(who, samples, stable_seed(column))
        measured = estimates(label, out_of_fold(raw, label, who, calibration.kind), 0.5, weights)
        rows = [
            result_row(column, metric, measured[metric], split="validation")
            for metric in ("roc_auc", "average_precision", "brier", "expected_calibration_error")
        ]
    final = learner.fit(frame, design.names, column)
    return PortableModel(design.encoder, final, calibration, metadata=dict(data.metadata)), rows


def unseen_scores(
    learner: Any, design: Design, train: Any, held: Any, column: str
) -> NDArray[np.float64]:
    """Log-odds of the held rows by models of the train rows of other customers.

    One answer labels its customer at every date since the last purchase: a model that has seen it
    would only have to know the customer again. Both frames have `fold`, the customer's.
    """
    from pyspark.sql import functions as F

    matrix = design.encoder.encode(held[list(design.encoder.feature_names)])
    raw = np.empty(len(held))
    for fold in sorted(set(held["fold"])):
        scorer = learner.fit(train.where(F.col("fold") != int(fold)), design.names, column)
        inside = held["fold"].to_numpy() == fold
        raw[inside] = log_odds(scorer, matrix[inside])
    return raw
