"""Attempts, waits, dead letters, and kills in subprocesses at every fault point and at random."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.outreach.contact import NotSentError
from pipelines.outreach.delivery import Delivery, Journal, Outcome
from pipelines.outreach.sinks import WebhookSink
from tests.unit.pipelines.outreach.conftest import contact_of
from tests.unit.pipelines.outreach.receivers import Mailbox, Webhook

ROOT = Path(__file__).resolve().parents[4]


class Scripted:
    """A sink with given answers. None: the contact is accepted; an error: it is raised."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def send(self, contact):
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.sent.append(contact.contact_id)


def run(sink, tmp_path, conf, contacts, **changes):
    """Outcomes as (status, reason, attempts); the waits; the delivery."""
    waits = []
    settings = conf.model_copy(update=changes)
    delivery = Delivery({"file": sink}, settings, Journal(tmp_path / "journal"), waits.append)
    outcomes = delivery.deliver(contacts)
    return [(o.status, o.reason, o.attempts) for o in outcomes], waits, delivery


def later(reason="http_503", wait=None):
    return NotSentError(reason, is_final=False, wait_seconds=wait)


def test_a_refusal_is_retried_after_a_wait_that_doubles(tmp_path, conf):
    sink = Scripted(later(), later())
    assert run(sink, tmp_path, conf, [contact_of()])[:2] == ([("sent", None, 3)], [1.0, 2.0])


def test_retry_after_replaces_a_shorter_wait_up_to_the_longest(tmp_path, conf):
    sink = Scripted(later(wait=7.0), later(wait=3600.0))
    outcomes, waits, _ = run(sink, tmp_path, conf, [contact_of()])
    assert (outcomes, waits) == ([("sent", None, 3)], [7.0, 60.0])


def test_after_the_tries_of_a_run_a_contact_waits_for_the_next_run(tmp_path, conf):
    sink = Scripted(later(), later(), later())
    outcomes, waits, _ = run(sink, tmp_path, conf, [contact_of(attempts=2)])
    assert (outcomes, len(waits)) == ([("failed", "http_503", 5)], 2)


def test_after_the_most_attempts_a_contact_is_dead(tmp_path, conf):
    sink = Scripted(later(), later(), later())
    outcomes, _, _ = run(sink, tmp_path, conf, [contact_of(attempts=10)])
    assert outcomes == [("dead", "http_503", 12)]


def test_a_dead_letter_that_is_retried_gets_one_attempt(tmp_path, conf):
    """It already had the most attempts, 12."""
    sink = Scripted(later(), later())
    outcomes, waits, _ = run(sink, tmp_path, conf, [contact_of(attempts=12)])
    assert (outcomes, waits) == ([("dead", "http_503", 13)], [])


def test_a_final_refusal_is_not_retried(tmp_path, conf):
    sink = Scripted(NotSentError("http_410", is_final=True))
    outcomes, waits, _ = run(sink, tmp_path, conf, [contact_of(), contact_of(1)])
    assert (outcomes, waits) == ([("dead", "http_410", 1), ("sent", None, 1)], [])


def test_contacts_of_a_channel_that_is_down_wait(tmp_path, conf):
    sink = Scripted(*[later()] * 100)
    contacts = [contact_of(n) for n in range(10)]
    outcomes, _, delivery = run(sink, tmp_path, conf, contacts, tries_a_run=1, failures_to_stop=3)
    assert outcomes == [("failed", "http_503", 1)] * 3
    assert delivery.waiting == {"file": 7}


def test_a_wrong_secret_makes_no_contact_dead_and_closes_the_channel(tmp_path, conf, receiver):
    server = receiver(Webhook, behave=lambda number: (401, {}))
    sink = WebhookSink(conf.webhook.model_copy(update={"url": server.url}), "wrong")
    contacts = [contact_of(n) for n in range(10)]
    outcomes, _, delivery = run(sink, tmp_path, conf, contacts, tries_a_run=1, failures_to_stop=3)
    assert outcomes == [("failed", "http_401", 1)] * 3
    assert (delivery.waiting, len(server.heard)) == ({"file": 7}, 3)


def test_a_sent_contact_resets_the_failures_of_its_channel(tmp_path, conf):
    sink = Scripted(*[later(), later(), None] * 3)
    contacts = [contact_of(n) for n in range(9)]
    outcomes, _, delivery = run(sink, tmp_path, conf, contacts, tries_a_run=1, failures_to_stop=3)
    assert Counter(s for s, _, _ in outcomes) == {"failed": 6, "sent": 3}
    assert delivery.waiting == {}


