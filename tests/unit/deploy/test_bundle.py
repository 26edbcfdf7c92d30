"""The asset bundle of Databricks, checked offline: fields, references, graph and commands."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
import typer
import yaml

from contracts import catalog
from contracts.gold_metrics import METRIC_VIEWS
from runtime import settings
from runtime.lakehouse.unity_catalog import metric_views_of
from tests.unit.deploy.test_retraining_commands import commands  # noqa: F401

ROOT = Path(__file__).parents[3]
BUNDLE = yaml.safe_load((ROOT / "databricks.yml").read_text())
FILES = [p for pattern in BUNDLE["include"] for p in sorted(ROOT.glob(pattern))]
RESOURCES: dict[str, dict] = {}
for _file in FILES:
    for _kind, _of_kind in yaml.safe_load(_file.read_text())["resources"].items():
        RESOURCES.setdefault(_kind, {}).update(_of_kind)
JOBS = RESOURCES["jobs"]
RETRAINING = JOBS["customer_retention_retraining"]


def filled(value, target="prod"):
    """The value with the variables of a target in place of ${var...}, as the CLI fills them in."""
    given = BUNDLE["targets"][target].get("variables", {})
    defaults = {name: v.get("default", f"<{name}>") for name, v in BUNDLE["variables"].items()}
    if isinstance(value, dict):
        return {k: filled(v, target) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, target) for v in value]
    if not isinstance(value, str):
        return value
    values = {**defaults, **given}
    whole = re.fullmatch(r"\$\{var\.(\w+)\}", value)
    if whole:
        return values[whole[1]]
    return re.sub(r"\$\{var\.(\w+)\}", lambda m: str(values[m[1]]), value)


def test_every_resource_has_the_fields_of_its_class():
    from databricks.bundles.jobs import Job
    from databricks.bundles.schemas import Schema

    for job in JOBS.values():
        Job.from_dict(filled(job))
    for schema in RESOURCES["schemas"].values():
        Schema.from_dict(filled(schema))


def test_a_misspelt_field_is_found():
    from databricks.bundles.jobs import Job

    with pytest.raises(ValueError, match="taks"):
        Job.from_dict({"taks": []})


def test_every_variable_has_a_value_in_every_target_and_is_used():
    assert set(BUNDLE["targets"]) == {"dev", "staging", "prod"}
    text = "\n".join(p.read_text() for p in (ROOT / "databricks.yml", *FILES))
    used = set(re.findall(r"\$\{var\.(\w+)\}", text))
    assert used <= set(BUNDLE["variables"])
    by_target = {"env", "catalog", "schema_prefix"}
    for name, variable in BUNDLE["variables"].items():
        assert name in used, f"{name} is not used"
        has_value = "default" in variable or "lookup" in variable
        assert has_value != (name in by_target)
    for target in BUNDLE["targets"].values():
        assert by_target <= set(target["variables"])


def test_people_run_dev_and_service_principals_run_the_rest():
    targets = BUNDLE["targets"]
    dev = targets["dev"]
    assert dev["default"] and dev["presets"] == {"trigger_pause_status": "PAUSED"}
    assert "run_as" not in dev
    for name in ("staging", "prod"):
        assert targets[name]["mode"] == "production"
        assert targets[name]["run_as"] == {"service_principal_name": f"holdfast-{name}"}


def test_the_schemas_are_the_layers_of_the_catalog():
    from contracts.table import LAYERS

    assert tuple(RESOURCES["schemas"]) == LAYERS
    assert filled(RESOURCES["schemas"]["gold"])["name"] == "retention_gold"


def graph(job):
    """Task -> the tasks before it."""
    return {t["task_key"]: [d["task_key"] for d in t.get("depends_on", [])] for t in job["tasks"]}


def test_the_graph_is_that_of_the_airflow_dag(commands):  # noqa: F811
    steps = [step.task_id for step in commands.STEPS]
    expected = dict(zip(steps, [[], *([s] for s in steps)], strict=False))
    assert graph(RETRAINING) == expected
    for step, task in zip(commands.STEPS, RETRAINING["tasks"], strict=True):
        command, *options = task["python_wheel_task"]["parameters"]
        assert command == step.command
        assert set(step.options) == {o for o in options if o.startswith("--")} - {
            *("--env", "--conf-dir"),
        }
    assert (commands.JOB in JOBS) and RETRAINING["name"] == commands.JOB


@pytest.mark.parametrize("name", JOBS)
def test_each_task_calls_a_command_with_options_that_it_has(name):
    for task in JOBS[name]["tasks"]:
        wheel = task["python_wheel_task"]
        assert (wheel["package_name"], wheel["entry_point"]) == ("holdfast", "holdfast")
        command, *options = wheel["parameters"]
        app = typer.Typer()
        app.command()(importlib.import_module(f"jobs.{command}").command)
        known = {o for p in typer.main.get_command(app).params for o in p.opts}
        assert {o for o in options if o.startswith("--")} <= known, command
        # deploy_model and ingest act on no day of the caller.
        assert ("--as-of" in options) == ("--as-of" in known)


@pytest.mark.parametrize("name", JOBS)
def test_each_task_is_retried_twice_after_five_minutes_and_a_failure_is_mailed(name):
    job = JOBS[name]
    for task in job["tasks"]:
        assert (task["max_retries"], task["min_retry_interval_millis"]) == (2, 5 * 60 * 1_000)
        assert task["timeout_seconds"] > 0
        assert task["libraries"] == [{"whl": "../dist/*.whl"}]
    assert job["max_concurrent_runs"] == 1
    assert filled(job["email_notifications"]["on_failure"]) == ["retention-alerts@example.com"]
    assert [p["name"] for p in job["parameters"]] == ["env", "as_of"]


@pytest.mark.parametrize("name", JOBS)
def test_secrets_come_from_the_scope_and_no_value_stands_in_a_file(name):
    (cluster,) = JOBS[name]["job_clusters"]
    variables = cluster["new_cluster"]["spark_env_vars"]
    secrets = {name for name in variables if not name.startswith("HOLDFAST__")}
    assert secrets == {*("ANTHROPIC_API_KEY", "HOLDFAST_WEBHOOK_SECRET", "HOLDFAST_SMTP_PASSWORD")}
    for secret in secrets:
        assert re.fullmatch(r"\{\{secrets/holdfast/\w+\}\}", filled(variables[secret]))


@pytest.mark.parametrize("name", JOBS)
def test_the_jobs_use_the_catalog_and_the_schemas_of_the_target(name, monkeypatch):
    (cluster,) = JOBS[name]["job_clusters"]
    for variable, value in filled(cluster["new_cluster"]["spark_env_vars"]).items():
        monkeypatch.setenv(variable, value)
    lakehouse = settings.load("demo").lakehouse
    assert (lakehouse.catalog, lakehouse.address("gold.t")) == ("prod", "prod.retention_gold.t")


def test_the_dashboard_reads_tables_and_measures_that_exist():
    (dashboard,) = RESOURCES["dashboards"].values()
    content = json.loads((ROOT / "resources" / dashboard["file_path"]).read_text())
    tables = {t.short_name: t for t in catalog.tables().values() if t.layer == "gold"}
    views = {v.name.partition(".")[2]: v for v in METRIC_VIEWS}
    names = set()
    for dataset in content["datasets"]:
        names.add(dataset["name"])
        query = "".join(dataset["queryLines"])
        sources = re.findall(r"FROM (\w+)", query)
        assert sources and set(sources) <= {*tables, *views}
        measures = set(re.findall(r"MEASURE\((\w+)\)", query))
        known = {m.name for s in sources if s in views for m in views[s].measures}
        assert measures <= known
    for page in content["pages"]:
        for item in page["layout"]:
            for query in item["widget"]["queries"]:
                assert query["query"]["datasetName"] in names


def test_the_metric_views_of_the_dashboard_are_made_with_their_tables():
    made = {view.name for t in catalog.tables().values() for view in metric_views_of(t)}
    assert made == {view.name for view in METRIC_VIEWS}
