"""The reasons of bad reviews, classified with the words of the tickets known by then."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.silver import REASONS
from transforms.complaint_texts import review_complaints

AS_OF = dt.date(2018, 1, 1)
BEFORE, AFTER = dt.datetime(2017, 12, 1, 12), dt.datetime(2018, 1, 1, 12)
TICKETS = "text string, category string, opened_at timestamp, known_at timestamp"
REVIEWS = "customer_id string, text string, stars double, reviewed_at timestamp, known_at timestamp"
CATEGORIES = {"billing": "price", "outage": "quality"}


def ticket(text, category, at=BEFORE):
    return text, category, at, at


# Three of each: a text that shares a word with one class only has odds of 3 to 1 for it.
TAUGHT = [
    *[ticket("Charged too much", "Billing")] * 3,
    *[ticket("The app broke", "outage")] * 3,
    *[ticket("The invoice, where?", "question")] * 3,
    *[ticket("It stinks", "billing", AFTER)] * 9,
]


@pytest.mark.parametrize(
    ("text", "stars", "reason"),
    [
        # price: ln 4 + ln(4/5); quality and nothing: ln 4 + ln(1/5); the others: ln 1 + ln(1/2).
        # Odds 3.2 : .8 : .8 : .5 : .5 : .5, so price has 3.2 / 6.3 = .508.
        ("CHARGED!!", 3.0, "price"),
        # quality and nothing 3.2 each, price .8, the others .5: none above one half.
        ("the", 1.0, None),
        # quality 4 * .8 * .8 = 2.56, nothing 4 * .8 * .2 = .64, price 4 * .2 * .2 = .16, the others
        # .25 each: 2.56 / 4.11 = .62.
        ("the, the app", 1.0, "quality"),
        ("broke the app broke", 1.0, "quality"),
        ("invoice where", 1.0, None),
        ("charged", 4.0, None),  # not a complaint
        ("It stinks", 1.0, None),  # no ticket had these words by then
        ("", 1.0, None),
        (None, 1.0, None),
    ],
)
def test_a_bad_review_is_read_with_the_words_of_tickets(frame, rows_of, text, stars, reason):
    reviews = frame(REVIEWS, [("a", text, stars, BEFORE, BEFORE)])
    rows, names = review_complaints(reviews, frame(TICKETS, TAUGHT), [AS_OF], categories=CATEGORIES)
    complaints = [{n: row[n] for n in names if row[n]} for row in rows_of(rows)]
    assert [f for f in complaints if f] == ([{f"bad_reviews_{reason}": 1}] if reason else [])
    assert names == [f"bad_reviews_{r}" for r in REASONS]
