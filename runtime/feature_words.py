"""The names of features and the values of a customer in words, for the report and the app.

Personal attributes (age, income, household, region) are named, but their values are not shown.
"""

from __future__ import annotations

import re

from runtime.formats import LocaleFormat

# Feature -> (description, kind of its value).
WORDS: dict[str, tuple[str, str]] = {
    "recency_days": ("days since the last purchase", "days"),
    "tenure_days": ("days as a customer", "number"),
    "tenure_months": ("months as a customer", "number"),
    "total_orders": ("purchases so far", "number"),
    "total_revenue": ("revenue so far", "money"),
    "avg_order_value": ("average value of a purchase", "money"),
    "purchase_days": ("days with a purchase so far", "number"),
    "repeat_purchase_days": ("days with a repeat purchase", "number"),
    "active_span_days": ("days from the first to the last purchase", "number"),
    "observed_days": ("days since the first purchase", "number"),
    "repeat_day_value": ("average spend on a day with a repeat purchase", "money"),
    "gap_mean_days": ("average days between purchases", "number"),
    "gap_std_days": ("variation of the days between purchases (standard deviation)", "number"),
    "gap_longest_days": ("most days between two purchases", "number"),
    "recency_over_gap": ("days since the last purchase, relative to the average gap", "times"),
    "weekend_share": ("share of purchases on weekends", "share"),
    "product_variety": ("different products so far", "number"),
    "returns_90d": ("returned order lines in the last 90 days", "number"),
    "purchase_frequency_30d": ("purchases in the last 30 days", "of 30 days"),
    "purchase_frequency_90d": ("purchases in the last 90 days", "of 90 days"),
    "revenue_trend": ("change in revenue, last 30 days against the 30 days before", "change"),
    "login_frequency_30d": ("share of days with a login, last 30 days", "share"),
    "sessions_30d": ("sessions in the last 30 days", "number"),
    "usage_minutes_30d": ("minutes of use in the last 30 days", "number"),
    "page_views_30d": ("page views in the last 30 days", "number"),
    "features_used_30d": ("product features used in the last 30 days", "number"),
    "feature_usage_score": ("share of the product features in use", "share"),
    "community_posts_30d": ("community posts in the last 30 days", "number"),
    "community_participation": ("community participation, score from 0 to 1", "rate"),
    "emails_sent_90d": ("e-mails received in the last 90 days", "number"),
    "email_open_rate_30d": ("share of e-mails opened, last 30 days", "share"),
    "email_open_rate_90d": ("share of e-mails opened, last 90 days", "share"),
    "email_reply_rate_30d": ("share of e-mails answered, last 30 days", "share"),
    "email_reply_rate_90d": ("share of e-mails answered, last 90 days", "share"),
    "support_tickets_30d": ("support tickets in the last 30 days", "number"),
    "support_interactions_30d": ("support contacts in the last 30 days, score from 0 to 1", "rate"),
    "tickets_resolved_share": ("share of support tickets resolved", "share"),
    "hours_to_resolve_median": ("hours to resolve a ticket (median)", "number"),
    "days_since_ticket": ("days since the last support ticket", "number"),
    "complaints_price": ("tickets about the price so far", "number"),
    "complaints_features": ("tickets about missing features so far", "number"),
    "complaints_competitor": ("tickets about a competitor so far", "number"),
    "complaints_quality": ("tickets about quality so far", "number"),
    "complaints_support": ("tickets about support so far", "number"),
    "ticket_sentiment_mean": ("sentiment of support tickets, from -1 to 1", "rate"),
    "ticket_sentiment_worst": (
        "sentiment of the most negative support ticket, from -1 to 1",
        "rate",
    ),
    "ticket_sentiment_trend": ("change in the sentiment of support tickets", "rate"),
    "review_sentiment_mean": ("sentiment of reviews, from -1 to 1", "rate"),
    "review_sentiment_worst": ("sentiment of the most negative review, from -1 to 1", "rate"),
    "review_sentiment_trend": ("change in the sentiment of reviews", "rate"),
    "review_stars_mean": ("average stars of reviews", "rate"),
    "bad_reviews_price": ("bad reviews about the price so far", "number"),
    "bad_reviews_features": ("bad reviews about missing features so far", "number"),
    "bad_reviews_competitor": ("bad reviews about a competitor so far", "number"),
    "bad_reviews_quality": ("bad reviews about quality so far", "number"),
    "bad_reviews_support": ("bad reviews about support so far", "number"),
    "campaign_contacts_90d": ("campaigns received in the last 90 days", "number"),
    "redemptions_90d": ("offers redeemed in the last 90 days", "number"),
    "days_since_redemption": ("days since the last redeemed offer", "number"),
    "engagement_score": ("engagement, score from 0 to 1", "rate"),
    "has_profile": ("profile known", "flag"),
    "plan": ("subscription plan", "text"),
    "contract_type": ("contract type", "text"),
    "acquisition_channel": ("acquisition channel", "text"),
    "monthly_charge": ("price per month", "money"),
    "age_band": ("age band", "withheld"),
    "gender": ("gender", "withheld"),
    "income_band": ("income band", "withheld"),
    "home_ownership": ("home ownership", "withheld"),
    "marital_status": ("marital status", "withheld"),
    "household_size": ("household size", "withheld"),
    "household_composition": ("household composition", "withheld"),
    "kids_count": ("number of children in the household", "withheld"),
    "region": ("region", "withheld"),
}

