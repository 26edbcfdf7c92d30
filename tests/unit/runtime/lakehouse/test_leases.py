"""Leases of several real processes: taken, waited for, taken over, lost, released."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from runtime.errors import BusyError, HoldfastError
from runtime.lakehouse import lease_watch, leases as leases_module
from runtime.lakehouse.lease_files import FolderFiles
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.lease_watch import Watch, numbers_of
from runtime.lakehouse.leases import Lease, Terms, leases
from tests.unit.runtime.lakehouse.lease_process import ROOT, lease_process, told

SCORES, RISKS = "gold.customer_scores", "gold.risk_factors"
TERMS = Terms(lease_seconds=1.0, wait_seconds=20.0)
# A process that is not known here: it can only expire.
ELSEWHERE = {"host": "elsewhere", "machine": "another boot", "started": "1"}


def hold(lakehouse, *tables, terms=TERMS, tell=lambda line: None, name="mine"):
    holder = Holder.now("train_churn", name)
    return leases(FolderFiles(lakehouse), tables, holder, terms=terms, tell=tell)


def numbers(lakehouse, table):
    return sorted(numbers_of(FolderFiles(lakehouse), table).values())


def left_behind(lakehouse, table=SCORES, seconds=1.0):
    """The lease of a run on another machine that ended without a release."""
    holder = Holder("ingest", "dead", "2026-01-01 00:00:00+00:00", pid=7, **ELSEWHERE)
    lease = Lease(FolderFiles(lakehouse), table, 1, holder=holder, seconds=seconds)
    assert lease.take()
    return lease


# ---------------------------------------------------------------------- numbers


def test_numbers_grow_with_each_holder_of_a_table_and_old_files_are_deleted(tmp_path):
    for expected in (1, 2, 3):
        with hold(tmp_path, SCORES) as held:
            assert held[SCORES].number == expected
    with hold(tmp_path, SCORES, RISKS) as held:
        assert {table: lease.number for table, lease in held.items()} == {SCORES: 4, RISKS: 1}
    assert numbers(tmp_path, SCORES) == [4]


def test_a_lease_is_released_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), hold(tmp_path, SCORES):
        raise ZeroDivisionError
    began = time.monotonic()
    with hold(tmp_path, SCORES, terms=Terms(60, 61)) as held:
        assert held[SCORES].number == 2
    assert time.monotonic() - began < 1


def test_two_lakehouses_and_two_tables_have_a_holder_each(tmp_path):
    lake, other = tmp_path / "lake", tmp_path / "other"
    with hold(lake, SCORES) as a, hold(lake, RISKS) as b, hold(other, SCORES) as c:
        assert [a[SCORES].number, b[RISKS].number, c[SCORES].number] == [1, 1, 1]


def test_who_was_too_slow_finds_the_later_holder_and_steps_back(tmp_path):
    """Number 1 expired and is deleted. A waiter that saw it then creates number 2 although the
    table is at number 3."""
    files = FolderFiles(tmp_path)
    fast, slow = Holder.now("ingest", "fast"), Holder.now("ingest", "slow")
    assert Lease(files, SCORES, 3, holder=fast, seconds=1).take()
    assert not Lease(files, SCORES, 2, holder=slow, seconds=1).take()
    assert numbers(tmp_path, SCORES) == [3]


def test_two_runs_that_write_the_same_number_both_step_back(tmp_path):
    """Each lists the other's file. If one had listed before the other wrote, it would hold the lease."""
    mine, other = Holder.now("ingest", "mine"), Holder.now("ingest", "other")

    class BothWriteFirst(FolderFiles):
        def names(self, table):
            self.write(table, f"000000000001-{other.token}.json", "")
            return super().names(table)

    assert not Lease(BothWriteFirst(tmp_path), SCORES, 1, holder=mine, seconds=1).take()
    # The other one lists only its own file afterwards, so it may take the lease; never both.
    assert numbers(tmp_path, SCORES) == [1]
    assert Lease(FolderFiles(tmp_path), SCORES, 1, holder=other, seconds=1).take()
    assert not Lease(FolderFiles(tmp_path), SCORES, 1, holder=mine, seconds=1).take()


def test_a_run_that_cannot_list_leaves_nothing_behind(tmp_path):
    class Unlisted(FolderFiles):
        def names(self, table):
            raise HoldfastError("the store does not answer")

    with pytest.raises(HoldfastError):
        Lease(Unlisted(tmp_path), SCORES, 1, holder=Holder.now("a", "b"), seconds=1).take()
    assert numbers(tmp_path, SCORES) == []


