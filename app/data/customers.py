"""Customers: search on the server, and everything about one of them."""

from __future__ import annotations

import datetime as dt

from app.data.first_list import FirstList
from app.lake import PAGE_ROWS, Lake, Row

# What the list can be sorted by: name on the screen -> SQL order.
ORDERS = {
    "At risk, highest first": "at_risk DESC NULLS LAST",
    "Churn probability, highest first": "churn_probability DESC NULLS LAST",
    "Value at stake, highest first": "at_stake DESC NULLS LAST",
    "Days overdue, most first": "days_overdue DESC NULLS LAST",
    "Next purchase, earliest first": "next_purchase_on NULLS LAST",
    "Customer": "customer_id",
}
MATCHES = """
    (customer_id = $search OR $search = '' OR starts_with(customer_id, $search))
    AND ($segment = '' OR segment = $segment) AND ($level = '' OR risk_level = $level)
"""


def matching(first: FirstList, search: str, segment: str, *, level: str) -> Row:
    """One row: how many customers match, and what is at risk. Empty texts match all."""
    sql = f"""SELECT count(*) AS customers, sum(at_risk) AS at_risk, sum(at_stake) AS at_stake
              FROM scored WHERE {MATCHES}"""
    return first.lake.row(first.sql(sql), _values(first, search, segment, level))


def page(
    first: FirstList, search: str, segment: str, *, level: str, order: str, number: int
) -> list[Row]:
    """The customers of a page (from 0), at most PAGE_ROWS. `order`: a name in ORDERS."""
    sql = f"""
        SELECT s.customer_id, s.segment, s.lifecycle, s.risk_level, s.churn_probability, s.at_stake,
               s.at_risk, s.days_overdue, s.next_purchase_on, w.customer_id IS NOT NULL AS is_listed
        FROM scored s LEFT JOIN wanted w USING (customer_id)
        WHERE {MATCHES.replace("customer_id", "s.customer_id")}
        ORDER BY {ORDERS[order]}, s.customer_id OFFSET {number * PAGE_ROWS}"""
    return first.lake.rows(first.sql(sql), _values(first, search, segment, level), PAGE_ROWS)


def _values(first: FirstList, search: str, segment: str, level: str) -> Row:
    values = {"as_of": first.as_of, "search": search, "segment": segment, "level": level}
    return values


def segment_names(lake: Lake, as_of: dt.date) -> list[str]:
    """The segments of the date that have customers."""
    sql = "SELECT DISTINCT segment FROM {gold.customer_segments} WHERE as_of = $as_of ORDER BY 1"
    return [row["segment"] for row in lake.rows(sql, {"as_of": as_of}) if row["segment"]]


def customer(first: FirstList, customer_id: str) -> Row:
    """The scores, segment and place in the list of one customer; empty if not scored."""
    sql = """
        SELECT s.*, w.offer_id, w.send_on, w.why, w.cost, w.value_kept, l.survival_1m,
               l.survival_3m, l.survival_12m, l.survival_36m, l.frequency, l.observed_days,
               g.monetary
        FROM scored s
        LEFT JOIN wanted w USING (customer_id)
        LEFT JOIN {gold.customer_lifetime} l ON l.customer_id = s.customer_id AND l.as_of = $as_of
        JOIN {gold.customer_segments} g ON g.customer_id = s.customer_id AND g.as_of = $as_of
        WHERE s.customer_id = $customer_id"""
    return first.lake.row(first.sql(sql), {"as_of": first.as_of, "customer_id": customer_id})


def factors(first: FirstList, customer_id: str) -> list[Row]:
    """The features that move the customer's risk, the strongest first."""
    sql = """SELECT rank, feature, value, impact FROM {gold.risk_factors}
             WHERE as_of = $as_of AND customer_id = $customer_id ORDER BY rank"""
    return first.lake.rows(sql, {"as_of": first.as_of, "customer_id": customer_id})


def reasons(first: FirstList, customer_id: str) -> list[Row]:
    """The probability of each reason to leave, the highest first."""
    sql = """SELECT reason, probability, reason_basis FROM {gold.churn_reasons}
             WHERE as_of = $as_of AND customer_id = $customer_id AND probability > 0
             ORDER BY probability DESC"""
    return first.lake.rows(sql, {"as_of": first.as_of, "customer_id": customer_id})


def segment_curve(first: FirstList, segment: str) -> list[Row]:
    """The survival curve of a segment with its interval."""
    sql = """SELECT days_ahead, survival, ci_low, ci_high FROM {gold.segment_survival}
             WHERE as_of = $as_of AND segment = $segment ORDER BY days_ahead"""
    return first.lake.rows(sql, {"as_of": first.as_of, "segment": segment})


def contacts(lake: Lake, customer_id: str, as_of: dt.date) -> list[Row]:
    """Campaign contacts before the date, the newest first, and whether an offer was redeemed."""
    sql = """
        SELECT c.campaign_id, c.offer_id, c.contacted_at, c.is_treated,
               count(r.redeemed_at) AS redemptions
        FROM {silver.campaign_contacts} c
        LEFT JOIN {silver.offer_redemptions} r
          ON r.customer_id = c.customer_id AND r.campaign_id = c.campaign_id
         AND r.redeemed_at >= c.contacted_at AND CAST(r.redeemed_at AS DATE) < $as_of
        WHERE c.customer_id = $customer_id AND CAST(c.contacted_at AS DATE) < $as_of
        GROUP BY ALL ORDER BY c.contacted_at DESC"""
    return lake.rows(sql, {"customer_id": customer_id, "as_of": as_of}, 20)


def months(lake: Lake, customer_id: str, as_of: dt.date) -> list[Row]:
    """Purchases and revenue per month before the date, for the last 24 months."""
    sql = """
        SELECT date_trunc('month', purchased_at) AS month, count(DISTINCT order_id) AS purchases,
               CAST(sum(amount) AS DOUBLE) AS revenue
        FROM {silver.transactions}
        WHERE customer_id = $customer_id AND purchased_at < $as_of
          AND purchased_at >= CAST($as_of AS DATE) - INTERVAL 24 MONTH
        GROUP BY ALL ORDER BY month"""
    return lake.rows(sql, {"customer_id": customer_id, "as_of": as_of}, 30)


def profile(lake: Lake, customer_id: str) -> Row:
    """The newest profile of the customer; empty if there is none."""
    sql = """SELECT first_name, email, language, signup_on, is_opted_out, plan
             FROM {silver.customers} WHERE customer_id = $customer_id
             ORDER BY valid_from DESC"""
    return lake.row(sql, {"customer_id": customer_id})
