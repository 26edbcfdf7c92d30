"""Campaigns: what was sent, and what it brought against the control group."""

from __future__ import annotations

import streamlit as st

from app.data import campaigns
from app.lake import Row
from app.screens.playbooks import show_playbooks
from app.screens.texts import show_changes, show_texts
from app.session import Session
from app.text import heading, literal, say, table, title

METRICS = {"conversion": "Conversion", "retained_revenue": "Retained revenue"}


def show(session: Session) -> None:
    """Draw the page."""
    form = session.form
    results = campaigns.results(session.lake, session.as_of)
    sent = campaigns.sent(session.lake, session.as_of)
    if results:
        best = results[0]
        title(
            f"Campaign {best['campaign_id']}: {effect(session, best)} "
            f"{METRICS[best['metric']].lower()} per customer against the control group",
            f"Campaigns measured until {form.date(session.as_of)}, newest month first.",
        )
        table([result_line(session, r) for r in results])
        st.caption("Not known: the interval contains 0. An interval is valid for a single look.")
    else:
        title(
            "No campaign has been measured against a control group",
            "The effect of an offer can only be measured if some customers are randomly held out.",
        )
    if sent:
        heading(f"Campaigns sent until {form.date(session.as_of)}")
        table([sent_line(session, r) for r in sent])
        st.caption(
            "Redeemed: share of the contacted customers. It is no effect: unless a campaign is "
            "randomised, its customers were chosen, not drawn."
        )
    else:
        say("No campaign has been sent before this date.")
    if told := st.session_state.pop("told", None):
        st.success(literal(told))
    show_playbooks(session)
    show_texts(session)
    show_changes(session)


def effect(session: Session, row: Row) -> str:
    """The difference between treated and held out, in the metric's unit."""
    if row["metric"] == "conversion":
        return f"{session.form.change(100 * row['effect'], 1)} percentage points"
    return session.form.cash(row["effect"])


def result_line(session: Session, row: Row) -> Row:
    """One measured campaign as a line."""
    form = session.form
    is_share = row["metric"] == "conversion"

    def shown(number: float | None) -> str:
        return form.percent(number) if is_share else form.cash(number)

    known = row["ci_low"] is not None and (row["ci_low"] > 0 or row["ci_high"] < 0)
    return {
        "Campaign": row["campaign_id"],
        "Month": row["month"],
        "Segment": row["segment"],
        "Offer": row["offer_id"],
        "Policy": row["policy"],
        "Metric": METRICS.get(row["metric"], row["metric"]),
        "Sent to": form.whole(row["treated"]),
        "Control group": form.whole(row["held_out"]),
        "Effect": effect(session, row),
        "95 % interval": f"{shown(row['ci_low'])} to {shown(row['ci_high'])}",
        "Worked": ("yes" if row["effect"] > 0 else "no, it harmed") if known else "not known",
    }


def sent_line(session: Session, row: Row) -> Row:
    """One sent campaign as a line."""
    form = session.form
    return {
        "Campaign": row["campaign_id"],
        "Offer": row["offer_id"] or "-",
        "From": form.date(row["first_on"]),
        "To": form.date(row["last_on"]),
        "Contacted": form.whole(row["contacted"]),
        "Control group": form.whole(row["held_out"]),
        "Redeemed": form.percent(row["redeemed"] / row["contacted"] if row["contacted"] else None),
        "Randomised": "yes" if row["is_randomised"] else "no",
    }