def test_of_many_processes_at_once_one_has_each_number(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    code = f"""
import sys
from pathlib import Path
from runtime.lakehouse.lease_files import FolderFiles
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.leases import Terms, leases
counter = Path({str(counter)!r})
for _ in range(10):
    holder = Holder.now("ingest", "many")
    with leases(FolderFiles(Path({str(tmp_path)!r})), ["gold.a"], holder, terms=Terms(30, 100)) as h:
        counter.write_text(str(int(counter.read_text()) + 1))
        print(h["gold.a"].number)
"""
    run = [sys.executable, "-c", code]
    writers = [subprocess.Popen(run, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    numbers = sorted(int(n) for w in writers for n in w.communicate()[0].split())
    # 4 processes x 10 holders; without leases some increments would be lost.
    assert (numbers, counter.read_text()) == (list(range(1, 41)), "40")


# ---------------------------------------------------------------------- waiting


def test_a_waiting_run_says_who_holds_the_lease_and_gives_up(tmp_path):
    said = []
    with lease_process(tmp_path, [SCORES], "first") as first:
        assert first.stdout.readline() == "held 1\n"
        with (
            pytest.raises(BusyError) as error,
            hold(tmp_path, RISKS, SCORES, terms=Terms(1, 4), tell=said.append),
        ):
            raise AssertionError("unreachable")
        # Its heartbeat went on while this run waited for longer than lease_seconds.
        assert told(first, "check") == "may commit"
    who = (
        rf"gold\.customer_scores: score_customers \(run first, process {first.pid} on "
        rf"{re.escape(socket.gethostname())}\) has held its lease since "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00"
    )
    assert re.fullmatch(
        who + r"\. This run waited 4 s and has not written the table\. Start it again when that "
        r"run has ended, or raise lakehouse\.lease_wait_seconds\.",
        str(error.value),
    )
    assert re.fullmatch(rf"      waiting     {who}; [123] of 4 s", said[0])
    # It took none of the others meanwhile.
    assert numbers(tmp_path, RISKS) == []


def test_a_waiting_run_prints_a_line_every_few_seconds(tmp_path, monkeypatch):
    assert all(seconds < 10 for seconds in leases_module.TELL_SECONDS)
    monkeypatch.setattr(leases_module, "TELL_SECONDS", (0.5, 1.0))
    said = []
    busy = pytest.raises(BusyError)
    with hold(tmp_path, SCORES), busy, hold(tmp_path, SCORES, terms=Terms(1, 3), tell=said.append):
        raise AssertionError("unreachable")
    # At 0.5, 1.5 and 2.5 s, and up to a second later: the pauses grow to one second.
    assert len(said) in (2, 3)
    assert [line.endswith(" of 3 s") for line in said] == [True] * len(said)


def test_who_waits_gets_the_lease_after_its_release(tmp_path):
    with lease_process(tmp_path, [SCORES]) as first:
        assert first.stdout.readline() == "held 1\n"
        with lease_process(tmp_path, [SCORES], "second") as second:
            time.sleep(0.5)
            assert told(first, "release") == "released"
            assert second.stdout.readline() == "held 2\n"
            assert told(second, "check") == "may commit"


def test_runs_that_want_two_tables_in_opposite_order_both_get_them(tmp_path):
    """10 rounds each. If each took its first table and waited for the second one, they would wait
    until wait_seconds have passed."""
    failed = []

    def rounds(tables, name):
        try:
            for _ in range(10):
                with hold(tmp_path, *tables, name=name):
                    time.sleep(0.01)
        except BusyError as error:
            failed.append(str(error))

    threads = [
        threading.Thread(target=rounds, args=([SCORES, RISKS], "one")),
        threading.Thread(target=rounds, args=([RISKS, SCORES], "other")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failed == []
    # 20 holders, and at most some numbers given back by a run that was slower at the second table.
    assert numbers(tmp_path, RISKS)[0] >= 20


def test_a_run_that_finds_the_second_table_taken_gives_the_first_one_back(tmp_path):
    """Another run was faster between the look at all tables and the second table."""
    watch, holder = Watch(FolderFiles(tmp_path), 60), Holder.now("train_churn", "mine")
    with hold(tmp_path, RISKS):
        taken = leases_module._take_all(watch, [SCORES, RISKS], holder, tell=lambda line: None)
        assert taken is None
        assert watch.look(SCORES).is_free and not watch.look(RISKS).is_free


# ---------------------------------------------------------------------- dead and stopped holders


def test_the_lease_of_a_killed_process_of_this_machine_is_taken_over_at_once(tmp_path):
    said = []
    with lease_process(tmp_path, [SCORES], "killed", lease=600) as first:
        assert first.stdout.readline() == "held 1\n"
        first.kill()
        # Not waited for yet: a zombie has ended too.
        began = time.monotonic()
        with hold(tmp_path, SCORES, terms=Terms(600, 5), tell=said.append) as held:
            assert held[SCORES].number == 2
        assert time.monotonic() - began < 5
    assert said == [
        f"      took over   the lease of {SCORES} from score_customers (run killed, process "
        f"{first.pid} on {socket.gethostname()}), whose process has ended"
    ]


def test_another_process_with_the_number_of_a_dead_one_is_not_its_holder(tmp_path):
    holder = Holder("ingest", "dead", "2026-01-01 00:00:00+00:00", pid=os.getpid(), started="1")
    assert Lease(FolderFiles(tmp_path), SCORES, 1, holder=holder, seconds=600).take()
    with hold(tmp_path, SCORES, terms=Terms(600, 5)) as held:
        assert held[SCORES].number == 2


def test_the_lease_of_a_dead_run_elsewhere_expires(tmp_path):
    left_behind(tmp_path)
    said, began = [], time.monotonic()
    with hold(tmp_path, SCORES, tell=said.append) as held:
        assert held[SCORES].number == 2
    assert time.monotonic() - began >= 1  # lease_seconds of that run
    assert said[-1].endswith(
        "from ingest (run dead, process 7 on elsewhere), which showed no sign of life for 1 s"
    )


def test_a_lease_file_that_is_empty_or_damaged_expires_too(tmp_path):
    files = FolderFiles(tmp_path)
    for number, text in enumerate(("", "{", "[1]", '{"lease_seconds": "x"}'), start=1):
        files.write(SCORES, f"{2 * number:012d}-other.json", text)
        with hold(tmp_path, SCORES, terms=Terms(0.3, 20)) as held:
            assert held[SCORES].number == 2 * number + 1
    files.write(SCORES, "000000000100-other.json", "")
    busy = pytest.raises(BusyError, match="customer_scores: another run holds its lease")
    with busy, hold(tmp_path, SCORES, terms=Terms(5, 0.2)):
        raise AssertionError("unreachable")


def test_a_stopped_process_loses_its_lease_and_refuses_to_commit_when_it_continues(tmp_path):
    with lease_process(tmp_path, [SCORES], "stopped") as first:
        assert first.stdout.readline() == "held 1\n"
        assert told(first, "check") == "may commit"
        first.send_signal(signal.SIGSTOP)
        with hold(tmp_path, SCORES) as held:
            assert held[SCORES].number == 2
            first.send_signal(signal.SIGCONT)
            assert told(first, "check") == (
                "refused: gold.customer_scores: another run has taken over the lease of this run "
                "(number 1), which showed no sign of life for 1 s. This commit was refused before "
                "it was written. Start the command again."
            )
            held[SCORES].check()  # the heartbeat and the check of the old holder changed nothing
        # Nor does its release.
        assert told(first, "release") == "released"
    with hold(tmp_path, SCORES) as held:
        assert held[SCORES].number == 3


def test_a_stopped_process_that_nobody_waited_for_keeps_its_lease(tmp_path):
    with lease_process(tmp_path, [SCORES]) as first:
        assert first.stdout.readline() == "held 1\n"
        first.send_signal(signal.SIGSTOP)
        time.sleep(1.2)
        first.send_signal(signal.SIGCONT)
        assert told(first, "check") == "may commit"


@pytest.mark.parametrize("wrong_by", [-86_400, 86_400])
def test_a_clock_that_is_a_day_wrong_changes_nothing(tmp_path, wrong_by):
    """A living holder is not taken over, and a holder that is stopped is, whatever its clock says."""
    with lease_process(tmp_path, [SCORES], clock=wrong_by) as first:
        assert first.stdout.readline() == "held 1\n"
        with pytest.raises(BusyError), hold(tmp_path, SCORES, terms=Terms(1, 1.5)):
            raise AssertionError("unreachable")
        first.send_signal(signal.SIGSTOP)
        with hold(tmp_path, SCORES) as held:
            assert held[SCORES].number == 2


def test_a_waiter_that_was_stopped_itself_does_not_count_its_own_silence(tmp_path, monkeypatch):
    left_behind(tmp_path, seconds=60)
    times = iter([0.0, 1000.0, 1004.0])
    monkeypatch.setattr(lease_watch.time, "monotonic", lambda: next(times))
    watch = Watch(FolderFiles(tmp_path), 60)
    looks = [watch.look(SCORES) for _ in range(3)]
    # 5 of the 1000 seconds count, then 4.
    assert [seen.is_free for seen in looks] == [False, False, False]
    assert list(watch._silence.values()) == [5.0 + 4.0]


def test_a_lease_file_names_its_holder(tmp_path):
    with hold(tmp_path, SCORES):
        (file,) = (tmp_path / ".leases" / SCORES).iterdir()
        record = json.loads(file.read_text())
    assert re.fullmatch(r"000000000001-[0-9a-f]{32}\.json", file.name)
    assert (record["state"], record["command"], record["run_id"]) == ("held", "train_churn", "mine")
    assert (record["host"], record["pid"]) == (socket.gethostname(), os.getpid())
