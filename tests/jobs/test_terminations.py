"""train_churn where contracts end on a date and Claude classifies the text of tickets."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from models.portable import PortableModel
from pipelines.churn import customer_scoring
from pipelines.features import feature_tables
from runtime.model_registry import CHALLENGER, Registry
from tests.jobs.silver_lake import WINDOWS, asked, bought, row, write_silver
from tests.jobs.trained_lake import train_and_deploy
from tests.unit.messages.fake_claude import FakeClaude, written

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
AS_OF, FIRST = dt.date(2018, 1, 1), dt.date(2017, 3, 1)
LEAD, HORIZON = 14, 30
# One horizon plus lead apart: train, train, validation, test.
DATES = [AS_OF - dt.timedelta(days=(LEAD + HORIZON) * n) for n in (4, 3, 2, 1)]
# One contract ends per day; as many customers stay.
ENDS = {f"end{j:03d}": dt.date(2017, 6, 15) + dt.timedelta(days=j) for j in range(200)}
STAYING = [f"stay{j:03d}" for j in range(200)]


def receipts():
    """A purchase every 5 days; every 15 days in the last 40 days before an end.

    Every fourth customer who stays buys every 15 days too.
    """
    for j, customer in enumerate([*ENDS, *STAYING]):
        end, day, number = ENDS.get(customer, AS_OF), FIRST + dt.timedelta(days=j % 5), 0
        while day < end:
            yield bought(customer, f"{customer}-{number}", day.isoformat(), 10)
            leaves = customer in ENDS and day >= end - dt.timedelta(days=40)
            day += dt.timedelta(days=15 if leaves or (customer in STAYING and j % 4 == 0) else 5)
            number += 1
    yield bought("stay000", "last", AS_OF.isoformat(), 10)


def tickets():
    """One ticket three days before each end, about price and quality in turn.

    Every fifth has a category.
    """
    for j, (customer, end) in enumerate(ENDS.items()):
        reason = ("price", "quality")[j % 2]
        text = {"price": "Why is it so dear now?", "quality": "It broke again."}[reason]
        text = text if j % 20 else "Is it dear, or is it me?"
        opened = (end - dt.timedelta(days=3)).isoformat()
        yield asked(customer, f"t{j}", opened, text, category=None if j % 5 else reason)


def answer(body, _):
    """The answer of a model that misclassifies one of the texts."""
    text = json.loads(body["messages"][0]["content"])["text"]
    labels = {"Why is it so dear now?": "price", "It broke again.": "quality"}
    return 200, {}, written(labels.get(text, "support")), 0


def context_at(root, url):
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import load

    churn = {"definition": "termination", "lead_days": LEAD, "horizons_days": [HORIZON]}
    settings = load(
        "demo",
        lakehouse={"root": str(root), "catalog": None},
        features={"windows_days": WINDOWS},
        churn=churn,
        messages={"base_url": url},
        training={
            "train_dates": 2,
            "rolling_dates": 0,
            "bootstrap_samples": 60,
            "leak_alarm_roc_auc": 1.0,
            "leak_alarm_roc_auc_active_90d": 1.0,
            "learners": ["xgboost"],
            "search": "none",
            "compare_feature_sets": False,
            "stability": {"learners": []},
            "starts": {"xgboost": {"n_estimators": 20, "max_depth": 3}},
            "spaces": {"xgboost": {"n_estimators": {"low": 10, "high": 300}}},
            # More than the categories of people provide.
            "reasons": {"fewest": 60, "read_by_claude": {"is_on": True}},
        },
    )
    return Context(settings, RunInfo("test"), Progress(is_quiet=True))


@pytest.fixture(scope="module")
def company(spark, tmp_path_factory):
    """A context over the lake after training and scoring, and the server that stood in for Claude."""
    root, server = tmp_path_factory.mktemp("terminations") / "lakehouse", FakeClaude(answer)
    silver = {
        "silver.transactions": list(receipts()),
        "silver.terminations": [
            row(customer, terminated_at=f"{end}T10:00") for customer, end in ENDS.items()
        ],
        "silver.support_tickets": list(tickets()),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_API_KEY", "sk-test-key")
        write_silver(root, silver)
        feature_tables.run(context_at(root, server.url))
        train_and_deploy(context_at(root, server.url))
        customer_scoring.run(context_at(root, server.url))
    yield context_at(root, server.url), server
    server.close()


@pytest.fixture
def run(company):
    """The registry, and the run of its only version."""
    registry = Registry(company[0].settings)
    return registry, registry.client.get_run(registry.by_alias(CHALLENGER).run_id)


def test_churned_is_1_if_the_contract_ends_within_the_horizon_after_the_lead(company):
    """A customer whose contract ends within the lead, or has ended, has no row."""
    lead, horizon = dt.timedelta(days=LEAD), dt.timedelta(days=HORIZON)
    expected = {
        (customer, day): int(end is not None and day + lead <= end < day + lead + horizon)
        for day in DATES
        for customer, end in [*ENDS.items(), *((customer, None) for customer in STAYING)]
        if end is None or end >= day + lead
    }
    labels = company[0].read("features.labels").toPandas()
    assert set(labels["definition"]) == {"termination"} and set(labels["lead_days"]) == {LEAD}
    keys = zip(labels["customer_id"], labels["as_of"], strict=True)
    assert dict(zip(keys, labels["churned"], strict=True)) == expected
    assert sum(expected.values()) == len(DATES) * HORIZON  # one end per day


def test_the_model_metadata_has_the_churn_definition_and_the_dates(run):
    registry, training = run
    model = PortableModel.from_json(registry.by_alias(CHALLENGER).portable)
    facts = {"lead_days": LEAD, "horizon_days": HORIZON, "definition": "termination"}
    facts["tested_on"] = DATES[3].isoformat()
    assert facts.items() <= model.metadata.items()
    assert model.metadata["trained_on"] == [day.isoformat() for day in DATES[:3]]
    card = " ".join(registry.run_text(training.info.run_id, "model_card.md").split())
    assert "the contract ends within 30 days" in card and "14 days after as_of." in card
    assert "leave" in card and "an offer would keep." in card
    # No label here comes from silence.
    assert "silences.json" not in {
        f.path for f in registry.client.list_artifacts(training.info.run_id)
    }


def test_contract_ends_are_predicted_two_weeks_ahead(company):
    """Far better than chance, but not perfectly.

    A quarter of the customers who stay buy as rarely. And customers whose contract ends in more
    than 40 days have not slowed down yet.
    """
    rows = company[0].read("gold.model_comparison").toPandas()
    rows = rows.query("model_name == 'xgboost' and metric == 'roc_auc' and population == 'all'")
    assert rows["ci_low"].iloc[0] > 0.6


def test_customers_whose_contract_has_ended_are_not_scored(company):
    scores = company[0].read("gold.customer_scores").toPandas()
    assert set(scores["customer_id"]) == set(STAYING)


def test_claude_labels_tickets_and_its_agreement_with_human_labels_is_logged(company, run):
    """Of 40 tickets with a category, 10 are read as support, so 30 agree.

    Claude answers price, quality and support 10, 20 and 10 times; the categories are price and
    quality, 20 times each. Agreement by chance is (10 · 20 + 20 · 20) / 40² = .375, so kappa is
    (.75 - .375) / (1 - .375) = .6.
    """
    metrics = run[1].data.metrics
    assert metrics["ticket_labels.tickets"] == 40
    assert metrics["ticket_labels.accuracy"] == pytest.approx(0.75)
    assert metrics["ticket_labels.kappa"] == pytest.approx(0.6)
    sent = "".join(company[1].raw)
    assert len(company[1].requests) == 200 and "end0" not in sent


def test_reason_models_are_trained_on_the_labels_of_claude(company, run):
    """A fifth of the 90 leavers before the test date have a category; with Claude's labels all do."""
    registry, training = run
    assert set(registry.further_models(registry.by_alias(CHALLENGER), "reason")) == {
        "price",
        "quality",
    }
    # The version of the tickets is recorded, so that the run can be repeated.
    versions = registry.run_json(training.info.run_id, "input_versions.json")
    assert versions["silver.support_tickets"] == company[0].lake.version("silver.support_tickets")
    rows = company[0].read("gold.customer_scores").toPandas()
    assert set(rows["reason_basis"]) == {"labelled"}
    assert set(rows["main_reason"]) <= {"price", "quality"}


def test_each_reason_model_is_evaluated_on_the_validation_date(company):
    """The reasons alternate and no feature separates them, so 1/2 is the best guess.

    Its Brier score is .25. A model that had seen the labels on which it is judged would score lower.
    """
    rows = company[0].read("gold.model_comparison").toPandas()
    rows = rows[rows["model_name"].str.startswith("reason_")]
    assert set(rows["split"]) == {"validation"}
    wide = rows.pivot(index="model_name", columns="metric", values="value")
    assert list(wide.index) == ["reason_price", "reason_quality"]
    measured = {"average_precision", "brier", "expected_calibration_error", "roc_auc"}
    assert set(wide.columns) == measured
    assert wide["brier"].between(0.2, 0.3).all()
