"""Which customers a campaign sent which offer, and the customers that they are compared with, row
by row.
"""

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
            ("b", "best", "ten", None, None, NINE),  # null: sent, not randomised
            ("c", "best", "ten", False, False, NINE),  # left out for an unknown reason
            ("d", "trial", "ten", True, True, NINE),
            ("e", "best", "ten", True, False, NINE),  # in two campaigns on one day
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
            ("b", DAY, 90),  # not contacted
            ("c", DAY, 91),  # silent for too long
            ("d", DAY, 5),  # another campaign of the day
            ("f", DAY, 5),  # had opted out
            ("g", DAY, 5),  # opted out at midnight of that day: too late to count
            ("h", DAY, 5),  # had opted out and in again
            ("a", NEXT, 5),  # of another day: not contacted
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
    observed = e.with_observed(rows, contacts, profiles, silent_days=90)
    assert tuples_of(observed, "customer_id", "as_of", "offer_id", "split") == [
        ("a", DAY, "ten", "observed"),
        ("a", NEXT, None, "observed"),
        ("b", DAY, None, "observed"),
        ("g", DAY, None, "observed"),
        ("h", DAY, None, "observed"),
    ]
    # A customer is always in the same fold.
    folds = tuples_of(observed, "customer_id", "fold")
    assert len({f for c, f in folds if c == "a"}) == 1


DECISION = (
    "as_of date, customer_id string, offer_id string, is_held_out boolean, send_on date, "
    "effect double, campaign_id string"
)
TRIGGER = (
    "customer_id string, triggered_on date, offer_id string, is_held_out boolean, "
    "campaign_id string"
)


def own_of(frame, decisions, triggers=(), approved=("ten",)):
    """Own contacts of `decisions` of one campaign, with a queued message per approved offer."""
    messages = [("x", DAY, offer, False, "plan") for offer in approved]
    return e.own_contacts(
        frame(DECISION, [(*d, "plan") for d in decisions]),
        frame(TRIGGER, [*triggers, *messages]),
    )


def test_own_plans_and_triggers_count_where_contacts_are_subject_to_hold_out(frame, tuples_of):
    week = D(2025, 3, 8)
    own = own_of(
        frame,
        [
            (DAY, "a", "ten", False, NEXT, 0.1),
            (DAY, "b", "ten", True, NEXT, 0.1),
            (DAY, "c", None, False, None, None),
            (DAY, "d", "survey", False, NEXT, None),  # outside the budget: no control group
            (DAY, "e", "ten", False, week, 0.1),  # seven days after
            (DAY, "f", "ten", False, D(2025, 3, 9), 0.1),  # eight days after: too late
            (week, "g", "ten", False, D(2025, 3, 9), 0.1),
        ],
        [
            ("h", DAY, "five", True, None),
            ("i", DAY, None, False, None),
        ],
    )
    assert tuples_of(own, "customer_id", "as_of", "offer_id", "chosen_for") == [
        ("a", DAY, "ten", "ten"),
        ("b", DAY, None, "ten"),
        ("e", DAY, "ten", "ten"),
        ("g", week, "ten", "ten"),
        ("h", DAY, None, "five"),
    ]


def test_superseded_decisions_were_not_sent(frame, tuples_of):
    rows = [
        (DAY, c, "ten", False, send_on, 0.1) for c, send_on in (("a", NEXT), ("b", D(2025, 3, 4)))
    ]
    own = own_of(frame, [*rows, (D(2025, 3, 3), "z", None, False, None, None)])
    assert tuples_of(own, "customer_id") == [("a",)]


def test_what_nobody_approved_teaches_nothing_of_the_sent_or_the_held_out(frame, tuples_of):
    rows = [
        (DAY, c, offer, is_held_out, NEXT, 0.1)
        for c, offer, is_held_out in (
            ("a", "ten", False),
            ("b", "ten", True),
            ("c", "five", False),
            ("d", "five", True),
        )
    ]
    assert tuples_of(own_of(frame, rows), "customer_id") == [("a",), ("b",)]
    assert tuples_of(own_of(frame, rows, approved=()), "customer_id") == []


RANDOM = "customer_id string, as_of date, offer_id string"
OWN = "customer_id string, as_of date, offer_id string, chosen_for string"


def test_who_is_in_a_trial_and_in_a_plan_of_one_day_tells_nothing(frame, tuples_of):
    drawn = frame(RANDOM, [("a", DAY, "ten"), ("b", DAY, None), ("c", DAY, "ten")])
    own = frame(OWN, [("c", DAY, "ten", "ten"), ("d", DAY, None, "ten"), ("a", NEXT, "ten", "ten")])
    assert tuples_of(e.trial_contacts(drawn, own)) == [
        ("a", DAY, "ten", "any"),
        ("a", NEXT, "ten", "ten"),
        ("b", DAY, None, "any"),
        ("d", DAY, None, "ten"),
    ]


def test_the_chance_of_an_arm_is_that_among_those_chosen_for_the_same(frame, rows_of):
    """Drawn: 2 ten, 1 five, 1 held out. Chosen for ten: 3 sent, 1 held out; five was not possible.
    Chosen for five: nobody was held out, so the rows are left out.
    """
    drawn = [("a", "ten"), ("b", "ten"), ("c", "five"), ("d", None)]
    ours = [("e", "ten", "ten"), ("f", "ten", "ten"), ("g", "ten", "ten"), ("h", None, "ten")]
    ours += [("i", "five", "five"), ("j", None, "gift")]
    contacts = frame(
        OWN, [(c, DAY, o, "any") for c, o in drawn] + [(c, DAY, o, f) for c, o, f in ours]
    )
    rows = frame("customer_id string, as_of date", [(c, DAY) for c in "abcdefghijz"])
    armed = e.with_arms(
        rows, contacts, ["ten", "five"], split_of={DAY: "test"}, own_split_of={DAY: "train"}
    )
    names = ("customer_id", "arm", "split", "e_0", "e_1", "e_2")
    assert [tuple(r[n] for n in names) for r in rows_of(armed, *names)] == [
        *[(c, 1.0, "test", 0.25, 0.5, 0.25) for c in "ab"],
        ("c", 2.0, "test", 0.25, 0.5, 0.25),
        ("d", 0.0, "test", 0.25, 0.5, 0.25),
        *[(c, 1.0, "train", 0.25, 0.75, 0.0) for c in "efg"],
        ("h", 0.0, "train", 0.25, 0.75, 0.0),
    ]
    assert (
        e.with_arms(rows, contacts, ["ten"], split_of={}, own_split_of={DAY: "later"}).count() == 4
    )


def test_decisions_due_up_to_seven_days_after_their_plan_count(frame, tuples_of):
    """Customer b is held out. A next plan after 14 days supersedes none of these decisions."""
    send_days = {"a": 1, "b": 7, "c": 8, "d": 13, "e": 14}
    rows = [
        (DAY, customer, "ten", customer == "b", DAY + dt.timedelta(days=days), 0.1)
        for customer, days in send_days.items()
    ]
    next_plan = (DAY + dt.timedelta(days=14), "z", None, False, None, None)
    for plans in (rows, [*rows, next_plan]):
        assert tuples_of(own_of(frame, plans), "customer_id") == [("a",), ("b",)]
