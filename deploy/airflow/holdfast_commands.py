"""Command lines of the retraining DAG, from retraining.json. Needs neither Airflow nor Holdfast."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The path of another file with the settings.
VARIABLE = "HOLDFAST_RETRAINING_CONF"
RUNNERS = ("local", "cluster", "databricks")
DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
JOB = "customer_retention_retraining"
AS_OF = "--as-of"


@dataclass(frozen=True)
class Step:
    """One task: its id, the command of Holdfast, and the command's own options."""

    task_id: str
    command: str
    options: tuple[str, ...] = ()


# deploy_model takes no day: it acts on the verdict on the challenger.
STEPS = (
    Step("detect_drift", "monitor", ("--newest-features", AS_OF)),
    Step("feature_engineering", "build_features", ("--with-training-dates", AS_OF)),
    Step("retrain_model", "train_churn", ("--skip-older", AS_OF)),
    Step("validate_model", "validate_model", (AS_OF,)),
    Step("deploy_model", "deploy_model"),
)
APPROVAL = "approve_deployment"


@dataclass(frozen=True)
class RetrainingConf:
    """Settings of the DAG.

    runner: `local` calls bin/spark-submit of the checkout in `home`; `cluster` calls spark-submit
    with `submit_options`, jobs/ and the .zip in dist/ of `home`; `databricks` runs one task of the
    bundle's job in `target` from `home`. as_of_lag_days: as_of is the day of the run minus so many
    days, because purchases are complete only up to a day before.
    """

    env: str
    runner: str = "local"
    home: str = "/opt/holdfast"
    conf_dir: str | None = None
    submit_options: Sequence[str] = ()
    target: str = "prod"
    schedule: str = "0 5 * * 1"
    start_date: str = "2026-01-05"
    as_of_lag_days: int = 1
    retries: int = 2
    retry_minutes: float = 5
    timeout_hours: float = 6
    email: Sequence[str] = field(default_factory=list)
    needs_approval: bool = False
    approval_hours: float = 72
    owner: str = "retention"

    def __post_init__(self) -> None:
        if self.runner not in RUNNERS:
            raise ValueError(
                f"retraining.json: runner must be one of {', '.join(RUNNERS)}, got {self.runner}."
            )
        if self.as_of_lag_days < 0:
            raise ValueError(
                f"retraining.json: as_of_lag_days must be 0 or more, got {self.as_of_lag_days}."
            )

    @property
    def start(self) -> dt.datetime:
        """The first day of the schedule, in UTC."""
        return dt.datetime.fromisoformat(self.start_date).replace(tzinfo=dt.UTC)

    @property
    def as_of(self) -> str:
        """The template of as_of: the parameter of a manual run, else the day of the run."""
        return f"{{{{ params.as_of or macros.ds_add(ds, {-self.as_of_lag_days}) }}}}"


def conf_of(values: Mapping[str, Any]) -> RetrainingConf:
    """The settings. ValueError for a name that does not exist."""
    names = [f.name for f in dataclasses.fields(RetrainingConf)]
    if unknown := sorted(set(values) - set(names)):
        raise ValueError(
            f"retraining.json: {', '.join(unknown)} is no setting. Settings: {', '.join(names)}."
        )
    return RetrainingConf(**values)


def load() -> RetrainingConf:
    """The settings of the file that HOLDFAST_RETRAINING_CONF names, else of retraining.json."""
    path = os.environ.get(VARIABLE) or Path(__file__).with_name("retraining.json")
    return conf_of(json.loads(Path(path).read_text(encoding="utf-8")))


def command_line(conf: RetrainingConf, step: Step) -> str:
    """The shell command of one task. It starts in `home`, and has the template of as_of."""
    words = databricks_words(conf, step) if conf.runner == "databricks" else spark_words(conf, step)
    # `exec`: a task that Airflow stops ends the command itself, and not only a shell around it.
    return f"cd {shlex.quote(conf.home)} && exec {' '.join(words)}"


def spark_words(conf: RetrainingConf, step: Step) -> list[str]:
    """spark-submit of this machine or of a cluster, as words that the shell may read."""
    submit = ["bin/spark-submit"]
    if conf.runner == "cluster":
        submit = ["spark-submit", "--packages", DELTA, "--py-files", '"$(ls dist/holdfast-*.zip)"']
        submit += [shlex.quote(option) for option in conf.submit_options]
    words = [*submit, f"jobs/{step.command}.py", "--env", shlex.quote(conf.env)]
    words += ["--conf-dir", shlex.quote(conf.conf_dir)] if conf.conf_dir else []
    for option in step.options:
        words += [option, f'"{conf.as_of}"'] if option == AS_OF else [option]
    return words


def databricks_words(conf: RetrainingConf, step: Step) -> list[str]:
    """One task of the bundle's job, run by the CLI of Databricks. The bundle has the options."""
    parameters = f"env={conf.env},as_of={conf.as_of}"
    only = ["--only", step.task_id, "--params", f'"{parameters}"']
    return ["databricks", "bundle", "run", "--target", shlex.quote(conf.target), JOB, *only]
