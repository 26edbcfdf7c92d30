"""The steps of an upload: which commands each one runs, and how far it is."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.uploads.folder import ENV, Upload
from runtime.lakehouse.lease_holder import start_of
from runtime.settings import Settings

LOOK, LOAD, TRAIN, SCORE = "look", "load", "train", "score"
STARTING, WAITING, RUNNING = "starting", "waiting", "running"
DONE, FAILED = "done", "failed"
BUSY = (STARTING, WAITING, RUNNING)
# The main entry of `holdfast`, as the installed command has it.
HOLDFAST = (sys.executable, "-P", "-c", "from jobs import main; main()")
_STEP = re.compile(r"\[(\d+)/(\d+)\] (.+)")
_SEVERITY = re.compile(r"^(?:holdfast \w+|error): ")


@dataclass(frozen=True)
class State:
    """How far a step is. message: why it failed, in a sentence; empty if it did not.

    started_at, ended_at: ISO, UTC; None: not yet.
    """

    step: str
    name: str
    message: str = ""
    started_at: str | None = None
    ended_at: str | None = None

    @property
    def is_busy(self) -> bool:
        """Whether its commands run, or wait for those of another upload."""
        return self.name in BUSY


def commands(step: str, upload: Upload, settings: Settings) -> list[list[str]]:
    """The commands of a step, in order. settings: of the environment that the app shows."""
    given = ["--conf-dir", str(upload.conf)]
    env = ["--env", ENV]
    if step == LOOK:
        limits = settings.app.uploads.model_dump(
            include={"most_columns", "most_rows", "most_expanded_mb"}
        )
        choice = upload.read("choice.json")
        columns = choice.get("columns", {})
        stated = [f"--column={role}={name or ''}" for role, name in columns.items()]
        if choice.get("currency"):
            stated.append(f"--currency={choice['currency']}")
        return [
            [sys.executable, "-m", "app.uploads.inspection", str(upload.file), json.dumps(limits)],
            [
                *(*HOLDFAST, "init", str(upload.file), *env, *given, *stated),
                *("--facts", str(upload.folder / "guess.json")),
            ],
            [*HOLDFAST, "check", ENV, *given],
        ]
    names = {
        LOAD: ["ingest"],
        TRAIN: ["run_pipeline"],
        SCORE: ["build_features", "fit_lifetime", "score_customers", "plan_retention"],
    }
    return [[*HOLDFAST, name, *env, *given] for name in names[step]]


def start(upload: Upload, step: str, settings: Settings) -> None:
    """Run a step in a process of its own, which goes on if the browser is closed."""
    if step == LOOK:
        shutil.rmtree(upload.root, ignore_errors=True)  # ingest reads a file once
        for name in (upload.conf / f"{ENV}.yaml", upload.folder / "guess.json"):
            name.unlink(missing_ok=True)
        # A copy of the workbook or of the text in UTF-8, which init makes.
        for copy in upload.file.parent.iterdir():
            if copy != upload.file:
                copy.unlink()
    if step == SCORE:
        copy_models(Path(settings.root), upload.root)
    upload.write("state.json", {"step": step, "name": STARTING})
    (upload.folder / f"log-{step}.txt").unlink(missing_ok=True)
    limits = {"minutes": settings.app.uploads.most_minutes}
    plan = {"step": step, "commands": commands(step, upload, settings), **limits}
    upload.write("plan.json", plan)
    process = subprocess.Popen(
        [sys.executable, "-m", "app.uploads.runner", str(upload.folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _children.append(process)
    _children[:] = [child for child in _children if child.poll() is None]


# Processes of this app that have not been waited for.
_children: list[subprocess.Popen[bytes]] = []


def state_of(upload: Upload) -> State | None:
    """The last step that was started. None: none was.

    A step whose process has ended without a result has failed.
    """
    given: Mapping[str, Any] = upload.read("state.json")
    if not given:
        return None
    _children[:] = [child for child in _children if child.poll() is None]
    pid, began = given.get("pid"), given.get("process_started")
    if given["name"] in BUSY and pid and start_of(pid) != began:
        return State(
            given["step"], FAILED, "The app was stopped meanwhile. Start the step again.", None
        )
    names = ("message", "started_at", "ended_at")
    return State(given["step"], given["name"], **{n: given[n] for n in names if n in given})


def log_of(upload: Upload, step: str) -> list[str]:
    """The lines that the commands of a step have printed."""
    return upload.text(f"log-{step}.txt").splitlines()


def progress_of(lines: Sequence[str]) -> tuple[int, int, str] | None:
    """The number of the present step, the number of steps and its name; None: none was named.

    >>> progress_of(["[3/9] train_churn: fit, test and register models", "      ... 12 s"])
    (3, 9, 'train_churn: fit, test and register models')
    """
    hits = [hit for line in lines if (hit := _STEP.fullmatch(line.strip()))]
    return (int(hits[-1][1]), int(hits[-1][2]), hits[-1][3]) if hits else None


def sentence(error: str) -> str:
    """The message of a command, without the command's name and its options.

    >>> sentence("holdfast init: --column amount=Kunde: the column holds no numbers.")
    'amount=Kunde: the column holds no numbers.'
    """
    lines = [line for line in error.strip().splitlines() if not line.startswith("warning: ")]
    told = "\n".join(lines[-3:] if lines and not _SEVERITY.match(lines[0]) else lines)
    return _SEVERITY.sub("", told).replace("--column ", "").strip()


# ---------------------------------------------------------------------- the present model


def has_champion(settings: Settings) -> bool:
    """Whether the environment has a champion in the store of its own lakehouse folder."""
    if settings.mlflow.tracking_uri or settings.mlflow.registry_uri or settings.root.is_remote:
        return False
    file = Path(settings.root) / "mlflow.db"
    if not file.is_file():
        return False
    sql = "SELECT count(*) FROM registered_model_aliases WHERE alias = 'champion' AND name = ?"
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
            return bool(store.execute(sql, [settings.mlflow.model_name]).fetchone()[0])
    except sqlite3.OperationalError:
        return False


def copy_models(source: Path, target: Path) -> None:
    """Copy the store of models, so that a run on an upload never changes the environment's."""
    target.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(f"file:{source / 'mlflow.db'}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target / "mlflow.db")) as new,
    ):
        old.backup(new)
    shutil.copytree(source / "mlartifacts", target / "mlartifacts", dirs_exist_ok=True)
