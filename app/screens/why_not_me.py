"""Why a customer is on the list, or which budget or evidence would put them there."""

from __future__ import annotations

import streamlit as st

from app.budgets import budget_of, plan
from app.data.first_list import DECISIONS
from app.data.plan import NET_VALUE, decision, left_out
from app.lake import Row
from app.offers import terms
from app.session import Session
from app.text import heading, literal, say


def show_decision(session: Session, scores: Row) -> None:
    """The offer and its reason, or why there is none and what would change it."""
    form = session.form
    if scores["why"]:
        heading("What to do")
        say(
            f"Send {scores['offer_id']} ({terms(scores['offer_id'])}) on "
            f"{form.date(scores['send_on'])}. Expected cost "
            f"{form.cash(scores['cost'])}, expected value kept {form.cash(scores['value_kept'])}."
        )
        st.caption(literal(scores["why"]))
        if scores["recommended_actions"]:
            say(f"Recommended: {scores['recommended_actions']}.")
        return
    heading("Why not this customer")
    for sentence in sentences(session, scores):
        say(sentence)


def sentences(session: Session, scores: Row) -> list[str]:
    """Why the customer is left out, and what would change that."""
    customer_id, name = scores["customer_id"], session.settings.plan.default_strategy
    made = decision(session.lake, session.as_of, customer_id)
    row = left_out(session.lake, session.as_of, name, customer_id=customer_id)
    told = [made["why"]] if session.list.source == DECISIONS and made else []
    if made.get("is_held_out"):
        return [*told, "The customer is in the control group, which is sent nothing on purpose."]
    if not row:
        return told or ["No plan has been made for this date."]
    if row["rank"] is None:
        return [*(told or [row["why"]]), *evidence_of_risk(session, scores, row)]
    return [*told, *what_would_change(session, customer_id, name)]


def evidence_of_risk(session: Session, scores: Row, row: Row) -> list[str]:
    """What would make a customer without a rank one who is considered now."""
    threshold = scores["decision_threshold"]
    if row["timing"] != "later" or threshold is None or scores["churn_prediction"]:
        return []
    form = session.form
    return [
        f"An offer is considered now from a churn probability of {form.percent(threshold)}; this "
        f"customer's is {form.percent(scores['churn_probability'])}."
    ]


def what_would_change(session: Session, customer_id: str, name: str) -> list[str]:
    """The budget and the gain that would put a ranked customer on the list, both verified."""
    form, budget, ranked = session.form, budget_of(session), plan(session, name)
    change = ranked.what_changes(customer_id, budget.size, budget.unit)
    told = [f"Rank {form.whole(change['rank'])} under {name.replace('_', ' ')}."]
    if change["is_chosen"]:
        return [*told, "The retention plan chooses this customer; the plan that is sent does not."]
    if change["budget"] is not None and budget.unit == "customers":
        told.append(
            f"Budget: the plan reaches this customer from "
            f"{form.count(change['budget'], 'customer')} "
            f"({form.percent(budget.share_of(change['budget']))} of the active and silent ones); "
            f"it has {form.whole(budget.size)}."
        )
    elif change["budget"] is not None:
        told.append(
            f"Budget: the plan reaches this customer from {form.cash(change['budget'])}; it has "
            f"{form.cash(budget.size)}."
        )
    else:
        told.append("Budget: no budget is enough, because the offer costs more than it keeps.")
    if name == NET_VALUE and change["gain"] is not None and change["kept"] == change["kept"]:
        needed = change["gain"] + change["cost"]
        told.append(
            f"Evidence: an expected value kept above {form.cash(needed)} under the same budget; it "
            f"is {form.cash(change['kept'])}."
        )
    told.append("Both were checked by computing the plan again.")
    return told