def test_contacts_of_a_channel_without_a_sink_wait(tmp_path, conf):
    outcomes, _, delivery = run(Scripted(), tmp_path, conf, [contact_of(channel="email")])
    assert (outcomes, delivery.waiting) == ([], {"email": 1})


@pytest.mark.parametrize(
    ("barrier", "status"),
    [
        ("opted_out", "cancelled"),
        ("expired", "cancelled"),
        ("no_such_offer", "cancelled"),
        ("consent_unknown", "held_back"),
        ("not_fulfilled", "held_back"),
    ],
)
def test_a_contact_with_a_barrier_is_not_sent(tmp_path, conf, barrier, status):
    sink = Scripted()
    outcomes, _, _ = run(sink, tmp_path, conf, [contact_of(barrier=barrier, attempts=2)])
    assert (outcomes, sink.sent) == ([(status, barrier, 2)], [])


def test_a_contact_that_is_held_back_again_is_not_new():
    def is_new(status, reason, before):
        return Outcome(contact_of(held_back_for=before), status, reason, 0).is_new

    assert is_new("held_back", "not_fulfilled", None)
    assert is_new("held_back", "not_fulfilled", "consent_unknown")
    assert not is_new("held_back", "not_fulfilled", "not_fulfilled")
    assert is_new("sent", None, "not_fulfilled")


def test_contacts_in_the_journal_count_as_sent(tmp_path, conf):
    Journal(tmp_path / "journal").note(contact_of().contact_id)
    sink = Scripted()
    outcomes, _, delivery = run(sink, tmp_path, conf, [contact_of(), contact_of(1)])
    assert outcomes == [("sent", None, 1), ("sent", None, 1)]
    assert sink.sent == [contact_of(1).contact_id]
    delivery.journal.forget(contact_of(n).contact_id for n in (0, 1))
    assert Journal(tmp_path / "journal").taken == set()


def test_the_journal_forgets_only_the_given_contacts(tmp_path):
    names = [contact_of(n).contact_id for n in range(3)]
    journal = Journal(tmp_path / "journal")
    for name in names:
        journal.note(name)
    journal.forget([names[1], contact_of(9).contact_id])
    assert journal.taken == Journal(tmp_path / "journal").taken == {names[0], names[2]}
    journal.note(names[1])
    assert Journal(tmp_path / "journal").taken == set(names)


@pytest.mark.parametrize("cut", [1, 31])
def test_an_incomplete_line_of_the_journal_does_not_count(tmp_path, cut):
    path = tmp_path / "journal"
    names = [contact_of(n).contact_id for n in range(3)]
    path.write_text(f"{names[0]}\n{names[1][:cut]}")
    journal = Journal(path)
    assert journal.taken == {names[0]}
    journal.note(names[2])
    assert Journal(path).taken == {names[0], names[2]}


# ---------------------------------------------------------------------- kills

