"""features.demographics: the profile version known at as_of, and who had left."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.silver import ATTRIBUTES
from transforms.attributes import demographic_features, terminated, valid_at

AS_OF = dt.date(2018, 1, 10)
SPINE = "customer_id string, as_of date"
AT_AS_OF, BEFORE = "2018-01-10 00:00", "2018-01-09 23:59:59.999999"


def version(customer, valid_from, valid_to, plan):
    return {
        "customer_id": customer,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "plan": plan,
    }


VERSIONS = [
    version("known the moment before", BEFORE, None, "new"),
    version("known at as_of", AT_AS_OF, None, "new"),
    # The change became known at midnight of as_of: too late for its features.
    version("changed at as_of", "2017-01-01 00:00", AT_AS_OF, "old"),
    version("changed at as_of", AT_AS_OF, None, "new"),
    version("changed the moment before", "2017-01-01 00:00", BEFORE, "old"),
    version("changed the moment before", BEFORE, None, "new"),
    version("changed twice", "2017-01-01 00:00", "2017-06-01 00:00", "first"),
    version("changed twice", "2017-06-01 00:00", "2018-06-01 00:00", "second"),
    version("changed twice", "2018-06-01 00:00", None, "third"),
    version("ended before, as a source may end it", "2017-01-01 00:00", "2017-06-01 00:00", "old"),
]
PLANS = {
    "known the moment before": "new",
    "known at as_of": None,
    "changed at as_of": "old",
    "changed the moment before": "new",
    "changed twice": "second",
    "ended before, as a source may end it": None,
    "without a profile": None,
}


def test_each_as_of_has_the_version_that_it_knew(frame, tuples_of):
    spine = frame(SPINE, [(customer, AS_OF) for customer in PLANS])
    profiles = valid_at(frame("silver.customers", VERSIONS), spine)
    assert dict(tuples_of(profiles, "customer_id", "plan")) == {c: p for c, p in PLANS.items() if p}


def test_dates_of_one_call_each_have_their_own(frame, tuples_of):
    dates = [dt.date(2017, 1, 1), dt.date(2017, 1, 2), dt.date(2017, 7, 1), dt.date(2019, 1, 1)]
    spine = frame(SPINE, [("changed twice", d) for d in dates])
    profiles = valid_at(frame("silver.customers", VERSIONS), spine)
    assert [plan for _, plan in tuples_of(profiles, "as_of", "plan")] == [
        "first",
        "second",
        "third",
    ]


def test_who_left_before_as_of_is_terminated_and_who_leaves_at_it_is_not(frame, tuples_of):
    ends = [
        {"customer_id": "the moment before", "terminated_at": BEFORE},
        {"customer_id": "at as_of", "terminated_at": AT_AS_OF},
        {"customer_id": "known late", "terminated_at": "2018-01-01 10:00", "known_at": AT_AS_OF},
        {"customer_id": "announced", "terminated_at": AT_AS_OF, "known_at": "2018-01-01 10:00"},
        {"customer_id": "twice", "terminated_at": "2017-01-01 10:00"},
        {"customer_id": "twice", "terminated_at": "2017-02-01 10:00"},
    ]
    spine = frame(SPINE, [(c, AS_OF) for c in sorted({end["customer_id"] for end in ends})])
    ended = terminated(frame("silver.terminations", ends), spine)
    assert tuples_of(ended, "customer_id", "as_of") == [
        ("the moment before", AS_OF),
        ("twice", AS_OF),
    ]


@pytest.fixture
def demographics(frame, rows_of):
    """A function: versions, ends -> customer -> row, for the given customers."""

    def rows(versions, ends, customers):
        spine = frame(SPINE, [(c, AS_OF) for c in customers])
        profiles = valid_at(frame("silver.customers", versions), spine)
        ended = terminated(frame("silver.terminations", ends), spine)
        results = rows_of(demographic_features(profiles, ended, spine))
        return {row["customer_id"]: row for row in results}

    return rows


def test_a_row_has_every_attribute_and_says_where_there_is_no_profile(demographics):
    texts = {a.name: f"{a.name} of a" for a in ATTRIBUTES if a.type == "string"}
    profile = {"customer_id": "a", "valid_from": BEFORE, **texts, "monthly_charge": "9.99"}
    gone = {"customer_id": "b", "terminated_at": "2018-01-01 10:00"}
    by_customer = demographics([profile], [gone], ["a", "b"])
    key = {"as_of": AS_OF}
    assert by_customer == {
        "a": {
            "customer_id": "a",
            **key,
            "has_profile": True,
            "is_terminated": False,
            **texts,
            "monthly_charge": 9.99,
        },
        "b": {
            "customer_id": "b",
            **key,
            "has_profile": False,
            "is_terminated": True,
            **dict.fromkeys(texts),
            "monthly_charge": None,
        },
    }


def test_a_profile_of_nulls_is_a_profile(demographics):
    by_customer = demographics([{"customer_id": "a", "valid_from": BEFORE}], [], ["a"])
    assert by_customer["a"]["has_profile"] is True
    assert {by_customer["a"][a.name] for a in ATTRIBUTES} == {None}


def test_no_customer_gives_no_row(demographics):
    assert demographics(VERSIONS, [], []) == {}
