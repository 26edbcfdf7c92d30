"""The process that runs the commands of one step: `python -m app.uploads.runner FOLDER`.

Commands that start Spark run one after another, for all uploads of the machine: a second one waits.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from app.uploads.folder import Upload
from app.uploads.steps import DONE, FAILED, LOOK, RUNNING, STARTING, WAITING, sentence
from runtime.lakehouse.lease_holder import start_of

# Of a command that reads an unchecked file: heap and anonymous memory, and CPU time.
MOST_MEMORY, MOST_CPU_SECONDS = 1_000_000_000, 180
LOCK = ".one-at-a-time"
LOOK_SECONDS = 0.5
KILLED_BY = {-signal.SIGXCPU, -signal.SIGKILL, 128 + signal.SIGKILL}


class StepError(Exception):
    """A command of the step failed. The message is shown."""


def run(upload: Upload) -> None:
    """Run the planned step and record how it ended."""
    plan = upload.read("plan.json")
    step = plan["step"]
    me = {"step": step, "pid": os.getpid(), "process_started": start_of(os.getpid())}
    upload.write("state.json", {**me, "name": STARTING})
    with _turn(upload, me):
        me["started_at"] = _now()
        upload.write("state.json", {**me, "name": RUNNING})
        end: dict[str, str] = {"name": DONE}
        try:
            until = time.monotonic() + 60 * plan["minutes"]
            for command in plan["commands"]:
                run_command(upload, step, command, until=until)
        except StepError as error:
            end = {"name": FAILED, "message": str(error)}
        except Exception as error:  # else the page would wait without end
            end = {"name": FAILED, "message": f"The step ended with {type(error).__name__}."}
        upload.write("state.json", {**me, **end, "ended_at": _now()})


def run_command(upload: Upload, step: str, command: Sequence[str], *, until: float) -> None:
    """Run one command. Its lines are added to the log of the step. StepError: it failed."""
    work = upload.folder / "work"
    work.mkdir(exist_ok=True)
    errors = work / "errors.txt"
    with (upload.folder / f"log-{step}.txt").open("ab") as lines, errors.open("w+b") as told:
        process = subprocess.Popen(
            command,
            cwd=work,
            env=environment(work),
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=told,
            preexec_fn=limit if step == LOOK else None,
            start_new_session=True,
        )
        code = _ended(process, until)
        if code != 0:
            raise StepError(_why(code, told))
        told.seek(0)
        lines.writelines(line for line in told if line.startswith(b"warning: "))


def environment(work: Path) -> dict[str, str]:
    """The variables of a command: no settings or secrets of the app, an own folder for drafts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HOLDFAST__", "MLFLOW_", "ANTHROPIC_", "AWS_", "STREAMLIT_"))
    }
    drafts = work / "tmp"
    drafts.mkdir(exist_ok=True)
    return {
        **kept,
        "TMPDIR": str(drafts),
        "SPARK_LOCAL_DIRS": str(drafts),
        "HOME": str(work),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": kept.get("OMP_NUM_THREADS", "2"),
    }


def limit() -> None:
    """Limits of a process that reads an unchecked file."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _ended(process: subprocess.Popen[bytes], until: float) -> int:
    """The exit code. StepError: the time is up, and the command was stopped."""
    while True:
        try:
            return process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= until:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise StepError(
                    "The run took longer than app.uploads.most_minutes of conf allows, and was "
                    "stopped. Upload fewer years, or raise the limit."
                ) from None


def _why(code: int, told: IO[bytes]) -> str:
    told.seek(0)
    error = told.read().decode("utf-8", errors="replace")
    is_out = "MemoryError" in error or "bad_alloc" in error or "malloc" in error
    if is_out or code in KILLED_BY or code < 0:
        return (
            "The file needs more memory or time than reading an upload may take. Upload fewer "
            "years, or save it as CSV."
        )
    if "Traceback" in error:
        # A fault of ours; its text may hold values of the file.
        kind = error.strip().splitlines()[-1].partition(":")[0]
        return f"The command ended with an unexpected error ({kind})."
    return sentence(error) or f"The command ended with exit code {code}."


@contextmanager
def _turn(upload: Upload, me: Mapping[str, object]) -> Iterator[None]:
    """Hold the lock of all uploads, so that one Spark runs at a time; `look` needs none."""
    if me["step"] == LOOK:
        yield
        return
    with (upload.folder.parent / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            upload.write("state.json", {**me, "name": WAITING})
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    run(Upload(Path(sys.argv[1])))