# The launcher imports everything once and forks one run per line that it reads: the first contact
# that is due, and the fault point. marks.json stands in for the Delta table of the job.
PROGRAM = """
import datetime, json, os, sys
from itertools import islice
from pathlib import Path
from pipelines.outreach.contact import Contact
from pipelines.outreach.delivery import Delivery, Journal
from pipelines.outreach.sinks import FileSink, MailSink, WebhookSink
from runtime import settings
from runtime.fault_points import fault_point

folder, url, port, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
conf = settings.load("demo").triggers.delivery

def run(first):
    mail = {"host": "127.0.0.1", "port": port, "security": "none"}
    sinks = {
        "file": FileSink(folder / "out"),
        "webhook": WebhookSink(conf.webhook.model_copy(update={"url": url}), "secret"),
        "email": MailSink(conf.email.model_copy(update=mail), None),
    }
    marks = folder / "marks.json"
    done = json.loads(marks.read_text()) if marks.exists() else {}
    channels = ("file", "webhook", "email")
    day, rise = datetime.date(2026, 1, 1), ("LOW", "HIGH")
    contacts = [
        Contact(
            f"{n:032x}", f"c{n}", "rule", "offer", "ten", channels[n % 3], day, *rise,
            address=f"c{n}@mail.example", text="Hello.",
        )
        for n in range(first, count)
    ]
    left = iter([c for c in contacts if c.contact_id not in done])
    delivery = Delivery(sinks, conf, Journal(folder / "journal"))
    while part := list(islice(left, 5)):
        statuses = {o.contact.contact_id: o.status for o in delivery.deliver(part)}
        done |= statuses
        fault_point("before_mark")
        new = folder / "marks.new"
        new.write_text(json.dumps(done))
        new.replace(marks)
        fault_point("after_mark")
        delivery.journal.forget(statuses)

for line in sys.stdin:
    child = os.fork()
    if not child:
        first, _, os.environ["CRASH_AT"] = line.strip().partition(" ")
        run(int(first))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
POINTS = ("before_send", "after_send", "after_note", "before_mark", "after_mark")


class Outside:
    """Receivers that stay up during all runs, and the folder that the runs share."""

    def __init__(self, receiver, folder, count):
        self.webhook, self.mailbox = receiver(Webhook), receiver(Mailbox)
        self.folder, self.count = folder, count

        given = [str(folder), self.webhook.url, str(self.mailbox.port), str(count)]
        self.launcher = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *given],
            **{"cwd": ROOT, "text": True, "env": {**os.environ, "PYTHONPATH": str(ROOT)}},
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE},
        )

    def start(self, crash_at="", first=0):
        """Start a run over the contacts from `first` on. Returns its process id."""
        print(f"{first} {crash_at}", file=self.launcher.stdin, flush=True)
        return int(self.launcher.stdout.readline())

    def ended(self):
        """Wait for the end of the run. Returns its exit code."""
        return int(self.launcher.stdout.readline())

    def run(self, crash_at="", first=0):
        self.start(crash_at, first)
        return self.ended()

    def close(self):
        self.launcher.stdin.close()
        self.launcher.wait(10)

    def heard(self):
        """Number of requests per contact of the webhook and the mailbox, by the contact's number."""
        names = [headers["Idempotency-Key"] for headers, _ in self.webhook.heard]
        mails = [raw.partition(b"Message-ID: <")[2][:32].decode() for _, raw in self.mailbox.heard]
        return Counter(int(name, 16) for name in [*names, *mails])

    def check_each_was_taken_once(self):
        numbers = range(self.count)
        files = sorted(int(p.stem, 16) for p in (self.folder / "out").glob("*.json"))
        assert files == [n for n in numbers if n % 3 == 0]
        taken = sorted(int(name, 16) for name in self.webhook.taken)
        assert taken == [n for n in numbers if n % 3 == 1]
        mails = sorted(int(name[1:33], 16) for name in self.mailbox.taken)
        assert mails == [n for n in numbers if n % 3 == 2]
        marks = json.loads((self.folder / "marks.json").read_text())
        assert marks == {contact_of(n).contact_id: "sent" for n in numbers}


@pytest.fixture
def outside(tmp_path, receiver):
    """A function that starts receivers and a launcher for a number of contacts."""
    made = []

    def make(count):
        made.append(Outside(receiver, tmp_path, count))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_at_a_fault_point_no_contact_is_lost_or_repeated(outside, point):
    world = outside(18)
    # The first run dies at the webhook of contact 1, the second at the e-mail of contact 2; or both
    # die when they write the marks.
    turns = (2, 2) if "mark" not in point else (1, 2)
    assert [world.run(f"{point}:{turn}") for turn in turns] == [137, 137]
    assert world.run() == 0
    world.check_each_was_taken_once()
    # Only a contact that was accepted but is not in the journal is requested twice.
    again = sum(times - 1 for times in world.heard().values())
    assert again == (2 if point == "after_send" else 0)


def test_contacts_in_the_journal_are_not_sent_again_when_other_contacts_became_due(outside):
    """Contacts 10 to 14 are sent and in the journal when the run is killed.

    In the next run contacts 0 to 9 are due too and fill the first two batches.
    """
    world = outside(18)
    assert world.run("before_mark", first=10) == 137
    assert world.run() == 0
    world.check_each_was_taken_once()
    assert set(world.heard().values()) == {1}


def test_after_thirty_kills_at_random_no_contact_is_lost_or_repeated(outside):
    draw, world = random.Random(5), outside(1_500)
    codes = []
    while codes.count(-signal.SIGKILL) < 30:
        before = len(world.webhook.heard)
        process = world.start()
        ends = time.monotonic() + 5
        # Wait for the first request: a kill before it would prove little.
        while len(world.webhook.heard) == before and time.monotonic() < ends:
            time.sleep(0.001)
        time.sleep(draw.random() * 0.03)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        codes.append(world.ended())
        if codes[-1] == 0:
            break
    assert codes.count(-signal.SIGKILL) == 30
    assert world.run() == 0
    world.check_each_was_taken_once()
    # Each kill can fall between a receiver's reply and the journal once.
    assert sum(times - 1 for times in world.heard().values()) <= 30
