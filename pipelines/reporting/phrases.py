"""Features and numbers in the words of someone who reads the report. Engine-free.

Attributes of a person (age, income, household, region) are named, but their values stay out.
"""

from __future__ import annotations

import re

# Feature -> (words, kind of its value).
WORDS: dict[str, tuple[str, str]] = {
    "recency_days": ("days since the last purchase", "number"),
    "tenure_days": ("days as a customer", "number"),
    "tenure_months": ("months as a customer", "number"),
    "total_orders": ("purchases so far", "number"),
    "total_revenue": ("revenue so far", "money"),
    "avg_order_value": ("mean value of a purchase", "money"),
    "purchase_days": ("days with a purchase so far", "number"),
    "repeat_purchase_days": ("days with a repeat purchase", "number"),
    "active_span_days": ("days from the first to the last purchase", "number"),
    "observed_days": ("days since the first purchase", "number"),
    "repeat_day_value": ("mean spend on a repeat day", "money"),
    "gap_mean_days": ("usual days between purchases", "number"),
    "gap_std_days": ("how much the gaps vary, days", "number"),
    "gap_longest_days": ("longest gap between purchases, days", "number"),
    "recency_over_gap": ("silence compared with the usual gap", "times"),
    "weekend_share": ("share of purchases at weekends", "share"),
    "product_variety": ("different products so far", "number"),
    "returns_90d": ("returned lines in 90 days", "number"),
    "purchase_frequency_30d": ("purchases a day, last 30 days", "rate"),
    "purchase_frequency_90d": ("purchases a day, last 90 days", "rate"),
    "revenue_trend": ("revenue of 30 days against the 30 before", "change"),
    "login_frequency_30d": ("share of the last 30 days with a login", "share"),
    "sessions_30d": ("sessions in 30 days", "number"),
    "usage_minutes_30d": ("minutes of use in 30 days", "number"),
    "page_views_30d": ("page views in 30 days", "number"),
    "features_used_30d": ("product features used in 30 days", "number"),
    "feature_usage_score": ("share of the product's features in use", "share"),
    "community_posts_30d": ("community posts in 30 days", "number"),
    "community_participation": ("community participation, 0 to 1", "rate"),
    "emails_sent_90d": ("e-mails sent in 90 days", "number"),
    "email_open_rate_30d": ("e-mails opened, last 30 days", "share"),
    "email_open_rate_90d": ("e-mails opened, last 90 days", "share"),
    "email_reply_rate_30d": ("e-mails answered, last 30 days", "share"),
    "email_reply_rate_90d": ("e-mails answered, last 90 days", "share"),
    "support_tickets_30d": ("support tickets in 30 days", "number"),
    "support_interactions_30d": ("support contacts in 30 days, 0 to 1", "rate"),
    "tickets_resolved_share": ("share of tickets resolved", "share"),
    "hours_to_resolve_median": ("usual hours to resolve a ticket", "number"),
    "days_since_ticket": ("days since the last ticket", "number"),
    "complaints_price": ("tickets about the price so far", "number"),
    "complaints_features": ("tickets about missing features so far", "number"),
    "complaints_competitor": ("tickets about a competitor so far", "number"),
    "complaints_quality": ("tickets about quality so far", "number"),
    "complaints_support": ("tickets about support so far", "number"),
    "ticket_sentiment_mean": ("mood of the tickets, -1 to 1", "rate"),
    "ticket_sentiment_worst": ("mood of the worst ticket, -1 to 1", "rate"),
    "ticket_sentiment_trend": ("change in the mood of the tickets", "rate"),
    "review_sentiment_mean": ("mood of the reviews, -1 to 1", "rate"),
    "review_sentiment_worst": ("mood of the worst review, -1 to 1", "rate"),
    "review_sentiment_trend": ("change in the mood of the reviews", "rate"),
    "review_stars_mean": ("mean stars of the reviews", "rate"),
    "bad_reviews_price": ("bad reviews about the price so far", "number"),
    "bad_reviews_features": ("bad reviews about missing features so far", "number"),
    "bad_reviews_competitor": ("bad reviews about a competitor so far", "number"),
    "bad_reviews_quality": ("bad reviews about quality so far", "number"),
    "bad_reviews_support": ("bad reviews about support so far", "number"),
    "campaign_contacts_90d": ("campaigns received in 90 days", "number"),
    "redemptions_90d": ("offers redeemed in 90 days", "number"),
    "days_since_redemption": ("days since an offer was redeemed", "number"),
    "engagement_score": ("engagement, 0 to 1", "rate"),
    "has_profile": ("whether a profile is known", "flag"),
    "plan": ("plan", "text"),
    "contract_type": ("kind of contract", "text"),
    "acquisition_channel": ("how the customer was won", "text"),
    "monthly_charge": ("price a month", "money"),
    "age_band": ("age band", "withheld"),
    "gender": ("gender", "withheld"),
    "income_band": ("income band", "withheld"),
    "home_ownership": ("home ownership", "withheld"),
    "marital_status": ("marital status", "withheld"),
    "household_size": ("size of the household", "withheld"),
    "household_composition": ("composition of the household", "withheld"),
    "kids_count": ("children in the household", "withheld"),
    "region": ("region", "withheld"),
}

