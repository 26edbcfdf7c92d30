"""Who was sent what in a campaign, and with whom that may be compared: row by row."""

from __future__ import annotations

import datetime as dt

from transforms import experiments as e

D = dt.date
DAY, NEXT = D(2025, 3, 1), D(2025, 3, 2)
NINE = dt.datetime(2025, 3, 1, 9)
CONTACTS = (
    "customer_id string, campaign_id string, offer_id string, is_treated boolean, "
    "is_randomised boolean, contacted_at timestamp"
)


def test_who_was_chosen_and_who_is_of_no_use(frame, tuples_of):
    contacts = frame(
        CONTACTS,
        [
            ("a", "best", "ten", True, False, NINE),
            ("b", "best", "ten", None, None, NINE),  # null: sent, and not at random
            ("c", "best", "ten", False, False, NINE),  # left out of it, nobody knows why
            ("d", "trial", "ten", True, True, NINE),
            ("e", "best", "ten", True, False, NINE),  # in two of one day
            ("e", "trial", None, False, True, NINE),
            ("a", "best2", "five", True, False, NINE + dt.timedelta(days=1)),
        ],
    )
    assert tuples_of(e.observed_contacts(contacts), "customer_id", "as_of", "offer_id") == [
        ("a", DAY, "ten"),
        ("a", NEXT, "five"),
        ("b", DAY, "ten"),
        ("c", DAY, None),
        ("d", DAY, None),
        ("e", DAY, None),
    ]


def test_the_untreated_are_those_who_could_have_been_written_to(frame, tuples_of):
    rows = frame(
        "customer_id string, as_of date, recency_days int",
        [
            ("a", DAY, 5),  # sent it
            ("b", DAY, 90),  # the rest
            ("c", DAY, 91),  # long silent
            ("d", DAY, 5),  # another campaign of the day
            ("f", DAY, 5),  # had opted out
            ("g", DAY, 5),  # opted out at that very midnight: too late to count as before
            ("h", DAY, 5),  # had opted out, and in again
            ("a", NEXT, 5),  # of another day: the rest
        ],
    )
    contacts = frame(
        "customer_id string, as_of date, offer_id string", [("a", DAY, "ten"), ("d", DAY, None)]
    )
    before, midnight = dt.datetime(2025, 1, 1), dt.datetime(2025, 3, 1)
    profiles = frame(
        "silver.customers",
        [
            {"customer_id": c, "is_opted_out": is_out, "valid_from": since, "valid_to": until}
            for c, is_out, since, until in (
                ("b", False, before, None),
                ("f", True, before, None),
                ("g", True, midnight, None),
                ("h", True, before, dt.datetime(2025, 2, 1)),
                ("h", False, dt.datetime(2025, 2, 1), None),
            )
        ],
    )
    found = e.with_observed(rows, contacts, profiles, 90)
    assert tuples_of(found, "customer_id", "as_of", "offer_id", "split") == [
        ("a", DAY, "ten", "observed"),
        ("a", NEXT, None, "observed"),
        ("b", DAY, None, "observed"),
        ("g", DAY, None, "observed"),
        ("h", DAY, None, "observed"),
    ]
    # A customer is on one side of the halves for ever.
    folds = tuples_of(found, "customer_id", "fold")
    assert len({f for c, f in folds if c == "a"}) == 1
