"""The small lake of every engine: the files of tests/small_lake.py, and the steps over them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.engines.steps import ENV
from tests.small_lake import small_files_in

Step = tuple[str, dict[str, Any]]

# The days come from conf: as_of, and the dates that training needs.
BUILD: tuple[Step, ...] = (
    ("ingest", {"known_at": "2018-01-02T06:00:00"}),
    ("build_features", {}),
)
LEARN: tuple[Step, ...] = (
    ("train_churn", {}),
    ("validate_model", {}),
    ("deploy_model", {}),
    ("fit_lifetime", {}),
    ("score_customers", {}),
    ("plan_retention", {}),
)
STEPS = BUILD + LEARN
ON_DUCKDB: tuple[Step, ...] = (("build_features", {"engine": "duckdb"}),)
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
    """The CSV files of 300 invented customers, and their settings in FOLDER/conf."""
    folder.mkdir(parents=True, exist_ok=True)
    small_files_in(folder)


def write_run(source: Path, run: Path, *, steps: Sequence[Step], conf: Mapping[str, Any]) -> Path:
    """The folder of one run: steps.json, and conf/ with the settings of the small lake.

    source: the folder of write_files. conf replaces sections of the settings, key by key.
    """
    (run / "conf").mkdir(parents=True)
    given = yaml.safe_load((source / "conf" / "small.yaml").read_text())
    given["lakehouse"] = {"root": str(run / "lakehouse")}
    # They fit the same learners again, on other rows.
    given["training"] |= {"compare_feature_sets": False, "stability": {"folds": 2, "learners": []}}
    merged = {**given, **{k: _merged(given.get(k), v) for k, v in conf.items()}}
    (run / "conf" / f"{ENV}.yaml").write_text(yaml.safe_dump(merged, sort_keys=False))
    listed = [{"job": job, "options": options} for job, options in steps]
    (run / "steps.json").write_text(json.dumps(listed))
    return run


def _merged(before: Any, after: Any) -> Any:
    both = isinstance(before, dict) and isinstance(after, Mapping)
    return {**before, **after} if both else after
