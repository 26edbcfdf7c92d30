"""Today: the customers to contact, what is at stake, and what has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import streamlit as st

from app.data import campaigns, risk
from app.data.first_list import DECISIONS, RISK
from app.lake import Row
from app.offers import terms
from app.session import Session
from app.text import heading, say, table, title

FIRST = 20
# An alert appears if the customers at these levels rise by more than this share.
HIGH = ("CRITICAL", "HIGH")
ALERT_RISE = 0.2
AT_RISK = "Churn probability x value at stake over 12 months, active and silent customers"
VALUE_KEPT = "Expected, before cost. An effect that no experiment has measured is assumed in conf."


def show(session: Session) -> None:
    """Draw the page."""
    form, first = session.form, session.list
    totals = first.totals()
    before = risk.date_before(session.lake, session.as_of)
    levels = risk.levels(first, before)
    if first.source == RISK:
        title(
            f"{form.count(totals['customers'], 'customer')} by risk; no plan has been made",
            f"{form.date(session.as_of)}. Run plan_retention to choose customers under a budget.",
        )
    else:
        title(
            f"Contact {form.count(totals['customers'], 'customer')}",
            f"{form.date(session.as_of)}: {source_words(session)}. {sending_days(session, totals)}",
        )
    show_figures(session, totals, level_sums(levels, session))
    show_alerts(session, levels, before)
    show_promise(session)
    heading(f"The first {FIRST} to contact")
    table([line(session, row) for row in first.customers(FIRST)])
    st.caption(
        "The whole list, with reasons, is on the page Which 20 %; a customer's story on Customers."
    )


def source_words(session: Session) -> str:
    """Where the list comes from."""
    if session.list.source == DECISIONS:
        return "the plan that is sent (gold.offer_decisions), without the control group"
    name = session.settings.plan.default_strategy.replace("_", " ")
    return f"the retention plan by {name} (gold.retention_plan)"


def sending_days(session: Session, totals: Row) -> str:
    """When the offers of the list are sent."""
    first, last = (session.form.date(totals[name]) for name in ("first_on", "last_on"))
    return (
        f"Offers are sent on {first}."
        if first == last
        else f"Offers are sent from {first} to {last}."
    )


def level_sums(levels: list[Row], session: Session) -> Mapping[str, Row]:
    """The rows of the session's date by risk level."""
    return {row["risk_level"]: row for row in levels if row["as_of"] == session.as_of}


def show_figures(session: Session, totals: Row, levels: Mapping[str, Row]) -> None:
    """Four figures: the list's value at risk, cost and value kept, and all customers at risk."""
    at_risk = sum(row["at_risk"] or 0 for row in levels.values())
    stakes = [("At risk, all", at_risk), ("At risk, this list", totals["at_risk"])]
    cards = st.columns(4)
    for column, (label, amount), told in zip(cards, stakes, (AT_RISK, None), strict=False):
        name, text = (
            session.card(label, amount) if session.list.is_money else (label, session.stake(amount))
        )
        column.metric(name, text, border=True, help=told)
    cards[2].metric(*session.card("Value kept", totals["value_kept"]), border=True, help=VALUE_KEPT)
    cards[3].metric(*session.card("Expected cost", totals["cost"]), border=True)


def show_alerts(session: Session, levels: list[Row], before: dt.date | None) -> None:
    """Customers per risk level with the change, and an alert if those at high risk rise."""
    form = session.form
    if before is None:
        heading("Customers by risk level")
    else:
        heading(f"Customers by risk level, and change since {form.date(before)}")
    counts = {(row["as_of"], row["risk_level"]): row["customers"] for row in levels}
    names = [band["level"] for band in session.settings.risk.schemes[session.settings.risk.scheme]]
    for column, name in zip(st.columns(len(names)), names, strict=True):
        now, past = counts.get((session.as_of, name), 0), counts.get((before, name), 0)
        delta = None if before is None else form.change(now - past)
        column.metric(
            name,
            form.whole(now),
            delta,
            delta_color="inverse" if name != "LOW" else "normal",
            border=True,
        )
    now, past = (
        sum(counts.get((day, name), 0) for name in HIGH) for day in (session.as_of, before)
    )
    if before is not None and past and now > past * (1 + ALERT_RISE):
        st.warning(
            f"Customers at high or critical risk rose from {form.whole(past)} to {form.whole(now)}."
        )


def show_promise(session: Session) -> None:
    """Promised against measured: campaigns with a control group, else the plan's back-test."""
    form = session.form
    measured = [
        row
        for row in campaigns.results(session.lake, session.as_of)
        if row["segment"] == "all" and row["metric"] == "retained_revenue"
    ]
    heading("Promised and measured")
    if measured:
        row = measured[0]
        say(
            f"Campaign {row['campaign_id']}, {row['month']}: {form.cash(row['effect'])} more "
            f"revenue per customer who was sent the offer than in the control group, 95 % interval "
            f"{form.cash(row['ci_low'])} to {form.cash(row['ci_high'])}."
        )
        return
    test = risk.back_test(session.lake, session.as_of, session.settings.plan.default_strategy)
    if test.get("net_value_kept") is not None:
        say(
            f"Back-test one horizon ({session.horizon} days) earlier: the same plan would have "
            f"kept {form.cash(test['net_value_kept'])} after cost, 95 % interval "
            f"{form.cash(test['ci_low'])} to {form.cash(test['ci_high'])}."
        )
        st.caption(
            f"No campaign has been measured yet. Effect of the offers: {test['assumption']}."
        )
    else:
        say("No campaign has been measured yet, and there is no back-test for this date.")


def line(session: Session, row: Row) -> Row:
    """One customer of the list as a line of the table."""
    form = session.form
    return {
        "Customer": row["customer_id"],
        "Segment": row["segment"],
        "Risk": row["risk_level"],
        f"Leaves within {session.horizon} days": form.percent(row["churn_probability"]),
        "At stake": session.stake(row["at_stake"]),
        "Offer": terms(row["offer_id"]),
        "Send on": form.date(row["send_on"]),
        "Cost": form.cash(row["cost"]),
        "Value kept": form.cash(row["value_kept"]),
    }
