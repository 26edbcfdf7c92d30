"""Outcomes of tasks on the page Campaigns: a form, and what was noted."""

from __future__ import annotations

import streamlit as st

from app.data import tasks
from app.data.tasks import Outcome
from app.session import Session
from app.text import heading, say, table
from contracts.silver import TASK_RESULTS
from runtime.errors import HoldfastError

RESULTS = {
    "done": "Done",
    "not_reached": "Not reached",
    "declined": "The customer declined",
    "not_done": "Not done",
}


def show_playbooks(session: Session) -> None:
    """The tasks of a campaign: how many have an outcome, the form, and the newest outcomes."""
    form = session.form
    heading("Tasks and their outcomes")
    campaigns = tasks.playbooks(session.lake, session.as_of)
    campaign = st.selectbox("Campaign or playbook", campaigns, key="playbook")
    counted = tasks.counts(session.lake, campaign)
    if counted:
        told = ", ".join(f"{RESULTS[r].lower()} {form.whole(counted.get(r, 0))}" for r in RESULTS)
        say(f"{form.count(sum(counted.values()), 'task')} noted: {told}.")
    else:
        say("No outcome has been noted for this campaign.")
    if session.user.is_editor:
        show_form(session, campaign)
    else:
        st.caption("Only editors note outcomes.")
    rows = tasks.noted(session.lake, campaign)
    if rows:
        table(
            [
                {
                    "Customer": row["customer_id"],
                    "Outcome": RESULTS.get(row["outcome"], row["outcome"]),
                    "Owner": row["owner"] or "-",
                    "Due": form.date(row["due_on"]),
                    "Noted": form.moment(row["noted_at"]),
                    "By": row["noted_by"] or "-",
                }
                for row in rows
            ]
        )


def show_form(session: Session, campaign: str) -> None:
    """The form for one outcome. Customers of the list come first; any known one can be typed."""
    waiting = tasks.open_customers(session.list, campaign)
    with st.form("task outcome", clear_on_submit=True):
        first, second, third, fourth = st.columns(4)
        customer = first.selectbox(
            "Customer",
            waiting,
            index=None,
            accept_new_options=True,
            placeholder="Choose or type a customer id",
        )
        outcome = second.selectbox("Outcome", TASK_RESULTS, format_func=RESULTS.__getitem__)
        owner = third.text_input("Owner", max_chars=tasks.LONGEST)
        due_on = fourth.date_input("Due", value=None, format="YYYY-MM-DD")
        is_sent = st.form_submit_button("Note the outcome", type="primary")
    if not is_sent:
        return
    if not customer:
        st.error("Choose a customer of the list, or type a customer id.")
        return
    given = Outcome(str(customer).strip(), campaign, outcome, owner, due_on)
    try:
        tasks.note(session.lake, session.user, given)
    except HoldfastError as error:
        st.error(str(error))
        return
    st.session_state["told"] = f"Noted: customer {given.customer_id}, {RESULTS[outcome].lower()}."
    st.rerun()
