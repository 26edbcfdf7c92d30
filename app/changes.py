"""The audit of changes: no change happens before it is recorded in gold.app_changes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from app.identity import User
from app.lake import Lake, Row
from app.writing import append, now
from contracts.gold_app import APP_CHANGES
from runtime.errors import UsageError
from runtime.files import Location

SHOWN = 20


@contextmanager
def recorded(
    root: Location, user: User, action: str, *, subject: str, details: str | None = None
) -> Iterator[None]:
    """Record a change before it and after it. UsageError: the user is no editor.

    details: the new value in words, without personal data.
    """
    if not user.is_editor:
        raise UsageError(f"{user.name} is a viewer. Only editors may change something.")
    change = {
        "change_id": uuid.uuid4().hex,
        "changed_by": user.name,
        "action": action,
        "subject": subject,
        "details": details,
    }

    def note(state: str) -> None:
        append(root, APP_CHANGES, [{**change, "state": state, "changed_at": now()}])

    note("started")
    try:
        yield
    except BaseException:
        note("failed")
        raise
    note("done")


def newest(lake: Lake) -> list[Row]:
    """The newest changes, with the last state of each."""
    sql = """SELECT * FROM {gold.app_changes}
             QUALIFY row_number() OVER (PARTITION BY change_id ORDER BY changed_at DESC,
                                        state = 'started') = 1
             ORDER BY changed_at DESC, change_id"""
    return lake.rows(sql, most=SHOWN)
