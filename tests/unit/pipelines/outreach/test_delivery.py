"""Tries, waits, giving up, and kills: in processes of their own, at every point and at random."""

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
from pipelines.outreach.delivery import Delivery, Journal
from pipelines.outreach.sinks import WebhookSink
from tests.unit.pipelines.outreach.conftest import contact_of
from tests.unit.pipelines.outreach.receivers import Mailbox, Webhook

ROOT = Path(__file__).resolve().parents[4]


class Scripted:
    """A sink that answers as told: None takes it, else it raises."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def send(self, contact):
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.sent.append(contact.contact_id)


def run(sink, tmp_path, conf, contacts, **changes):
    """(outcomes as (status, reason, attempts), waits, the delivery)."""
    waits = []
    settings = conf.model_copy(update=changes)
    delivery = Delivery({"file": sink}, settings, Journal(tmp_path / "journal"), waits.append)
    found = delivery.deliver(contacts)
    return [(o.status, o.reason, o.attempts) for o in found], waits, delivery


def later(reason="http_503", wait=None):
    return NotSentError(reason, is_final=False, wait_seconds=wait)


def test_a_refusal_is_tried_again_after_a_wait_that_doubles(tmp_path, conf):
    sink = Scripted(later(), later())
    assert run(sink, tmp_path, conf, [contact_of()])[:2] == ([("sent", None, 3)], [1.0, 2.0])


def test_a_receiver_that_says_when_is_obeyed_within_bounds(tmp_path, conf):
    sink = Scripted(later(wait=7.0), later(wait=3600.0))
    found, waits, _ = run(sink, tmp_path, conf, [contact_of()])
    assert (found, waits) == ([("sent", None, 3)], [7.0, 60.0])


def test_after_the_tries_of_a_run_it_waits_for_the_next(tmp_path, conf):
    sink = Scripted(later(), later(), later())
    found, waits, _ = run(sink, tmp_path, conf, [contact_of(attempts=2)])
    assert (found, len(waits)) == ([("failed", "http_503", 5)], 2)


def test_after_the_most_attempts_it_is_given_up(tmp_path, conf):
    sink = Scripted(later(), later(), later())
    found, _, _ = run(sink, tmp_path, conf, [contact_of(attempts=10)])
    assert found == [("dead", "http_503", 12)]


def test_a_final_refusal_is_given_up_at_once(tmp_path, conf):
    sink = Scripted(NotSentError("http_410", is_final=True))
    found, waits, _ = run(sink, tmp_path, conf, [contact_of(), contact_of(1)])
    assert (found, waits) == ([("dead", "http_410", 1), ("sent", None, 1)], [])


def test_a_channel_that_is_down_keeps_what_was_not_tried(tmp_path, conf):
    sink = Scripted(*[later()] * 100)
    contacts = [contact_of(n) for n in range(10)]
    found, _, delivery = run(sink, tmp_path, conf, contacts, tries_a_run=1, failures_to_stop=3)
    assert found == [("failed", "http_503", 1)] * 3
    assert delivery.waiting == {"file": 7}


def test_a_wrong_secret_makes_no_contact_dead_and_closes_the_channel(tmp_path, conf, receiver):
    server = receiver(Webhook, behave=lambda number: (401, {}))
    sink = WebhookSink(conf.webhook.model_copy(update={"url": server.url}), "wrong")
    contacts = [contact_of(n) for n in range(10)]
    found, _, delivery = run(sink, tmp_path, conf, contacts, tries_a_run=1, failures_to_stop=3)
    assert found == [("failed", "http_401", 1)] * 3
    assert (delivery.waiting, len(server.heard)) == ({"file": 7}, 3)


def test_one_that_goes_through_says_that_the_channel_is_up(tmp_path, conf):
    sink = Scripted(*[later(), later(), None] * 3)
    contacts = [contact_of(n) for n in range(9)]
    found, _, delivery = run(sink, tmp_path, conf, contacts, tries_a_run=1, failures_to_stop=3)
    assert Counter(s for s, _, _ in found) == {"failed": 6, "sent": 3}
    assert delivery.waiting == {}


def test_a_channel_that_is_not_set_up_keeps_its_contacts(tmp_path, conf):
    found, _, delivery = run(Scripted(), tmp_path, conf, [contact_of(channel="email")])
    assert (found, delivery.waiting) == ([], {"email": 1})


def test_who_opted_out_since_or_came_too_late_is_not_written_to(tmp_path, conf):
    sink = Scripted()
    contacts = [contact_of(is_opted_out=True, is_expired=True), contact_of(1, is_expired=True)]
    found, _, _ = run(sink, tmp_path, conf, contacts)
    assert found == [("cancelled", "opted_out", 0), ("cancelled", "expired", 0)]
    assert sink.sent == []


def test_what_the_journal_holds_was_sent(tmp_path, conf):
    Journal(tmp_path / "journal").note(contact_of().contact_id)
    sink = Scripted()
    found, _, delivery = run(sink, tmp_path, conf, [contact_of(), contact_of(1)])
    assert found == [("sent", None, 1), ("sent", None, 1)]
    assert sink.sent == [contact_of(1).contact_id]
    delivery.journal.forget(contact_of(n).contact_id for n in (0, 1))
    assert Journal(tmp_path / "journal").taken == set()


def test_the_journal_forgets_only_what_is_named(tmp_path):
    names = [contact_of(n).contact_id for n in range(3)]
    journal = Journal(tmp_path / "journal")
    for name in names:
        journal.note(name)
    journal.forget([names[1], contact_of(9).contact_id])
    assert journal.taken == Journal(tmp_path / "journal").taken == {names[0], names[2]}
    journal.note(names[1])
    assert Journal(tmp_path / "journal").taken == set(names)


@pytest.mark.parametrize("cut", [1, 31])
def test_a_line_of_the_journal_that_was_cut_does_not_count(tmp_path, cut):
    path = tmp_path / "journal"
    names = [contact_of(n).contact_id for n in range(3)]
    path.write_text(f"{names[0]}\n{names[1][:cut]}")
    journal = Journal(path)
    assert journal.taken == {names[0]}
    journal.note(names[2])
    assert Journal(path).taken == {names[0], names[2]}


# ---------------------------------------------------------------------- kills

# A launcher that has imported all there is forks a run for each line it reads: the fault point, and
# the first contact that is due. What Delta does in the job, marks.json does here, in parts.
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
    every = [
        Contact(
            f"{n:032x}", f"c{n}", "rule", "offer", "ten", channels[n % 3], day, *rise,
            address=f"c{n}@mail.example", text="Hello.",
        )
        for n in range(first, count)
    ]
    left = iter([c for c in every if c.contact_id not in done])
    delivery = Delivery(sinks, conf, Journal(folder / "journal"))
    while part := list(islice(left, 5)):
        found = {o.contact.contact_id: o.status for o in delivery.deliver(part)}
        done |= found
        fault_point("before_mark")
        new = folder / "marks.new"
        new.write_text(json.dumps(done))
        new.replace(marks)
        fault_point("after_mark")
        delivery.journal.forget(found)

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
    """Receivers that outlive every run, and the folder that the runs share."""

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
        """Begin a run over the contacts from `first` on; its process id."""
        print(f"{first} {crash_at}", file=self.launcher.stdin, flush=True)
        return int(self.launcher.stdout.readline())

    def ended(self):
        """How the run ended."""
        return int(self.launcher.stdout.readline())

    def run(self, crash_at="", first=0):
        self.start(crash_at, first)
        return self.ended()

    def close(self):
        self.launcher.stdin.close()
        self.launcher.wait(10)

    def heard(self):
        """How often each contact came over the wire, by its number; files once by their nature."""
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
    """A function that makes the world around the runs."""
    made = []

    def make(count):
        made.append(Outside(receiver, tmp_path, count))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_leaves_none_out_and_none_twice(outside, point):
    world = outside(18)
    # First at the webhook of contact 1, then at the e-mail of contact 2; or at marking.
    turns = (2, 2) if "mark" not in point else (1, 2)
    assert [world.run(f"{point}:{turn}") for turn in turns] == [137, 137]
    assert world.run() == 0
    world.check_each_was_taken_once()
    # Over the wire twice only what was taken and not noted yet.
    again = sum(times - 1 for times in world.heard().values())
    assert again == (2 if point == "after_send" else 0)


def test_contacts_that_came_due_after_a_kill_do_not_send_the_noted_ones_again(outside):
    """Killed with 10 to 14 sent and noted. Then 0 to 9 are due too, which fill two parts before."""
    world = outside(18)
    assert world.run("before_mark", first=10) == 137
    assert world.run() == 0
    world.check_each_was_taken_once()
    assert set(world.heard().values()) == {1}


def test_thirty_kills_at_random_leave_none_out_and_none_twice(outside):
    draw, world = random.Random(5), outside(1_500)
    codes = []
    while codes.count(-signal.SIGKILL) < 30:
        before = len(world.webhook.heard)
        process = world.start()
        ends = time.monotonic() + 5
        # Something went out first: kills before that would prove little.
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
    # A kill falls between a receiver's yes and the note of it at most once.
    assert sum(times - 1 for times in world.heard().values()) <= 30
