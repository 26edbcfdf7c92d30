"""Models of churn reasons, one per reason, trained on the reasons that churned customers named."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contracts.silver import REASONS
from models.calibration import Calibration, best_by_brier, out_of_fold
from models.fit_attempts import LeftOut, fit_or_reason
from models.learners import Learner
from models.matrix_rows import MatrixRows
from models.metrics import bootstrap_weights, estimates, stable_seed
from models.portable import PortableModel
from pipelines.churn.candidates import TrainingData, learner_of, log_odds
from pipelines.churn.dataset import Design
from pipelines.churn.evaluation import left_out_row, result_row
from pipelines.churn.fit_rows import FitRows, counts_by_fold, joined, of_splits, outside_fold
from pipelines.churn.ticket_reasons import with_read_tickets
from runtime.context import Context
from runtime.wording import plural
from transforms.population import EVENT_TIMES
from transforms.reasons import named_reasons, reason_labels
from transforms.slices import at_date
from transforms.training_samples import with_fold
from transforms.visibility import keep_visible

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

SOURCES = ("silver.exit_surveys", "silver.support_tickets")
# A reason needs this many rows of the train dates that name it, and as many that do not.
FEWEST_OF_A_CLASS = 20
ROWS_A_PARTITION = 20_000
# Folds of customers. Each fold is one more fit per reason.
FOLDS = 3
MEASURED = ("roc_auc", "average_precision", "brier", "expected_calibration_error")

ReasonModel = tuple[PortableModel, list[dict[str, Any]]]


def reason_models(data: TrainingData) -> tuple[dict[str, PortableModel], list[dict[str, Any]]]:
    """Portable models by reason, and their rows of gold.model_comparison (split validation).

    Only churned customers are used. Each model is fitted on the train dates, calibrated and
    measured out of fold on the validation date, and refitted on both. Empty if fewer than
    training.reasons.fewest customers named a reason. A reason that few customers named has no
    model, gets probability 0, and has one row that says so.
    """
    context, settings = data.context, data.context.settings
    labels = labels_of_leavers(context, data.rows)
    if labels is None:
        return {}, []
    named = context.lake.keep(with_fold(labels, FOLDS))
    count = named.count()
    if count < settings.training.reasons.fewest:
        return {}, []
    # Only a few hundred customers name a reason. Trees as deep as the churn model's would overfit.
    learner = learner_of(context, "logistic_regression", settings.training.reasons.parameters)
    design = data.design(learner)
    labelled = joined(design.rows, named)
    if not isinstance(labelled, MatrixRows):
        # Each iteration of a fit is a Spark job. With few rows, the number of tasks decides its
        # time.
        labelled = labelled.repartition(1 + count // ROWS_A_PARTITION, "customer_id")
        labelled = context.lake.keep(labelled.sortWithinPartitions("as_of", "customer_id"))
    # At most MOST_ROWS rows: customers of the validation date who churned and named a reason.
    held = data.held_out.merge(
        at_date(named, data.plan.validation).toPandas(),
        on=["customer_id", "as_of"],
    )
    columns = [c for c in named.columns if c.startswith("named_")]
    fit = partial(reason_model, data, learner, design, rows=labelled, held=held)
    results = data.side_by_side(
        lambda column: fit_or_reason(lambda: fit(column=column)), columns, "reason"
    )
    models, rows = {}, []
    for column, result in zip(columns, results, strict=True):
        reason = column.removeprefix("named_")
        if isinstance(result, LeftOut):
            context.progress.warn(f"reason {reason} is left out: {result.reason}")
            rows.append(left_out_row(f"reason_{reason}", result.reason, split="validation"))
        else:
            models[reason], measured = result
            rows += [{**row, "model_name": f"reason_{reason}"} for row in measured]
    return models, rows


def labels_of_leavers(context: Context, rows: DataFrame) -> DataFrame | None:
    """`reason_labels` of the churned rows. None if no source of reasons exists.

    Only answers and tickets before context.as_of count, by event time and by known_at.
    """
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
    return reason_labels(rows.where("churned = 1"), named, horizon, within=reasons.within_days)


def reason_model(
    data: TrainingData,
    learner: Learner,
    design: Design,
    *,
    rows: FitRows,
    held: pd.DataFrame,
    column: str,
) -> ReasonModel:
    """One reason's portable model and its metrics. ValueError if a class has too few train rows.

    There are no metrics and no calibration if the train rows of a class are all in one fold, or the
    held-out rows have only one class.
    """
    train = of_splits(rows, ["train"])
    counts = counts_by_fold(train, column)
    classes = [[count for value, count in counts if value == kind] for kind in (0, 1)]
    label = held[column].to_numpy(dtype=float)
    others, naming = map(sum, classes)
    if min(others, naming) < FEWEST_OF_A_CLASS:
        raise ValueError(
            f"{naming:,} of {plural(others + naming, 'customer')} who left and named a reason "
            "named it; a "
            f"model needs {FEWEST_OF_A_CLASS} who did and {FEWEST_OF_A_CLASS} who did not."
        )
    calibration, measured = Calibration(), []
    if 0 < label.sum() < len(label) and min(map(len, classes)) > 1:
        raw = unseen_scores(learner, design, train, held=held, column=column)
        customers = held["customer_id"].tolist()
        calibration = best_by_brier(raw, label, customers)
        samples = data.context.settings.training.bootstrap_samples
        weights = bootstrap_weights(customers, samples, stable_seed(column))
        probability = out_of_fold(raw, label, customers, kind=calibration.kind)
        figures = estimates(label, probability, 0.5, weights=weights)
        measured = [
            result_row(column, metric, figures[metric], split="validation") for metric in MEASURED
        ]
    final = learner.fit(rows, design.names, column)
    model = PortableModel(design.encoder, final, calibration, metadata=dict(data.metadata))
    return model, measured


def unseen_scores(
    learner: Learner, design: Design, train: FitRows, *, held: pd.DataFrame, column: str
) -> NDArray[np.float64]:
    """Log-odds of the held-out rows from models that were fitted on other customers.

    One answer labels its customer on every date since the last purchase. A model that has seen the
    customer could recognise the customer instead of the reason. Both frames have `fold`.
    """
    matrix = design.encoder.encode(held[list(design.encoder.feature_names)])
    raw = np.empty(len(held))
    for fold in sorted(set(held["fold"])):
        scorer = learner.fit(outside_fold(train, int(fold)), design.names, column)
        inside = held["fold"].to_numpy() == fold
        raw[inside] = log_odds(scorer, matrix[inside])
    return raw
