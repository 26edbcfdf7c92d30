"""The customers known at an as_of."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.silver import SILVER
from transforms.population import EVENT_TIMES, first_seen, known_customers

EARLIER, AS_OF = dt.date(2018, 1, 10), dt.date(2018, 1, 11)
# Columns that a row needs in addition to its customer and time; all others may be null.
SOURCES = sorted([*EVENT_TIMES, "silver.customers"])


def seen_in(name, customer, at, known_at=None):
    time = EVENT_TIMES.get(name, "valid_from")
    return {"customer_id": customer, time: at, "known_at": known_at}


@pytest.mark.parametrize("name", SOURCES)
def test_a_customer_is_known_from_any_source_once_it_has_happened_and_is_known(
    frame, tuples_of, name
):
    rows = [
        seen_in(name, "the day before", "2018-01-09 23:59:59"),
        seen_in(name, "at the earlier as_of", "2018-01-10 00:00"),
        seen_in(name, "at as_of", "2018-01-11 00:00"),
    ]
    spine = known_customers({name: frame(name, rows)}, [AS_OF, EARLIER])
    assert tuples_of(spine, "customer_id", "as_of") == [
        ("at the earlier as_of", AS_OF),
        ("the day before", EARLIER),
        ("the day before", AS_OF),
    ]


def test_every_table_that_names_a_customer_is_a_source():
    named = [t.name for t in SILVER if "customer_id" in t.column_names]
    assert sorted(named) == SOURCES


def test_an_event_that_is_known_later_shows_the_customer_later(frame, tuples_of):
    late = seen_in("silver.reviews", "a", "2017-01-01 10:00", known_at="2018-01-10 00:00")
    spine = known_customers({"silver.reviews": frame("silver.reviews", [late])}, [EARLIER, AS_OF])
    assert tuples_of(spine, "customer_id", "as_of") == [("a", AS_OF)]


def test_the_first_source_counts_and_a_customer_stands_once(frame, tuples_of):
    silver = {
        name: frame(name, [seen_in(name, "a", f"2018-01-{n:02d} 10:00")] * 2)
        for n, name in enumerate(SOURCES, start=1)
    }
    seen = first_seen(silver)
    assert tuples_of(seen, "customer_id", "visible_from") == [("a", dt.date(2018, 1, 2))]
    assert tuples_of(known_customers(silver, [AS_OF]), "customer_id") == [("a",)]


def test_a_ticket_without_a_customer_is_nobody(frame, tuples_of):
    tickets = [seen_in("silver.support_tickets", None, "2018-01-01 10:00")]
    silver = {"silver.support_tickets": frame("silver.support_tickets", tickets)}
    assert tuples_of(known_customers(silver, [AS_OF])) == []


def test_no_rows_give_no_customers(frame, tuples_of):
    silver = {"silver.reviews": frame("silver.reviews", [])}
    assert tuples_of(known_customers(silver, [AS_OF])) == []
