"""One customer: what is at stake, when and why they may leave, and what to do."""

from __future__ import annotations

import streamlit as st

from app import charts
from app.data import customers
from app.lake import Row
from app.screens.customer_history import show_history
from app.screens.why_not_me import show_decision
from app.session import Session
from app.text import heading, literal, say, title
from runtime.feature_words import reason
from runtime.formats import LocaleFormat

DAYS_A_MONTH = 30


def show_customer(session: Session, customer_id: str) -> None:
    """Draw the page of a customer."""
    scores = customers.customer(session.list, customer_id)
    if not scores:
        title(f"Customer {customer_id[:80]} has no scores of {session.form.date(session.as_of)}")
        say("Lost customers and customers without a purchase before that date are not scored.")
        return
    form = session.form
    title(
        f"Customer {customer_id}: {form.percent(scores['churn_probability'])} churn probability, "
        f"{session.stake(scores['at_stake'])} at stake",
        f"{form.date(session.as_of)}, for the next {session.horizon} days. {scores['segment']}, "
        f"{scores['lifecycle']}, last purchase {form.count(scores['recency_days'], 'day')} ago.",
    )
    show_figures(session, scores)
    show_decision(session, scores)
    left, right = st.columns(2)
    with left:
        show_factors(session, customer_id)
    with right:
        show_survival(session, scores)
    show_history(session, customer_id)


def show_figures(session: Session, scores: Row) -> None:
    """Risk, value with interval, and the next purchase with interval."""
    form = session.form
    first, second, third, fourth = st.columns(4)
    first.metric("Risk level", scores["risk_level"], border=True)
    first.caption(literal(percentile_words(scores)))
    second.metric("12-month value (CLV)", form.cash(scores["clv_12m"]), border=True)
    second.caption(
        literal(interval(form.cash(scores["clv_12m_low"]), form.cash(scores["clv_12m_high"])))
    )
    third.metric("Next purchase", form.date(scores["next_purchase_on"]), border=True)
    third.caption(
        literal(
            interval(
                form.date(scores["next_purchase_low"]), form.date(scores["next_purchase_high"])
            )
        )
    )
    overdue = scores["days_overdue"]
    fourth.metric("Days overdue", form.whole(overdue), border=True)
    fourth.caption(literal(overdue_words(form, scores)))


def interval(low: str, high: str) -> str:
    """An interval in words; an unknown end is open.

    >>> interval("$1", "$3"), interval("$1", "-"), interval("-", "-")
    ('Interval $1 to $3', 'Interval from $1', 'Interval unknown')
    """
    if low == high == "-":
        return "Interval unknown"
    return f"Interval from {low}" if high == "-" else f"Interval {low} to {high}"


def percentile_words(scores: Row) -> str:
    """How the risk compares with all customers and with the segment."""
    everyone, segment = scores["risk_percentile"], scores["risk_percentile_in_segment"]
    if everyone is None:
        return "No percentile: not active or silent"
    return f"Percentile {everyone} of 100 in all, {segment or '-'} in the segment"


def overdue_words(form: LocaleFormat, scores: Row) -> str:
    """How unusual the silence is for this customer."""
    if scores["overdue_percentile"] is None:
        return "Rhythm unknown"
    share = form.percent(scores["overdue_percentile"] / 100, 0)
    return f"Longer than {share} of this customer's expected gaps"


def show_factors(session: Session, customer_id: str) -> None:
    """The factors of the risk as bars, and the reasons to leave."""
    heading("What moves the risk")
    rows = customers.factors(session.list, customer_id)
    if not rows:
        say("No factors are known: the customer was not scored by a model.")
        return
    named = [
        {"factor": reason(row["feature"], row["value"], session.form), "impact": row["impact"]}
        for row in rows
    ]
    charts.show(
        charts.bars(named, "factor", "impact", title="Effect on risk, log-odds", number="+.1f"),
        "; ".join(
            f"{'raises' if r['impact'] > 0 else 'lowers'} the risk: {r['factor']}" for r in named
        ),
    )
    st.caption("Orange lowers the risk, blue raises it.")
    known = [r for r in customers.reasons(session.list, customer_id) if r["reason"] != "unknown"]
    if known:
        told = ", ".join(
            f"{r['reason']} {session.form.percent(r['probability'], 0)}" for r in known
        )
        say(f"Reasons: {told}. Basis: {known[0]['reason_basis'].replace('_', ' ')}.")
    else:
        say("Reasons: the features point to no reason such as price or support.")


def show_survival(session: Session, scores: Row) -> None:
    """The customer's survival curve beside the segment's, and the likely date."""
    form = session.form
    heading("How long this customer stays")
    months = {1: "survival_1m", 3: "survival_3m", 12: "survival_12m", 36: "survival_36m"}
    own = [
        {"months": float(m), "share": scores[column], "who": "this customer"}
        for m, column in months.items()
        if scores[column] is not None
    ]
    if not own:
        say("No survival model has scored this customer.")
        return
    curve = customers.segment_curve(session.list, scores["segment"])
    rows = [{"months": 0.0, "share": 1.0, "who": "this customer"}, *own]
    rows += [
        {"months": r["days_ahead"] / DAYS_A_MONTH, "share": r["survival"], "who": scores["segment"]}
        for r in curve
    ]
    charts.show(
        charts.lines(
            rows,
            "months",
            "share",
            by="who",
            titles=("Months from now", "Still a customer"),
            number=".0%",
            domain=(0, 1),
        ),
        f"Probability of still being a customer: {form.percent(own[0]['share'])} after 1 month",
    )
    if scores["likely_churn_date"]:
        span = interval(
            form.date(scores["earliest_churn_date"]), form.date(scores["latest_churn_date"])
        )
        say(
            f"Half of such customers have left by {form.date(scores['likely_churn_date'])}. {span}."
        )
