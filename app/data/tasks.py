"""Tasks of playbooks: who is open, and what people noted."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from app.changes import recorded
from app.data.first_list import FirstList
from app.identity import User
from app.lake import Lake, Row
from app.writing import append, now
from contracts.silver import TASK_OUTCOMES, TASK_RESULTS
from runtime.errors import UsageError
from runtime.files import Location

# What the source column of silver.task_outcomes says; no source of conf can have this name.
SOURCE = "holdfast-app"
MOST_OPEN, MOST_SHOWN, LONGEST = 200, 50, 100
PLAYBOOKS = """
    SELECT campaign_id, min(as_of) AS since FROM {gold.offer_decisions}
    WHERE as_of <= $as_of AND offer_id IS NOT NULL GROUP BY campaign_id
    UNION
    SELECT campaign_id, CAST(min(contacted_at) AS DATE) FROM {silver.campaign_contacts}
    WHERE CAST(contacted_at AS DATE) < $as_of GROUP BY campaign_id
"""


@dataclass(frozen=True)
class Outcome:
    """What a person enters about one task."""

    customer_id: str
    campaign_id: str
    outcome: str
    owner: str | None = None
    due_on: dt.date | None = None


def playbooks(lake: Lake, as_of: dt.date) -> list[str]:
    """The campaigns until the date, the newest first; the plan's own name if there is none."""
    sql = f"SELECT campaign_id FROM ({PLAYBOOKS}) ORDER BY since DESC, campaign_id"
    rows = lake.rows(sql, {"as_of": as_of}, MOST_SHOWN)
    return [*dict.fromkeys(r["campaign_id"] for r in rows)] or [f"plan-{as_of}"]


def open_customers(first: FirstList, campaign_id: str) -> list[str]:
    """The customers of the list without an outcome in this campaign, in the order of the list."""
    select = f"""
        SELECT customer_id FROM wanted JOIN scored USING (customer_id)
        WHERE customer_id NOT IN (SELECT customer_id FROM {{silver.task_outcomes}}
                                  WHERE campaign_id = $campaign_id)
        ORDER BY priority DESC, at_risk DESC, churn_probability DESC, customer_id
        LIMIT {MOST_OPEN}"""
    values = {"as_of": first.as_of, "campaign_id": campaign_id}
    return [row["customer_id"] for row in first.lake.rows(first.sql(select), values, MOST_OPEN)]


def noted(lake: Lake, campaign_id: str) -> list[Row]:
    """The newest outcomes of a campaign."""
    sql = """SELECT * FROM {silver.task_outcomes} WHERE campaign_id = $campaign_id
             ORDER BY noted_at DESC, task_id"""
    return lake.rows(sql, {"campaign_id": campaign_id}, MOST_SHOWN)


def counts(lake: Lake, campaign_id: str) -> dict[str, int]:
    """How many tasks of a campaign have each outcome."""
    sql = """SELECT outcome, count(*) AS tasks FROM {silver.task_outcomes}
             WHERE campaign_id = $campaign_id GROUP BY outcome"""
    return {row["outcome"]: row["tasks"] for row in lake.rows(sql, {"campaign_id": campaign_id})}


def is_known(lake: Lake, customer_id: str) -> bool:
    """Whether the customer exists in the segments of any date."""
    sql = "SELECT 1 AS known FROM {gold.customer_segments} WHERE customer_id = $customer_id"
    return bool(lake.row(sql, {"customer_id": customer_id}))


def note(lake: Lake, user: User, given: Outcome) -> str:
    """Append one outcome to silver.task_outcomes. Returns its task_id.

    UsageError: an unknown customer or outcome, or a text that is too long.
    """
    if given.outcome not in TASK_RESULTS:
        raise UsageError(f"The outcome {given.outcome!r} must be one of {', '.join(TASK_RESULTS)}.")
    if not is_known(lake, given.customer_id):
        raise UsageError(
            f"There is no customer {given.customer_id[:LONGEST]}. Choose one of the list, or type "
            "the whole customer id."
        )
    owner = (given.owner or "").strip() or None
    if owner and len(owner) > LONGEST:
        raise UsageError(f"The owner has {len(owner)} characters, at most {LONGEST} are stored.")
    task_id, moment = uuid.uuid4().hex, now()
    row = {
        "task_id": task_id,
        "customer_id": given.customer_id,
        "campaign_id": given.campaign_id,
        "owner": owner,
        "due_on": given.due_on,
        "outcome": given.outcome,
        "noted_at": moment,
        "noted_by": user.name,
        "known_at": moment,
        "source": SOURCE,
        "batch_id": f"app-{task_id}",
        # Tasks of the app are unique by their id.
        "content_hash": int(task_id[:15], 16),
    }
    root = Location.of(lake.root)
    with recorded(root, user, "note_outcome", subject=task_id, details=given.outcome):
        append(root, TASK_OUTCOMES, [row])
    return task_id
