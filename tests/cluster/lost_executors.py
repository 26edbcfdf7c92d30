"""Run steps on a cluster, and kill executors that are running a task of a given step."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.standalone import (
    ROOT,
    Standalone,
    answer,
    driver_environment,
    free_ports,
    until,
)
from tests.engines.small_lake import FOR_FEW_ROWS

PROGRAM = ROOT / "tests" / "engines" / "steps.py"
LOST = "ExecutorLostFailure"


@dataclass(frozen=True)
class Kill:
    """When to kill: in this step, while a task runs whose stage has this text in its name.

    is_barrier: only a kill in a barrier stage counts, whose tasks wait for each other.
    """

    step: str
    stage: str = ""
    is_barrier: bool = False


@dataclass
class Run:
    """A run of steps. lost: the kills that hit, with the failure of a task as Spark shows it."""

    output: str = ""
    exit_code: int | None = None
    lost: list[tuple[Kill, str]] = field(default_factory=list)


def run_steps(cluster: Standalone, folder: Path, package: Path, kills: Sequence[Kill] = ()) -> Run:
    """Run FOLDER/steps.json to its end. Its output is in FOLDER/output.txt too."""
    (port,) = free_ports(1)
    conf = {**FOR_FEW_ROWS, "spark.ui.enabled": "true", "spark.ui.port": str(port)}
    command = cluster.submit_command(PROGRAM, str(folder), package=package, conf=conf)
    result, log = Run(), folder / "output.txt"
    with log.open("wb") as out, _started(command, folder, out) as process:
        for kill in kills:
            result.lost.append((kill, _killed(cluster, process, log, kill=kill, port=port)))
        result.exit_code = process.wait()
    result.output = log.read_text(errors="replace")
    return result


@contextmanager
def _started(command: list[str], folder: Path, out: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=driver_environment(),
        stdout=out,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _killed(
    cluster: Standalone, process: subprocess.Popen[bytes], log: Path, *, kill: Kill, port: int
) -> str:
    """Kill the executor of a running task, and return the failure of this task.

    A task may end between the look at it and the kill; then another one is chosen.
    """
    web = f"http://127.0.0.1:{port}/api/v1/applications"
    end = time.monotonic() + 600
    # Spark gives up a stage when one of its tasks was lost four times.
    hit: set[int] = set()
    while time.monotonic() < end:
        assert process.poll() is None, f"the run ended before {kill}\n{log.read_text()}"
        text = log.read_text(errors="replace")
        assert f"== end {kill.step} " not in text, f"the step ended before {kill}"
        if f"== start {kill.step}\n" not in text or not (apps := answer(web)):
            time.sleep(0.2)
            continue
        app = f"{web}/{apps[0]['id']}"
        if (chosen := _running_task(app, kill, hit)) is None:
            continue
        stage, task = chosen
        pid = cluster.executors().get(task["executorId"])
        if pid is None:
            continue
        os.kill(pid, signal.SIGKILL)
        hit.add(task["stageId"])
        failure = _failure(stage, task["taskId"])
        if failure and (not kill.is_barrier or _is_barrier(stage)):
            return failure
    raise AssertionError(f"no task of {kill} was lost within 600 s\n{log.read_text()}")


def _running_task(app: str, kill: Kill, hit: set[int]) -> tuple[str, dict[str, Any]] | None:
    """(address of the stage, task) of a task that runs at two looks, 0.1 s apart.

    hit: stages in which an executor was killed before; they are left alone.
    """
    for stage in answer(f"{app}/stages?status=active") or []:
        if kill.stage not in stage["name"] or stage["stageId"] in hit:
            continue
        place = f"{app}/stages/{stage['stageId']}/{stage['attemptId']}"
        before = {task["taskId"] for task in _tasks(place, "RUNNING")}
        time.sleep(0.1)
        for task in _tasks(place, "RUNNING"):
            if task["taskId"] in before:
                return place, {**task, "stageId": stage["stageId"]}
    return None


def _tasks(place: str, status: str) -> list[dict[str, Any]]:
    tasks = answer(f"{place}/taskList?length=1000") or []
    return [task for task in tasks if task["status"] == status]


def _failure(place: str, task_id: int) -> str | None:
    """The failure of the task, if its executor was lost; None if it had ended before."""

    def ended() -> dict[str, Any] | None:
        tasks = answer(f"{place}/taskList?length=1000") or []
        of_task = [t for t in tasks if t["taskId"] == task_id and t["status"] != "RUNNING"]
        return of_task[0] if of_task else None

    task = until(ended, f"the task {task_id} of {place} does not end", seconds=60)
    failure = task.get("errorMessage", "")
    return failure if LOST in failure else None


def _is_barrier(place: str) -> bool:
    """Whether Spark repeats the whole stage, because tasks of a barrier stage wait for each other."""

    def failed() -> str | None:
        stage = answer(place) or {}
        return stage.get("failureReason")

    try:
        return "barrier task" in until(failed, "the stage goes on", seconds=5)
    except RuntimeError:
        return False
