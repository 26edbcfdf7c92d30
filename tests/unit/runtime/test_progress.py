"""Progress on the screen: lines while a step is silent, parts, lines that are said once."""

from __future__ import annotations

import time

import pytest

from runtime.progress import Part, Progress


@pytest.mark.parametrize(
    ("part", "seconds", "text"),
    [
        (Part("survival models"), 12, "survival models, 12 s"),
        (Part("xgboost, trial", of=3), 4, "xgboost, trial 1 of 3, 4 s"),
        # One of three took 10 s, so two take 20 s.
        (Part("xgboost, trial", of=3, done=1), 10, "xgboost, trial 2 of 3, 10 s, about 20 s left"),
        (Part("source", of=2, detail="events"), 3, "source 1 of 2, events, 3 s"),
        (Part("fold", of=2, done=2), 9, "fold 2 of 2, 9 s"),
    ],
)
def test_a_part_tells_its_item_its_seconds_and_the_time_left(part, seconds, text):
    assert part.text(part.began + seconds) == text


def test_a_silent_step_prints_what_runs(capsys):
    progress = Progress(silence_seconds=0.05)
    with progress.step("train_churn: fit"), progress.part("xgboost, trial", of=3) as part:
        part.next()
        time.sleep(0.3)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[1/1] train_churn: fit"
    said = [line for line in lines if line.startswith("      ... xgboost, trial 2 of 3, 0 s")]
    assert len(said) >= 2


def test_a_step_that_prints_gets_no_further_lines(capsys):
    progress = Progress(silence_seconds=0.5)
    with progress.step("ingest"):
        for _ in range(20):
            progress.say("      row")
            time.sleep(0.02)
    assert [line for line in capsys.readouterr().out.splitlines() if "..." in line] == []


def test_without_parts_the_step_and_the_tasks_of_spark_are_shown():
    progress = Progress()
    progress.tasks = lambda: "Spark: 3 of 8 tasks"
    line = progress.running("ingest: sources to silver", time.monotonic() - 7)
    assert line == "      ... ingest, 7 s; Spark: 3 of 8 tasks"


def test_parts_in_parallel_are_shown_together_and_leave_when_they_fail():
    progress = Progress()
    with progress.part("a"), progress.part("b"):
        assert progress.running("x", 0.0) == "      ... a, 0 s; b, 0 s"
    with pytest.raises(ValueError), progress.part("c"):
        raise ValueError
    assert progress.running("x", time.monotonic()) == "      ... x, 0 s"


def test_no_thread_is_left_after_a_step_that_fails():
    import threading

    before = threading.active_count()
    with pytest.raises(ValueError), Progress(is_quiet=True).step("a"):
        raise ValueError
    assert threading.active_count() == before


def test_a_line_is_said_once(capsys):
    progress = Progress()
    for line in ("a", "a", "b"):
        progress.say_once(line)
    assert capsys.readouterr().out == "a\nb\n"
