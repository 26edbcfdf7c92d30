"""Which offers get a message, the data of each, and its brief."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest

from messages.brief import LANGUAGE_TAG, LANGUAGES, THEME_OF_REASON, language_of
from transforms.message_orders import BriefRules, message_orders, with_brief

DAY = dt.date(2026, 1, 1)
PLAN = {
    **{"as_of": DAY, "campaign_id": "plan-1", "offer_id": "ten", "is_held_out": False},
    "send_on": dt.date(2026, 1, 3),
}
PROFILE = "customer_id string, first_name string, language string, is_opted_out boolean"
RULES = BriefRules(
    languages={"ten": ["en", "de", "fr"], "survey": ["en"]},
    themes={"ten": "savings", "survey": "support"},
    theme_of_reason=THEME_OF_REASON,
    theme_of_away="welcome back",
    tones={"Loyal": "appreciative"},
    tone="warm",
    language_tag=LANGUAGE_TAG,
    known_languages=LANGUAGES,
    language="en",
)


@pytest.fixture
def orders(frame):
    """A function that makes the orders from rows of each table."""

    def make(decisions, profiles=(), segments=(), **tables):
        return message_orders(
            frame("gold.offer_decisions", [{**PLAN, **d} for d in decisions]),
            frame(PROFILE, list(profiles)),
            frame("customer_id string, segment_group string, lifecycle string", list(segments)),
            scores=frame("customer_id string, main_reason string", list(tables.get("scores", ()))),
            messages=frame("gold.messages", list(tables.get("messages", ()))),
            outbox=frame("gold.outbox", list(tables.get("outbox", ()))),
            deliveries=frame("gold.outbox_deliveries", list(tables.get("deliveries", ()))),
            when_consent_unknown=tables.get("when_consent_unknown", "contact"),
        )

    return make


@pytest.mark.parametrize(
    ("when_unknown", "also"),
    [("contact", [("stranger", None), ("unknown", "Eve")]), ("do_not_contact", [])],
)
def test_only_offers_that_are_sent_get_a_message(orders, tuples_of, when_unknown, also):
    rows = orders(
        [
            {"customer_id": "a"},
            {"customer_id": "held", "is_held_out": True},
            {"customer_id": "none", "offer_id": None},
            {"customer_id": "out"},
            {"customer_id": "unknown"},
            {"customer_id": "stranger"},  # has no profile
        ],
        [
            ("a", "Ada", "de", False),
            ("held", "Ben", "en", False),
            ("none", "Cleo", "en", False),
            ("out", "Dan", "en", True),
            ("unknown", "Eve", "en", None),
        ],
        when_consent_unknown=when_unknown,
    )
    assert tuples_of(rows, "customer_id", "first_name") == [("a", "Ada"), *also]


def test_a_row_has_the_data_of_its_message(orders, rows_of):
    """a has everything; b has a message of another campaign, and no row in the other tables."""
    message = {"customer_id": "a", "text_id": "t1", "text": "Hi.", "guard_verdict": "passed"}
    message |= {"approved": False}
    rows = orders(
        [{"customer_id": "a"}, {"customer_id": "b"}],
        [("a", "Ada", "de", False), ("b", "Ben", "en", False)],
        [("a", "Loyal", "active")],
        scores=[("a", "price")],
        messages=[
            {**message, "campaign_id": "plan-1"},
            {**message, "campaign_id": "plan-0", "customer_id": "b"},
        ],
    )
    first, second = rows_of(rows)
    # The key of a message in the outbox: campaign, as_of and customer.
    contact = hashlib.sha256(b"plan-1|2026-01-01|a").hexdigest()[:32]
    assert first == {
        **{"campaign_id": "plan-1", "customer_id": "a", "offer_id": "ten", "as_of": DAY},
        **{"send_on": dt.date(2026, 1, 3), "contact_id": contact, "first_name": "Ada"},
        **{"language_tag": "de", "segment_group": "Loyal", "lifecycle": "active"},
        **{"main_reason": "price", "present_text_id": "t1", "present_text": "Hi."},
        **{"present_verdict": "passed", "present_approved": False},
    }
    empty = ("segment_group", "lifecycle", "main_reason", "present_text_id", "present_text")
    assert [second[name] for name in empty] == [None] * 5


@pytest.mark.parametrize(
    ("status", "stays"),
    [
        ("sent", False),
        ("dead", False),
        ("cancelled", False),
        ("failed", True),
        ("held_back", True),
        (None, True),
    ],
)
def test_a_message_that_was_sent_or_given_up_is_not_written_again(orders, tuples_of, status, stays):
    contact = {"customer_id": "a", "contact_id": "k1", "campaign_id": "plan-1"}
    of_rule = {"customer_id": "b", "contact_id": "k2", "campaign_id": None}
    deliveries = [{"contact_id": "k2", "status": "sent"}]
    if status:
        deliveries.append({"contact_id": "k1", "status": status})
    rows = orders(
        [{"customer_id": "a"}, {"customer_id": "b"}],
        outbox=[contact, of_rule],
        deliveries=deliveries,
    )
    assert tuples_of(rows, "customer_id") == ([("a",), ("b",)] if stays else [("b",)])


def test_scores_without_a_main_reason_give_null(frame, rows_of):
    """The column is optional: no tickets were read."""
    rows = message_orders(
        frame("gold.offer_decisions", [{**PLAN, "customer_id": "a"}]),
        frame(PROFILE, [("a", "Ada", "de", False)]),
        frame("customer_id string, segment_group string, lifecycle string", []),
        scores=frame("customer_id string, churn_probability double", [("a", 0.5)]),
        messages=frame("gold.messages", []),
        outbox=frame("gold.outbox", []),
        deliveries=frame("gold.outbox_deliveries", []),
        when_consent_unknown="contact",
    )
    assert [r["main_reason"] for r in rows_of(rows)] == [None]


# tag: language that is read from it, among en, de, fr and es
TAGS = {
    **{"de": "de", "DE": "de", "de-AT": "de", "de_DE": "de", "de_DE.UTF-8": "de", " fr ": "fr"},
    **{"fr-CA": "fr", "es ": "es", "es-419": "es", "en-Latn-GB": "en", "de_AT@euro": "de"},
    **{"German": None, "deutsch": None, "it": None, "xx-DE": None, "": None, "?": None, "d": None},
    **{"eng": None, "de AT": None},
}


def briefs(frame, rows):
    columns = "customer_id string, offer_id string, language_tag string, main_reason string, "
    return with_brief(frame(columns + "segment_group string, lifecycle string", rows), RULES)


def test_the_language_of_a_tag(frame, tuples_of):
    """The offer has no Spanish text, so "es" is known but English is used."""
    rows = [(tag, "ten", tag, None, None, None) for tag in TAGS]
    by_tag = {
        tag: (language, unknown)
        for tag, language, unknown in tuples_of(
            briefs(frame, rows), "customer_id", "language", "is_language_unknown"
        )
    }
    spoken = ("en", "de", "fr")
    assert by_tag == {
        tag: (language if language in spoken else "en", language is None and tag != "")
        for tag, language in TAGS.items()
    }
    assert {tag: language_of(tag) for tag in TAGS} == TAGS
    assert LANGUAGES == ("en", "de", "fr", "es")


def test_the_brief_of_each_customer(frame, tuples_of):
    rows = [
        ("price", "ten", "de", "price", "Loyal", "active"),
        ("quality", "ten", "de", "quality", "New", "lost"),  # the reason comes first
        ("away", "ten", None, None, None, "silent"),
        ("lost", "survey", "de", None, "Loyal", "lost"),  # the survey is in English only
        ("none", "ten", "fr-BE", None, None, None),
        ("odd", "survey", "fr", "weather", "Other", "active"),
    ]
    columns = ("customer_id", "theme", "tone", "language", "is_language_unknown")
    assert tuples_of(briefs(frame, rows), *columns) == [
        ("away", "welcome back", "warm", "en", False),
        ("lost", "welcome back", "appreciative", "en", False),
        ("none", "savings", "warm", "fr", False),
        ("odd", "support", "warm", "en", False),
        ("price", "savings", "appreciative", "de", False),
        ("quality", "support", "warm", "de", False),
    ]