WINDOWED: dict[str, tuple[str, str]] = {
    "purchases": ("purchases in {} days", "number"),
    "revenue": ("revenue in {} days", "money"),
    "products": ("different products in {} days", "number"),
    "discounts": ("discounted lines in {} days", "number"),
    "mean_basket": ("mean purchase in {} days", "money"),
}


def words(feature: str) -> tuple[str, str]:
    """What a feature is called, and the kind of its value; one that is not known keeps its name.

    >>> words("revenue_60d"), words("shoe_size")
    (('revenue in 60 days', 'money'), ('shoe size', 'withheld'))
    """
    windowed = re.fullmatch(r"([a-z_]+)_(\d+)d", feature)
    if feature not in WORDS and windowed and windowed[1] in WINDOWED:
        text, kind = WINDOWED[windowed[1]]
        return text.format(windowed[2]), kind
    return WORDS.get(feature, (feature.replace("_", " "), "withheld"))


def reason(feature: str, value: str | None) -> str:
    """A factor with the customer's value.

    >>> reason("recency_days", "45"), reason("age_band", "45-54")
    ('days since the last purchase: 45', 'age band')
    >>> reason("revenue_trend", "-1")
    'revenue of 30 days against the 30 before: -100 %'
    """
    text, kind = words(feature)
    if kind == "withheld":
        return text
    return f"{text}: {'unknown' if value is None else _shown(value, kind)}"


def _shown(value: str, kind: str) -> str:
    if kind == "flag":
        return "yes" if value in ("1", "true", "True") else "no"
    if kind == "text":
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if kind == "share":
        return percent(number, 0)
    if kind == "change":
        return f"{100 * number:+,.0f} %"
    if kind == "times":
        return f"{number:,.1f} times"
    return money(number) if kind == "money" else decimal(number, 2 if kind == "rate" else 1)


def whole(number: float | None) -> str:
    """A count.

    >>> whole(1234), whole(None)
    ('1,234', '-')
    """
    return "-" if number is None else f"{number:,.0f}"


def decimal(number: float | None, digits: int = 3) -> str:
    """A number with up to `digits` places; whole ones without a point.

    >>> decimal(0.88149), decimal(45.0)
    ('0.881', '45')
    """
    if number is None:
        return "-"
    return whole(number) if number == round(number) else f"{number:,.{digits}f}"


def fixed(number: float | None, digits: int = 3) -> str:
    """A number with exactly `digits` places, for columns that are compared.

    >>> fixed(0.5)
    '0.500'
    """
    return "-" if number is None else f"{number:,.{digits}f}"


def money(number: float | None) -> str:
    """An amount in the company's currency: cents only where it is small.

    >>> money(1234.5), money(12.345)
    ('1,234', '12.35')
    """
    if number is None:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.2f}"


def percent(part: float | None, digits: int = 1) -> str:
    """A share of 1.

    >>> percent(0.1234), percent(None)
    ('12.3 %', '-')
    """
    return "-" if part is None else f"{100 * part:,.{digits}f} %"


def share(part: float | None, of: float | None) -> float | None:
    """part / of; None where there is nothing to divide."""
    return None if part is None or not of else part / of


def plural(number: float, one: str, many: str | None = None) -> str:
    """A count with its noun.

    >>> plural(1, "customer"), plural(1200, "customer")
    ('1 customer', '1,200 customers')
    """
    return f"{whole(number)} {one if number == 1 else many or one + 's'}"


def listed(items: list[str]) -> str:
    """Items as a sentence holds them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def plain(text: object) -> str:
    """A text of the data without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in str(text))
