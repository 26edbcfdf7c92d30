"""Live: engagement, satisfaction, tickets, sentiment and fraud alerts."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from app import charts
from app.data import live
from app.lake import Row
from app.session import Session
from app.text import heading, say, table, title

STREAM = "Run stream_events: it reads events as they arrive and writes gold.engagement_live."
PAYMENTS = "Run score_payments: it writes gold.fraud_scores from silver.payments."


def show(session: Session) -> None:
    """Draw the page."""
    has_engagement, has_fraud = session.lake.has(live.ENGAGEMENT), session.lake.has(live.FRAUD)
    now = live.engagement(session.lake) if has_engagement else {}
    alerts = live.fraud(session.lake) if has_fraud else {}
    parts = []
    if now.get("customers"):
        parts.append(f"{session.form.count(now['fell'], 'customer')} less engaged than yesterday")
    if alerts.get("payments"):
        parts.append(session.form.count(alerts["alerts"], "fraud alert"))
    told = ", ".join(parts)
    title(
        told[:1].upper() + told[1:] if told else "No live data yet",
        f"Engagement and payments as the newest event left them; tickets, satisfaction and "
        f"sentiment of {session.form.date(session.as_of)}.",
    )
    show_engagement(session, now)
    show_fraud(session, alerts)
    left, right = st.columns(2)
    with left:
        show_satisfaction(session)
    with right:
        show_sentiment(session)
    show_tickets(session)
    if told and st.button("Refresh", icon=":material/refresh:"):
        st.rerun()


def show_engagement(session: Session, now: Row) -> None:
    """Mean engagement, customers by level, and who fell most."""
    heading("Engagement")
    if not now.get("customers"):
        say(STREAM)
        return
    form = session.form
    cards = st.columns(4)
    cards[0].metric("Mean engagement, 0 to 1", form.fixed(now["score"], 2), border=True)
    change = form.fixed(now["change"], 3)
    cards[1].metric("Mean change since yesterday", change, border=True)
    cards[2].metric("Customers who fell", form.whole(now["fell"]), border=True)
    cards[3].metric("Customers who rose", form.whole(now["rose"]), border=True)
    st.caption(f"Last event {form.moment(now['updated_at'])}.")
    levels = live.engagement_levels(session.lake)
    if levels:
        told = ", ".join(f"{r['level']} {form.whole(r['customers'])}" for r in levels)
        say(f"Customers by level: {told}.")
    rows = live.fallen(session.lake)
    if rows:
        heading("Whose engagement fell most since yesterday")
        table(
            [
                {
                    "Customer": r["customer_id"],
                    "Engagement": form.fixed(r["engagement_score"], 2),
                    "Change": form.fixed(r["change_1d"], 2),
                    "Level": r["level"] or "-",
                    "Last event": form.moment(r["updated_at"]),
                }
                for r in rows
            ]
        )


def show_fraud(session: Session, alerts: Row) -> None:
    """How many payments raised an alert, and the newest of them."""
    heading("Fraud alerts")
    if not alerts.get("payments"):
        say(PAYMENTS)
        return
    form = session.form
    say(
        f"{form.count(alerts['payments'], 'payment')}, "
        f"{form.count(alerts['alerts'], 'alert')}, of which "
        f"{form.whole(alerts['blocked'])} blocked. Last payment on "
        f"{form.date(alerts['last_on'])}."
    )
    rows = live.fraud_alerts(session.lake)
    if rows:
        table(
            [
                {
                    "Payment": r["payment_id"],
                    "Customer": r["customer_id"],
                    "Day": form.date(r["paid_on"]),
                    "Score": form.fixed(r["score"], 2),
                    "Decision": r["decision"],
                    "Why": r["reason"] or "-",
                    "Basis": r["basis"],
                }
                for r in rows
            ]
        )


def show_satisfaction(session: Session) -> None:
    """Mean satisfaction, and how many are low."""
    heading("Satisfaction")
    row, form = live.satisfaction(session.lake, session.as_of), session.form
    if not row.get("customers"):
        say(
            "Nothing tells how satisfied customers are: conf has no source of surveys, reviews or "
            "tickets with text."
        )
        return
    say(
        f"Mean {form.fixed(row['score'], 1)} of 10 for {form.count(row['customers'], 'customer')}: "
        f"{form.whole(row['low'])} below 7, {form.whole(row['high'])} at 9 or above. Known from "
        f"{row['basis']}."
    )


def show_sentiment(session: Session) -> None:
    """Mean sentiment of tickets and reviews."""
    heading("Sentiment")
    row, form = live.sentiment(session.lake, session.as_of), session.form
    told = [
        f"{name} {form.fixed(row[name], 2)} ({form.count(row[f'by_{name}'], 'customer')})"
        for name in ("tickets", "reviews")
        if row.get(f"by_{name}")
    ]
    if not told:
        say("No ticket or review with a text was read.")
        return
    say(f"Mean from -1 to 1: {', '.join(told)}. Below 0: {form.count(row['low'], 'customer')}.")


def show_tickets(session: Session) -> None:
    """Open tickets, and those opened and resolved per day."""
    heading("Support tickets")
    totals, form = live.ticket_totals(session.lake, session.as_of), session.form
    if not totals.get("tickets"):
        say("conf has no source of support tickets, or it has no ticket before this date.")
        return
    say(
        f"{form.count(totals['open'], 'ticket')} open; "
        f"{form.whole(totals['opened'])} opened in the last {live.DAYS} days."
    )
    rows = live.tickets(session.lake, session.as_of)
    frame = pd.DataFrame(
        [
            {"day": r["day"], "tickets": r[kind], "kind": kind}
            for r in rows
            for kind in ("opened", "resolved")
        ]
    )
    frame["day"] = pd.to_datetime(frame["day"])
    chart = (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            x=alt.X("day:T", title="Day"),
            y=alt.Y("tickets", title="Tickets"),
            color=alt.Color(
                "kind",
                title=None,
                scale=alt.Scale(range=[charts.BLUE, charts.ORANGE]),
                legend=alt.Legend(orient="bottom"),
            ),
            strokeDash=alt.StrokeDash("kind", legend=None),
        )
    )
    charts.show(chart, f"{form.whole(totals['opened'])} tickets opened in {live.DAYS} days")