WINDOWED: dict[str, tuple[str, str]] = {
    "purchases": ("purchases in the last {} days", "number"),
    "revenue": ("revenue in the last {} days", "money"),
    "products": ("different products in the last {} days", "number"),
    "discounts": ("discounted order lines in the last {} days", "number"),
    "mean_basket": ("average purchase in the last {} days", "money"),
}


# Features whose value reads better inside a phrase than behind the description.
PHRASES = {
    "recency_days": "no purchase for {}",
    "recency_over_gap": "silent {} as long as usual",
    "gap_mean_days": "on average {} days between purchases",
}
PURCHASES = "purchases in the last "


def words(feature: str) -> tuple[str, str]:
    """The description of a feature and the kind of its value.

    An unknown feature is described by its name, and its values are withheld.

    >>> words("revenue_60d"), words("shoe_size")
    (('revenue in the last 60 days', 'money'), ('shoe size', 'withheld'))
    """
    windowed = re.fullmatch(r"([a-z_]+)_(\d+)d", feature)
    if feature not in WORDS and windowed and windowed[1] in WINDOWED:
        text, kind = WINDOWED[windowed[1]]
        return text.format(windowed[2]), kind
    return WORDS.get(feature, (feature.replace("_", " "), "withheld"))


def reason(feature: str, value: str | None, form: LocaleFormat) -> str:
    """A risk factor with the customer's value, where the value may be shown.

    >>> form = LocaleFormat()
    >>> reason("recency_days", "45", form), reason("age_band", "45-54", form)
    ('no purchase for 45 days', 'age band')
    >>> reason("purchases_60d", "2", form), reason("purchases_60d", "0", form)
    ('2 purchases in the last 60 days', 'no purchase in the last 60 days')
    >>> reason("revenue_trend", "-1", form)
    'change in revenue, last 30 days against the 30 days before: -100 %'
    """
    text, kind = words(feature)
    if kind == "withheld":
        return text
    if value is None:
        return f"{text}: unknown"
    told = _formatted(value, kind, form)
    if text.startswith(PURCHASES):
        noun = "purchase" if told in ("0", "1") else "purchases"
        return f"{'no' if told == '0' else told} {noun}{text.removeprefix('purchases')}"
    return PHRASES[feature].format(told) if feature in PHRASES else f"{text}: {told}"


def _formatted(value: str, kind: str, form: LocaleFormat) -> str:
    if kind == "flag":
        return "yes" if value in ("1", "true", "True") else "no"
    if kind == "text":
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if kind == "share":
        return form.percent(number, 0)
    if kind == "change":
        return f"{form.change(100 * number)} %"
    if kind == "days":
        return form.count(number, "day")
    if kind.startswith("of "):  # a mean per day, of so many days
        return form.whole(number * int(kind.split()[1]))
    if kind == "times":
        return f"{form.fixed(number, 1)} times"
    return (
        form.money(number) if kind == "money" else form.decimal(number, 2 if kind == "rate" else 1)
    )


# Family of training.feature_families in conf -> what it says about a customer.
FAMILIES = {
    "silence": "How long they have been silent",
    "rhythm": "Their usual rhythm of buying",
    "frequency": "How often they buy",
    "spending": "How much they spend",
    "products": "Which products they buy",
    "discounts": "Discounts and campaigns they use",
    "engagement": "How much they use the service and read e-mails",
    "support": "Support tickets and complaints",
    "reviews": "Reviews they wrote",
    "attributes": "Who they are (profile and contract)",
}


def family_words(family: str) -> str:
    """What a family of features says about a customer; a family of conf keeps its own name."""
    return FAMILIES.get(family, family.replace("_", " ").capitalize())
