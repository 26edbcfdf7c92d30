"""Approval of the texts that Claude wrote, on the page Campaigns."""

from __future__ import annotations

import streamlit as st

from app import changes
from app.data import texts
from app.lake import Row
from app.session import Session
from app.text import heading, literal, say, table
from runtime.approval_options import STATUSES
from runtime.errors import HoldfastError

ACTIONS = {
    "approve_text": "Approved a text",
    "reject_text": "Rejected a text",
    "note_outcome": "Noted an outcome",
    "upload": "Uploaded a file",
    "delete_upload": "Deleted an upload",
    "load": "Loaded an upload",
    "train": "Trained on an upload",
    "score": "Scored an upload",
}


def show_texts(session: Session) -> None:
    """The texts of a status, each with the buttons of an editor."""
    counted = texts.counts(session.lake)
    heading("Texts of messages")
    if not counted:
        say("No text has been written. Run write_messages, or send the templates of conf.")
        return
    form = session.form
    told = ", ".join(f"{form.whole(counted[s])} {s}" for s in STATUSES if s in counted)
    say(f"{told}. Only an approved text is sent.")
    known = [s for s in STATUSES if s in counted]
    status = st.segmented_control("Show texts", known, default=known[0], key="text status")
    if status is None:
        return
    rows = texts.of_status(session.lake, status)
    for row in rows:
        show_text(session, row)
    if len(rows) < counted[status]:
        st.caption(f"The first {len(rows)} of {form.count(counted[status], 'text')}.")


def show_text(session: Session, row: Row) -> None:
    """One text with its offer, and what an editor can do with it."""
    with st.container(border=True):
        say(row["text"])
        about = f"{row['offer_id']}, {row['language']}, {row['theme']}, {row['tone']}"
        if row["approved_by"]:
            decided = session.form.moment(row["approved_at"])
            about += f". {row['status'].capitalize()} by {row['approved_by']}, {decided}"
        if row["status"] == "refused":
            about += f". Form checks: {row['form_verdict']}; judge: {row['judge_verdict']}"
        st.caption(literal(about))
        if not session.user.is_editor or row["status"] == "refused":
            return
        with st.container(horizontal=True):
            if row["status"] != "approved":
                button(session, row, "Approve", is_approved=True)
            if row["status"] != "rejected":
                button(session, row, "Reject", is_approved=False)


def button(session: Session, row: Row, label: str, *, is_approved: bool) -> None:
    """A button that decides on the text."""
    key = f"{label} {row['text_id']}"
    if not st.button(label, key=key, type="primary" if is_approved else "secondary"):
        return
    try:
        texts.decide(session.lake, session.user, row["text_id"], is_approved=is_approved)
    except HoldfastError as error:
        st.error(str(error))
        return
    st.session_state["told"] = f"{label.removesuffix('e')}ed: {row['text'][:60]}..."
    st.rerun()


def show_changes(session: Session) -> None:
    """The newest changes that people made in the app, for editors."""
    rows = changes.newest(session.lake)
    if not rows or not session.user.is_editor:
        return
    heading("Changes made in the app")
    table(
        [
            {
                "When": session.form.moment(row["changed_at"]),
                "Who": row["changed_by"],
                "What": ACTIONS.get(row["action"], row["action"]),
                "Details": row["details"] or "-",
                "State": row["state"],
            }
            for row in rows
        ]
    )
