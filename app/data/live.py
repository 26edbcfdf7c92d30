"""What happens at present: engagement, satisfaction, tickets, sentiment, fraud alerts."""

from __future__ import annotations

import datetime as dt

from app.lake import Lake, Row

ENGAGEMENT, FRAUD = "gold.engagement_live", "gold.fraud_scores"
# How many days of tickets are shown, and customers or payments in a list.
DAYS, FIRST = 30, 20


def engagement(lake: Lake) -> Row:
    """One row: customers, their mean score and change, who fell and rose, and the last event."""
    return lake.row(
        """SELECT count(*) AS customers, avg(engagement_score) AS score, avg(change_1d) AS change,
                  count(*) FILTER (change_1d < 0) AS fell, count(*) FILTER (change_1d > 0) AS rose,
                  max(updated_at) AS updated_at
           FROM {gold.engagement_live}"""
    )


def engagement_levels(lake: Lake) -> list[Row]:
    """One row per level: customers."""
    return lake.rows(
        """SELECT level, count(*) AS customers, avg(engagement_score) AS score
           FROM {gold.engagement_live} WHERE level IS NOT NULL
           GROUP BY level ORDER BY score DESC"""
    )


def fallen(lake: Lake) -> list[Row]:
    """The customers whose engagement fell most since yesterday."""
    return lake.rows(
        """SELECT customer_id, engagement_score, change_1d, level, updated_at
           FROM {gold.engagement_live} WHERE change_1d < 0 ORDER BY change_1d, customer_id""",
        most=FIRST,
    )


def satisfaction(lake: Lake, as_of: dt.date) -> Row:
    """One row: customers with a score, its mean, those below 7, those at 9 or above."""
    return lake.row(
        """SELECT count(*) AS customers, avg(satisfaction_score) AS score,
                  count(*) FILTER (satisfaction_score < 7) AS low,
                  count(*) FILTER (satisfaction_score >= 9) AS high,
                  string_agg(DISTINCT satisfaction_basis, ', ' ORDER BY satisfaction_basis) AS basis
           FROM {gold.satisfaction} WHERE as_of = $as_of AND satisfaction_score IS NOT NULL""",
        {"as_of": as_of},
    )


def tickets(lake: Lake, as_of: dt.date) -> list[Row]:
    """One row per day of the last DAYS days: tickets that were opened and resolved before as_of."""
    return lake.rows(
        f"""SELECT CAST(day AS DATE) AS day,
                   (SELECT count(*) FROM {{silver.support_tickets}} t
                    WHERE CAST(t.opened_at AS DATE) = CAST(day AS DATE)) AS opened,
                   (SELECT count(*) FROM {{silver.support_tickets}} t
                    WHERE CAST(t.resolved_at AS DATE) = CAST(day AS DATE)) AS resolved
            FROM range($as_of - INTERVAL {DAYS} DAY, CAST($as_of AS TIMESTAMP),
                       INTERVAL 1 DAY) days(day)
            ORDER BY day""",
        {"as_of": as_of},
    )


def ticket_totals(lake: Lake, as_of: dt.date) -> Row:
    """One row: tickets in all, those open at as_of, and those opened in the last DAYS days."""
    return lake.row(
        f"""SELECT count(*) AS tickets,
                   count(*) FILTER (resolved_at IS NULL OR resolved_at >= $as_of) AS open,
                   count(*) FILTER (opened_at >= $as_of - INTERVAL {DAYS} DAY) AS opened
            FROM {{silver.support_tickets}} WHERE opened_at < $as_of""",
        {"as_of": as_of},
    )


def sentiment(lake: Lake, as_of: dt.date) -> Row:
    """One row: mean sentiment of tickets and of reviews at as_of, and customers who have one."""
    return lake.row(
        """SELECT avg(ticket_sentiment_mean) AS tickets, count(ticket_sentiment_mean) AS by_tickets,
                  avg(review_sentiment_mean) AS reviews, count(review_sentiment_mean) AS by_reviews,
                  count(*) FILTER (least(ticket_sentiment_mean, review_sentiment_mean) < 0) AS low
           FROM {features.behavior} WHERE as_of = $as_of""",
        {"as_of": as_of},
    )


def fraud(lake: Lake) -> Row:
    """One row: payments, alerts, blocked payments, and the last day with a payment."""
    return lake.row(
        """SELECT count(*) AS payments, count(*) FILTER (is_alert) AS alerts,
                  count(*) FILTER (decision = 'block') AS blocked, max(paid_on) AS last_on
           FROM {gold.fraud_scores}"""
    )


def fraud_alerts(lake: Lake) -> list[Row]:
    """The newest alerts, within a day the highest score first."""
    return lake.rows(
        """SELECT payment_id, customer_id, paid_on, score, decision, reason, basis
           FROM {gold.fraud_scores} WHERE is_alert
           ORDER BY paid_on DESC, score DESC NULLS LAST, payment_id""",
        most=FIRST,
    )
