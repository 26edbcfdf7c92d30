"""Campaigns: contacts that were sent, and measured results."""

from __future__ import annotations

import datetime as dt

from app.lake import Lake, Row

SENT = """
    WITH contacts AS (
        SELECT * FROM {silver.campaign_contacts} WHERE CAST(contacted_at AS DATE) < $as_of
    ), redeemed AS (
        SELECT DISTINCT customer_id, campaign_id FROM {silver.offer_redemptions}
        WHERE CAST(redeemed_at AS DATE) < $as_of
    )
    SELECT c.campaign_id, c.offer_id, CAST(min(c.contacted_at) AS DATE) AS first_on,
           CAST(max(c.contacted_at) AS DATE) AS last_on,
           count(DISTINCT c.customer_id) FILTER (coalesce(c.is_treated, true)) AS contacted,
           count(DISTINCT c.customer_id) FILTER (NOT c.is_treated) AS held_out,
           count(DISTINCT r.customer_id) FILTER (coalesce(c.is_treated, true)) AS redeemed,
           bool_or(coalesce(c.is_randomised, false)) AS is_randomised
    FROM contacts c LEFT JOIN redeemed r USING (customer_id, campaign_id)
    GROUP BY ALL ORDER BY last_on DESC, campaign_id
"""


def sent(lake: Lake, as_of: dt.date) -> list[Row]:
    """One row per campaign and offer sent before the date, the newest first."""
    return lake.rows(SENT, {"as_of": as_of}, 50)


def results(lake: Lake, as_of: dt.date) -> list[Row]:
    """Results of gold.campaign_results up to the month of the date, the newest month first."""
    sql = """SELECT * FROM {gold.campaign_results} WHERE month <= $month
             ORDER BY month DESC, campaign_id, segment <> 'all', segment, metric DESC, offer_id"""
    return lake.rows(sql, {"month": as_of.strftime("%Y-%m")})
