"""The texts that wait for a person, and the decision on them: as `approve_texts` decides."""

from __future__ import annotations

from app.changes import recorded
from app.identity import User
from app.lake import Lake, Row
from app.writing import now, update
from contracts.gold_messages import TEXT_POOL
from runtime.approval_options import SHORT_ID, check_usable
from runtime.errors import UsageError
from runtime.files import Location
from udfs.text_status import STATUS, decision

MOST_SHOWN = 20


def counts(lake: Lake) -> dict[str, int]:
    """How many texts of the pool have each status."""
    sql = f"SELECT {STATUS} AS status, count(*) AS texts FROM {{gold.text_pool}} GROUP BY ALL"
    return {row["status"]: row["texts"] for row in lake.rows(sql)}


def of_status(lake: Lake, status: str) -> list[Row]:
    """Texts with a status, by offer, language, theme and tone."""
    sql = f"""SELECT *, {STATUS} AS status FROM {{gold.text_pool}} WHERE {STATUS} = $status
              ORDER BY offer_id, language, theme, tone, text_id"""
    return lake.rows(sql, {"status": status}, MOST_SHOWN)


def decide(lake: Lake, user: User, text_id: str, *, is_approved: bool) -> None:
    """Record the decision on a text. UsageError: no such text, or the checks refused it."""
    sql = f"SELECT *, {STATUS} AS status FROM {{gold.text_pool}} WHERE text_id = $text_id"
    text = lake.row(sql, {"text_id": text_id})
    if not text:
        raise UsageError(f"text_id {text_id[:SHORT_ID]}: no text has this id. Load the page again.")
    if is_approved:
        check_usable(text)
    # The verdicts of a text never change after it was written.
    decided = decision(is_approved, user.name, now())
    root, action = Location.of(lake.root), "approve_text" if is_approved else "reject_text"
    with recorded(root, user, action, subject=text_id, details=text["offer_id"]):
        update(root, TEXT_POOL, text_id, change=lambda row: row | decided)
