"""Purchases, contacts and profile of one customer."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from app import charts
from app.data import customers
from app.session import Session
from app.text import heading, say, table
from contracts.silver import CUSTOMERS


def show_history(session: Session, customer_id: str) -> None:
    """The timeline, the contacts and the profile."""
    left, right = st.columns(2)
    with left:
        show_months(session, customer_id)
    with right:
        show_contacts(session, customer_id)
    show_profile(session, customer_id)


def show_months(session: Session, customer_id: str) -> None:
    """Revenue per month."""
    heading("Purchases by month")
    rows = customers.months(session.lake, customer_id, session.as_of)
    if not rows:
        say("No purchases in the last 24 months.")
        return
    currency = session.form.currency or "currency of the purchases"
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar(color=charts.BLUE)
        .encode(
            x=alt.X("yearmonth(month):T", title=None),
            y=alt.Y("revenue", title=f"Revenue, {currency}"),
            tooltip=["purchases", "revenue"],
        )
    )
    total = session.form.cash(sum(r["revenue"] for r in rows))
    charts.show(chart, f"Revenue per month, {total} in {len(rows)} months")


def show_contacts(session: Session, customer_id: str) -> None:
    """The last contacts and whether the offer was redeemed."""
    heading("Contacts and results")
    rows = customers.contacts(session.lake, customer_id, session.as_of)
    if not rows:
        say("This customer has not been contacted.")
        return
    form = session.form
    st.table(
        pd.DataFrame(
            [
                {
                    "Contacted": form.date(row["contacted_at"]),
                    "Campaign": row["campaign_id"],
                    "Offer": row["offer_id"] or "-",
                    "Sent": "yes" if row["is_treated"] else "no, control group",
                    "Redeemed": form.count(row["redemptions"], "time"),
                }
                for row in rows[:8]
            ]
        ).set_index("Contacted")
    )


def show_profile(session: Session, customer_id: str) -> None:
    """The profile; viewers do not see the values of personal columns."""
    profile = customers.profile(session.lake, customer_id)
    personal = {c.name for c in CUSTOMERS.columns if c.personal}
    known = {
        name.replace("_", " ").capitalize(): session.user.personal(str(value))
        if name in personal
        else str(value)
        for name, value in profile.items()
        if value is not None
    }
    heading("Profile")
    if known:
        table([{"Field": name, "Value": value} for name, value in known.items()])
    else:
        say("The data say nothing about this customer's name, e-mail or plan.")
