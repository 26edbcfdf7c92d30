"""The main job: every step in order, a rerun without changes, and a dry run without writes."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from deltalake import DeltaTable

from contracts import catalog
from pipelines import finished_run, full_pipeline
from pipelines.churn import customer_scoring
from pipelines.reporting.result_lines import MOST_LINES
from runtime.errors import TableError
from runtime.model_registry import Registry
from tests.jobs.ingest_lake import Said
from tests.small_lake import AS_OF

# The first test that uses the lake builds it, which can take long on a busy machine.
pytestmark = [pytest.mark.spark_only, pytest.mark.timeout(1800)]

STEPS = [
    "ingest: sources to bronze and silver",
    "build_features: one row per customer and date",
    "train_churn: fit, test and register models",
    "validate_model: challenger against champion",
    "deploy_model: champion of the next scores",
    "fit_lifetime: 2017-12-02",
    "fit_lifetime: 2018-01-01",
    "score_customers: 2017-12-02",
    "score_customers: 2018-01-01",
    "plan_retention: customers to retain within the budget",
    "report",
]
MADE = [
    "bronze.receipts",
    "silver.transactions",
    "bronze.members",
    "silver.customers",
    "silver.quarantine",
    "bronze.ingest_log",
    "features.demographics",
    "features.behavior",
    "features.transactions",
    "features.labels",
    *("gold.customer_segments", "gold.segment_migration", "gold.customer_scores"),
    *("gold.risk_factors", "gold.churn_by_horizon", "gold.churn_reasons", "gold.satisfaction"),
]
# Tables that a dry run does not list, because it fits no models.
BY_MODELS = {
    *("gold.model_comparison", "gold.feature_sets", "gold.model_validations"),
    "gold.customer_lifetime",
    *("gold.lifetime_models", "gold.clv_backtest", "gold.retention_plan"),
    *("gold.strategy_comparison", "gold.segment_survival"),
}


def steps_of(said):
    return [step[1] for line in said.lines if (step := re.match(r"\[\d+/11\] (.*)", line))]


def tables_in(said, verb):
    """Tables after `verb` (wrote, unchanged, would write), in order, without duplicates."""
    matches = [re.match(rf"{verb} +(\w+\.\w+)", line) for line in said.lines]
    return list(dict.fromkeys(m[1] for m in matches if m and m[1] != "report.html"))


def versions(root):
    logs = sorted(root.glob("*/*/_delta_log"))
    return {f"{p.parts[-3]}.{p.parts[-2]}": DeltaTable(p.parent).version() for p in logs}


def rows_of(root, name):
    table = DeltaTable(root / name.replace(".", "/")).to_pyarrow_table().to_pylist()
    key = catalog.tables()[name].key
    return sorted(table, key=lambda row: tuple(str(row[k]) for k in key))


def test_the_pipeline_prints_each_step_and_writes_every_table(small_lake, small_said):
    assert steps_of(small_said) == STEPS
    assert set(tables_in(small_said, "wrote")) == {*MADE, *BY_MODELS}
    assert versions(small_lake.root).keys() == {*MADE, *BY_MODELS}


def test_the_run_begins_with_an_estimate_and_ends_with_its_result(small_lake, small_said):
    lines = small_said.lines
    assert [line.partition(" ")[0] for line in lines[:2]] == ["This", "Estimate"]
    sizes = [line for line in lines if line.startswith("settings by size: ")]
    assert sizes == ["settings by size: small (up to 10,000 customers): as in conf/defaults.yaml"]
    (start,) = [n for n, line in enumerate(lines) if line.startswith("Result of ")]
    result = lines[start:]
    assert len(result) <= MOST_LINES
    assert result[1].startswith("Contact ")
    assert result[-1].startswith("Next: open ")


def test_a_rerun_changes_nothing_but_restores_a_deleted_gold_slice(small_lake, spark):
    root, name = small_lake.root, "gold.customer_scores"
    before, rows = versions(root), rows_of(root, name)
    spark.sql(f"DELETE FROM delta.`{root}/gold/customer_scores` WHERE as_of = DATE'{AS_OF}'")
    assert 0 < len(rows_of(root, name)) < len(rows)
    said = Said()

    full_pipeline.run(small_lake.context(said))

    assert rows_of(root, name) == rows
    after = versions(root)
    assert {t for t in after if after[t] != before[t]} == {name}
    assert tables_in(said, "wrote") == [name]
    assert "nothing new" in said.lines
    registry = Registry(small_lake.context(Said()).settings)
    registered = registry.client.search_model_versions(f"name = '{registry.model_name}'")
    assert [str(v.version) for v in registered] == ["1"]


def test_without_changes_every_step_but_ingest_and_report_is_skipped(small_lake, monkeypatch):
    monkeypatch.setattr(finished_run, "code_version", lambda: "a commit")
    full_pipeline.run(small_lake.context(Said()))  # records its state
    before, said = versions(small_lake.root), Said()

    full_pipeline.run(small_lake.context(said))

    assert steps_of(said) == STEPS
    skipped = [line for line in said.lines if re.match(r"unchanged +skipped: run \w{12} ", line)]
    assert len(skipped) == len(STEPS) - 2
    assert tables_in(said, "wrote") == [] and versions(small_lake.root) == before
    # Changed files have no commit that names them, and another date is another state.
    context = small_lake.context(Said())
    state = finished_run.state_of(context)
    assert finished_run.finished_with(context, state) is not None
    assert finished_run.state_of(context.at(AS_OF - dt.timedelta(days=30))) != state
    monkeypatch.setattr(finished_run, "code_version", lambda: "a commit+")
    assert finished_run.state_of(context) is None
    assert finished_run.finished_with(context, None) is None


def test_a_dry_run_on_an_empty_lake_prints_the_plan_and_writes_nothing(small_lake, tmp_path):
    said, root = Said(), tmp_path / "lakehouse"

    full_pipeline.run(small_lake.context(said, root, is_dry=True))

    assert list(tmp_path.iterdir()) == []
    assert steps_of(said) == STEPS
    assert set(MADE) <= set(tables_in(said, "would write")) <= {*MADE, *BY_MODELS}
    assert [line for line in said.lines if line.startswith(("would train", "would write report"))]
    # The dry run counts the rows of files that are not in the lake yet.
    lines = len(small_lake.lines)
    assert f"receipts: 1 file, {lines:,} rows in = {lines - 2:,} kept + 2 quarantined" in "".join(
        said.lines
    )
    counts = [line.split()[-2] for line in said.lines if "features.demographics" in line]
    assert counts == ["1,200"]  # 300 customers at four dates


def test_a_date_without_features_is_not_scored(small_lake):
    before = versions(small_lake.root)
    with pytest.raises(TableError) as error:
        customer_scoring.run(small_lake.context(Said(), as_of=dt.date(2017, 12, 25)))
    assert str(error.value) == (
        "features.transactions: has no row for as_of 2017-12-25. Run `holdfast "
        "build_features --env small --as-of 2017-12-25` first."
    )
    assert versions(small_lake.root) == before


def test_lost_customers_are_in_every_plan_without_a_rank_and_the_others_with_a_rank(small_lake):
    """By the receipts, customers whose last purchase is more than 90 days ago are lost."""
    last: dict[str, dt.date] = {}
    for line in small_lake.lines:
        day = dt.date.fromisoformat(line["time"][:10])
        if day < AS_OF:
            last[line["customer"]] = max(day, last.get(line["customer"], day))
    silent = {customer: (AS_OF - day).days for customer, day in last.items()}
    lost = {
        customer: f"Left out: already lost, the last purchase was {days} days ago."
        for customer, days in silent.items()
        if days > 90
    }
    assert 10 < len(lost) < len(silent) - 10
    plan = [r for r in rows_of(small_lake.root, "gold.retention_plan") if r["as_of"] == AS_OF]
    assert len({r["strategy"] for r in plan}) == 5
    for strategy in {r["strategy"] for r in plan}:
        rows = [r for r in plan if r["strategy"] == strategy]
        left_out = {r["customer_id"]: r for r in rows if r["rank"] is None}
        gone = {c: r["why"] for c, r in left_out.items() if c in lost}
        assert gone == lost
        # No one opted out, and every customer is eligible for an offer.
        assert {r["timing"] for c, r in left_out.items() if c not in lost} <= {"later"}
        assert not any(r["is_chosen"] for r in rows if r["rank"] is None)
        ranks = {r["customer_id"]: r["rank"] for r in rows if r["rank"] is not None}
        assert ranks.keys() == silent.keys() - left_out.keys()
        assert sorted(ranks.values()) == list(range(1, len(ranks) + 1))
