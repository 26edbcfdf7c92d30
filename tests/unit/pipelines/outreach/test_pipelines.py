"""What the pipelines of outreach read and write, over frames in memory: which rows, which settings."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.offers.consent import say_held_back
from pipelines.outreach import (
    engagement_triggers,
    message_writing,
    newest_plan,
    outbox_delivery,
)
from pipelines.outreach.delivery import Outcome
from pipelines.outreach.delivery_counts import tell_plan
from runtime import settings
from runtime.context import Context
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings.offers import load_offers
from tests.unit.pipelines.memory_lake import MemoryLake
from tests.unit.pipelines.outreach.conftest import contact_of
from tests.unit.transforms.conftest import frame, rows_of  # noqa: F401
from transforms.message_orders import offers_to_send

DAY, BEFORE, LATER = dt.date(2018, 1, 1), dt.date(2017, 12, 1), dt.date(2018, 1, 2)
RULE = {
    **{"name": "by_file", "to": ["HIGH"], "when": "recency_days < 10", "action": "offer"},
    **{"offer_id": "discount_10", "channel": "file", "period_days": 90, "valid_days": 7},
}


@pytest.fixture
def context(frame):  # noqa: F811
    """A function that makes the context of DAY over tables, with settings changed."""

    def make(tables, **changes):
        conf = settings.load("demo", decisions={"hold_out_share": 0.0}, **changes)
        made = Context(conf, RunInfo("test"), Progress(is_quiet=True), engine="duckdb")
        made.__dict__["lake"] = MemoryLake(frame, tables)
        return made.at(DAY)

    return make


def score(customer, level, as_of=DAY):
    return {"customer_id": customer, "as_of": as_of, "risk_level": level}


def rises(*customers):
    """Scores of customers whose level rose from LOW to HIGH between BEFORE and DAY."""
    return [
        score(c, level, as_of)
        for c in customers
        for level, as_of in (("LOW", BEFORE), ("HIGH", DAY))
    ]


def segments(*customers, recency_days=1):
    return [
        {"customer_id": c, "as_of": DAY, "lifecycle": "active", "recency_days": recency_days}
        for c in customers
    ]


# ---------------------------------------------------------------------- triggers


def queued_by(made):
    """The contacts that trigger_engagement writes: (customer, rule, from_level, to_level)."""
    engagement_triggers.run(made)
    columns = ("customer_id", "rule", "from_level", "to_level")
    rows = [w.frame.select(*columns).collect() for w in made.lake.writes]
    return sorted(tuple(r[c] for c in columns) for part in rows for r in part)


def test_which_customers_are_queued(context):
    """The cooling-off period is 14 days. DAY is 2018-01-01."""
    expected = {
        "free": True,
        "high_before": False,  # the level rose earlier: LOW, HIGH, HIGH
        "opted_out": False,
        "not_met": False,  # recency_days of 10 do not meet the rule's condition
        "contacted_13_days_ago": False,
        "contacted_14_days_ago": True,
        "harmed": False,  # by the newest effect of discount_10
        "helped": True,  # observational effects do not count
    }
    contact = {"campaign_id": "old", "offer_id": "app_push", "is_treated": True}
    effect = {"offer_id": "discount_10", "basis": "experiment", "as_of": DAY}
    profile = {"valid_from": dt.datetime(2017, 1, 1), "is_opted_out": True}
    tables = {
        "gold.customer_scores": [
            *rises(*(c for c in expected if c != "high_before")),
            score("high_before", "LOW", dt.date(2017, 11, 1)),
            score("high_before", "HIGH", BEFORE),
            score("high_before", "HIGH"),
        ],
        "gold.customer_segments": [
            *segments(*(c for c in expected if c != "not_met")),
            *segments("not_met", recency_days=10),
        ],
        "silver.customers": [{**profile, "customer_id": "opted_out"}],
        "silver.campaign_contacts": [
            {
                **contact,
                "customer_id": f"contacted_{days}_days_ago",
                "contacted_at": dt.datetime(2018, 1, 1) - dt.timedelta(days=days),
            }
            for days in (13, 14)
        ],
        "gold.offer_effects": [
            {**effect, "customer_id": "harmed", "as_of": BEFORE, "effect": 0.1},
            {**effect, "customer_id": "harmed", "effect": -0.1},
            {**effect, "customer_id": "helped", "effect": 0.1},
            {**effect, "customer_id": "helped", "basis": "observational", "effect": -0.1},
        ],
    }
    queued = queued_by(context(tables, triggers={"rules": [RULE], "cooling_off_days": 14}))
    assert queued == [
        (customer, "by_file", "LOW", "HIGH") for customer in sorted(expected) if expected[customer]
    ]


def test_who_has_not_said_yes_is_not_queued_unless_conf_allows_it(context, capsys):
    """a said yes, b no, c neither, d has no profile. All four rose."""
    profile = {"valid_from": dt.datetime(2017, 1, 1)}
    tables = {
        "gold.customer_scores": rises(*"abcd"),
        "gold.customer_segments": segments(*"abcd"),
        "silver.customers": [
            {**profile, "customer_id": "a", "is_opted_out": False},
            {**profile, "customer_id": "b", "is_opted_out": True},
            {**profile, "customer_id": "c"},
        ],
    }

    def queued(when_unknown):
        made = context(
            tables,
            triggers={"rules": [RULE]},
            contact={"when_consent_unknown": when_unknown},
        )
        return [row[0] for row in queued_by(made)]

    assert queued("contact") == ["a", "c", "d"]
    assert capsys.readouterr().err == ""
    assert queued("do_not_contact") == ["a"]
    assert capsys.readouterr().err == (
        "warning: 2 of 4 customers whose risk level rose are held back from delivery: their "
        "consent is unknown (silver.customers.is_opted_out is null or there is no profile). Map "
        "is_opted_out, or set contact.when_consent_unknown: contact in conf to contact them.\n"
    )


def test_without_an_earlier_score_nothing_is_queued_and_a_warning_says_so(context, capsys):
    made = context({"gold.customer_scores": [score("a", "HIGH")]}, triggers={"rules": [RULE]})
    assert queued_by(made) == []
    assert capsys.readouterr().err == (
        "warning: gold.customer_scores: has no as_of before 2018-01-01, so it is unknown which "
        "risk levels rose. Score an earlier day first.\n"
    )


def test_a_deployment_alone_queues_nobody_and_a_warning_counts_the_customers(context, capsys):
    """All three rose from LOW to HIGH. Two of them were judged by another version before."""
    versions = {"a": ("3", "4"), "b": ("3", "4"), "c": ("3", "3")}
    scores = [
        score(customer, level, as_of) | {"model_name": "xgboost", "model_version": version}
        for customer, judges in versions.items()
        for level, as_of, version in zip(("LOW", "HIGH"), (BEFORE, DAY), judges, strict=True)
    ]
    tables = {"gold.customer_scores": scores, "gold.customer_segments": segments(*versions)}
    queued = queued_by(context(tables, triggers={"rules": [RULE], "cooling_off_days": 14}))
    assert queued == [("c", "by_file", "LOW", "HIGH")]
    assert capsys.readouterr().err == (
        "warning: gold.customer_scores: another model version or risk scheme judged 2 customers on "
        "2017-12-01. A new model moves risk levels without any change in the customer, so these "
        "levels are not compared. Score both dates with the same model to compare them.\n"
    )


# ---------------------------------------------------------------------- messages


def test_messages_use_the_version_of_the_customer_at_as_of(context, rows_of):  # noqa: F811
    """a was named Ada until DAY. The opt-out of b came after DAY; c opted out before."""
    early, late = dt.datetime(2017, 1, 1), dt.datetime(2018, 1, 2)
    decision = {"as_of": DAY, "campaign_id": "plan", "offer_id": "discount_10"}
    made = context(
        {
            "gold.offer_decisions": [
                *[{**decision, "customer_id": c, "is_held_out": False} for c in "abc"],
                {**decision, "customer_id": "d", "is_held_out": False, "as_of": BEFORE},
            ],
            "silver.customers": [
                {"customer_id": "a", "first_name": "Ada", "valid_from": early, "valid_to": late},
                {"customer_id": "a", "first_name": "Eva", "valid_from": late},
                {"customer_id": "b", "first_name": "Ben", "valid_from": early, "valid_to": late},
                {"customer_id": "b", "is_opted_out": True, "valid_from": late},
                {"customer_id": "c", "is_opted_out": True, "valid_from": early},
            ],
        }
    )
    rows = rows_of(message_writing.wanted(made, load_offers()), "customer_id", "first_name")
    assert [tuple(r.values()) for r in rows] == [("a", "Ada"), ("b", "Ben")]


@pytest.mark.parametrize(
    ("plans", "day", "said"),
    [
        ([], DAY, ""),
        ([BEFORE, DAY], DAY, ""),
        ([BEFORE], BEFORE, "      messages of the plan of 2017-12-01, the newest one\n"),
        # A plan after as_of does not count.
        ([BEFORE, LATER], BEFORE, "      messages of the plan of 2017-12-01, the newest one\n"),
    ],
)
def test_messages_of_the_newest_plan_are_brought_up_to_date(context, capsys, plans, day, said):
    """A run of DAY replaces the templates of an earlier plan that still waits to be sent."""
    decisions = [{"customer_id": "a", "as_of": p, "campaign_id": "plan"} for p in plans]
    made = context({"gold.offer_decisions": decisions})
    made.progress = Progress()
    assert newest_plan.at_newest_plan(made).as_of == day
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("when_unknown", "said"),
    [
        (
            "do_not_contact",
            "      2 of 4 customers with an offer are held back from delivery: their consent is "
            "unknown (silver.customers.is_opted_out is null or there is no profile). Map "
            "is_opted_out, or set contact.when_consent_unknown: contact in conf to contact "
            "them.\n",
        ),
        ("contact", ""),
    ],
)
def test_a_plan_says_how_many_customers_are_held_back(context, capsys, when_unknown, said):
    """a said yes, b no, c said yes only after DAY, d has no profile, e has no offer."""
    early, late = dt.datetime(2017, 1, 1), dt.datetime(2018, 1, 2)
    decision = {"as_of": DAY, "campaign_id": "plan", "is_held_out": False}
    made = context(
        {
            "gold.offer_decisions": [
                *[{**decision, "customer_id": c, "offer_id": "discount_10"} for c in "abcd"],
                {**decision, "customer_id": "e"},
            ],
            "silver.customers": [
                {"customer_id": "a", "is_opted_out": False, "valid_from": early},
                {"customer_id": "b", "is_opted_out": True, "valid_from": early},
                {"customer_id": "c", "valid_from": early, "valid_to": late},
                {"customer_id": "c", "is_opted_out": False, "valid_from": late},
            ],
        },
        contact={"when_consent_unknown": when_unknown},
    )
    made.progress = Progress()
    rows = offers_to_send(made.slice("gold.offer_decisions"))
    say_held_back(made, rows, "customers with an offer")
    assert capsys.readouterr().out == said


class Recorder:
    """Stands in for the Spark session: keeps the records of each frame."""

    def __init__(self):
        self.records = []

    def createDataFrame(self, records, ddl):
        self.records += records


# ---------------------------------------------------------------------- delivery


def test_an_outcome_is_stored_with_the_day_of_the_run(context):
    made = context({})
    made.__dict__["spark"] = Recorder()
    outbox_delivery.store(made, [Outcome(contact_of(1), "dead", "http_410", 3)])
    columns = made.table("gold.outbox_deliveries").column_names
    (record,) = made.spark.records
    assert dict(zip(columns, record, strict=True)) == {
        **{"contact_id": f"{1:032x}", "customer_id": "c1", "status": "dead"},
        **{"reason": "http_410", "attempts": 3, "last_tried_on": DAY},
    }


def test_a_dry_run_counts_what_would_be_sent_and_what_would_be_held_back(frame, capsys):  # noqa: F811
    rows = [("file", None), ("file", None), ("email", "expired"), ("email", "not_fulfilled")]
    rows += [("file", "not_fulfilled"), ("webhook", "opted_out")]
    tell_plan(Progress(), frame("channel string, barrier string", rows))
    said = capsys.readouterr()
    assert said.out == "      would send  file 2\n"
    assert said.err == (
        "warning: 2 contacts held back: their offer is not booked yet. The next run after "
        "silver.fulfilments has it sends them, until the offer expires. gold.outbox_deliveries "
        "lists them with reason not_fulfilled.\n"
    )


def test_offers_by_other_channels_than_email_go_to_files():
    offers = {
        name: SimpleNamespace(channel=channel, valid_days=days)
        for name, channel, days in (("ten", "email", 14), ("call", "phone", 7))
    }
    ways = outbox_delivery.ways_of_conf("email", offers)
    assert [(w.offer_id, w.channel, w.valid_days) for w in ways] == [
        ("ten", "email", 14),
        ("call", "file", 7),
    ]
    assert [w.channel for w in outbox_delivery.ways_of_conf("webhook", offers)] == ["webhook"] * 2
