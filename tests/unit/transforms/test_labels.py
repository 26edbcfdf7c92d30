"""Churn labels: horizons and their limits, and a plain Python oracle over random logs."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from transforms.attributes import terminated
from transforms.labels import churn_population, inactivity_labels, purchase_days, termination_labels

AS_OF = dt.date(2018, 1, 10)
ENDED = "customer_id string, as_of date"
ONE_DAY = dt.timedelta(days=1)
BEFORE = "2018-01-05 10:00"


def bought(customer, at, amount=1, known_at=None):
    return {
        "customer_id": customer,
        "order_id": "1",
        "purchased_at": at,
        "amount": amount,
        "known_at": known_at,
    }


def day(text):
    return dt.date.fromisoformat(text)


@pytest.fixture
def inactivity(frame, tuples_of):
    """A function: lines -> (customer, horizon, churned) at AS_OF."""

    def labels(lines, horizons=(7,), lead=0, until="2018-12-31", ended=(), wait=3):
        days = purchase_days(frame("silver.transactions", lines))
        population = churn_population(days, frame(ENDED, ended), [AS_OF])
        labelled = inactivity_labels(
            days, population, horizons, lead_days=lead, wait_days=wait, observed_until=day(until)
        )
        return tuples_of(labelled, "customer_id", "horizon_days", "churned")

    return labels


@pytest.fixture
def termination(frame, tuples_of):
    """A function: ends -> (customer, horizon, churned) at AS_OF. Each customer bought before."""

    def labels(ends, customers, horizons=(7,), lead=0, until="2018-12-31", wait=3):
        population = frame(ENDED, [(c, AS_OF) for c in customers])
        names = ("customer_id", "terminated_at", "known_at")
        rows = [dict(zip(names, end, strict=False)) for end in ends]
        terminations = frame("silver.terminations", rows)
        labelled = termination_labels(
            terminations,
            population,
            horizons,
            lead_days=lead,
            wait_days=wait,
            observed_until=day(until),
        )
        return tuples_of(labelled, "customer_id", "horizon_days", "churned")

    return labels


def test_churned_is_no_purchase_within_the_horizon(inactivity):
    # [10th, 17th) for a horizon of 7 days.
    again = {
        "a never": None,
        "b the last moment": "2018-01-16 23:59:59",
        "c a moment late": "2018-01-17 00:00",
        "d at as_of": "2018-01-10 00:00",
    }
    lines = [bought(c, BEFORE) for c in again]
    lines += [bought(c, at) for c, at in again.items() if at]
    assert inactivity(lines) == [
        ("a never", 7, 1),
        ("b the last moment", 7, 0),
        ("c a moment late", 7, 1),
        ("d at as_of", 7, 0),
    ]


def test_with_two_weeks_of_lead_the_horizon_begins_later(inactivity):
    # [24th, 31st): 7 days from as_of + 14.
    again = {
        "a in the lead": "2018-01-23 23:59:59",
        "b at the start": "2018-01-24 00:00",
        "c the last moment": "2018-01-30 23:59:59",
        "d a moment late": "2018-01-31 00:00",
        "e in the lead and the horizon": "2018-01-20 10:00",
    }
    lines = [bought(c, BEFORE) for c in again] + [bought(c, at) for c, at in again.items()]
    lines += [bought("e in the lead and the horizon", "2018-01-25 10:00")]
    assert inactivity(lines, lead=14) == [
        ("a in the lead", 7, 1),
        ("b at the start", 7, 0),
        ("c the last moment", 7, 0),
        ("d a moment late", 7, 1),
        ("e in the lead and the horizon", 7, 0),
    ]


def test_only_a_return_in_the_horizon_is_churn_and_a_line_of_no_value_is_not(inactivity):
    lines = [bought(c, BEFORE) for c in ("return", "zero")]
    lines += [bought("return", "2018-01-12 10:00", -1), bought("zero", "2018-01-12 10:00", 0)]
    assert inactivity(lines) == [("return", 7, 1), ("zero", 7, 0)]


def test_a_label_needs_a_purchase_that_is_known_before_as_of(inactivity):
    lines = [
        bought("at as_of alone", "2018-01-10 00:00"),
        bought("known too late", BEFORE, known_at="2018-01-10 00:00"),
        bought("returned alone", BEFORE, -1),
        bought("the moment before", "2018-01-09 23:59:59"),
        bought("twice", BEFORE),
        bought("twice", "2018-01-06 10:00"),
    ]
    assert inactivity(lines) == [("the moment before", 7, 1), ("twice", 7, 1)]


def test_a_purchase_counts_if_it_is_known_soon_after_the_horizon(inactivity):
    """The horizon of 7 days ends with the 16th; 3 days later is the 19th. That of 8 ends a day
    later.
    """
    known = {"a at once": "2018-01-12 10:00", "b in time": "2018-01-19 23:59:59"}
    known |= {"c a moment late": "2018-01-20 00:00", "d a year late": "2019-01-01 10:00"}
    lines = [bought(c, BEFORE) for c in known]
    lines += [bought(c, "2018-01-12 10:00", known_at=at) for c, at in known.items()]
    expected = dict(zip(known, ((0, 0), (0, 0), (1, 0), (1, 1)), strict=True))
    by_horizon = {(c, h): churned for c, h, churned in inactivity(lines, (7, 8))}
    assert by_horizon == {
        (c, h): y for c, both in expected.items() for h, y in zip((7, 8), both, strict=True)
    }
    # Of two purchases, the known one counts, although it is later.
    lines += [bought("c a moment late", "2018-01-14 10:00")]
    assert ("c a moment late", 7, 0) in inactivity(lines)
    # With a wait of a year.
    assert ("d a year late", 7, 0) in inactivity(lines, wait=366)


def test_each_horizon_has_its_label_once_it_has_passed(inactivity):
    lines = [bought("a", BEFORE), bought("a", "2018-01-13 10:00")]
    labels = [("a", 1, 1), ("a", 3, 1), ("a", 4, 0), ("a", 30, 0)]
    horizons = (30, 1, 3, 4)
    # The horizon of 30 days ends with 8 February.
    assert inactivity(lines, horizons, until="2018-02-09") == sorted(labels)
    assert inactivity(lines, horizons, until="2018-02-08") == sorted(labels[:3])
    assert inactivity(lines, horizons, until="2018-01-10") == []
    # With a lead of 14 days, all horizons end two weeks later.
    assert [h for _, h, _ in inactivity(lines, horizons, 14, "2018-02-08")] == [1, 3, 4]
    assert [h for _, h, _ in inactivity(lines, horizons, 14, "2018-01-27")] == [1, 3]


def test_the_terminated_are_out_of_the_population(inactivity):
    lines = [bought("a", BEFORE), bought("b", BEFORE)]
    assert inactivity(lines, ended=[("a", AS_OF)]) == [("b", 7, 1)]
    # Ended at another as_of, but not at this one.
    assert inactivity(lines, ended=[("a", AS_OF + ONE_DAY)]) == [("a", 7, 1), ("b", 7, 1)]


def test_without_lines_there_is_no_label(inactivity):
    assert inactivity([]) == []


def test_a_termination_in_the_horizon_is_churn(termination):
    ends = {
        "a at as_of": "2018-01-10 00:00",
        "b the last moment": "2018-01-16 23:59:59",
        "c a moment late": "2018-01-17 00:00",
    }
    labels = termination(ends.items(), [*ends, "d never"])
    assert labels == [
        ("a at as_of", 7, 1),
        ("b the last moment", 7, 1),
        ("c a moment late", 7, 0),
        ("d never", 7, 0),
    ]


def test_who_had_left_before_the_horizon_began_has_no_label(termination):
    # With a lead of 14 days it begins on the 24th; "b" had left before as_of, not yet known.
    ends = {"a": "2018-01-23 23:59:59", "b": "2018-01-09 10:00", "c": "2018-01-24 00:00"}
    assert termination(ends.items(), ends, lead=14) == [("c", 7, 1)]


def test_the_first_of_two_terminations_counts(termination):
    ends = [("a", "2018-01-20 10:00"), ("a", "2018-01-12 10:00")]
    assert termination(ends, ["a"]) == [("a", 7, 1)]


def test_a_termination_counts_if_it_is_known_soon_after_the_horizon(termination):
    ends = [
        ("a in time", "2018-01-12 10:00", "2018-01-19 23:59:59"),
        ("b a moment late", "2018-01-12 10:00", "2018-01-20 00:00"),
        # Left before the horizon began: the row exists until that is known.
        ("c gone, in time", "2018-01-09 10:00", "2018-01-19 23:59:59"),
        ("d gone, late", "2018-01-09 10:00", "2018-01-20 00:00"),
    ]
    labels = termination(ends, [c for c, *_ in ends])
    assert labels == [("a in time", 7, 1), ("b a moment late", 7, 0), ("d gone, late", 7, 0)]


def test_a_termination_label_needs_a_horizon_that_has_passed(termination):
    ends = [("a", "2018-01-12 10:00")]
    assert termination(ends, ["a"], (7, 8), until="2018-01-17") == [("a", 7, 1)]


def test_a_label_says_which_definition_and_lead_made_it(frame, tuples_of):
    days = purchase_days(frame("silver.transactions", [bought("a", BEFORE)]))
    population = churn_population(days, frame(ENDED, []), [AS_OF])
    until = day("2018-12-31")
    names = ("as_of", "lead_days", "definition")
    by_purchase = inactivity_labels(
        days, population, [7], lead_days=14, wait_days=0, observed_until=until
    )
    assert tuples_of(by_purchase, *names) == [(AS_OF, 14, "inactivity")]
    by_end = termination_labels(
        frame("silver.terminations", []),
        population,
        [7],
        lead_days=0,
        wait_days=0,
        observed_until=until,
    )
    assert tuples_of(by_end, *names) == [(AS_OF, 0, "termination")]


HORIZONS = (1, 7, 30)
WAIT = 5


def oracle(purchases, ends, as_of, horizon, lead, until, definition):
    """0, 1, or None for no label; purchases are (at, amount, known_at), ends (at, known_at)."""
    midnight = dt.datetime.combine(as_of, dt.time.min)
    if not any(a >= 0 and at < midnight and known < midnight for at, a, known in purchases):
        return None
    if any(at < midnight and known < midnight for at, known in ends):
        return None
    start = midnight + lead * ONE_DAY
    end = start + horizon * ONE_DAY
    if end.date() > until:
        return None
    in_time = end + WAIT * ONE_DAY
    if definition == "inactivity":
        bought_in = [at for at, a, known in purchases if a >= 0 and known < in_time]
        return int(not any(start <= at < end for at in bought_in))
    ended_at = [at for at, known in ends if known < in_time]
    if any(at < start for at in ended_at):
        return None
    return int(any(start <= at < end for at in ended_at))


@pytest.mark.parametrize("definition", ["inactivity", "termination"])
def test_labels_equal_the_oracle_over_400_random_logs(frame, tuples_of, definition):
    draw = random.Random(11)
    dates = [AS_OF, AS_OF + 6 * ONE_DAY, AS_OF + 7 * ONE_DAY, AS_OF + 40 * ONE_DAY]
    lead, until = {"inactivity": 0, "termination": 3}[definition], day("2018-02-20")

    def moment():
        at = dt.datetime(2018, 1, 1) + draw.randrange(70) * ONE_DAY
        at += draw.choice((dt.timedelta(), dt.timedelta(microseconds=-1)))
        return at, at + draw.choice((0, 0, 0, 1, 20)) * ONE_DAY

    logs = {}
    for customer in map(str, range(400)):
        moments = [moment() for _ in range(draw.choice((0, 1, 2, 5)))]
        purchases = [(at, draw.choice((5, 0, -5)), known) for at, known in moments]
        logs[customer] = purchases, [moment() for _ in range(draw.choice((0, 0, 0, 1, 2)))]

    lines = [bought(c, *line) for c, (purchases, _) in logs.items() for line in purchases]
    ends = [
        {"customer_id": c, "terminated_at": at, "known_at": known}
        for c, (_, given) in logs.items()
        for at, known in given
    ]
    terminations = frame("silver.terminations", ends)
    spine = frame(ENDED, [(c, d) for c in logs for d in dates])
    days = purchase_days(frame("silver.transactions", lines))
    population = churn_population(days, terminated(terminations, spine), dates)
    timing = {"lead_days": lead, "wait_days": WAIT, "observed_until": until}
    labels = (
        inactivity_labels(days, population, HORIZONS, **timing)
        if definition == "inactivity"
        else termination_labels(terminations, population, HORIZONS, **timing)
    )
    expected = {
        (c, as_of, horizon): label
        for c, log in logs.items()
        for as_of in dates
        for horizon in HORIZONS
        if (label := oracle(*log, as_of, horizon, lead, until, definition)) is not None
    }
    rows = tuples_of(labels, "customer_id", "as_of", "horizon_days", "churned")
    assert rows == sorted((*key, label) for key, label in expected.items())
    assert set(expected.values()) == {0, 1}
