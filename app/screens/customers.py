"""Customers: search on the server, then everything about one of them."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from app.data import customers
from app.lake import PAGE_ROWS, Row
from app.screens.one_customer import show_customer
from app.session import Session
from app.text import title


def show(session: Session) -> None:
    """Draw one customer if the address or the list names one, else the list."""
    chosen = st.query_params.get("customer", "")
    if chosen:
        if st.button("Back to the list", icon=":material/arrow_back:"):
            del st.query_params["customer"]
            st.rerun()
        show_customer(session, chosen)
    else:
        show_list(session)


def show_list(session: Session) -> None:
    """Search, filters and one page of customers."""
    form, first = session.form, session.list
    place = st.container()
    boxes = st.columns(4)
    search = boxes[0].text_input("Customer", help="The whole customer id, or how it begins").strip()
    segments = customers.segment_names(session.lake, session.as_of)
    segment = boxes[1].selectbox("Segment", ["", *segments], format_func=lambda s: s or "All")
    levels = [b["level"] for b in session.settings.risk.schemes[session.settings.risk.scheme]]
    level = boxes[2].selectbox("Risk level", ["", *levels], format_func=lambda s: s or "All")
    order = boxes[3].selectbox("Sort by", list(customers.ORDERS))
    totals = customers.matching(first, search, segment, level=level)
    with place:
        title(
            f"{form.count(totals['customers'], 'customer')}, "
            f"{session.stake(totals['at_risk'])} at risk",
            f"{form.date(session.as_of)}. At risk: churn probability within {session.horizon} days "
            "x value at stake over 12 months.",
        )
    if not totals["customers"]:
        st.info("No customer matches. Clear the search or choose All.")
        return
    pages = math.ceil(totals["customers"] / PAGE_ROWS)
    number = 1
    if pages > 1:
        number = st.number_input(f"Page, 1 to {form.whole(pages)}", 1, pages, 1, width=180)
    rows = customers.page(first, search, segment, level=level, order=order, number=int(number) - 1)
    chosen = st.dataframe(
        pd.DataFrame([line(session, row) for row in rows]),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=min(36 * len(rows) + 40, 640),
        key=f"list {search} {segment} {level} {order} {number}",
    )
    st.caption("Select a row to open the customer; or type the customer id and open it here.")
    if picked := chosen.selection.rows:
        open_customer(rows[picked[0]]["customer_id"])
    if search and st.button("Open the first customer", type="primary"):
        open_customer(rows[0]["customer_id"])


def open_customer(customer_id: str) -> None:
    """Show a customer, whose page has an address of its own."""
    st.query_params["customer"] = customer_id
    st.rerun()


def line(session: Session, row: Row) -> Row:
    """One customer as a line of the list."""
    form = session.form
    return {
        "Customer": row["customer_id"],
        "Segment": row["segment"],
        "Risk level": row["risk_level"],
        "Churn probability": form.percent(row["churn_probability"]),
        "At stake": session.stake(row["at_stake"]),
        "At risk": session.stake(row["at_risk"]),
        "Days overdue": form.whole(row["days_overdue"]),
        "Next purchase": form.date(row["next_purchase_on"]),
        "On the list": "yes" if row["is_listed"] else "no",
    }
