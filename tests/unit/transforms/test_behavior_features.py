"""features.behavior: each case is a customer, with the expected features next to the events."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.features import BEHAVIOR
from transforms.behavior_features import behavior_features

AS_OF = dt.date(2018, 1, 31)
SPINE = "customer_id string, as_of date"
ENGAGEMENT = {
    "cap": 10,
    "weights": {
        "login_frequency_30d": 0.3,
        "support_interactions_30d": 0.2,
        "feature_usage_score": 0.3,
        "community_participation": 0.2,
    },
}
CATEGORIES = {"outage": "quality", "billing": "price"}
EVENTS, TICKETS = "silver.engagement_events", "silver.support_tickets"
REVIEWS = "silver.reviews"
CONTACTS, REDEMPTIONS = "silver.campaign_contacts", "silver.offer_redemptions"
# Ingested texts have no sentiment; the job scores them before the transform.
MORE = {name: "sentiment double, sentiment_basis string" for name in (TICKETS, REVIEWS)}

COUNTS = [c.name for c in BEHAVIOR.columns if c.type == "bigint" and "days_since" not in c.name]
COUNTED = ["login_frequency_30d", "usage_minutes_30d", "community_participation"]
COUNTED += ["support_interactions_30d", "feature_usage_score", "engagement_score"]
UNKNOWN = [c.name for c in BEHAVIOR.columns if c.nullable and c.name not in (*COUNTS, *COUNTED)]
UNKNOWN.remove("engagement_basis")


def event(kind, at, **more):
    return EVENTS, {"kind": kind, "occurred_at": at, **more}


def ticket(at, **more):
    return TICKETS, {"ticket_id": at, "opened_at": at, **more}


def review(at, **more):
    return REVIEWS, {"reviewed_at": at, **more}


def contact(at, **more):
    return CONTACTS, {"campaign_id": "c", "contacted_at": at, **more}


def redemption(at, **more):
    return REDEMPTIONS, {"redeemed_at": at, **more}


FIRST, JUST_OUT = "2018-01-01 00:00", "2017-12-31 23:59:59"  # of 30 days
FIRST_OF_90, OUT_OF_90 = "2017-11-02 00:00", "2017-11-01 23:59:59"
LAST, TOO_LATE = "2018-01-30 23:59:59", "2018-01-31 00:00"

# customer: (rows, features at AS_OF). Four product features are known at AS_OF.
CASES = {
    "what tickets complain of, however long ago, by category": (
        [
            ticket(OUT_OF_90, category="Outage"),
            ticket("2018-01-16 10:00", category="outage"),
            ticket("2018-01-17 10:00", category="billing"),
            ticket("2018-01-18 10:00", category="small talk"),
            ticket("2018-01-19 10:00"),  # without a category
            ticket(TOO_LATE, category="billing"),
        ],
        {
            "complaints_quality": 2,
            "complaints_price": 1,
            "complaints_features": 0,
            "support_tickets_30d": 4,
        },
    ),
    "has done nothing": (
        [],
        {
            **dict.fromkeys(COUNTS, 0),
            **dict.fromkeys(COUNTED, 0.0),
            **dict.fromkeys(UNKNOWN),
            "engagement_basis": "login_frequency_30d, support_interactions_30d, "
            "feature_usage_score, community_participation",
        },
    ),
    "login days, and the edges of 30 days": (
        [
            event("login", FIRST),
            event("login", "2018-01-15 10:00"),
            event("login", "2018-01-15 20:00"),  # the same day
            event("login", "2018-01-15 20:00"),  # the same event again
            event("login", LAST),
            event("login", JUST_OUT),
            event("login", TOO_LATE),
            event("login", "2018-01-20 10:00", known_at=TOO_LATE),
        ],
        {"login_frequency_30d": 3 / 30, "engagement_score": 0.3 * 3 / 30},
    ),
    "sessions and minutes": (
        [
            event("login", "2018-01-15 10:00", session_id="s1", duration_minutes=1.5),
            event("page_view", "2018-01-15 11:00", session_id="s1"),
            event("page_view", "2018-01-16 00:01", session_id="s1", duration_minutes=0.25),
            event("page_view", "2018-01-16 10:00", session_id="s2", duration_minutes=0.0),
            event("page_view", "2018-01-16 10:00", duration_minutes=2.0),  # without a session
            event("page_view", JUST_OUT, session_id="s3", duration_minutes=60.0),
        ],
        {"sessions_30d": 2, "usage_minutes_30d": 1.5 + 0.25 + 0 + 2, "page_views_30d": 4},
    ),
    "features of the product": (
        [
            event("feature_use", "2018-01-15 10:00", feature="search"),
            event("feature_use", "2018-01-16 10:00", feature="search"),
            event("feature_use", "2018-01-16 10:00", feature="export"),
            event("feature_use", JUST_OUT, feature="share"),
            event("feature_use", "2018-01-16 10:00"),  # feature not given
            event("feature_use", TOO_LATE, feature="made after as_of"),
            event("login", "2018-01-16 10:00", feature="no use of a feature"),
        ],
        {"features_used_30d": 2, "feature_usage_score": 2 / 4},
    ),
    "another feature makes it four": (
        [event("feature_use", "2016-01-01 10:00", feature="old")],
        {"features_used_30d": 0, "feature_usage_score": 0 / 4},
    ),
    "community posts": (
        [event("community_post", "2018-01-15 10:00")] * 4 + [event("community_post", JUST_OUT)],
        {"community_posts_30d": 4, "community_participation": 4 / 10},
    ),
    "community posts over the cap": (
        [event("community_post", f"2018-01-{d:02} 10:00") for d in range(1, 13)],
        {"community_posts_30d": 12, "community_participation": 1.0, "engagement_score": 0.2 * 1},
    ),
    "e-mails": (
        [
            *[event("email_sent", "2018-01-15 10:00", event_id=str(n)) for n in range(3)],
            event("email_opened", "2018-01-16 10:00"),
            event("email_sent", JUST_OUT),
            event("email_opened", JUST_OUT),
            event("email_replied", JUST_OUT),
            event("email_sent", FIRST_OF_90),
            event("email_sent", OUT_OF_90),
            event("email_opened", OUT_OF_90),
        ],
        {
            "emails_sent_90d": 3 + 1 + 1,
            "email_open_rate_30d": 1 / 3,
            "email_open_rate_90d": 2 / 5,
            "email_reply_rate_30d": 0 / 3,
            "email_reply_rate_90d": 1 / 5,
        },
    ),
    "an e-mail opened twice, sent before the window": (
        [
            event("email_sent", JUST_OUT),
            event("email_opened", "2018-01-02 10:00"),
            event("email_opened", "2018-01-03 10:00"),
        ],
        # 2 opened of 0 sent has no rate; 2 of 1 is capped at 1.
        {"email_open_rate_30d": None, "email_open_rate_90d": 1.0, "emails_sent_90d": 1},
    ),
    "tickets and how long they took": (
        [
            ticket("2018-01-15 10:00", resolved_at="2018-01-15 12:00"),
            ticket("2018-01-16 10:00", resolved_at="2018-01-16 13:30"),
            ticket("2018-01-17 10:00", resolved_at="2018-01-19 10:00"),
            ticket("2018-01-18 10:00"),
            ticket(JUST_OUT, resolved_at="2018-01-01 01:59:59"),
            ticket(TOO_LATE),
        ],
        {
            "support_tickets_30d": 4,
            "support_interactions_30d": 4 / 10,
            "tickets_resolved_share": 4 / 5,
            "hours_to_resolve_median": (2 + 3.5) / 2,  # of 2, 2, 3.5 and 48
            "days_since_ticket": 31 - 18,
            "engagement_score": 0.2 * 4 / 10,
        },
    ),
    "a ticket resolved at as_of is still open then": (
        [
            ticket("2018-01-15 10:00", resolved_at=TOO_LATE),
            ticket("2018-01-16 10:00", resolved_at="2018-02-10 10:00"),
        ],
        {"tickets_resolved_share": 0 / 2, "hours_to_resolve_median": None},
    ),
    "a ticket resolved the moment before": (
        [ticket("2018-01-30 22:00", resolved_at="2018-01-30 23:00")],
        {"tickets_resolved_share": 1 / 1, "hours_to_resolve_median": 1.0, "days_since_ticket": 1},
    ),
    "sentiment of tickets": (
        [
            ticket("2018-01-15 10:00", sentiment=-0.5),
            ticket("2018-01-16 10:00", sentiment=0.25),
            ticket("2018-01-17 10:00"),  # without a text
            ticket(OUT_OF_90, sentiment=0.75),
            ticket(TOO_LATE, sentiment=-1.0),
        ],
        {
            "ticket_sentiment_mean": (-0.5 + 0.25 + 0.75) / 3,
            "ticket_sentiment_worst": -0.5,
            "ticket_sentiment_trend": (-0.5 + 0.25) / 2 - 0.75,
            "support_tickets_30d": 3,
        },
    ),
    "the basis of sentiment is the best of all texts": (
        [
            ticket("2018-01-15 10:00", sentiment_basis="without_text"),
            ticket("2018-01-16 10:00", sentiment_basis="unknown_language"),
            ticket(TOO_LATE, sentiment=1.0, sentiment_basis="claude"),
            review("2018-01-15 10:00", sentiment=0.5, sentiment_basis="lexicon"),
            review("2018-01-16 10:00", sentiment_basis="unknown_language"),
        ],
        {"ticket_sentiment_basis": "unknown_language", "review_sentiment_basis": "lexicon"},
    ),
    "sentiment of late has no trend": (
        [ticket(FIRST_OF_90, sentiment=-0.5), review(FIRST_OF_90, sentiment=0.5)],
        {"ticket_sentiment_trend": None, "review_sentiment_trend": None},
    ),
    "reviews": (
        [
            review("2018-01-15 10:00", stars=5.0, sentiment=0.5),
            review("2016-01-15 10:00", stars=2.0, sentiment=-0.25),
            review("2018-01-16 10:00", sentiment=0.0),
            review("2018-01-17 10:00", stars=1.5),
            review(TOO_LATE, stars=1.0, sentiment=-1.0),
        ],
        {
            "review_stars_mean": (5 + 2 + 1.5) / 3,
            "review_sentiment_mean": (0.5 - 0.25 + 0) / 3,
            "review_sentiment_worst": -0.25,
            "review_sentiment_trend": (0.5 + 0) / 2 - -0.25,
        },
    ),
    "campaigns": (
        [
            contact("2018-01-15 10:00", is_treated=True),
            contact("2018-01-15 10:00"),  # null counts as treated
            contact("2018-01-15 10:00", is_treated=False),  # control group, so not contacted
            contact(FIRST_OF_90),
            contact(OUT_OF_90),
            contact(TOO_LATE),
        ],
        {"campaign_contacts_90d": 3},
    ),
    "redemptions": (
        [redemption(FIRST_OF_90), redemption("2018-01-21 10:00"), redemption(TOO_LATE)],
        {"redemptions_90d": 2, "days_since_redemption": 31 - 21},
    ),
    "a redemption long ago": (
        [redemption(OUT_OF_90)],
        {"redemptions_90d": 0, "days_since_redemption": 91},
    ),
    "all of engagement": (
        [
            *[event("login", f"2018-01-{d} 10:00") for d in (10, 11, 12)],
            *[event("feature_use", "2018-01-15 10:00", feature=f) for f in ("search", "old")],
            event("community_post", "2018-01-15 10:00"),
            ticket("2018-01-15 10:00"),
        ],
        {"engagement_score": 0.3 * 3 / 30 + 0.2 * 1 / 10 + 0.3 * 2 / 4 + 0.2 * 1 / 10},
    ),
}


@pytest.fixture(scope="module")
def features(frame, rows_of):
    """A function: sources, customers -> customer -> row."""

    def rows(silver, customers, as_of=AS_OF):
        frames = {name: frame(name, given, MORE.get(name, "")) for name, given in silver.items()}
        spine = frame(SPINE, [(c, as_of) for c in customers])
        results = rows_of(
            behavior_features(frames, spine, [as_of], engagement=ENGAGEMENT, categories=CATEGORIES)
        )
        return {row["customer_id"]: row for row in results}

    return rows


@pytest.fixture(scope="module")
def by_customer(features):
    silver = {name: [] for name in (EVENTS, TICKETS, REVIEWS, CONTACTS, REDEMPTIONS)}
    for customer, (rows, _) in CASES.items():
        for name, row in rows:
            silver[name].append({"customer_id": customer, **row})
    silver[TICKETS].append({"ticket_id": "of nobody", "opened_at": "2018-01-15 10:00"})
    return features(silver, CASES)


@pytest.mark.parametrize("customer", CASES)
def test_features_of_a_customer(by_customer, differences, customer):
    assert differences(CASES[customer][1], by_customer[customer]) == {}


def test_there_is_one_row_per_customer_of_the_spine(by_customer):
    assert set(by_customer) == set(CASES)


def test_a_feature_of_an_absent_source_is_null(features):
    (row,) = features({}, ["a"]).values()
    assert {name for name, value in row.items() if value is not None} == {"customer_id", "as_of"}


def test_a_source_without_a_row_gives_zeros_and_the_others_stay_null(features, differences):
    """Only tickets exist: engagement uses them alone, with the weight renormalised to 1."""
    tickets = [{"customer_id": "b", **ticket(f"2018-01-0{d} 10:00")[1]} for d in (1, 2, 3)]
    by_customer = features({TICKETS: tickets}, ["a", "b"])
    for customer, count in (("a", 0), ("b", 3)):
        expected = {
            "support_tickets_30d": count,
            "support_interactions_30d": count / 10,
            "engagement_score": count / 10,
            "engagement_basis": "support_interactions_30d",
            **dict.fromkeys(("login_frequency_30d", "sessions_30d", "emails_sent_90d")),
            **dict.fromkeys(("feature_usage_score", "campaign_contacts_90d", "redemptions_90d")),
        }
        assert differences(expected, by_customer[customer]) == {}


def test_before_any_feature_of_the_product_is_known_there_is_no_share_of_them(features):
    logins = [{"customer_id": "a", **event("login", "2018-01-15 10:00")[1]}]
    (row,) = features({EVENTS: logins}, ["a"]).values()
    assert row["features_used_30d"] == 0
    assert row["feature_usage_score"] is None
    assert row["engagement_basis"] == "login_frequency_30d, community_participation"
