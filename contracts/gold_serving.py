"""Gold: what the prediction service answered, and how far that equals a later recomputation."""

from __future__ import annotations

from contracts.table import Column, Table

INFERENCE_LOG = Table(
    name="gold.inference_log",
    row="One row per answer of the prediction service about one customer.",
    key=("request_id", "position", "arm"),
    columns=(
        Column("request_id", "string", "Id of the request, also in its response", False),
        Column("position", "int", "Place of the customer in a batch; 0: a single request", False),
        Column("request_at", "timestamp", "When the request arrived (UTC)", False),
        Column("customer_id", "string", "Customer; null: the request named none"),
        Column(
            "features",
            "string",
            "The features that were scored, as a JSON object; null: there were none",
            personal=True,
        ),
        Column("features_on", "date", "as_of of the features; null: they came with the request"),
        Column(
            "features_source",
            "string",
            "request, online_store, delta, or open_day (some are those of gold.engagement_live)",
            False,
        ),
        Column("model_version", "string", "Version in the model registry; null: not scored"),
        Column(
            "arm",
            "string",
            "champion, challenger (it answered, in an A/B test) or shadow (an answer of the "
            "challenger that was not sent)",
            False,
        ),
        Column("churn_probability", "double", "Probability in the answer; null: not scored"),
        Column("score_basis", "string", "model or cold_start; null: not scored"),
        Column("status", "int", "HTTP status of the answer about this customer", False),
        Column("duration_ms", "double", "Time until the answer was ready, milliseconds", False),
    ),
)

INFERENCE_CHECKS = Table(
    name="gold.inference_checks",
    row="One row per day of answers and model version, with the share that a recomputation does "
    "not confirm.",
    key=("answered_on", "model_version"),
    slice_by="answered_on",
    columns=(
        Column("answered_on", "date", "Day of the answers (UTC)", False),
        Column("model_version", "string", "Version in the model registry", False),
        Column("answers", "bigint", "Logged answers with a probability", False),
        Column(
            "recomputed",
            "bigint",
            "Answers that could be recomputed: with features from the request or the open day from "
            "these, else from the feature tables as they were at request_at",
            False,
        ),
        Column(
            "different",
            "bigint",
            "Recomputed answers whose probability differs by more than 1e-6",
            False,
        ),
        Column("different_share", "double", "different / recomputed; null: nothing recomputed"),
    ),
)

GOLD_SERVING = (INFERENCE_LOG, INFERENCE_CHECKS)
