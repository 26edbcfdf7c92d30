"""The command lines of the retraining DAG, without Airflow."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import typer

from jobs import build_features, deploy_model, monitor, train_churn, validate_model

FOLDER = Path(__file__).parents[3] / "deploy" / "airflow"


@pytest.fixture(scope="module")
def commands():
    """deploy/airflow/holdfast_commands.py, which is in no package."""
    spec = importlib.util.spec_from_file_location(
        "holdfast_commands", FOLDER / "holdfast_commands.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def lines(commands, **values):
    conf = commands.conf_of({"env": "acme", **values})
    return [commands.command_line(conf, step) for step in commands.STEPS]


def test_each_task_calls_one_command_on_this_machine(commands):
    day = '"{{ params.as_of or macros.ds_add(ds, -1) }}"'
    start = "cd /opt/holdfast && exec bin/spark-submit"
    assert lines(commands) == [
        f"{start} jobs/monitor.py --env acme --newest-features --as-of {day}",
        f"{start} jobs/build_features.py --env acme --with-training-dates --as-of {day}",
        f"{start} jobs/train_churn.py --env acme --skip-older --as-of {day}",
        f"{start} jobs/validate_model.py --env acme --as-of {day}",
        f"{start} jobs/deploy_model.py --env acme",
    ]


def test_on_a_cluster_the_archive_and_the_options_come_before_the_job(commands):
    given = {"runner": "cluster", "submit_options": ["--master", "yarn", "--name", "a b"]}
    line = lines(commands, **given, conf_dir="/etc/holdfast", home="/srv/my app")[-1]
    assert line == (
        "cd '/srv/my app' && exec spark-submit --packages io.delta:delta-spark_4.2_2.13:4.4.0 "
        "--py-files \"$(ls dist/holdfast-*.zip)\" --master yarn --name 'a b' "
        "jobs/deploy_model.py --env acme --conf-dir /etc/holdfast"
    )


def test_on_databricks_each_task_runs_the_task_of_the_bundle_with_its_name(commands):
    line = lines(commands, runner="databricks", target="staging", home="/srv/bundle")[1]
    assert line == (
        "cd /srv/bundle && exec databricks bundle run --target staging "
        "customer_retention_retraining --only feature_engineering --params "
        '"env=acme,as_of={{ params.as_of or macros.ds_add(ds, -1) }}"'
    )


def test_the_delta_version_is_that_of_the_documented_command(commands):
    assert f"--packages {commands.DELTA}" in (FOLDER.parents[1] / "docs" / "deploy.md").read_text()


def test_every_option_is_one_of_the_command(commands):
    modules = (monitor, build_features, train_churn, validate_model, deploy_model)
    for step, module in zip(commands.STEPS, modules, strict=True):
        assert module.__name__ == f"jobs.{step.command}"
        app = typer.Typer()
        app.command()(module.command)
        known = {o for p in typer.main.get_command(app).params for o in p.opts}
        assert {*step.options, "--env", "--conf-dir"} <= known


def test_a_name_with_shell_signs_is_one_word(commands):
    line = lines(commands, env="a; rm -rf b")[-1]
    assert shlex.split(line)[-2:] == ["--env", "a; rm -rf b"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"runner": "kubernetes"},
            "retraining.json: runner must be one of local, cluster, databricks, got kubernetes.",
        ),
        ({"as_of_lag_days": -1}, "retraining.json: as_of_lag_days must be 0 or more, got -1."),
    ],
)
def test_a_wrong_value_is_named_with_the_rule(commands, values, text):
    with pytest.raises(ValueError) as caught:
        commands.conf_of({"env": "acme", **values})
    assert str(caught.value) == text


def test_an_unknown_setting_is_named(commands):
    with pytest.raises(
        ValueError, match=r"^retraining.json: retry is no setting\. Settings: env, "
    ):
        commands.conf_of({"env": "acme", "retry": 3})


def test_the_shipped_file_has_every_setting_and_the_defaults(commands, monkeypatch, tmp_path):
    shipped = json.loads((FOLDER / "retraining.json").read_text())
    monkeypatch.delenv(commands.VARIABLE, raising=False)
    conf = commands.load()
    assert shipped.keys() == {f.name for f in commands.dataclasses.fields(conf)}
    assert (conf.retries, conf.retry_minutes, conf.needs_approval) == (2, 5, False)
    assert conf.start.isoformat() == "2026-01-05T00:00:00+00:00"
    other = tmp_path / "other.json"
    other.write_text('{"env": "acme", "retries": 1}')
    monkeypatch.setenv(commands.VARIABLE, str(other))
    assert (commands.load().env, commands.load().retries) == ("acme", 1)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda p: p.name)
def test_the_dag_imports_airflow_and_the_standard_library_alone(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.partition(".")[0])
    assert names - sys.stdlib_module_names <= {"airflow", "holdfast_commands"}


def test_the_template_is_not_read_by_the_shell(commands):
    """Only the rendered date is between the quotes."""
    for line in lines(commands):
        assert len(re.findall(r"\{\{", line)) == ("--as-of" in line)
