"""Gold: how satisfied customers are, and from what it is known."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

SATISFACTION = Table(
    name="gold.satisfaction",
    row="One row per known customer at as_of, with their satisfaction if anything tells it.",
    key=("customer_id", "as_of"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        CUSTOMER_ID,
        AS_OF,
        Column("segment", "string", "Segment at as_of, as in gold.customer_segments", False),
        Column(
            "satisfaction_score",
            "double",
            "0 to 10. Basis survey: the score of the latest answer given and known before as_of; "
            "of several at the same time the lowest. Basis stars: (stars - 1) * 2.5 of the mean "
            "stars (1 to 5) of all reviews. Basis sentiment: (sentiment + 1) * 5 of the mean of "
            "review_sentiment_mean and ticket_sentiment_mean (-1 to 1), or of the one that exists. "
            "Null: unknown, never a guess",
        ),
        Column(
            "satisfaction_basis",
            "string",
            "The first that exists: survey, stars or sentiment; unknown: none, the score is null",
            False,
        ),
        Column("answered_on", "date", "Day of the answer (UTC); null: the basis is not survey"),
    ),
)

GOLD_SATISFACTION = (SATISFACTION,)
