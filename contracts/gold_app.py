"""Gold: who changed what in the app."""

from __future__ import annotations

from contracts.table import Column, Table

CHANGE_STATES = ("started", "done", "failed")

APP_CHANGES = Table(
    name="gold.app_changes",
    row="One row per change in the app and state: started before it, then done or failed.",
    key=("change_id", "state"),
    columns=(
        Column("change_id", "string", "Identifier of the change", False),
        Column("state", "string", f"One of {', '.join(CHANGE_STATES)}", False),
        Column("changed_at", "timestamp", "When the state was reached (UTC)", False),
        Column("changed_by", "string", "Name from the log-in; local: there is no log-in", False),
        Column(
            "action",
            "string",
            "upload, delete_upload, load, train, score, approve_text, reject_text or note_outcome",
            False,
        ),
        Column("subject", "string", "Identifier of what was changed", False),
        Column("details", "string", "The new value in words; null: none. Never a personal value"),
    ),
)

GOLD_APP = (APP_CHANGES,)
