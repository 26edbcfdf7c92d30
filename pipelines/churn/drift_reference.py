"""The histograms of a model's training sample, logged with the model to compare later dates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models.feature_histogram import Reference
from pipelines.churn.candidates import Candidate, TrainingData
from pipelines.churn.evaluation import Evaluated
from runtime.model_digest import log_record
from runtime.model_registry import Registered, Registry
from transforms.training_samples import hash_sample

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run

    from models.encoding import FeatureEncoder

FILE = "drift_reference.json"
PREDICTION = "churn_probability"
# Rows of the training sample. The largest error of a share is then about 0.01.
MOST_ROWS = 20_000


def log_reference(data: TrainingData, evaluated: Evaluated, chosen: Candidate) -> None:
    """Log the histograms of the features, and of the probabilities on the test date.

    Probabilities of rows that the model was fitted on are too extreme, so those of the test date
    are taken, of the customers who are scored.
    """
    encoder = data.plain.encoder
    names = [*encoder.numeric, *(name for name, _ in encoder.categories)]
    sample = hash_sample(data.rows.select("customer_id", "as_of", *names), MOST_ROWS).toPandas()
    references = histograms(sample, encoder)
    scored = evaluated.populations()["active_90d"]
    rows = evaluated.rows[scored]
    probabilities = rows.assign(value=evaluated.probabilities[chosen.name][scored])["value"]
    references.append(Reference.of_numbers(PREDICTION, probabilities, len(rows)))
    log_record({"features": [reference.to_dict() for reference in references]}, FILE)


def histograms(sample: pd.DataFrame, encoder: FeatureEncoder) -> list[Reference]:
    """One histogram per feature of the encoder."""
    customers = int(sample["customer_id"].nunique())
    made = [
        Reference.of_numbers(name, sample[name].astype(float), customers)
        for name in encoder.numeric
    ]
    return made + [
        Reference.of_texts(name, sample[name], customers) for name, _ in encoder.categories
    ]


def logged_references(registry: Registry, model: Registered) -> list[Reference]:
    """The histograms of a version. Empty if it was trained before they were logged."""
    run: Run = registry.client.get_run(model.run_id)
    if not _has_file(registry, run):
        return []
    content: dict[str, Sequence[dict[str, Any]]] = registry.run_json(model.run_id, FILE)
    return [Reference.from_dict(row) for row in content["features"]]


def _has_file(registry: Registry, run: Run) -> bool:
    return any(f.path == FILE for f in registry.client.list_artifacts(run.info.run_id))
