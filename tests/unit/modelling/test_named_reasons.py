"""What leavers said, as it was known on the day of the training."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from contracts.silver import REASONS
from jobs.modelling.named_reasons import SOURCES, labels_of_leavers
from jobs.modelling.record import fingerprint
from jobs.runtime import settings

# Trained on 1 January: a leaver of 1 October, whose horizon of 30 days and the 60 after it are over.
AS_OF, THEN = dt.date(2018, 1, 1), dt.date(2017, 10, 1)
SURVEYS, TICKETS = SOURCES


@pytest.fixture
def context_of(frame):
    """A function that makes a context over tables: name -> rows of its contract."""

    def make(rows):
        frames = {name: frame(name, given) for name, given in rows.items()}
        return SimpleNamespace(
            settings=settings.load("demo"),
            as_of=AS_OF,
            has=frames.__contains__,
            read=frames.__getitem__,
        )

    return make


def survey(who, at, known_at=None):
    return {"customer_id": who, "reason": "price", "answered_at": at, "known_at": known_at}


def ticket(who, at, known_at=None):
    told = {"ticket_id": who, "customer_id": who, "category": "outage"}
    return {**told, "opened_at": at, "known_at": known_at}


def test_what_is_said_or_known_from_as_of_on_labels_nobody(frame, rows_of, context_of):
    context = context_of(
        {
            SURVEYS: [
                survey("survey", "2017-12-20"),
                survey("survey of the day", "2018-01-01"),
                survey("survey known late", "2017-12-20", "2018-01-01"),
            ],
            TICKETS: [
                ticket("ticket", "2017-10-05"),
                ticket("ticket known late", "2017-10-05", "2018-01-01"),
            ],
        }
    )
    every = ("survey", "survey of the day", "survey known late", "ticket", "ticket known late")
    rows = frame(
        "customer_id string, as_of date, recency_days bigint, churned int",
        [(who, THEN, 20, 1) for who in every],
    )
    found = {
        row["customer_id"]: {r for r in REASONS if row[f"named_{r}"]}
        for row in rows_of(labels_of_leavers(context, rows))
    }
    assert found == {"survey": {"price"}, "ticket": {"quality"}}


def test_without_a_source_of_reasons_there_is_no_label(context_of):
    assert labels_of_leavers(context_of({}), None) is None


@pytest.mark.parametrize("changed", SOURCES)
def test_new_answers_and_tickets_ask_for_another_training(changed):
    def mark(versions):
        context = SimpleNamespace(
            settings=settings.load("demo"),
            run=SimpleNamespace(inputs={"features.labels": 3}),
            lake=SimpleNamespace(version=versions.get),
        )
        return fingerprint(context, {})

    before = dict.fromkeys(SOURCES, 1)
    assert mark(before) == mark(dict(before))
    assert len({mark({}), mark(before), mark({**before, changed: 2})}) == 3
