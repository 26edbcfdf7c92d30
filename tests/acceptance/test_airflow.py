"""The retraining DAG in a real Airflow, in an environment of its own, over a small lake.

Drift is planted: in December all customers pay three times as much. The DAG has to find it, retrain,
and deploy without help. A task that is killed half-way and retried leaves the tables of a clean run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from deltalake import DeltaTable

from tests.reference.compare import compare_lakes, told
from tests.small_lake import small_files_in
from tests.unit.pipelines.outreach.receivers import Mailbox

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3_600)]

ROOT = Path(__file__).parents[2]
AIRFLOW = "apache-airflow==3.3.2"
# A folder with Airflow that an earlier run has made.
VARIABLE = "HOLDFAST_TEST_AIRFLOW"
FIRST, SECOND = "2017-12-02", "2018-01-02"
STEPS = ["detect_drift", "feature_engineering", "retrain_model", "validate_model", "deploy_model"]


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """Python of an environment with Airflow alone, made by uv from PyPI."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]) / "bin" / "python"
    folder = tmp_path_factory.mktemp("airflow-environment")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", "3.11", folder], check=True)
    made = folder / "bin" / "python"
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", made, AIRFLOW], check=True)
    return made


@dataclass
class Place:
    """One Airflow home, with DAGs folder, settings and the lake that its tasks work on."""

    folder: Path
    python: Path

    @property
    def lake(self) -> Path:
        return self.folder / "lakehouse"

    @property
    def calls(self) -> list[list[str]]:
        lines = (self.folder / "calls.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def settings(self, **changes) -> None:
        """retraining.json: this folder as `home`, and short pauses between tries."""
        conf = json.loads((ROOT / "deploy" / "airflow" / "retraining.json").read_text())
        own = {"env": "small", "home": str(self.folder), "conf_dir": str(self.folder / "conf")}
        own["start_date"] = "2017-01-01"  # Airflow makes no task before it
        (self.folder / "retraining.json").write_text(json.dumps({**conf, **own, **changes}))

    def run(self, logical_date: str | None, answer: str = "", **variables: str) -> dict:
        """Import the DAG and, with a date, run it. What dag_run.py prints."""
        facts = {"dags": str(ROOT / "deploy" / "airflow"), "logical_date": logical_date}
        (self.folder / "facts.json").write_text(json.dumps({**facts, "answer": answer}))
        ours = ("PYTHON", "PYSPARK_", "SPARK_", "HOLDFAST_", "JAVA_")
        env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        done = subprocess.run(
            [self.python, ROOT / "tests" / "airflow" / "dag_run.py", self.folder / "facts.json"],
            env={
                **env,
                "AIRFLOW_HOME": str(self.folder / "airflow"),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "deploy" / "airflow"),
                "HOLDFAST_RETRAINING_CONF": str(self.folder / "retraining.json"),
                "HOLDFAST_TEST_HOME": str(self.folder),
                "HOLDFAST_TEST_SUBMIT": str(ROOT / "bin" / "spark-submit"),
                "HOLDFAST_JIT": "quick",
                **variables,
            },
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        (self.folder / "output.txt").write_text(done.stdout + done.stderr)
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
        assert lines, (done.stdout + done.stderr)[-6_000:]
        return json.loads(lines[0].removeprefix("RESULT"))


def made(folder: Path, python: Path) -> Place:
    """A place whose bin/spark-submit is tests/airflow/submit.py."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    script = folder / "bin" / "spark-submit"
    submit = ROOT / "tests" / "airflow" / "submit.py"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {submit} "$@"\n')
    script.chmod(0o755)
    if not (folder / "jobs").exists():
        (folder / "jobs").symlink_to(ROOT / "jobs")
    place = Place(folder, python)
    place.settings()
    return place


def test_airflow_imports_the_dag_with_its_graph_retries_and_alerts(python, tmp_path):
    place = made(tmp_path / "place", python)
    place.settings(email=["ops@example.com"], needs_approval=True)
    seen = place.run(None)
    assert (seen["errors"], seen["dags"]) == ({}, ["customer_retention_retraining"])
    assert (seen["catchup"], seen["runs"]) == (False, 1)
    tasks = seen["tasks"]
    chain = [*STEPS[:-1], "approve_deployment", STEPS[-1]]
    assert {name: task["after"] for name, task in tasks.items()} == dict(
        zip(chain, [[], *([before] for before in chain)], strict=False)
    )
    for name in STEPS:
        task = tasks[name]
        assert (task["retries"], task["retry_minutes"], task["alerts"]) == (2, 5.0, 1)
        assert (task["timeout_hours"], task["owner"]) == (6.0, "retention")
        assert ("--as-of" in task["command"]) == (name != "deploy_model")
    approval = tasks["approve_deployment"]
    assert (approval["retries"], approval["response_hours"], approval["alerts"]) == (0, 72.0, 1)


def stubbed(folder: Path, python: Path, failing: str = "") -> Place:
    """A place without Spark: each command prints its arguments; one of them may always fail."""
    place = made(folder, python)
    script = folder / "bin" / "spark-submit"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/calls.txt\ncase "$1" in *{failing or "nothing"}*) '
        "exit 4;; esac\n"
    )
    return place


def test_a_task_that_fails_for_the_last_time_sends_a_mail_and_deploys_nothing(python, tmp_path):
    place = stubbed(tmp_path / "place", python, failing="validate_model")
    place.settings(retry_minutes=0.01, email=["ops@example.com"])
    mailbox = Mailbox()
    connection = {
        **{"conn_type": "smtp", "host": "127.0.0.1", "port": mailbox.port},
        "extra": {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True},
    }
    try:
        seen = place.run(SECOND, AIRFLOW_CONN_SMTP_DEFAULT=json.dumps(connection))
    finally:
        mailbox.close()
    assert seen["state"] == "failed"
    assert seen["states"]["validate_model"] == ["failed", 3]
    assert seen["states"]["deploy_model"][0] == "upstream_failed"
    called = [line.split()[0] for line in (place.folder / "calls.txt").read_text().splitlines()]
    assert called.count("jobs/validate_model.py") == 3 and "jobs/deploy_model.py" not in called
    (mail,) = mailbox.heard
    assert "Holdfast: validate_model of customer_retention_retraining failed" in str(mail)
    assert "ops@example.com" in str(mail)


@pytest.mark.parametrize(("answer", "state"), [("Approve", "success"), ("Reject", "skipped")])
def test_a_person_decides_before_the_deployment(python, tmp_path, answer, state):
    place = stubbed(tmp_path / "place", python)
    place.settings(needs_approval=True)
    seen = place.run(SECOND, answer)
    assert seen["states"]["approve_deployment"][0] == "success"
    assert seen["states"]["deploy_model"][0] == state
    called = (place.folder / "calls.txt").read_text()
    assert ("jobs/deploy_model.py" in called) == (answer == "Approve")


@pytest.fixture(scope="module")
def trained(python, tmp_path_factory) -> tuple[Place, dict]:
    """A lake after ingest and one run of the DAG, which deploys the first champion."""
    folder = tmp_path_factory.mktemp("company")
    small = small_files_in(folder)
    three_times_as_much_in_december(folder / "receipts.csv")
    loosened(small.conf / "small.yaml")
    subprocess.run(
        [ROOT / "bin" / "holdfast", "ingest", "--env", "small", "--conf-dir", small.conf],
        check=True,
        env={**os.environ, "HOLDFAST_JIT": "quick"},
    )
    place = made(folder, python)
    return place, place.run(FIRST)


def three_times_as_much_in_december(file: Path) -> None:
    """Plant drift: the amounts of receipts from 1 December on."""
    head, *lines = file.read_text().splitlines()
    time, paid = (head.split(",").index(name) for name in ("time", "paid"))
    changed = []
    for line in lines:
        cells = line.split(",")
        if cells[time] >= "2017-12-01" and cells[paid]:
            cells[paid] = f"{3 * float(cells[paid]):.2f}"
        changed.append(",".join(cells))
    file.write_text("\n".join([head, *changed]) + "\n")


def loosened(conf: Path) -> None:
    """Settings for 300 customers: one learner, and a bound of the Brier score above its noise."""
    values = yaml.safe_load(conf.read_text())
    values["training"] |= {"learners": ["xgboost"], "compare_feature_sets": False}
    values["training"]["stability"] = {"folds": 2, "learners": []}
    values["model_gate"] = {"brier_rise": 0.05}
    conf.write_text(yaml.safe_dump(values))


def copied(place: Place, folder: Path) -> Place:
    """A copy of a place. Its conf names the copy's lake."""
    shutil.copytree(place.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("airflow"))
    (folder / "calls.jsonl").unlink()
    conf = folder / "conf" / "small.yaml"
    values = yaml.safe_load(conf.read_text())
    values["lakehouse"]["root"] = str(folder / "lakehouse")
    conf.write_text(yaml.safe_dump(values))
    return made(folder, place.python)


def daily(place: Place) -> None:
    """The features of the day, as the daily job builds them before it scores. Without a JVM."""
    words = ["build_features", "--env", "small", "--conf-dir", place.folder / "conf"]
    words += ["--engine", "duckdb", "--as-of", "2018-01-01"]
    subprocess.run([ROOT / "bin" / "holdfast", *words], check=True)


@pytest.fixture(scope="module")
def clean(trained, tmp_path_factory) -> tuple[Place, dict]:
    """The run of a month later, undisturbed."""
    place = copied(trained[0], tmp_path_factory.mktemp("clean") / "place")
    daily(place)
    return place, place.run(SECOND)


@pytest.fixture(scope="module")
def disturbed(trained, tmp_path_factory) -> tuple[Place, dict]:
    """The same run. build_features is killed after its first table, train_churn after its model."""
    place = copied(trained[0], tmp_path_factory.mktemp("disturbed") / "place")
    daily(place)
    place.settings(retry_minutes=0.02)
    kills = {
        "build_features": [str(place.lake / "features"), "*/_delta_log/*.json"],
        "train_churn": [str(place.lake / "mlartifacts"), "**/portable.json"],
    }
    (place.folder / "kill.json").write_text(json.dumps(kills))
    return place, place.run(SECOND)


def rows(place: Place, table: str) -> list[dict]:
    return DeltaTable(place.lake / table.replace(".", "/")).to_pyarrow_table().to_pylist()


def test_the_first_run_deploys_a_champion(trained):
    place, seen = trained
    assert seen["state"] == "success"
    assert seen["states"] == {name: ["success", 1] for name in STEPS}
    assert [Path(call[0]).stem for call in place.calls] == [
        *("monitor", "build_features", "train_churn", "validate_model", "deploy_model")
    ]
    days = {call[call.index("--as-of") + 1] for call in place.calls if "--as-of" in call}
    assert days == {"2017-12-01"}
    checks = rows(place, "gold.model_validations")
    assert {(c["model_version"], c["champion_version"]) for c in checks} == {("1", "-")}


def test_drift_is_found_and_a_new_model_is_deployed_without_help(clean):
    place, seen = clean
    assert (seen["state"], set(map(tuple, seen["states"].values()))) == (
        *("success", {("success", 1)}),
    )
    drifted = {r["feature"] for r in rows(place, "gold.drift") if r["is_alert"]}
    assert drifted & {"revenue_30d", "avg_order_value"}, drifted
    alerts = [r for r in rows(place, "gold.alerts") if r["source"] == "drift"]
    assert alerts and all(r["sent_to"] and r["what_to_do"] for r in alerts)
    checks = rows(place, "gold.model_validations")
    second = [c for c in checks if c["model_version"] == "2"]
    assert {(c["champion_version"], c["is_accepted"]) for c in second} == {("1", True)}
    assert "version 2 is the champion" in (place.folder / "output.txt").read_text()


def test_killed_tasks_that_are_retried_leave_the_tables_of_a_clean_run(clean, disturbed):
    place, seen = disturbed
    assert seen["state"] == "success"
    tries = {name: tried for name, (_, tried) in seen["states"].items()}
    assert (tries["feature_engineering"], tries["retrain_model"]) == (2, 2)
    assert {tries[n] for n in STEPS if n not in ("feature_engineering", "retrain_model")} == {1}
    compared = compare_lakes(clean[0].lake, place.lake)
    names = {table.name for table in compared}
    assert {"features.transactions", "gold.model_comparison", "gold.model_validations"} <= names
    assert [told(table) for table in compared if not table.is_equal] == []
