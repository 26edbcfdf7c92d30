"""The small lake of every engine: files and settings of the small company, and the steps over them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.engines.steps import ENV
from tests.wiring import company_files as files, small_company
from tests.wiring.company_files import CAMPAIGN_1, CAMPAIGN_2, CAMPAIGN_3, HISTORY_KNOWN, PLAN_1

Step = tuple[str, dict[str, Any]]

_DAYS = [day.isoformat() for day in (CAMPAIGN_1, CAMPAIGN_2, CAMPAIGN_3, PLAN_1)]
_PLAN = {"as_of": PLAN_1.isoformat()}
BUILD: tuple[Step, ...] = (
    ("ingest", {"known_at": HISTORY_KNOWN}),
    ("build_features", {"as_of": _DAYS}),
)
LEARN: tuple[Step, ...] = (
    ("train_churn", _PLAN),
    ("fit_lifetime", _PLAN),
    ("score_customers", _PLAN),
    ("plan_retention", _PLAN),
    ("decide_offers", _PLAN),
)
STEPS = BUILD + LEARN
ON_DUCKDB: tuple[Step, ...] = (("build_features", {"as_of": _DAYS, "engine": "duckdb"}),)
LEARNERS = ["xgboost", "logistic_regression", "random_forest"]
# The key that signs the links of surveys; ingest verifies the tokens of answers with it.
VARIABLES = {"HOLDFAST_SURVEY_KEY": "a key of at least thirty-two characters"}
# Options of spark-submit that win over the profile. To compile the plan of a few hundred rows takes
# longer than to run it, and so does the start of 200 tasks for them.
FOR_FEW_ROWS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.coalescePartitions.initialPartitionNum": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
}


def write_files(folder: Path) -> None:
    """What the company delivers until 1 August: one folder per source in FOLDER/files."""
    files.write_history(files.Company(), folder / "files")
    small_company.write_conf(folder)


def write_run(source: Path, run: Path, *, steps: Sequence[Step], conf: Mapping[str, Any]) -> Path:
    """The folder of one run: steps.json, and conf/ with the small company's settings.

    source: the folder of write_files. conf replaces sections of the settings, key by key.
    """
    (run / "conf").mkdir(parents=True)
    given = yaml.safe_load((source / "conf" / f"{small_company.SECOND}.yaml").read_text())
    given["lakehouse"] = {"root": str(run / "lakehouse")}
    given["training"]["learners"] = LEARNERS
    merged = {**given, **{k: _merged(given.get(k), v) for k, v in conf.items()}}
    (run / "conf" / f"{ENV}.yaml").write_text(yaml.safe_dump(merged, sort_keys=False))
    (run / "conf" / "offers.yaml").write_bytes((source / "conf" / "offers.yaml").read_bytes())
    listed = [{"job": job, "options": options} for job, options in steps]
    (run / "steps.json").write_text(json.dumps(listed))
    return run


def _merged(before: Any, after: Any) -> Any:
    both = isinstance(before, dict) and isinstance(after, Mapping)
    return {**before, **after} if both else after
