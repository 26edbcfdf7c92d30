"""Each commit of the small company against contracts/writers.py, and the numbers of its leases."""

from __future__ import annotations

import json

import pytest
from deltalake import DeltaTable

from contracts.writers import WRITERS, held_tables, may_write
from tests.wiring.small_company import MAPPINGS

pytestmark = pytest.mark.spark_only

SOURCES = {name: mapping["table"] for name, mapping in MAPPINGS.items()}
SOURCES["old_visits"] = "engagement_events"  # the database with a password of secret_values.py
# The company approves no text, simulates nothing and runs each command by itself; the service
# answers over a copy of it.
NOT_RUN = {
    *("approve_texts", "simulate", "run_pipeline", "maintain", "monitor"),
    *("serve", "check_inference_log"),
    # tests/jobs and tests/unit/app have lakes of their own for them.
    *("erase_customer", "make_pseudonyms", "stream_events", "train_fraud", "score_payments", "app"),
}
# Declared, but this company gives no reason to write them.
NOT_WRITTEN = {
    *((command, "models.churn") for command in ("train_churn", "validate_model", "deploy_model")),
    ("roll_back", "models.churn"),
    ("train_churn", "gold.feature_sets"),  # no row: too few customers to compare feature sets
}


@pytest.fixture(scope="module")
def commits(company):
    """Table -> facts of its commits with rows, the oldest first."""
    tables = {}
    for log in sorted(company.root.glob("*/*/_delta_log")):
        history = reversed(DeltaTable(log.parent).history())
        name = f"{log.parents[1].name}.{log.parent.name}"
        tables[name] = [json.loads(c["userMetadata"]) for c in history if c.get("userMetadata")]
    return tables


def test_each_table_is_written_by_the_commands_that_declare_it_and_by_no_other(commits):
    wrote = {(facts["job"], name) for name, all_facts in commits.items() for facts in all_facts}
    assert {(job, name) for job, name in wrote if not may_write(job, name, SOURCES)} == set()
    declared = {
        (command, name)
        for command, writer in WRITERS.items()
        if command not in NOT_RUN
        for name in (*held_tables(command, SOURCES), *writer.at_commit)
    }
    assert declared - wrote - NOT_WRITTEN == set()


def test_each_commit_has_the_number_of_a_lease_that_grows_with_each_run(commits):
    for name, all_facts in commits.items():
        runs = {}
        for facts in all_facts:
            runs.setdefault(facts["lease"], set()).add(facts["run_id"])
        numbers = [facts["lease"] for facts in all_facts]
        assert numbers == sorted(numbers), name
        assert all(len(of_number) == 1 for of_number in runs.values()), name


def test_every_lease_was_released(company):
    files = sorted((company.root / ".leases").glob("*/*.json"))
    assert files
    assert {json.loads(file.read_text())["state"] for file in files} == {"released"}
