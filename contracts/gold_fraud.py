"""Gold: the fraud score and the decision of each payment."""

from __future__ import annotations

from contracts.table import Column, Table

DECISIONS = ("approve", "review", "block")
DEGRADED = "degraded"

FRAUD_SCORES = Table(
    name="gold.fraud_scores",
    row="One row per payment, with what /fraud/score decides about it.",
    key=("payment_id",),
    slice_by="paid_on",
    columns=(
        Column("payment_id", "string", "Identifier of the payment", False),
        Column("customer_id", "string", "Customer identifier of the company", False),
        Column("paid_on", "date", "Day of the payment (UTC)", False),
        Column(
            "score",
            "double",
            "basis model: probability of fraud; anomaly: 0 (usual) to 1; degraded: null",
        ),
        Column("decision", "string", f"One of {', '.join(DECISIONS)}", False),
        Column("is_alert", "boolean", "True: the decision is review or block", False),
        Column(
            "reason",
            "string",
            "What raised the score most, separated by '; '; null: nothing raised it",
        ),
        Column(
            "basis",
            "string",
            "model (trained on labels), anomaly (no labels exist) or degraded (rules on the "
            "payment alone, as its windows were not known)",
            False,
        ),
        Column("model_version", "string", "Version in the model registry; null: degraded"),
        Column(
            "answered_at",
            "timestamp",
            "When /fraud/score answered (UTC), whose row score_payments keeps; null: nobody asked, "
            "score_payments decided",
        ),
    ),
)

GOLD_FRAUD = (FRAUD_SCORES,)
